/* SPDX-License-Identifier: Apache-2.0
 *
 * texpr - what stands between the braces of a template: values and functions
 *
 * pipeline = command { "|" command }
 * command  = FUNCTION { operand } | operand
 * operand  = .Path | $ | $name | "text" | `text` | number | true | false |
 *	      "(" pipeline ")" , each but the constants with a .Path behind it
 */
#ifndef RUNNER_CMD_TEXPR_H
#define RUNNER_CMD_TEXPR_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/str.h"

struct err;

/**
 * struct texpr_var - a variable of a range, innermost first
 * @name:	without "$", @len bytes
 */
struct texpr_var {
	const char *name;
	size_t len;
	json_t *value;
	const struct texpr_var *next;
};

/**
 * struct texpr_scope - what names mean
 * @root:	"$"
 * @dot:	"."
 */
struct texpr_scope {
	json_t *root;
	json_t *dot;
	const struct texpr_var *vars;
};

/**
 * texpr_eval() - the value of a pipeline
 * @ret:	a new reference; NULL for an element that a list or map does not have
 * Return: 0, -EINVAL with the piece that is not understood, -ENOENT for a field
 * that an object does not have
 */
int texpr_eval(const char *text, size_t len, const struct texpr_scope *scope, json_t **ret,
	       struct err *e);

/**
 * texpr_print() - append a value as Go prints it; NULL is nothing
 * Return: 0, -ENOMEM
 */
int texpr_print(json_t *v, struct strbuf *out);

/**
 * texpr_is_true() - as "if" of Go sees it: not empty, not zero
 */
bool texpr_is_true(const json_t *v);

/**
 * texpr_is_name() - a character that a variable's or function's name may have
 */
bool texpr_is_name(char c);

#endif
