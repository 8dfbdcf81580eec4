/* SPDX-License-Identifier: Apache-2.0
 *
 * userns - why this host lets nobody make a user namespace, and the cure
 */
#include "common/userns.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/io.h"
#include "common/str.h"

static bool sysctl_is(const char *path, const char *value)
{
	auto_free char *text = NULL;

	if (io_read_file_at(AT_FDCWD, path, 32, &text, NULL) < 0)
		return false;
	text[strcspn(text, "\n")] = '\0';
	return str_eq(text, value);
}

const char *userns_advice(int failure)
{
	static const struct {
		int failure;
		const char *path;
		const char *value;
		const char *line;
	} rows[] = {
		{ ENOSPC, "/proc/sys/user/max_user_namespaces", "0",
		  "sysctl -w user.max_user_namespaces=65536" },
		{ EPERM, "/proc/sys/kernel/unprivileged_userns_clone", "0",
		  "sysctl -w kernel.unprivileged_userns_clone=1" },
		{ EPERM, "/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1",
		  "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0" },
		{ EACCES, "/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1",
		  "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (rows[i].failure == failure && sysctl_is(rows[i].path, rows[i].value))
			return rows[i].line;
	return NULL;
}
