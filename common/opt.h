/* SPDX-License-Identifier: Apache-2.0
 *
 * opt - options declared once, in a table
 *
 * A row names an option, its type and where its value goes (an offset into
 * the caller's struct), so parsing is a pure function of rows and argv, and
 * help is printed from the same rows. Values are borrowed from argv; lists
 * copy. Accepted forms: --name VALUE, --name=VALUE, -n VALUE, -nVALUE,
 * clusters (-it), --flag, --flag=true, --flag=false, and "--" ends options.
 */
#ifndef COMMON_OPT_H
#define COMMON_OPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/err.h"
#include "common/str.h"

enum opt_type {
	OPT_TYPE_END,
	OPT_TYPE_BOOL,	/* bool */
	OPT_TYPE_STR,	/* const char *, borrowed; the last one wins */
	OPT_TYPE_INT,	/* int, decimal */
	OPT_TYPE_U64,	/* uint64_t, decimal */
	OPT_TYPE_LIST,	/* struct strv, every occurrence is added */
	OPT_TYPE_CALL,	/* opt_fn gets the value and the field */
	OPT_TYPE_ROWS,	/* another table over the same struct */
	OPT_TYPE_MAX_,
};

/**
 * opt_fn - parse one value
 * @value:	the value, NULL for a flag row (no arg name)
 * @field:	the struct passed to opt_parse() plus the row's offset
 *
 * Return: 0, or -errno with the reason in @e
 */
typedef int opt_fn(const char *value, void *field, struct err *e);

/**
 * struct opt - one row
 * @name:	long name without dashes, NULL when there is only a short one
 * @short_name:	one character, 0 when there is none
 * @type:	what the field is
 * @offset:	where the field is in the caller's struct
 * @arg:	name of the value in help, NULL when the option takes none
 * @help:	one line; NULL hides the row from help
 * @fn:		for OPT_TYPE_CALL
 * @rows:	for OPT_TYPE_ROWS
 */
struct opt {
	const char *name;
	char short_name;
	enum opt_type type;
	size_t offset;
	const char *arg;
	const char *help;
	opt_fn *fn;
	const struct opt *rows;
};

/* The field's type is checked at compile time. */
#define OPT_FIELD_(T, F, want) \
	(offsetof(T, F) +      \
	 0 * sizeof(char[_Generic(&((T *)0)->F, want *: 1)]))

#define OPT_BOOL(s, l, T, F, h)                                     \
	{ .name = (l), .short_name = (s), .type = OPT_TYPE_BOOL,           \
	  .offset = OPT_FIELD_(T, F, bool), .help = (h) }
#define OPT_STR(s, l, T, F, a, h)                                   \
	{ .name = (l), .short_name = (s), .type = OPT_TYPE_STR,            \
	  .offset = OPT_FIELD_(T, F, const char *), .arg = (a), .help = (h) }
#define OPT_INT(s, l, T, F, a, h)                                   \
	{ .name = (l), .short_name = (s), .type = OPT_TYPE_INT,            \
	  .offset = OPT_FIELD_(T, F, int), .arg = (a), .help = (h) }
#define OPT_U64(s, l, T, F, a, h)                                   \
	{ .name = (l), .short_name = (s), .type = OPT_TYPE_U64,            \
	  .offset = OPT_FIELD_(T, F, uint64_t), .arg = (a), .help = (h) }
#define OPT_LIST(s, l, T, F, a, h)                                  \
	{ .name = (l), .short_name = (s), .type = OPT_TYPE_LIST,           \
	  .offset = OPT_FIELD_(T, F, struct strv), .arg = (a), .help = (h) }
/* a is NULL for a flag that calls */
#define OPT_CALL(s, l, T, F, a, f, h)                               \
	{ .name = (l), .short_name = (s), .type = OPT_TYPE_CALL,           \
	  .offset = offsetof(T, F), .arg = (a), .help = (h), .fn = (f) }
#define OPT_ROWS(r) { .type = OPT_TYPE_ROWS, .rows = (r) }
#define OPT_END { .type = OPT_TYPE_END }

/* Stop at the first operand: what follows belongs to another program. */
#define OPT_STOP_AT_OPERAND 1

/**
 * opt_parse() - fill target from argv
 * @rows:	ends with OPT_END
 * @argv:	argv[0] is skipped; operands are moved to the front of argv[1…]
 *		in order (not with OPT_STOP_AT_OPERAND, which leaves argv alone)
 * @flags:	0 or OPT_STOP_AT_OPERAND
 * @ret_first:	index of the first operand; argc when there is none
 * @ret_end:	one behind the last operand, may be NULL with
 *		OPT_STOP_AT_OPERAND (operands then go on to argc)
 *
 * Return: 0, -EINVAL with the option named in @e, -ENOMEM
 */
int opt_parse(const struct opt *rows, int argc, char **argv, unsigned int flags, void *target,
	      int *ret_first, int *ret_end, struct err *e);

/**
 * opt_help() - print the rows, one option a line
 */
void opt_help(const struct opt *rows, FILE *out);

#endif
