/* SPDX-License-Identifier: Apache-2.0
 *
 * spec_check - rules between the fields of a specification
 *
 * What the kernel would refuse late, or accept with an effect on the host.
 */
#include <errno.h>
#include <string.h>

#include "common/err.h"
#include "common/str.h"
#include "runner/oci/spec.h"

/* Sysctls that belong to a namespace; all others would change the host. */
static const struct {
	const char *prefix;
	bool whole; /* the name itself, not names that start so */
	enum spec_ns_type ns;
} sysctls[] = {
	{ "kernel.msgmax", true, SPEC_NS_IPC },	     { "kernel.msgmnb", true, SPEC_NS_IPC },
	{ "kernel.msgmni", true, SPEC_NS_IPC },	     { "kernel.sem", true, SPEC_NS_IPC },
	{ "kernel.shmall", true, SPEC_NS_IPC },	     { "kernel.shmmax", true, SPEC_NS_IPC },
	{ "kernel.shmmni", true, SPEC_NS_IPC },	     { "kernel.shm_rmid_forced", true, SPEC_NS_IPC },
	{ "kernel.msg_next_id", true, SPEC_NS_IPC }, { "kernel.sem_next_id", true, SPEC_NS_IPC },
	{ "kernel.shm_next_id", true, SPEC_NS_IPC }, { "fs.mqueue.", false, SPEC_NS_IPC },
	{ "net.", false, SPEC_NS_NETWORK },	     { "kernel.domainname", true, SPEC_NS_UTS },
	{ "user.", false, SPEC_NS_USER },
};

static int check_sysctl(const struct spec *s, const char *key, struct err *e)
{
	char name[256];

	if (str_format(name, sizeof(name), "%s", key) < 0 || strstr(key, "..") || key[0] == '/')
		return err_msg(e, -EINVAL, "linux.sysctl: '%s' is no name of a sysctl", key);
	if (!strchr(name, '.') || (strchr(name, '/') && strchr(name, '/') < strchr(name, '.')))
		for (char *c = name; *c; c++)
			*c = *c == '/' ? '.' : *c == '.' ? '/' : *c;
	for (size_t i = 0; i < sizeof(sysctls) / sizeof(sysctls[0]); i++) {
		if (sysctls[i].whole ? strcmp(name, sysctls[i].prefix) != 0 :
				       !str_starts(name, sysctls[i].prefix))
			continue;
		if (s->ns[sysctls[i].ns].set)
			return 0;
		return err_msg(e, -EINVAL,
			       "linux.sysctl: %s: needs a namespace of its own that is not asked for",
			       key);
	}
	if (strcmp(name, "kernel.hostname") == 0)
		return err_msg(e, -EINVAL, "linux.sysctl: kernel.hostname: the field hostname is for that");
	return err_msg(e, -EINVAL, "linux.sysctl: %s: belongs to no namespace; it would change the host",
		       key);
}

static bool leaf_weights(const struct spec_resources *r)
{
	for (size_t i = 0; i < r->n_blkio_devs; i++)
		if (r->blkio_devs[i].has_leaf_weight && r->blkio_devs[i].leaf_weight)
			return true;
	return r->blkio_leaf_weight.v > 0;
}

int spec_check_resources(const struct spec_resources *r, struct err *e)
{
	const struct {
		bool asked;
		const char *field;
	} rows[] = {
		{ r->mem_kernel.v > 0, "memory.kernel" },
		{ r->mem_kernel_tcp.v > 0, "memory.kernelTCP" },
		/* engines that ask for nothing say -1 */
		{ r->mem_swappiness.set && r->mem_swappiness.v >= 0, "memory.swappiness" },
		{ r->mem_disable_oom.v, "memory.disableOOMKiller" },
		/* its limits are of the group and all below it, always */
		{ r->mem_use_hierarchy.set && !r->mem_use_hierarchy.v, "memory.useHierarchy" },
		{ r->cpu_rt_runtime.v > 0, "cpu.realtimeRuntime" },
		{ r->cpu_rt_period.v > 0, "cpu.realtimePeriod" },
		{ leaf_weights(r), "blockIO.leafWeight" },
		{ r->net_classid.v > 0, "network.classID" },
		{ r->n_net_prio > 0, "network.priorities" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].asked)
			return err_msg(e, -EOPNOTSUPP, "linux.resources.%s: cgroup2 has no such limit",
				       rows[i].field);
	return 0;
}

int spec_check(const struct spec *s, struct err *e)
{
	int ret = spec_check_resources(&s->res, e);

	if (ret < 0)
		return ret;
	if (s->hostname && !s->ns[SPEC_NS_UTS].set)
		return err_msg(e, -EINVAL, "hostname: needs a uts namespace");
	if (s->domainname && !s->ns[SPEC_NS_UTS].set)
		return err_msg(e, -EINVAL, "domainname: needs a uts namespace");
	if (!s->ns[SPEC_NS_USER].set && (s->uidmap.n || s->gidmap.n))
		return err_msg(e, -EINVAL, "linux.uidMappings: need a user namespace");
	if ((s->monotonic.set || s->boottime.set) &&
	    (!s->ns[SPEC_NS_TIME].set || s->ns[SPEC_NS_TIME].path))
		return err_msg(e, -EINVAL, "linux.timeOffsets: need a new time namespace");
	if (s->seccomp.set && s->seccomp.listener_metadata && !s->seccomp.listener_path)
		return err_msg(e, -EINVAL, "linux.seccomp.listenerMetadata: without listenerPath");
	if (s->n_netdevs && !s->ns[SPEC_NS_NETWORK].set)
		return err_msg(e, -EINVAL, "linux.netDevices: need a network namespace of the container's");
	if (s->intel_rdt_closid)
		return err_msg(e, -EOPNOTSUPP, "linux.intelRdt: not supported");
	for (size_t i = 0; i < s->n_sysctl; i++) {
		int r = check_sysctl(s, s->sysctl[i].key, e);

		if (r < 0)
			return r;
		if (s->domainname && strcmp(s->sysctl[i].key, "kernel.domainname") == 0 &&
		    strcmp(s->domainname, s->sysctl[i].value) != 0)
			return err_msg(e, -EINVAL, "linux.sysctl: kernel.domainname says '%s', "
						   "domainname says '%s'",
				       s->sysctl[i].value, s->domainname);
	}
	return 0;
}
