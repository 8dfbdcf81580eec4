/* SPDX-License-Identifier: Apache-2.0
 *
 * caps - names and sets of capabilities
 */
#include "runner/oci/caps.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>

#include "common/err.h"
#include "common/str.h"
#include "runner/oci/raw.h"
#include "runner/oci/spec.h"

static const char *const names[] = {
	"CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID",
	"SETPCAP", "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW",
	"IPC_LOCK", "IPC_OWNER", "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT",
	"SYS_ADMIN", "SYS_BOOT", "SYS_NICE", "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD",
	"LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP", "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG",
	"WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF", "CHECKPOINT_RESTORE",
};
_Static_assert(sizeof(names) / sizeof(names[0]) == CAPS_COUNT, "a name for every capability");

#define BIT(c) (UINT64_C(1) << (c))

uint64_t spec_caps_default(void)
{
	return BIT(CAP_CHOWN) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_FOWNER) | BIT(CAP_FSETID) |
	       BIT(CAP_KILL) | BIT(CAP_SETGID) | BIT(CAP_SETUID) | BIT(CAP_SETPCAP) |
	       BIT(CAP_NET_BIND_SERVICE) | BIT(CAP_NET_RAW) | BIT(CAP_SYS_CHROOT) |
	       BIT(CAP_MKNOD) | BIT(CAP_AUDIT_WRITE) | BIT(CAP_SETFCAP);
}

int caps_last(void)
{
	int last = -1;

	while (last + 1 < 63 && raw_prctl(PR_CAPBSET_READ, (unsigned long)(last + 1), 0, 0) >= 0)
		last++;
	return last;
}

uint64_t spec_caps_all(void)
{
	return BIT(caps_last() + 1) - 1;
}

int spec_cap_parse(const char *name)
{
	if (strncasecmp(name, "CAP_", 4) == 0)
		name += 4;
	for (int i = 0; i < CAPS_COUNT; i++)
		if (strcasecmp(name, names[i]) == 0)
			return i;
	return -EINVAL;
}

const char *caps_name(int cap)
{
	return cap >= 0 && cap < CAPS_COUNT ? names[cap] : NULL;
}

void spec_caps_assign(struct spec_process *p, uint64_t mask)
{
	p->caps = (struct spec_caps){
		.set = true,
		.bounding = mask,
		.effective = mask,
		.permitted = mask,
	};
}

int caps_drop_bounding(uint64_t keep, struct err *e)
{
	for (int cap = 0; cap < 63; cap++) {
		if (keep & BIT(cap) || raw_prctl(PR_CAPBSET_DROP, (unsigned long)cap, 0, 0) == 0)
			continue;

		int why = errno;
		int has = raw_prctl(PR_CAPBSET_READ, (unsigned long)cap, 0, 0);

		/* the kernel knows no such capability, nor a higher one */
		if (has < 0)
			return 0;
		/* not there, and no right to drop any */
		if (has == 0)
			continue;
		return err_set(e, -why, "drop capability %d from the bounding set", cap);
	}
	return 0;
}

static int set_all(const struct __user_cap_data_struct data[2])
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };

	return raw_capset(&head, data) < 0 ? -errno : 0;
}

int caps_apply(const struct spec_caps *c, struct err *e)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct now[2];

	if (raw_capget(&head, now) < 0)
		return err_set(e, -errno, "read capabilities");

	/* what nobody has given us cannot be passed on; as crun and runc do */
	uint64_t have = now[0].permitted | (uint64_t)now[1].permitted << 32;
	uint64_t permitted = c->permitted & have;
	uint64_t effective = c->effective & permitted;
	uint64_t bset = 0;
	for (int cap = 0; cap < 63; cap++)
		if (c->inheritable & ~have & BIT(cap) &&
		    raw_prctl(PR_CAPBSET_READ, (unsigned long)(cap), 0, 0) > 0)
			bset |= BIT(cap);
	uint64_t inheritable = c->inheritable & (have | bset);
	struct __user_cap_data_struct data[2] = {
		{ (uint32_t)effective, (uint32_t)permitted, (uint32_t)inheritable },
		{ (uint32_t)(effective >> 32), (uint32_t)(permitted >> 32),
		  (uint32_t)(inheritable >> 32) },
	};

	int r = set_all(data);
	if (r < 0)
		return err_set(e, r, "set capabilities");

	(void)raw_prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0);
	uint64_t ambient = c->ambient & permitted & inheritable;
	for (int cap = 0; cap < 63; cap++)
		if (ambient & BIT(cap) &&
		    raw_prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, (unsigned long)cap, 0) < 0)
			return err_set(e, -errno, "raise ambient capability %d", cap);
	return 0;
}
