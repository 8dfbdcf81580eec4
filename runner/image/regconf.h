/* SPDX-License-Identifier: Apache-2.0
 *
 * regconf - registries.conf: mirrors, insecure registries, short names
 *
 * How it works: the subset of TOML that registries.conf(5) version 2 uses:
 * tables, arrays of tables, strings, booleans, arrays of strings. What is not
 * understood is refused with its line, never guessed at. Files, first found:
 * $CONTAINERS_REGISTRIES_CONF, $XDG_CONFIG_HOME/containers/registries.conf,
 * /etc/containers/registries.conf; then the *.conf files of registries.conf.d
 * beside the last two.
 */
#ifndef RUNNER_IMAGE_REGCONF_H
#define RUNNER_IMAGE_REGCONF_H

#include <stdbool.h>
#include <stddef.h>

#include "common/cleanup.h"
#include "common/str.h"
#include "runner/image/reference.h"

#define REGCONF_MAX (1u << 20)

/**
 * struct reg_place - where a repository is served
 * @location:	"host[:port][/path]" in place of the prefix
 * @insecure:	plain HTTP or an unverified certificate will do
 */
struct reg_place {
	char *location;
	bool insecure;
};

/**
 * struct reg_entry - one [[registry]]
 * @prefix:	which names it is about
 * @self:	where they really are
 * @mirrors:	asked before
 */
struct reg_entry {
	char *prefix;
	struct reg_place self;
	bool blocked;
	struct reg_place *mirrors;
	size_t n_mirrors;
};

/**
 * struct regconf - all files together
 * @search:	registries that short names are looked for in
 * @aliases:	"name=full name"
 */
struct regconf {
	struct reg_entry *entries;
	size_t n;
	struct strv search;
	struct strv aliases;
};

void regconf_clear(struct regconf *c);
DEFINE_AUTO_CLEAR(struct regconf, regconf_clear);

/**
 * regconf_parse() - add one file's text; pure
 * Return: 0, -EINVAL with file, line and reason
 */
int regconf_parse(const char *text, const char *file, struct regconf *c, struct err *e);

/**
 * regconf_load() - all files; none is fine
 */
int regconf_load(struct regconf *ret, struct err *e);

/**
 * regconf_find() - the entry with the longest prefix of a reference, or NULL
 */
const struct reg_entry *regconf_find(const struct regconf *c, const struct ref *ref);

/**
 * regconf_place() - a reference as a place serves it
 * @prefix:	of the entry
 */
int regconf_place(const struct ref *ref, const char *prefix, const struct reg_place *place,
		  struct ref *ret, struct err *e);

#endif
