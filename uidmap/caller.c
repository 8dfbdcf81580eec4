/* SPDX-License-Identifier: Apache-2.0
 *
 * caller - who runs this program, and what was granted to that user
 */
#include "uidmap/caller.h"

#include <errno.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/err.h"
#include "common/str.h"
#include "uidmap/idmap.h"
#include "uidmap/kind.h"
#include "uidmap/logindefs.h"
#include "uidmap/nss.h"
#include "uidmap/subid.h"
#include "uidmap/subid_file.h"

/* As getpwuid(3): which errors only say that there is no such user. */
static bool means_no_entry(int error)
{
	return error == 0 || error == ENOENT || error == ESRCH || error == EBADF || error == EPERM;
}

int caller_identify(struct caller *ret, struct err *e)
{
	struct caller c = { .id = { .uid = getuid(), .gid = getgid() } };
	const struct passwd *pw;
	int r;

	errno = 0;
	pw = getpwuid(c.id.uid);
	if (!pw && !means_no_entry(errno))
		return err_set(e, -errno, "look up uid %" PRIu32, c.id.uid);
	if (pw && strlen(pw->pw_name) >= sizeof(c.name))
		return err_msg(e, -ENAMETOOLONG, "the name of uid %" PRIu32 " is too long",
			       c.id.uid);
	if (pw) {
		(void)str_format(c.name, sizeof(c.name), "%s", pw->pw_name);
		c.id.known = true;
		c.id.primary_gid = pw->pw_gid;
	}
	r = logindefs_yes("GRANT_AUX_GROUP_SUBIDS", e);
	if (r < 0)
		return r;
	c.id.aux_groups = r;
	*ret = c;
	return 0;
}

/* What a line of the file is held against, and where its ids go. */
struct pick {
	const struct caller *caller;
	const struct idmap *want;
	struct idset *set;
};

static bool touches(const struct idmap *want, const struct subid_line *line)
{
	for (size_t i = 0; i < want->n; i++) {
		uint64_t start = want->r[i].outside;

		if (line->start < start + want->r[i].count && start < line->start + line->count &&
		    line->start + line->count > line->start)
			return true;
	}
	return false;
}

/* A second login name with the caller's number is the same user. */
static bool is_alias(const struct pick *p, const struct subid_line *line)
{
	char name[CALLER_NAME_MAX];
	const struct passwd *pw;

	if (!p->want || line->owner_len >= sizeof(name) || subid_owner_is_number(line) ||
	    memchr(line->owner, '\0', line->owner_len) || !touches(p->want, line))
		return false;
	memcpy(name, line->owner, line->owner_len);
	name[line->owner_len] = '\0';
	pw = getpwnam(name);
	return pw && pw->pw_uid == p->caller->id.uid;
}

static int pick_line(void *arg, const struct subid_line *line)
{
	const struct pick *p = arg;
	const char *name = p->caller->name[0] ? p->caller->name : NULL;

	if (!subid_owner_is(line, p->caller->id.uid, name) && !is_alias(p, line))
		return 0;
	return idset_add(p->set, line->start, line->count);
}

int caller_grants(const struct caller *caller, const struct idkind *kind, const struct idmap *want,
		  struct idset *ret, struct err *e)
{
	struct pick pick = { .caller = caller, .want = want, .set = ret };
	struct subid_sink sink = { .grant = pick_line, .arg = &pick };
	int r = nss_grants(caller, kind, ret, e);

	if (r == 0)
		r = subid_file_read(kind->subid_file, &sink, e);
	if (r < 0)
		return r;
	idset_normalise(ret);
	return 0;
}
