/* SPDX-License-Identifier: Apache-2.0
 *
 * caps - make a privileged program small before it looks at what its caller gave it
 */
#include "uidmap/caps.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/err.h"
#include "common/fd.h"

/* Free descriptors and memory that reading passwd and grants never uses up. */
#define SPARE_FDS 16
#define SPARE_MEMORY (4 << 20)

/* The three sets as 64 bits each; the kernel's ABI cuts them in halves. */
struct capsets {
	uint64_t effective;
	uint64_t permitted;
	uint64_t inheritable;
};

static int capsets_get(struct capsets *ret)
{
	struct __user_cap_header_struct hdr = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2] = { 0 };

	if (syscall(SYS_capget, &hdr, d) < 0)
		return -errno;
	ret->effective = (uint64_t)d[1].effective << 32 | d[0].effective;
	ret->permitted = (uint64_t)d[1].permitted << 32 | d[0].permitted;
	ret->inheritable = (uint64_t)d[1].inheritable << 32 | d[0].inheritable;
	return 0;
}

static int capsets_set(const struct capsets *s)
{
	struct __user_cap_header_struct hdr = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2] = {
		{ (uint32_t)s->effective, (uint32_t)s->permitted, (uint32_t)s->inheritable },
		{ (uint32_t)(s->effective >> 32), (uint32_t)(s->permitted >> 32),
		  (uint32_t)(s->inheritable >> 32) },
	};

	if (syscall(SYS_capset, &hdr, d) < 0)
		return -errno;
	return 0;
}

int caps_confine(uint64_t keep, struct err *e)
{
	uid_t uid = getuid();
	struct capsets s;
	int r;

	if (uid == 0)
		keep |= CAPS_BIT(CAP_SETFCAP);
	/*
	 * Installed setuid root: become the caller for good. The kernel takes
	 * a map only from the owner of the user namespace, so this also makes
	 * it refuse a namespace that is not the caller's.
	 */
	if (geteuid() != uid) {
		if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
			return err_set(e, -errno, "keep capabilities");
		if (setresuid(uid, uid, uid) < 0)
			return err_set(e, -errno, "become uid %u", uid);
	}
	if (getegid() != getgid() && setresgid(getgid(), getgid(), getgid()) < 0)
		return err_set(e, -errno, "become gid %u", getgid());
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_set(e, -errno, "set no_new_privs");
	/* A caller may have set ambient capabilities; older kernels know none */
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 && errno != EINVAL)
		return err_set(e, -errno, "clear ambient capabilities");
	r = capsets_get(&s);
	if (r < 0)
		return err_set(e, r, "read capabilities");
	s = (struct capsets){ .permitted = s.permitted & keep };
	r = capsets_set(&s);
	if (r < 0)
		return err_set(e, r, "drop capabilities");
	return 0;
}

int caps_raise(int cap)
{
	struct capsets s;
	int r = capsets_get(&s);

	if (r < 0)
		return r;
	s.effective |= s.permitted & (CAPS_BIT(cap) | CAPS_BIT(CAP_SETFCAP));
	return capsets_set(&s);
}

int caps_forgo(int cap)
{
	struct capsets s;
	int r = capsets_get(&s);

	if (r < 0)
		return r;
	s.effective &= ~CAPS_BIT(cap);
	s.permitted &= ~CAPS_BIT(cap);
	return capsets_set(&s);
}

bool caps_have(int cap)
{
	struct capsets s;

	return capsets_get(&s) == 0 && (s.permitted >> cap & 1);
}

/*
 * Look-ups fail over to their next source, or to "no such user", when a file
 * cannot be opened or memory is short. A caller who sets the limits would then
 * choose what we believe, so we make sure of more than the look-ups take.
 */
static int check_limits(struct err *e)
{
	int fds[SPARE_FDS], n = 0, r = 0;
	void *spare = malloc(SPARE_MEMORY);

	for (; n < SPARE_FDS && r == 0; n++) {
		fds[n] = open("/dev/null", O_RDONLY | O_CLOEXEC);
		if (fds[n] < 0)
			r = err_set(e, -errno, "%d descriptors are needed", SPARE_FDS);
	}
	while (n-- > 0)
		if (fds[n] >= 0)
			(void)close(fds[n]);
	if (r == 0 && !spare)
		r = err_msg(e, -ENOMEM, "%d bytes of memory are needed", SPARE_MEMORY);
	free(spare);
	return r;
}

int process_tidy(struct err *e)
{
	int r = fd_std_open();

	if (r < 0)
		return err_set(e, r, "open /dev/null");
	if (clearenv() != 0)
		return err_set(e, -ENOMEM, "empty the environment");
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR || signal(SIGXFSZ, SIG_IGN) == SIG_ERR)
		return err_set(e, -errno, "ignore signals");
	return check_limits(e);
}
