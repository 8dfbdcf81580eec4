/* SPDX-License-Identifier: Apache-2.0
 *
 * killpriv - write as somebody whose writing clears setuid bits
 *
 * A real file system clears setuid and setgid bits when a file is written, but
 * not for who has CAP_FSETID. The server of a mount by the host's root has it,
 * its clients may not: the kernel says so with each request (wire.c). In any
 * other user namespace nobody has it over the first one, and nothing is to do.
 */
#include "fuse-overlay/killpriv.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

static int set_effective(bool with)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &head, data))
		return -errno;
	if (!(data[0].permitted & CAP_TO_MASK(CAP_FSETID)) ||
	    !(data[0].effective & CAP_TO_MASK(CAP_FSETID)) == !with)
		return -EALREADY;
	data[0].effective ^= CAP_TO_MASK(CAP_FSETID);
	return syscall(SYS_capset, &head, data) ? -errno : 0;
}

bool killpriv_begin(bool wanted)
{
	return wanted && set_effective(false) == 0;
}

void killpriv_end(bool begun)
{
	int saved = errno;

	if (begun)
		(void)set_effective(true);
	errno = saved;
}
