/* SPDX-License-Identifier: Apache-2.0
 *
 * json - reading other people's JSON: every member may be missing or of the
 * wrong type, and neither is a crash
 */
#ifndef RUNNER_IMAGE_JSON_H
#define RUNNER_IMAGE_JSON_H

#include <jansson.h>

#include "common/cleanup.h"
#include "common/str.h"

struct err;

static inline void json_drop(json_t *j)
{
	json_decref(j);
}
DEFINE_AUTO(json_t, json_drop);

/**
 * json_object_load() - parse a buffer that must hold one object
 * @what:	for the error line
 * Return: 0, -EINVAL with line and reason
 */
int json_object_load(const char *data, size_t len, const char *what, json_t **ret,
		     struct err *e);

/**
 * json_str() - a string member
 * Return: borrowed text, NULL when it is missing, no string, or has a NUL inside
 */
const char *json_str(const json_t *obj, const char *key);

/**
 * json_strv() - append the strings of an array member; others are skipped
 */
void json_strv(const json_t *obj, const char *key, struct strv *out);

/**
 * json_keys() - append the keys of an object member
 */
void json_keys(const json_t *obj, const char *key, struct strv *out);

#endif
