/* SPDX-License-Identifier: Apache-2.0
 *
 * mapwrite - give a map to the kernel, once
 *
 * How it works: an open map file belongs to the user namespace that the
 * target was in when it was opened. A target may move on to another one at
 * any time, but never back. So the files are opened first; if the target is
 * then still where the policy saw it, they belong to that namespace, and what
 * the target does next changes neither. Only then is anything written: first
 * "deny" to setgroups where it is due, then the map. Signals wait meanwhile,
 * so that no handler's default leaves the one without the other.
 */
#include "uidmap/mapwrite.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "uidmap/caps.h"
#include "uidmap/idmap.h"
#include "uidmap/kind.h"
#include "uidmap/target.h"

static int still_there(struct target *t, const struct policy_target *seen,
		       const struct idkind *kind, struct err *e)
{
	struct target before = *t;
	struct policy_target now;
	int r = target_look(t, &now, e);

	if (r < 0)
		return r;
	if (now.uid != seen->uid || now.gid != seen->gid || t->ns_dev != before.ns_dev ||
	    t->ns_ino != before.ns_ino)
		return err_msg(e, -EAGAIN, "%s %s changed its owner or user namespace meanwhile",
			       kind->target_words, t->name);
	return 0;
}

static int check_empty(int fd, const struct idkind *kind, const struct target *t, struct err *e)
{
	char c;
	ssize_t n = pread(fd, &c, 1, 0);

	if (n < 0)
		return err_set(e, -errno, "read %s of %s", kind->map_file, t->name);
	if (n > 0)
		return err_msg(e, -EPERM, "%s of %s is already written", kind->map_file, t->name);
	return 0;
}

static int write_deny(int fd, const struct target *t, struct err *e)
{
	static const char deny[] = "deny";
	char now[sizeof(deny)] = "";

	if (pread(fd, now, sizeof(deny) - 1, 0) < 0)
		return err_set(e, -errno, "read setgroups of %s", t->name);
	if (strcmp(now, deny) == 0)
		return 0;
	if (write(fd, deny, sizeof(deny) - 1) != (ssize_t)(sizeof(deny) - 1))
		return err_set(e, -errno, "deny setgroups of %s", t->name);
	return 0;
}

static int write_map(int fd, const struct target *t, const struct idkind *kind,
		     const struct idmap *map, struct err *e)
{
	char text[IDMAP_TEXT_MAX];
	int len = idmap_format(map, text);

	if (len < 0)
		return err_set(e, len, "%s", kind->map_file);
	if (write(fd, text, (size_t)len) == len)
		return 0;
	if (errno == EPERM && !caps_have(kind->cap))
		return err_set(e, -EPERM, "write %s of %s without the file capability %s",
			       kind->map_file, t->name, kind->cap_name);
	return err_set(e, -errno, "write %s of %s", kind->map_file, t->name);
}

int mapwrite(struct target *t, const struct policy_target *seen, const struct idkind *kind,
	     const struct idmap *map, bool deny_setgroups, struct err *e)
{
	auto_close int groups = -1;
	sigset_t all;
	int r;

	(void)sigfillset(&all);
	(void)sigprocmask(SIG_BLOCK, &all, NULL);
	r = caps_raise(kind->cap);
	if (r < 0)
		return err_set(e, r, "raise %s", kind->cap_name);
	auto_close int fd = target_open_file(t, kind->map_file, O_RDWR);
	if (fd < 0)
		return err_set(e, fd, "open %s of %s", kind->map_file, t->name);
	if (deny_setgroups) {
		groups = target_open_file(t, "setgroups", O_RDWR);
		if (groups < 0)
			return err_set(e, groups, "open setgroups of %s", t->name);
	}
	r = still_there(t, seen, kind, e);
	if (r < 0)
		return r;
	r = check_empty(fd, kind, t, e);
	if (r < 0)
		return r;
	r = deny_setgroups ? write_deny(groups, t, e) : 0;
	if (r < 0)
		return r;
	return write_map(fd, t, kind, map, e);
}
