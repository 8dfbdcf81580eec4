/* SPDX-License-Identifier: Apache-2.0
 *
 * conf - command line and mount options
 */
#include "fuse-overlay/conf.h"

#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "common/num.h"
#include "common/spin.h"
#include "common/opt.h"

/* The kernel caches names and attributes about for ever: nobody else
 * changes the layers while they are mounted. */
#define TIMEOUT_DEFAULT 1e9

enum word_type {
	WORD_STR,	/* NAME=TEXT into a char * */
	WORD_INT,	/* NAME=NUMBER, or NAME alone for 1, into an int */
	WORD_BOOL,	/* NAME into a bool */
	WORD_KERNEL,	/* handed on to mount(2) */
	WORD_NOTHING,	/* is so already, or has no meaning here */
};

/**
 * struct word - one mount option
 * @name:	without "="
 * @type:	what follows and where it goes
 * @offset:	in struct conf
 * @help:	one line, NULL hides it
 */
struct word {
	const char *name;
	enum word_type type;
	size_t offset;
	const char *help;
};

#define W_STR(n, f, h) { n, WORD_STR, OPT_FIELD_(struct conf, f, char *), h }
#define W_INT(n, f, h) { n, WORD_INT, OPT_FIELD_(struct conf, f, int), h }
#define W_BOOL(n, f, h) { n, WORD_BOOL, OPT_FIELD_(struct conf, f, bool), h }
#define W_KERNEL(n) { n, WORD_KERNEL, 0, NULL }
#define W_NOTHING(n) { n, WORD_NOTHING, 0, NULL }

static const struct word words[] = {
	W_STR("lowerdir", lower_str, "DIR[:DIR…]  read-only layers, topmost first"),
	W_STR("upperdir", upper, "DIR  layer that takes the changes; without it the mount is read-only"),
	W_STR("workdir", work, "DIR  empty folder on the file system of upperdir"),
	W_STR("uidmapping", uid_str, "DISK:SHOWN:COUNT…  shift user ids"),
	W_STR("gidmapping", gid_str, "DISK:SHOWN:COUNT…  shift group ids"),
	W_BOOL("squash_to_root", squash_to_root, "everything belongs to 0:0"),
	W_INT("squash_to_uid", squash_to_uid, "N  every owner is N"),
	W_INT("squash_to_gid", squash_to_gid, "N  every group is N"),
	W_BOOL("static_nlink", static_nlink, "directories show a link count of 1"),
	W_INT("xattr_permissions", xattr_permissions,
	      "0|1|2  keep owner and mode in an xattr: 1 security.*, 2 user.*"),
	W_BOOL("raw_owners", raw_owners, "leave recorded owners to others: show what the disk says"),
	W_INT("noxattrs", noxattrs, "0|1  refuse extended attributes"),
	W_INT("threaded", threaded, "0|1  serve by several threads when there is use for them"),
	W_INT("busy_poll", busy_poll, "USEC  poll so long before sleeping, where that pays"),
	W_STR("timeout", timeout_str, "SECONDS  how long the kernel may cache"),
	W_INT("fsync", fsync, "0|1  0: fsync does nothing"),
	W_INT("writeback", writeback, "0|1  let the kernel gather writes"),
	W_INT("passthrough", passthrough,
	      "0|1  let the kernel move data by itself; for the host's root"),
	W_BOOL("volatile", is_volatile, "never sync; the upper layer is lost with the machine"),
	W_BOOL("noacl", noacl, "no POSIX ACLs"),
	W_STR("redirect_dir", redirect_str,
	      "on|follow|off  rename directories of lower layers in place"),
	W_BOOL("ino32_t", ino32, "inode numbers fit 32 bits"),
	W_STR("context", context, "LABEL  SELinux context of the mount"),
	W_STR("plugins", plugins, NULL),
	W_BOOL("allow_other", allow_other, "let other users in"),
	W_BOOL("allow_root", allow_root, "let root in"),
	W_BOOL("debug", debug, "print every request"),
	W_KERNEL("suid"), W_KERNEL("nosuid"), W_KERNEL("dev"), W_KERNEL("nodev"),
	W_KERNEL("exec"), W_KERNEL("noexec"), W_KERNEL("atime"), W_KERNEL("noatime"),
	W_KERNEL("diratime"), W_KERNEL("nodiratime"), W_KERNEL("ro"), W_KERNEL("sync"),
	W_KERNEL("dirsync"), W_KERNEL("rw"),
	W_NOTHING("default_permissions"), W_NOTHING("userxattr"), W_NOTHING("fast_ino"),
	W_NOTHING("kernel_cache"), W_NOTHING("splice_write"), W_NOTHING("splice_read"),
	W_NOTHING("splice_move"), W_NOTHING("max_write"), W_NOTHING("xino"), W_NOTHING("index"),
};

static const struct opt rows[] = {
	OPT_LIST('o', NULL, struct conf, o_words, "OPTION[,OPTION…]", "mount options, see below"),
	OPT_BOOL('f', "foreground", struct conf, foreground, "stay in the foreground"),
	OPT_BOOL('d', "debug", struct conf, debug, "print every request, implies -f"),
	OPT_INT(0, "ready-fd", struct conf, ready_fd, "FD", "write one byte when the mount answers"),
	OPT_INT(0, "exit-fd", struct conf, exit_fd, "FD", "unmount when the other end closes"),
	OPT_BOOL('h', "help", struct conf, help, "this text"),
	OPT_BOOL('V', "version", struct conf, version, "print the version"),
	OPT_END,
};

void conf_init(struct conf *c)
{
	*c = (struct conf){
		.uids.squash = -1,
		.gids.squash = -1,
		.squash_to_uid = -1,
		.squash_to_gid = -1,
		.timeout = TIMEOUT_DEFAULT,
		.busy_poll = SPIN_DEFAULT_US,
		.fsync = 1,
		.ready_fd = -1,
		.exit_fd = -1,
	};
}

void conf_clear(struct conf *c)
{
	strv_clear(&c->lowers);
	strv_clear(&c->warnings);
	strv_clear(&c->o_words);
	strbuf_clear(&c->kernel_opts);
	idmap_clear(&c->uids);
	idmap_clear(&c->gids);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (words[i].type != WORD_STR)
			continue;
		char **field = (char **)(void *)((char *)c + words[i].offset);

		free(*field);
		*field = NULL;
	}
}

/* The end of the piece that starts at s: at sep or the end of the string. */
static const char *piece_end(const char *s, char sep)
{
	while (*s && *s != sep)
		s += (s[0] == '\\' && s[1]) ? 2 : 1;
	return s;
}

/* A copy of [s, end) without the backslashes that escape. */
static char *unescape(const char *s, const char *end)
{
	char *out = malloc((size_t)(end - s) + 1);
	char *p = out;

	if (!out)
		return NULL;
	while (s < end) {
		if (*s == '\\' && s + 1 < end)
			s++;
		*p++ = *s++;
	}
	*p = '\0';
	return out;
}

static const struct word *word_find(const char *name, size_t len)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!strncmp(words[i].name, name, len) && !words[i].name[len])
			return &words[i];
	return NULL;
}

static int word_set_str(char **field, const char *name, const char *value, const char *end,
			struct err *e)
{
	/* lists are split later and keep their backslashes until then */
	char *copy = str_eq(name, "lowerdir") ? strndup(value, (size_t)(end - value)) :
						unescape(value, end);

	if (!copy)
		return err_set(e, -ENOMEM, "%s", name);
	free(*field);
	*field = copy;
	return 0;
}

static int word_set_int(int *field, const char *name, const char *value, const char *end,
			struct err *e)
{
	char text[16];
	int32_t v = 1;

	if (value && (str_format(text, sizeof(text), "%.*s", (int)(end - value), value) < 0 ||
		      num_i32(text, &v) || v < 0))
		return err_msg(e, -EINVAL, "%s=%.*s: not a number", name, (int)(end - value), value);
	*field = v;
	return 0;
}

/* One word in [s, end). */
static int parse_word(struct conf *c, const char *s, const char *end, struct err *e)
{
	const char *eq = memchr(s, '=', (size_t)(end - s));
	const struct word *w = word_find(s, (size_t)((eq ? eq : end) - s));

	if (!w) {
		if (strv_addf(&c->warnings, "unknown option '%.*s'", (int)(end - s), s))
			return err_set(e, -ENOMEM, "mount options");
		return 0;
	}

	void *field = (char *)c + w->offset;
	switch (w->type) {
	case WORD_STR:
		if (!eq)
			return err_msg(e, -EINVAL, "%s needs a value", w->name);
		return word_set_str(field, w->name, eq + 1, end, e);
	case WORD_INT:
		return word_set_int(field, w->name, eq ? eq + 1 : NULL, end, e);
	case WORD_BOOL:
		*(bool *)field = true;
		return 0;
	case WORD_KERNEL:
		if (strbuf_addf(&c->kernel_opts, ",%s", w->name))
			return err_set(e, -ENOMEM, "mount options");
		return 0;
	case WORD_NOTHING:
		return 0;
	}
	return 0;
}

int conf_parse_mountopts(struct conf *c, const char *s, struct err *e)
{
	if (strnlen(s, CONF_OPTION_MAX) == CONF_OPTION_MAX)
		return err_msg(e, -EINVAL, "mount options longer than %u", CONF_OPTION_MAX);
	while (*s) {
		const char *end = piece_end(s, ',');

		if (end > s) {
			int r = parse_word(c, s, end, e);

			if (r < 0)
				return r;
		}
		s = *end ? end + 1 : end;
	}
	return 0;
}

static int split_lowers(struct conf *c, struct err *e)
{
	const char *s = c->lower_str;

	if (!s || !*s)
		return err_msg(e, -EINVAL, "lowerdir: missing");
	if (!strncmp(s, "//", 2) && strstr(s + 2, "//"))
		return err_msg(e, -EINVAL, "lowerdir: %s: plugin layers are not supported", s);
	for (;;) {
		const char *end = piece_end(s, ':');
		auto_free char *path = unescape(s, end);

		if (!path)
			return err_set(e, -ENOMEM, "lowerdir");
		if (!*path)
			return err_msg(e, -EINVAL, "lowerdir: %s: empty layer name", c->lower_str);
		if (c->lowers.n == CONF_LAYERS_MAX)
			return err_msg(e, -EINVAL, "lowerdir: more than %d layers", CONF_LAYERS_MAX);
		if (strv_add(&c->lowers, path))
			return err_set(e, -ENOMEM, "lowerdir");
		if (!*end)
			return 0;
		s = end + 1;
	}
}

static int check_redirect(struct conf *c, struct err *e)
{
	const char *s = c->redirect_str;

	if (!s || str_eq(s, "off") || str_eq(s, "nofollow"))
		c->redirect = CONF_REDIRECT_OFF;
	else if (str_eq(s, "follow"))
		c->redirect = CONF_REDIRECT_FOLLOW;
	else if (str_eq(s, "on"))
		c->redirect = CONF_REDIRECT_ON;
	else
		return err_msg(e, -EINVAL, "redirect_dir=%s: not on, follow or off", s);
	return 0;
}

static int check_timeout(struct conf *c, struct err *e)
{
	char *end;

	if (!c->timeout_str)
		return 0;
	double v = strtod(c->timeout_str, &end);
	if (end == c->timeout_str || *end || !isfinite(v) || v < 0)
		return err_msg(e, -EINVAL, "timeout=%s: not a number of seconds", c->timeout_str);
	c->timeout = v;
	return 0;
}

static int check_ids(struct conf *c, struct err *e)
{
	if (c->uid_str && idmap_parse(&c->uids, c->uid_str, e) < 0)
		return err_wrap(e, "uidmapping");
	if (c->gid_str && idmap_parse(&c->gids, c->gid_str, e) < 0)
		return err_wrap(e, "gidmapping");
	if (c->squash_to_root)
		c->uids.squash = c->gids.squash = 0;
	if (c->squash_to_uid >= 0)
		c->uids.squash = c->squash_to_uid;
	if (c->squash_to_gid >= 0)
		c->gids.squash = c->squash_to_gid;
	return 0;
}

int conf_check(struct conf *c, struct err *e)
{
	int r = split_lowers(c, e);

	if (r < 0)
		return r;
	if (c->upper && !c->work)
		return err_msg(e, -EINVAL, "upperdir: %s: needs a workdir", c->upper);
	if (c->xattr_permissions > 2)
		return err_msg(e, -EINVAL, "xattr_permissions=%d: not 0, 1 or 2",
			       c->xattr_permissions);
	if (c->raw_owners && c->xattr_permissions)
		return err_msg(e, -EINVAL, "raw_owners: not with xattr_permissions=%d",
			       c->xattr_permissions);
	if (c->busy_poll > SPIN_MAX_US)
		return err_msg(e, -EINVAL, "busy_poll=%d: not between 0 and %d", c->busy_poll,
			       SPIN_MAX_US);
	if (c->passthrough && c->writeback)
		return err_msg(e, -EINVAL, "passthrough: not with writeback");
	if (c->plugins && *c->plugins &&
	    strv_addf(&c->warnings, "plugins=%s: plugins are not supported", c->plugins))
		return err_set(e, -ENOMEM, "plugins");
	if (c->is_volatile)
		c->fsync = 0;
	if ((r = check_redirect(c, e)) < 0 || (r = check_timeout(c, e)) < 0)
		return r;
	return check_ids(c, e);
}

int conf_parse_args(struct conf *c, int argc, char **argv, struct err *e)
{
	int first, end;
	int r = opt_parse(rows, argc, argv, 0, c, &first, &end, e);

	if (r < 0)
		return r;
	for (size_t i = 0; i < c->o_words.n; i++)
		if ((r = conf_parse_mountopts(c, c->o_words.v[i], e)) < 0)
			return r;
	if (c->help || c->version)
		return 0;
	/* mount(8) names a source before the mount point */
	if (end - first == 2)
		first++;
	if (end - first != 1)
		return err_msg(e, -EINVAL, "exactly one mount point must be named");
	c->mountpoint = argv[first];
	c->foreground |= c->debug;
	return conf_check(c, e);
}

void conf_print_help(void)
{
	puts("Usage: fuse-overlay [OPTION…] -o lowerdir=DIR[:DIR…][,upperdir=DIR,workdir=DIR] "
	     "MOUNTPOINT\n");
	opt_help(rows, stdout);
	puts("\nMount options:");
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (words[i].help)
			printf("  %-20s %s\n", words[i].name, words[i].help);
}
