/* SPDX-License-Identifier: Apache-2.0
 *
 * opt - options declared once, in a table
 */
#include "common/opt.h"

#include <errno.h>
#include <string.h>

#include "common/num.h"

#define HELP_COLUMN 34

static const struct opt *find_long(const struct opt *rows, const char *name, size_t len)
{
	for (; rows->type != OPT_TYPE_END; rows++) {
		if (rows->type == OPT_TYPE_ROWS) {
			const struct opt *found = find_long(rows->rows, name, len);

			if (found)
				return found;
		} else if (rows->name && !strncmp(rows->name, name, len) && !rows->name[len]) {
			return rows;
		}
	}
	return NULL;
}

static const struct opt *find_short(const struct opt *rows, char c)
{
	for (; rows->type != OPT_TYPE_END; rows++) {
		if (rows->type == OPT_TYPE_ROWS) {
			const struct opt *found = find_short(rows->rows, c);

			if (found)
				return found;
		} else if (rows->short_name == c) {
			return rows;
		}
	}
	return NULL;
}

static bool takes_value(const struct opt *row)
{
	return row->arg;
}

static int set_bool(const char *value, bool *field, struct err *e)
{
	if (!value || str_eq(value, "true") || str_eq(value, "1"))
		*field = true;
	else if (str_eq(value, "false") || str_eq(value, "0"))
		*field = false;
	else
		return err_msg(e, -EINVAL, "'%s' is not true or false", value);
	return 0;
}

static int set_int(const char *value, int *field, struct err *e)
{
	int32_t v;

	if (num_i32(value, &v))
		return err_msg(e, -EINVAL, "'%s' is not a number", value);
	*field = v;
	return 0;
}

static int set_u64(const char *value, uint64_t *field, struct err *e)
{
	return num_u64(value, field) ? err_msg(e, -EINVAL, "'%s' is not a number", value) : 0;
}

static int set_value(const struct opt *row, const char *value, void *target, struct err *e)
{
	char *field = (char *)target + row->offset;

	switch (row->type) {
	case OPT_TYPE_BOOL:
		return set_bool(value, (bool *)(void *)field, e);
	case OPT_TYPE_STR:
		*(const char **)(void *)field = value;
		return 0;
	case OPT_TYPE_INT:
		return set_int(value, (int *)(void *)field, e);
	case OPT_TYPE_U64:
		return set_u64(value, (uint64_t *)(void *)field, e);
	case OPT_TYPE_LIST:
		return strv_add((struct strv *)(void *)field, value);
	case OPT_TYPE_CALL:
		return row->fn(value, field, e);
	case OPT_TYPE_END:
	case OPT_TYPE_ROWS:
	case OPT_TYPE_MAX_:
		break;
	}
	return -EINVAL;
}

/* How the person typed it, for messages. */
static int named(const struct opt *row, char c, int code, struct err *e)
{
	return c ? err_wrap(e, "-%c", c) : (err_wrap(e, "--%s", row->name), code);
}

/* One "--name[=value]". Return: arguments consumed behind it, -errno. */
static int parse_long(const struct opt *rows, char **argv, int left, void *target, struct err *e)
{
	const char *name = argv[0] + 2;
	const char *eq = strchrnul(name, '=');
	const struct opt *row = find_long(rows, name, (size_t)(eq - name));

	if (!row)
		return err_msg(e, -EINVAL, "--%.*s: no such option", (int)(eq - name), name);

	const char *value = *eq ? eq + 1 : NULL;
	int used = 0;
	if (takes_value(row) && !value) {
		if (left < 1)
			return err_msg(e, -EINVAL, "--%s: needs a value (%s)", row->name, row->arg);
		value = argv[1];
		used = 1;
	} else if (!takes_value(row) && value && row->type != OPT_TYPE_BOOL) {
		return err_msg(e, -EINVAL, "--%s: takes no value", row->name);
	}

	int r = set_value(row, value, target, e);
	return r ? named(row, 0, r, e) : used;
}

/* One "-abc" or "-nVALUE". Return: arguments consumed behind it, -errno. */
static int parse_short(const struct opt *rows, char **argv, int left, void *target,
		       struct err *e)
{
	for (const char *p = argv[0] + 1; *p; p++) {
		const struct opt *row = find_short(rows, *p);

		if (!row)
			return err_msg(e, -EINVAL, "-%c: no such option", *p);
		if (!takes_value(row)) {
			const char *value = row->type == OPT_TYPE_BOOL && p[1] == '=' ? p + 2 : NULL;
			int r = set_value(row, value, target, e);

			if (r)
				return named(row, *p, r, e);
			if (value)
				return 0;
			continue;
		}

		const char *value = p[1] == '=' ? p + 2 : p[1] ? p + 1 : left > 0 ? argv[1] : NULL;
		if (!value)
			return err_msg(e, -EINVAL, "-%c: needs a value (%s)", *p, row->arg);
		int r = set_value(row, value, target, e);
		return r ? named(row, *p, r, e) : !p[1];
	}
	return 0;
}

int opt_parse(const struct opt *rows, int argc, char **argv, unsigned int flags, void *target,
	      int *ret_first, int *ret_end, struct err *e)
{
	int n_operands = 0, i = 1;

	for (; i < argc; i++) {
		char *arg = argv[i];

		if (str_eq(arg, "--")) {
			i++;
			break;
		}
		if (arg[0] != '-' || !arg[1]) {
			if (flags & OPT_STOP_AT_OPERAND)
				break;
			argv[1 + n_operands++] = arg;
			continue;
		}

		int used = arg[1] == '-' ? parse_long(rows, argv + i, argc - i - 1, target, e) :
					   parse_short(rows, argv + i, argc - i - 1, target, e);
		if (used < 0)
			return used;
		i += used;
	}

	if (flags & OPT_STOP_AT_OPERAND) {
		*ret_first = i;
		if (ret_end)
			*ret_end = argc;
		return 0;
	}
	for (; i < argc; i++)
		argv[1 + n_operands++] = argv[i];
	*ret_first = 1;
	*ret_end = 1 + n_operands;
	return 0;
}

void opt_help(const struct opt *rows, FILE *out)
{
	for (; rows->type != OPT_TYPE_END; rows++) {
		if (rows->type == OPT_TYPE_ROWS) {
			opt_help(rows->rows, out);
			continue;
		}
		if (!rows->help)
			continue;

		char left[128], shorts[8] = "    ";
		if (rows->short_name)
			(void)str_format(shorts, sizeof(shorts), "-%c%s", rows->short_name,
					 rows->name ? ", " : "");
		(void)str_format(left, sizeof(left), "  %s%s%s%s%s", shorts,
				 rows->name ? "--" : "", rows->name ? rows->name : "",
				 rows->arg ? rows->name ? "=" : " " : "", rows->arg ? rows->arg : "");
		if (strlen(left) >= HELP_COLUMN)
			(void)fprintf(out, "%s\n%*s%s\n", left, HELP_COLUMN, "", rows->help);
		else
			(void)fprintf(out, "%-*s%s\n", HELP_COLUMN, left, rows->help);
	}
}
