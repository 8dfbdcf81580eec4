/* SPDX-License-Identifier: Apache-2.0
 *
 * json - typed reading of JSON objects, with errors that name the field
 *
 * How it works: struct jctx carries the spec that owns the memory and the
 * path of the object at hand ("linux.resources"). Every getter leaves its
 * output alone when the key is absent or null, and fails when the value has
 * another type or is out of range.
 */
#ifndef RUNNER_OCI_JSON_H
#define RUNNER_OCI_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "runner/oci/spec.h"

struct err;

/**
 * struct jctx - where we are
 * @s:	   owner of strings and arrays
 * @where: path of the object, "" at the top
 * @e:	   takes the explanation
 */
struct jctx {
	struct spec *s;
	const char *where;
	struct err *e;
};

/**
 * json_read() - text to a tree
 *
 * Integers up to 2^64-1 are kept (the library alone stops at 2^63-1). Nesting
 * and size are bounded.
 */
int json_read(const char *text, size_t len, json_t **ret, struct err *e);

/** json_type_error() - "where.key: not a WHAT" */
int json_type_error(const struct jctx *c, const char *key, const char *what);

int json_get_str(const struct jctx *c, const json_t *o, const char *key, const char **ret);
int json_get_bool(const struct jctx *c, const json_t *o, const char *key, bool *ret);
int json_get_u64(const struct jctx *c, const json_t *o, const char *key, uint64_t max,
		 uint64_t *ret, bool *ret_set);
int json_get_i64(const struct jctx *c, const json_t *o, const char *key, int64_t min, int64_t max,
		 int64_t *ret, bool *ret_set);
int json_get_strv(const struct jctx *c, const json_t *o, const char *key, struct spec_strv *ret);

/** json_get_opt() - a number that may be absent */
int json_get_opt(const struct jctx *c, const json_t *o, const char *key, struct spec_opt_i64 *ret);

/** json_get_flag() - true or false that may be absent */
int json_get_flag(const struct jctx *c, const json_t *o, const char *key, struct spec_opt_i64 *ret);

/** json_get_map() - an object of strings */
int json_get_map(const struct jctx *c, const json_t *o, const char *key,
		 const struct spec_kv **ret, size_t *ret_n);

/** json_sub() - a member that is an object; *ret is NULL when absent */
int json_sub(const struct jctx *c, const json_t *o, const char *key, const json_t **ret);

/**
 * json_each() - calls fn for each object of an array, with "where.key[i]"
 * @size:  of one element
 * @ret:   array in the spec's memory
 * @fn:	   fills one element
 */
int json_each(const struct jctx *c, const json_t *o, const char *key, size_t size, void *ret,
	      size_t *ret_n, int (*fn)(const struct jctx *c, const json_t *o, void *elem));

/** json_at() - the context of a member */
struct jctx json_at(const struct jctx *c, const char *key);

#endif
