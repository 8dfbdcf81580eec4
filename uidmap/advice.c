/* SPDX-License-Identifier: Apache-2.0
 *
 * advice - the exact line with which an admin adds what is missing
 */
#include "uidmap/advice.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/io.h"
#include "common/str.h"
#include "common/userns.h"
#include "uidmap/caller.h"
#include "uidmap/idset.h"
#include "uidmap/kind.h"
#include "uidmap/subid.h"
#include "uidmap/subid_file.h"

uint32_t advice_free_start(const struct idset *taken)
{
	uint64_t start = ADVICE_START_MIN;

	for (size_t i = 0; i < taken->n; i++) {
		uint64_t end = (uint64_t)taken->v[i].start + taken->v[i].count;

		if (taken->v[i].start >= start + ADVICE_COUNT)
			break;
		if (end > start)
			start = end;
	}
	return start + ADVICE_COUNT <= ID_END_MAX ? (uint32_t)start : 0;
}

static int take_any(void *arg, const struct subid_line *line)
{
	return idset_add(arg, line->start, line->count);
}

/* usermod changes only users that stand in the local file. */
static bool is_local_user(const struct caller *caller)
{
	auto_fclose FILE *f = fopen("/etc/passwd", "re");
	const struct passwd *pw;

	while (f && (pw = fgetpwent(f)))
		if (pw->pw_uid == caller->id.uid && str_eq(pw->pw_name, caller->name))
			return true;
	return false;
}

void advise_grant(const struct caller *caller, const struct idkind *kind, char ret[ERR_MSG_MAX])
{
	struct idset AUTO(idset_clear) taken = { 0 };
	struct subid_sink sink = { .grant = take_any, .arg = &taken };
	uint32_t start;

	if (subid_file_read(kind->subid_file, &sink, NULL) < 0)
		return;
	idset_normalise(&taken);
	start = advice_free_start(&taken);
	if (!start)
		return;
	if (is_local_user(caller))
		(void)snprintf(ret, ERR_MSG_MAX, "usermod --add-sub%ss %" PRIu32 "-%" PRIu32 " %s",
			       kind->noun, start, start + ADVICE_COUNT - 1, caller->name);
	else if (caller->name[0])
		(void)snprintf(ret, ERR_MSG_MAX, "echo '%s:%" PRIu32 ":%d' >>%s", caller->name,
			       start, ADVICE_COUNT, kind->subid_file);
	else
		(void)snprintf(ret, ERR_MSG_MAX, "echo %" PRIu32 ":%" PRIu32 ":%d >>%s",
			       caller->id.uid, start, ADVICE_COUNT, kind->subid_file);
}

void advise_setcap(const char *path, const struct idkind *kind, char ret[ERR_MSG_MAX])
{
	(void)snprintf(ret, ERR_MSG_MAX, "setcap %s+ep %s", kind->cap_name, path);
}

void advise_install(char ret[ERR_MSG_MAX])
{
	(void)snprintf(ret, ERR_MSG_MAX, "apt-get install uidmap");
}

void advise_userns(int failure, char ret[ERR_MSG_MAX])
{
	const char *line = userns_advice(failure);

	if (line)
		(void)snprintf(ret, ERR_MSG_MAX, "%s", line);
}
