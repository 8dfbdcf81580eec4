/* SPDX-License-Identifier: Apache-2.0
 *
 * spec_parse - the parts of config.json, one parser a file
 */
#ifndef RUNNER_OCI_SPEC_PARSE_H
#define RUNNER_OCI_SPEC_PARSE_H

#include <jansson.h>

#include "runner/oci/json.h"
#include "runner/oci/spec.h"

/* One word of a fixed set. */
struct parse_word {
	const char *word;
	uint64_t value;
};

/** parse_word() - a word's value; an error names the field and the word */
int parse_word(const struct jctx *c, const char *key, const char *word,
	       const struct parse_word *set, size_t n, uint64_t *ret);

/**
 * parse_bits() - a list of numbers such as "0-3,7"
 * @max: what all of them must be below, a multiple of 64
 * @ret: untouched where the text is NULL or empty
 */
int parse_bits(const struct jctx *c, const char *key, const char *text, size_t max,
	       struct spec_bits *ret);

int parse_process(const struct jctx *c, const json_t *o, struct spec_process *ret);
int parse_linux(const struct jctx *c, const json_t *o, struct spec *ret);
int parse_resources(const struct jctx *c, const json_t *o, struct spec_resources *ret);
int parse_seccomp(const struct jctx *c, const json_t *o, struct spec_seccomp *ret);
int parse_idmap(const struct jctx *c, const json_t *o, void *elem);

#endif
