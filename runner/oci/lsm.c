/* SPDX-License-Identifier: Apache-2.0
 *
 * lsm - which security modules the host has
 */
#include "runner/oci/lsm.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/io.h"
#include "common/str.h"
#include "runner/oci/spec.h"

enum { FILE_MAX = 65536 };

/* The list of modules needs securityfs; the file system's name is always there. */
bool lsm_has_selinux(void)
{
	auto_free char *text = NULL;

	return io_read_file_at(AT_FDCWD, "/proc/filesystems", FILE_MAX, &text, NULL) == 0 &&
	       strstr(text, "\tselinuxfs\n");
}

bool lsm_has_apparmor(void)
{
	auto_free char *text = NULL;

	return io_read_file_at(AT_FDCWD, "/sys/module/apparmor/parameters/enabled", 16, &text, NULL) ==
		       0 &&
	       text[0] == 'Y';
}

int lsm_check(const struct spec_process *s, struct err *e)
{
	if (s->selinux && *s->selinux && !lsm_has_selinux())
		return err_msg(e, -EOPNOTSUPP,
			       "process.selinuxLabel: '%s': this host has no SELinux", s->selinux);
	if (s->apparmor && *s->apparmor && !str_eq(s->apparmor, "unconfined") && !lsm_has_apparmor())
		return err_msg(e, -EOPNOTSUPP,
			       "process.apparmorProfile: '%s': this host has no AppArmor", s->apparmor);
	return 0;
}
