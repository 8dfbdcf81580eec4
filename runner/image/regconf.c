/* SPDX-License-Identifier: Apache-2.0
 *
 * regconf - registries.conf: mirrors, insecure registries, short names
 */
#include "runner/image/regconf.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "common/err.h"
#include "common/io.h"

#define ENTRIES_MAX 4096u

enum table {
	TABLE_TOP,
	TABLE_REGISTRY,
	TABLE_MIRROR,
	TABLE_ALIASES,
	TABLE_OTHER,
};

/**
 * struct toml - a text being parsed
 */
struct toml {
	const char *file;
	const char *p;
	unsigned int line;
	enum table table;
	struct regconf *conf;
	struct err *e;
};

/**
 * struct value - what stands right of "="
 */
struct value {
	enum { VALUE_STRING, VALUE_BOOL, VALUE_LIST } kind;
	char *s;
	bool b;
	struct strv list;
};

static void value_clear(struct value *v)
{
	free(v->s);
	strv_clear(&v->list);
	*v = (struct value){ 0 };
}
DEFINE_AUTO_CLEAR(struct value, value_clear);

void regconf_clear(struct regconf *c)
{
	for (size_t i = 0; i < c->n; i++) {
		struct reg_entry *r = &c->entries[i];

		free(r->prefix);
		free(r->self.location);
		for (size_t k = 0; k < r->n_mirrors; k++)
			free(r->mirrors[k].location);
		free(r->mirrors);
	}
	free(c->entries);
	strv_clear(&c->search);
	strv_clear(&c->aliases);
	*c = (struct regconf){ 0 };
}

static int bad(const struct toml *t, const char *why)
{
	return err_msg(t->e, -EINVAL, "%s: line %u: %s", t->file, t->line, why);
}

/* Blanks and comments; newlines too when across is true. */
static void skip(struct toml *t, bool across)
{
	for (;;) {
		if (*t->p == '#')
			t->p += strcspn(t->p, "\n");
		else if (*t->p == '\n' && across)
			t->line++, t->p++;
		else if (*t->p && strchr(" \t\r", *t->p))
			t->p++;
		else
			return;
	}
}

static int parse_string(struct toml *t, char **ret)
{
	AUTO(strbuf_clear) struct strbuf b = { 0 };
	char quote = *t->p++;

	if (t->p[0] == quote && t->p[1] == quote)
		return bad(t, "strings of several lines are not read here");
	for (; *t->p && *t->p != quote && *t->p != '\n'; t->p++) {
		char c = *t->p;

		if (c == '\\' && quote == '"') {
			c = *++t->p;
			if (c != '"' && c != '\\')
				return bad(t, "this escape is not read here");
		}
		if (strbuf_add(&b, &c, 1))
			return -ENOMEM;
	}
	if (*t->p != quote)
		return bad(t, "a string does not end");
	t->p++;
	*ret = strbuf_take(&b);
	return *ret ? 0 : -ENOMEM;
}

static int parse_list(struct toml *t, struct strv *out)
{
	t->p++;
	for (;;) {
		auto_free char *s = NULL;

		skip(t, true);
		if (*t->p == ']') {
			t->p++;
			return 0;
		}
		if (*t->p != '"' && *t->p != '\'')
			return bad(t, "an array may hold strings only");
		int r = parse_string(t, &s);
		if (!r)
			r = strv_add(out, s);
		if (r)
			return r;
		skip(t, true);
		if (*t->p == ',')
			t->p++;
		else if (*t->p != ']')
			return bad(t, "an array does not end");
	}
}

static int parse_value(struct toml *t, struct value *v)
{
	if (*t->p == '"' || *t->p == '\'') {
		v->kind = VALUE_STRING;
		return parse_string(t, &v->s);
	}
	if (*t->p == '[') {
		v->kind = VALUE_LIST;
		return parse_list(t, &v->list);
	}
	v->kind = VALUE_BOOL;
	const char *rest = str_after(t->p, "true");
	v->b = rest != NULL;
	if (!rest)
		rest = str_after(t->p, "false");
	if (!rest)
		return bad(t, "a value must be a string, true, false, or an array of strings");
	t->p = rest;
	return 0;
}

static int parse_key(struct toml *t, char **ret)
{
	if (*t->p == '"' || *t->p == '\'')
		return parse_string(t, ret);
	size_t len = 0;
	while (isalnum((unsigned char)t->p[len]) || (t->p[len] && strchr("_-.", t->p[len])))
		len++;
	if (!len)
		return bad(t, "a key is missing");
	*ret = xstrndup(t->p, len);
	t->p += len;
	return 0;
}

static struct reg_entry *last_entry(struct toml *t)
{
	return &t->conf->entries[t->conf->n - 1];
}

static int set_place(struct toml *t, struct reg_place *p, const char *key, struct value *v,
		     bool *ret_known)
{
	*ret_known = true;
	if (str_eq(key, "location")) {
		if (v->kind != VALUE_STRING)
			return bad(t, "location must be a string");
		free(p->location);
		p->location = take_ptr(v->s);
		return 0;
	}
	if (str_eq(key, "insecure")) {
		if (v->kind != VALUE_BOOL)
			return bad(t, "insecure must be true or false");
		p->insecure = v->b;
		return 0;
	}
	*ret_known = false;
	return 0;
}

static int set_registry(struct toml *t, const char *key, struct value *v)
{
	struct reg_entry *r = last_entry(t);
	bool known;
	int rc = set_place(t, &r->self, key, v, &known);

	if (rc || known)
		return rc;
	if (str_eq(key, "prefix")) {
		if (v->kind != VALUE_STRING)
			return bad(t, "prefix must be a string");
		free(r->prefix);
		r->prefix = take_ptr(v->s);
		return 0;
	}
	if (str_eq(key, "blocked")) {
		if (v->kind != VALUE_BOOL)
			return bad(t, "blocked must be true or false");
		r->blocked = v->b;
		return 0;
	}
	if (str_eq(key, "mirror-by-digest-only"))
		return v->kind == VALUE_BOOL && !v->b ? 0
						      : bad(t, "mirror-by-digest-only is not "
							       "supported");
	return bad(t, "this key is not known in [[registry]]");
}

static int set_top(struct toml *t, const char *key, struct value *v)
{
	if (str_eq(key, "unqualified-search-registries")) {
		if (v->kind != VALUE_LIST)
			return bad(t, "unqualified-search-registries must be an array");
		strv_clear(&t->conf->search);
		t->conf->search = v->list;
		v->list = (struct strv){ 0 };
		return 0;
	}
	if (str_eq(key, "short-name-mode") || str_eq(key, "credential-helpers") ||
	    str_eq(key, "additional-layer-store-auth-helper"))
		return 0;
	return bad(t, "this key is not known here");
}

static int set_alias(struct toml *t, const char *key, const struct value *v)
{
	if (v->kind != VALUE_STRING)
		return bad(t, "an alias must be a string");
	for (size_t i = 0; i < t->conf->aliases.n; i++) {
		const char *rest = str_after(t->conf->aliases.v[i], key);

		if (rest && *rest == '=') {
			free(t->conf->aliases.v[i]);
			t->conf->aliases.v[i] = xasprintf("%s=%s", key, v->s);
			return 0;
		}
	}
	return strv_addf(&t->conf->aliases, "%s=%s", key, v->s);
}

static int set_key(struct toml *t, const char *key, struct value *v)
{
	bool known;

	switch (t->table) {
	case TABLE_TOP:
		return set_top(t, key, v);
	case TABLE_REGISTRY:
		return set_registry(t, key, v);
	case TABLE_MIRROR: {
		struct reg_entry *r = last_entry(t);
		int rc = set_place(t, &r->mirrors[r->n_mirrors - 1], key, v, &known);

		if (rc || known)
			return rc;
		if (str_eq(key, "pull-from-mirror") && v->kind == VALUE_STRING &&
		    str_eq(v->s, "all"))
			return 0;
		return bad(t, "this key is not known in [[registry.mirror]]");
	}
	case TABLE_ALIASES:
		return set_alias(t, key, v);
	case TABLE_OTHER:
	default:
		return 0;
	}
}

static int open_table(struct toml *t, const char *name, bool array)
{
	struct regconf *c = t->conf;

	if (array && str_eq(name, "registry")) {
		if (c->n >= ENTRIES_MAX)
			return bad(t, "too many registries");
		c->entries = xrealloc(c->entries, c->n + 1, sizeof(*c->entries));
		c->entries[c->n++] = (struct reg_entry){ 0 };
		t->table = TABLE_REGISTRY;
		return 0;
	}
	if (array && str_eq(name, "registry.mirror")) {
		if (!c->n)
			return bad(t, "a mirror of no registry");
		struct reg_entry *r = last_entry(t);
		r->mirrors = xrealloc(r->mirrors, r->n_mirrors + 1, sizeof(*r->mirrors));
		r->mirrors[r->n_mirrors++] = (struct reg_place){ 0 };
		t->table = TABLE_MIRROR;
		return 0;
	}
	if (!array && str_eq(name, "aliases")) {
		t->table = TABLE_ALIASES;
		return 0;
	}
	if (!array && str_starts(name, "registries."))
		return bad(t, "this is version 1 of the format: write [[registry]] tables");
	return bad(t, "this table is not known");
}

static int parse_line(struct toml *t)
{
	auto_free char *key = NULL;

	if (*t->p == '[') {
		bool array = t->p[1] == '[';

		t->p += array ? 2 : 1;
		skip(t, false);
		int r = parse_key(t, &key);
		if (r)
			return r;
		skip(t, false);
		const char *rest = str_after(t->p, array ? "]]" : "]");
		if (!rest)
			return bad(t, "a table's name does not end");
		t->p = rest;
		return open_table(t, key, array);
	}

	AUTO(value_clear) struct value v = { 0 };
	int r = parse_key(t, &key);
	if (r)
		return r;
	skip(t, false);
	if (*t->p != '=')
		return bad(t, "'=' is missing");
	t->p++;
	skip(t, false);
	r = parse_value(t, &v);
	return r ? r : set_key(t, key, &v);
}

static int check_entries(struct toml *t, size_t from)
{
	for (size_t i = from; i < t->conf->n; i++) {
		struct reg_entry *r = &t->conf->entries[i];

		if (!r->prefix && !r->self.location)
			return bad(t, "a registry has neither prefix nor location");
		if (!r->prefix)
			r->prefix = xstrdup(r->self.location);
		if (str_starts(r->prefix, "*."))
			return bad(t, "a prefix with a wildcard is not supported");
		if (!r->self.location)
			r->self.location = xstrdup(r->prefix);
		for (size_t k = 0; k < r->n_mirrors; k++) {
			if (!r->mirrors[k].location)
				return bad(t, "a mirror has no location");
		}
	}
	return 0;
}

int regconf_parse(const char *text, const char *file, struct regconf *c, struct err *e)
{
	struct toml t = { .file = file, .p = text, .line = 1, .conf = c, .e = e };
	size_t before = c->n;

	for (;;) {
		skip(&t, true);
		if (!*t.p)
			return check_entries(&t, before);
		int r = parse_line(&t);
		if (r)
			return r;
		skip(&t, false);
		if (*t.p && *t.p != '\n')
			return bad(&t, "something follows the value");
	}
}

/* --- files -------------------------------------------------------------------------- */

/* Return: 1 when the file was there */
static int load_one(struct regconf *c, const char *file, struct err *e)
{
	auto_free char *text = NULL;
	int r = io_read_file_at(AT_FDCWD, file, REGCONF_MAX, &text, NULL);

	if (r == -ENOENT || r == -ENOTDIR || r == -EACCES)
		return 0;
	if (r)
		return err_set(e, r, "read '%s'", file);
	r = regconf_parse(text, file, c, e);
	return r ? r : 1;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int load_folder(struct regconf *c, const char *folder, struct err *e)
{
	struct dirent **list;
	int n = scandir(folder, &list, NULL, by_name);
	int r = 0;

	for (int i = 0; i < n; i++) {
		if (r >= 0 && str_ends(list[i]->d_name, ".conf")) {
			auto_free char *file = xasprintf("%s/%s", folder, list[i]->d_name);

			r = load_one(c, file, e);
		}
		free(list[i]);
	}
	if (n >= 0)
		free(list);
	return r < 0 ? r : 0;
}

int regconf_load(struct regconf *ret, struct err *e)
{
	AUTO(regconf_clear) struct regconf c = { 0 };
	const char *only = getenv("CONTAINERS_REGISTRIES_CONF");
	const char *config = getenv("XDG_CONFIG_HOME");
	const char *home = getenv("HOME");
	auto_free char *user = NULL;
	int r;

	if (config && *config)
		user = xasprintf("%s/containers/registries.conf", config);
	else if (home && *home)
		user = xasprintf("%s/.config/containers/registries.conf", home);
	if (only && *only) {
		r = load_one(&c, only, e);
	} else {
		r = user ? load_one(&c, user, e) : 0;
		if (!r)
			r = load_one(&c, "/etc/containers/registries.conf", e);
		if (r >= 0)
			r = load_folder(&c, "/etc/containers/registries.conf.d", e);
		if (r >= 0 && user) {
			auto_free char *folder = xasprintf("%s.d", user);

			r = load_folder(&c, folder, e);
		}
	}
	if (r < 0)
		return r;
	*ret = c;
	c = (struct regconf){ 0 };
	return 0;
}

const struct reg_entry *regconf_find(const struct regconf *c, const struct ref *ref)
{
	const struct reg_entry *best = NULL;
	size_t best_len = 0;
	char repo[REF_STR_MAX];

	(void)ref_repo(ref, repo);
	for (size_t i = 0; i < c->n; i++) {
		size_t len = strlen(c->entries[i].prefix);

		if (len >= best_len && !strncmp(repo, c->entries[i].prefix, len) &&
		    (!repo[len] || repo[len] == '/')) {
			best = &c->entries[i];
			best_len = len;
		}
	}
	return best;
}

int regconf_place(const struct ref *ref, const char *prefix, const struct reg_place *place,
		  struct ref *ret, struct err *e)
{
	char repo[REF_STR_MAX];
	char text[REF_STR_MAX * 2];
	struct ref r;

	(void)ref_repo(ref, repo);
	int n = str_format(text, sizeof(text), "%s%s", place->location, repo + strlen(prefix));
	int rc = n < 0 ? n : ref_parse(text, &r, e);
	if (rc)
		return rc;
	memcpy(r.tag, ref->tag, sizeof(r.tag));
	memcpy(r.digest, ref->digest, sizeof(r.digest));
	*ret = r;
	return 0;
}
