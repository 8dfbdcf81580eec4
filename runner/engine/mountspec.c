/* SPDX-License-Identifier: Apache-2.0
 *
 * mountspec - text of mounts to structs and back
 */
#include "runner/engine/mountspec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/err.h"

#define TEXT_MAX 16384

static const char *const type_names[MOUNT_TYPE_MAX_] = {
	[MOUNT_BIND] = "bind",
	[MOUNT_VOLUME] = "volume",
	[MOUNT_TMPFS] = "tmpfs",
};

/* Words that the kernel, through the runtime, takes for a bind mount. */
static const char *const bind_words[] = {
	"rbind", "bind", "nosuid", "suid", "nodev", "dev", "noexec", "exec", "rprivate", "private",
	"rslave", "slave", "rshared", "shared", "noatime", "nodiratime", "relatime", "nosymfollow",
};

static const char *const tmpfs_words[] = {
	"nosuid", "suid", "nodev", "dev", "noexec", "exec", "noatime", "nodiratime", "relatime",
};

static const char *const tmpfs_keys[] = { "size=", "mode=", "uid=", "gid=", "nr_inodes=" };

void mountspec_clear(struct mountspec *m)
{
	free(m->src);
	free(m->dst);
	strv_clear(&m->opts);
	*m = (struct mountspec){ 0 };
}

bool mountspec_is_volume_name(const char *s)
{
	static const char first[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

	return *s && strchr(first, *s) &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") ==
		       strlen(s) &&
	       strlen(s) <= 255;
}

static bool is_word(const char *const *words, size_t n, const char *w)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(words[i], w))
			return true;
	return false;
}

#define IS_WORD(list, w) is_word(list, sizeof(list) / sizeof((list)[0]), w)

static bool is_tmpfs_value(const char *w)
{
	for (size_t i = 0; i < sizeof(tmpfs_keys) / sizeof(tmpfs_keys[0]); i++)
		if (str_after(w, tmpfs_keys[i]) && *str_after(w, tmpfs_keys[i]))
			return true;
	return false;
}

/* One option word behind a volume, a mount or a tmpfs. */
static int add_word(struct mountspec *m, const char *text, const char *w, struct err *e)
{
	if (str_eq(w, "ro") || str_eq(w, "readonly")) {
		m->ro = true;
		return 0;
	}
	if (str_eq(w, "rw") || !*w)
		return 0;
	if (str_eq(w, "U") && m->type != MOUNT_TMPFS) {
		m->chown = true;
		return 0;
	}
	/* Labels for SELinux: nothing to do where it is not, see the man page. */
	if (str_eq(w, "z") || str_eq(w, "Z"))
		return 0;
	if (m->type == MOUNT_TMPFS ? IS_WORD(tmpfs_words, w) || is_tmpfs_value(w) :
				     IS_WORD(bind_words, w))
		return strv_add(&m->opts, w);
	return err_msg(e, -EINVAL, "%s: option '%s' is not known", text, w);
}

static int add_words(struct mountspec *m, const char *text, const char *words, struct err *e)
{
	AUTO(strv_clear) struct strv list = { 0 };
	int r = strv_split(&list, words, ',');

	for (size_t i = 0; r == 0 && i < list.n; i++)
		r = add_word(m, text, list.v[i], e);
	return r;
}

static int set_src(struct mountspec *m, const char *text, const char *src, const char *cwd,
		   struct err *e)
{
	free(m->src);
	m->src = NULL;
	if (*src == '/') {
		m->src = xstrdup(src);
	} else if (*src == '.') {
		if (!cwd)
			return err_msg(e, -EINVAL,
				       "%s: '%s' is relative and the current folder cannot be named", text,
				       src);
		m->src = xasprintf("%s/%s", cwd, src);
	} else {
		m->type = MOUNT_VOLUME;
		m->src = xstrdup(src);
	}
	return 0;
}

static int check(const struct mountspec *m, const char *text, struct err *e)
{
	if (!m->dst || *m->dst != '/')
		return err_msg(e, -EINVAL, "%s: the path in the container must be absolute", text);
	if (strspn(m->dst, "/") == strlen(m->dst))
		return err_msg(e, -EINVAL, "%s: the container's / cannot be mounted over", text);
	if (m->type == MOUNT_BIND && (!m->src || *m->src != '/'))
		return err_msg(e, -EINVAL, "%s: a bind mount needs an absolute source", text);
	if (m->type == MOUNT_VOLUME && *m->src && !mountspec_is_volume_name(m->src))
		return err_msg(e, -EINVAL, "%s: '%s' is neither a path nor a name of a volume", text,
			       m->src);
	if (m->type == MOUNT_TMPFS && m->src)
		return err_msg(e, -EINVAL, "%s: a tmpfs has no source", text);
	return 0;
}

int mountspec_parse_volume(const char *text, const char *cwd, struct mountspec *ret, struct err *e)
{
	AUTO(mountspec_clear) struct mountspec m = { .type = MOUNT_BIND, .create = true };
	AUTO(strv_clear) struct strv part = { 0 };
	int r;

	if (strlen(text) > TEXT_MAX)
		return err_msg(e, -EINVAL, "--volume: longer than %d bytes", TEXT_MAX);
	r = strv_split(&part, text, ':');
	if (r < 0)
		return err_set(e, r, "--volume");
	if (part.n > 3)
		return err_msg(e, -EINVAL, "--volume %s: not [SOURCE:]PATH[:OPTIONS]", text);
	if (part.n == 1) {
		m.type = MOUNT_VOLUME;
		m.src = xstrdup("");
		m.dst = xstrdup(part.v[0]);
	} else {
		if (!*part.v[0])
			return err_msg(e, -EINVAL, "--volume %s: the source is empty", text);
		r = set_src(&m, text, part.v[0], cwd, e);
		m.dst = xstrdup(part.v[1]);
	}
	if (r == 0 && part.n == 3)
		r = add_words(&m, text, part.v[2], e);
	if (r == 0)
		r = check(&m, text, e);
	if (r < 0)
		return err_wrap(e, "--volume");
	*ret = m;
	m = (struct mountspec){ 0 };
	return 0;
}

/* The next word of a --mount, with doubled commas made single. */
static char *next_word(const char **p)
{
	AUTO(strbuf_clear) struct strbuf b = { 0 };
	const char *s = *p;

	for (; *s; s++) {
		if (*s == ',' && s[1] != ',')
			break;
		if (*s == ',')
			s++;
		(void)strbuf_add(&b, s, 1);
	}
	*p = *s ? s + 1 : s;
	return strbuf_take(&b);
}

static const char *value_of(const char *word, const char *const *keys)
{
	for (; *keys; keys++) {
		const char *v = str_after(word, *keys);

		if (v)
			return v;
	}
	return NULL;
}

static int set_type(struct mountspec *m, const char *text, const char *v, struct err *e)
{
	for (int i = 0; i < MOUNT_TYPE_MAX_; i++) {
		if (!str_eq(v, type_names[i]))
			continue;
		m->type = (enum mount_type)i;
		return 0;
	}
	return err_msg(e, -EINVAL, "%s: type '%s' is not bind, volume or tmpfs", text, v);
}

/* A word that is neither may not quietly make a mount writable. */
static int parse_bool(const char *text, const char *v, bool *ret, struct err *e)
{
	bool yes = str_eq(v, "true") || str_eq(v, "1");

	if (!yes && !str_eq(v, "false") && !str_eq(v, "0"))
		return err_msg(e, -EINVAL, "%s: '%s' is not true or false", text, v);
	*ret = yes;
	return 0;
}

static int mount_word(struct mountspec *m, const char *text, const char *w, struct err *e)
{
	static const char *const src[] = { "src=", "source=", NULL };
	static const char *const dst[] = { "dst=", "destination=", "target=", NULL };
	static const char *const ro[] = { "ro=", "readonly=", NULL };
	static const char *const prop[] = { "bind-propagation=", NULL };
	static const char *const tmpfs[] = { "tmpfs-", NULL };
	const char *v;

	v = value_of(w, src);
	if (v) {
		free(m->src);
		m->src = xstrdup(v);
		return 0;
	}
	v = value_of(w, dst);
	if (v) {
		free(m->dst);
		m->dst = xstrdup(v);
		return 0;
	}
	v = value_of(w, ro);
	if (v)
		return parse_bool(text, v, &m->ro, e);
	if (str_eq(w, "create")) {
		m->create = true;
		return 0;
	}
	v = value_of(w, prop);
	if (v)
		return add_word(m, text, v, e);
	v = value_of(w, tmpfs);
	return add_word(m, text, v ? v : w, e);
}

int mountspec_parse(const char *text, const char *cwd, struct mountspec *ret, struct err *e)
{
	AUTO(mountspec_clear) struct mountspec m = { .type = MOUNT_VOLUME };
	const char *p = text;
	int r = 0;

	if (strlen(text) > TEXT_MAX)
		return err_msg(e, -EINVAL, "--mount: longer than %d bytes", TEXT_MAX);
	/* The type decides which words are known, wherever it stands. */
	while (r == 0 && *p) {
		auto_free char *w = next_word(&p);

		if (str_after(w, "type="))
			r = set_type(&m, text, str_after(w, "type="), e);
	}
	for (p = text; r == 0 && *p;) {
		auto_free char *w = next_word(&p);

		if (!str_after(w, "type="))
			r = mount_word(&m, text, w, e);
	}
	if (r == 0 && m.type == MOUNT_VOLUME && !m.src)
		m.src = xstrdup("");
	if (r == 0 && m.type == MOUNT_BIND && m.src && *m.src == '.' && cwd) {
		char *abs = xasprintf("%s/%s", cwd, m.src);

		free(m.src);
		m.src = abs;
	}
	if (r == 0)
		r = check(&m, text, e);
	if (r < 0)
		return err_wrap(e, "--mount");
	*ret = m;
	m = (struct mountspec){ 0 };
	return 0;
}

int mountspec_parse_tmpfs(const char *text, struct mountspec *ret, struct err *e)
{
	AUTO(mountspec_clear) struct mountspec m = { .type = MOUNT_TMPFS };
	size_t len = strcspn(text, ":");
	int r = 0;

	if (strlen(text) > TEXT_MAX)
		return err_msg(e, -EINVAL, "--tmpfs: longer than %d bytes", TEXT_MAX);
	m.dst = xstrndup(text, len);
	if (text[len])
		r = add_words(&m, text, text + len + 1, e);
	if (r == 0)
		r = check(&m, text, e);
	if (r < 0)
		return err_wrap(e, "--tmpfs");
	*ret = m;
	m = (struct mountspec){ 0 };
	return 0;
}

static int add_escaped(struct strbuf *b, const char *key, const char *s)
{
	int r = strbuf_adds(b, key);

	for (; r == 0 && *s; s++)
		r = strbuf_add(b, *s == ',' ? ",," : s, *s == ',' ? 2 : 1);
	return r;
}

int mountspec_format(const struct mountspec *m, struct strbuf *ret)
{
	int r = strbuf_addf(ret, "type=%s", type_names[m->type]);

	if (r == 0 && m->src && *m->src)
		r = add_escaped(ret, ",src=", m->src);
	if (r == 0)
		r = add_escaped(ret, ",dst=", m->dst);
	if (r == 0 && m->ro)
		r = strbuf_adds(ret, ",ro");
	if (r == 0 && m->create)
		r = strbuf_adds(ret, ",create");
	if (r == 0 && m->chown)
		r = strbuf_adds(ret, ",U");
	for (size_t i = 0; r == 0 && i < m->opts.n; i++)
		r = strbuf_addf(ret, ",%s", m->opts.v[i]);
	return r;
}
