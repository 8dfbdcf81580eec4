/* SPDX-License-Identifier: Apache-2.0
 *
 * template - the part of Go templates that people give to --format
 *
 * {{.}} {{.A.B}} {{json .A}} {{index .A "key"}} {{len .A}} {{lower .A}}
 * {{upper .A}} {{join .A ","}} {{if .A}}…{{else}}…{{end}}
 * {{range .A}}…{{else}}…{{end}} {{println .A}}, literal text, \t and \n.
 * A pipeline of one function is read ({{.A | json}}); anything else is
 * refused, naming it.
 */
#ifndef RUNNER_CMD_TEMPLATE_H
#define RUNNER_CMD_TEMPLATE_H

#include <jansson.h>

#include "common/str.h"

struct err;

/**
 * template_text() - a string as a value, NULL for ""; where it is no UTF-8, which
 * paths and variables may be, each of its bytes above ASCII becomes a "?"
 */
json_t *template_text(const char *s);

/**
 * template_expand() - append the template's text for one object
 * Return: 0, -EINVAL with the piece that is not understood, -ENOENT for a field
 * that the object does not have
 */
int template_expand(const char *tmpl, json_t *obj, struct strbuf *out, struct err *e);

/**
 * template_print() - expand for one object, a newline behind it, to stdout;
 * "json" is {{json .}}
 */
int template_print(const char *tmpl, json_t *obj, struct err *e);

/**
 * template_table() - "table" of Docker: one line of titles, one for each object
 * @tmpl:	what stands behind "table "; columns are what \t parts
 * @titles:	an object with a title for every field, printed first; NULL: none
 * @list:	array of objects
 */
int template_table(const char *tmpl, json_t *titles, json_t *list, struct err *e);

#endif
