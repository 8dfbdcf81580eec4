/* SPDX-License-Identifier: Apache-2.0
 *
 * user - find a user in somebody else's /etc/passwd
 *
 * The files belong to the image: they are opened below its root only, have a
 * largest size, and lines that are no entries are skipped.
 */
#include "runner/engine/user.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/fd.h"
#include "common/io.h"
#include "common/num.h"
#include "common/str.h"

#define FILE_MAX (16 << 20)
#define FIELDS_MAX 7

/* One line of passwd or group, cut at its colons. */
struct entry {
	const char *field[FIELDS_MAX];
	size_t len[FIELDS_MAX];
	size_t n;
};

static const char *next_entry(const char *text, struct entry *ret)
{
	const char *p = text;

	ret->n = 0;
	while (ret->n < FIELDS_MAX) {
		size_t len = strcspn(p, ":\n");

		ret->field[ret->n] = p;
		ret->len[ret->n++] = len;
		p += len;
		if (*p != ':')
			break;
		p++;
	}
	p += strcspn(p, "\n");
	return *p ? p + 1 : p;
}

static bool field_is(const struct entry *en, size_t i, const char *s)
{
	return i < en->n && strlen(s) == en->len[i] && memcmp(en->field[i], s, en->len[i]) == 0;
}

static bool field_id(const struct entry *en, size_t i, uint32_t *ret)
{
	char buf[16];

	if (i >= en->n || en->len[i] >= sizeof(buf))
		return false;
	memcpy(buf, en->field[i], en->len[i]);
	buf[en->len[i]] = '\0';
	return num_id(buf, ret) == 0;
}

static void take_passwd(struct user *u, const struct entry *en, bool with_gid)
{
	uint32_t gid;

	if (with_gid && field_id(en, 3, &gid))
		u->gid = gid;
	if (en->len[0] < sizeof(u->name))
		(void)str_format(u->name, sizeof(u->name), "%.*s", (int)en->len[0], en->field[0]);
	if (en->n > 5 && en->len[5] && en->len[5] < sizeof(u->home))
		(void)str_format(u->home, sizeof(u->home), "%.*s", (int)en->len[5], en->field[5]);
}

static int find_user(struct user *u, const char *who, const char *passwd, struct err *e)
{
	uint32_t number;
	bool is_number = num_id(who, &number) == 0;

	for (const char *p = passwd; p && *p;) {
		struct entry en;
		uint32_t uid;

		p = next_entry(p, &en);
		if (!field_id(&en, 2, &uid))
			continue;
		if (!field_is(&en, 0, who) && !(is_number && uid == number))
			continue;
		u->uid = uid;
		take_passwd(u, &en, /* with_gid */ true);
		return 0;
	}
	if (!is_number)
		return err_msg(e, -ENOENT, "user '%s' is not in the image's /etc/passwd", who);
	u->uid = number;
	return 0;
}

static int find_group(const char *who, const char *group, gid_t *ret, struct err *e)
{
	uint32_t number;

	for (const char *p = group; p && *p;) {
		struct entry en;

		p = next_entry(p, &en);
		if (field_is(&en, 0, who) && field_id(&en, 2, &number)) {
			*ret = number;
			return 0;
		}
	}
	if (num_id(who, &number) < 0)
		return err_msg(e, -ENOENT, "group '%s' is not in the image's /etc/group", who);
	*ret = number;
	return 0;
}

static int add_gid(struct user *u, gid_t gid)
{
	for (size_t i = 0; i < u->n_gids; i++)
		if (u->gids[i] == gid)
			return 0;
	if (u->n_gids == USER_GROUPS_MAX)
		return -E2BIG;
	u->gids[u->n_gids++] = gid;
	return 0;
}

static bool has_member(const struct entry *en, const char *name)
{
	const char *p = en->n > 3 ? en->field[3] : NULL;
	const char *end = p ? p + en->len[3] : NULL;
	size_t want = strlen(name);

	while (p && p < end) {
		const char *comma = memchr(p, ',', (size_t)(end - p));
		size_t len = (size_t)((comma ? comma : end) - p);

		if (len == want && memcmp(p, name, len) == 0)
			return true;
		p += len + 1;
	}
	return false;
}

static void add_memberships(struct user *u, const char *group)
{
	for (const char *p = group; *u->name && p && *p;) {
		struct entry en;
		uint32_t gid;

		p = next_entry(p, &en);
		if (field_id(&en, 2, &gid) && has_member(&en, u->name))
			(void)add_gid(u, gid);
	}
}

int user_add_group(struct user *u, const char *name, const char *group, struct err *e)
{
	gid_t gid;
	int r = find_group(name, group, &gid, e);

	if (r < 0)
		return r;
	r = add_gid(u, gid);
	return r < 0 ? err_msg(e, r, "more than %d groups", USER_GROUPS_MAX) : 0;
}

int user_parse(const char *spec, const char *passwd, const char *group, struct user *ret,
	       struct err *e)
{
	auto_free char *who = xstrdup(*spec ? spec : "0");
	char *colon = strchr(who, ':');
	struct user u = { .home = "/" };
	int r;

	if (colon)
		*colon++ = '\0';
	r = find_user(&u, *who ? who : "0", passwd, e);
	if (r < 0)
		return r;
	if (colon && *colon)
		r = find_group(colon, group, &u.gid, e);
	else
		add_memberships(&u, group);
	if (r < 0)
		return r;
	*ret = u;
	return 0;
}

static void read_below(int rootfs_fd, const char *path, char **ret)
{
	auto_close int fd = fd_open_in_root(rootfs_fd, path, O_RDONLY | O_NONBLOCK, 0);

	if (fd >= 0)
		(void)io_read_fd(fd, FILE_MAX, ret, /* ret_len */ NULL);
}

int user_resolve(int rootfs_fd, const char *spec, char *const *groups, struct user *ret,
		 struct err *e)
{
	auto_free char *passwd = NULL;
	auto_free char *group = NULL;
	struct user u;
	int r;

	read_below(rootfs_fd, "/etc/passwd", &passwd);
	read_below(rootfs_fd, "/etc/group", &group);
	r = user_parse(spec, passwd, group, &u, e);
	for (; r == 0 && groups && *groups; groups++)
		if (!str_eq(*groups, "keep-groups"))
			r = user_add_group(&u, *groups, group, e);
	if (r < 0)
		return r;
	*ret = u;
	return 0;
}
