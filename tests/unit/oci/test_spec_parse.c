/* SPDX-License-Identifier: Apache-2.0
 *
 * test_spec_parse - config.json: what is read, and which field is named when
 * it cannot be
 */
#include <errno.h>
#include <linux/capability.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/err.h"
#include "runner/oci/spec.h"

static int parse(const char *text, struct spec *s, struct err *e)
{
	return spec_parse(text, strlen(text), s, e);
}

static void whole(void **state)
{
	(void)state;
	static const char text[] =
		"{\"ociVersion\":\"1.0.2\",\"root\":{\"path\":\"rootfs\",\"readonly\":true},"
		"\"hostname\":\"h\",\"process\":{\"args\":[\"a\",\"b\"],\"cwd\":\"/\","
		"\"user\":{\"uid\":1,\"gid\":2,\"additionalGids\":[5,6]},"
		"\"capabilities\":{\"bounding\":[\"CAP_KILL\",\"CAP_FROM_THE_FUTURE\"]},"
		"\"rlimits\":[{\"type\":\"RLIMIT_CORE\",\"soft\":1,\"hard\":18446744073709551615}]},"
		"\"mounts\":[{\"destination\":\"/proc\",\"type\":\"proc\",\"options\":[\"nosuid\"]}],"
		"\"annotations\":{\"run.oci.keep_original_groups\":\"1\"},"
		"\"linux\":{\"namespaces\":[{\"type\":\"mount\"},{\"type\":\"network\",\"path\":\"/n\"}],"
		"\"resources\":{\"memory\":{\"limit\":18446744073709551615},\"pids\":{\"limit\":7}}},"
		"\"unknown\":{}}";
	struct spec s;
	struct err e = { 0 };

	if (parse(text, &s, &e) < 0)
		fail_msg("%s", e.msg);
	assert_string_equal(s.root_path, "rootfs");
	assert_true(s.root_readonly);
	assert_int_equal(s.process.args.n, 2);
	assert_string_equal(s.process.args.v[1], "b");
	assert_int_equal(s.process.user.n_gids, 2);
	assert_int_equal(s.process.user.gids[1], 6);
	assert_true(s.process.user.keep_groups);
	assert_true(s.process.caps.bounding == UINT64_C(1) << CAP_KILL);
	assert_int_equal(s.warnings.n, 1);
	assert_true(s.process.rlimits[0].lim.rlim_max == RLIM_INFINITY);
	assert_int_equal(s.n_mounts, 1);
	assert_true(s.ns[SPEC_NS_MOUNT].set && !s.ns[SPEC_NS_MOUNT].path);
	assert_string_equal(s.ns[SPEC_NS_NETWORK].path, "/n");
	assert_false(s.ns[SPEC_NS_PID].set);
	assert_int_equal(s.res.mem_limit.v, -1);
	assert_int_equal(s.res.pids_limit.v, 7);
	spec_clear(&s);
}

static void sets_of_numbers(void **state)
{
	(void)state;
	static const char text[] =
		"{\"ociVersion\":\"1.2.0\",\"root\":{\"path\":\"r\"},"
		"\"process\":{\"execCPUAffinity\":{\"initial\":\"0-3,7\",\"final\":\"8191\"}},"
		"\"linux\":{\"memoryPolicy\":{\"mode\":\"MPOL_INTERLEAVE\",\"nodes\":\"1,64-65\","
		"\"flags\":[\"MPOL_F_STATIC_NODES\",\"MPOL_F_NUMA_BALANCING\"]}}}";
	struct spec s;
	struct err e = { 0 };

	if (parse(text, &s, &e) < 0)
		fail_msg("%s", e.msg);
	assert_true(s.process.has_affinity);
	assert_int_equal(s.process.cpus_initial.v[0], 0x8f);
	assert_int_equal(s.process.cpus_initial.n, SPEC_MAX_CPUS / 64);
	assert_true(s.process.cpus_final.v[127] == 1UL << 63);
	assert_true(s.mempolicy.set);
	/* MPOL_INTERLEAVE is 3, the flags are bits 15 and 13 */
	assert_int_equal(s.mempolicy.mode, 3 | 1 << 15 | 1 << 13);
	assert_int_equal(s.mempolicy.nodes.v[0], 2);
	assert_int_equal(s.mempolicy.nodes.v[1], 3);
	assert_int_equal(s.mempolicy.nodes.v[2], 0);
	spec_clear(&s);
}

#define DOC(inner) "{\"ociVersion\":\"1.0.0\"," inner "}"

static void names_the_field(void **state)
{
	(void)state;
	static const struct {
		const char *text, *field;
	} rows[] = {
		{ "[]", "object" },
#define NETDEV(host, name) DOC("\"linux\":{\"netDevices\":{\"" host "\":{\"name\":\"" name "\"}}}")
		{ NETDEV("eth%d", "a"), "netDevices.eth%d" },
		{ NETDEV("eth0", "a/b"), "netDevices.eth0" },
		{ NETDEV("eth0", "a%s"), "netDevices.eth0" },
		{ NETDEV("eth0", "a%d%d"), "netDevices.eth0" },
		{ NETDEV("eth0", "sixteen-letters-"), "netDevices.eth0" },
		{ NETDEV("", "a"), "netDevices." },
		{ DOC("\"linux\":{\"netDevices\":{\"eth0\":[]}}"), "netDevices.eth0" },
#define CPUS(text) DOC("\"process\":{\"execCPUAffinity\":{\"final\":\"" text "\"}}")
		{ CPUS(","), "execCPUAffinity.final" },
		{ CPUS("1,"), "execCPUAffinity.final" },
		{ CPUS("3-2"), "execCPUAffinity.final" },
		{ CPUS("-2"), "execCPUAffinity.final" },
		{ CPUS("8192"), "execCPUAffinity.final" },
		{ DOC("\"linux\":{\"memoryPolicy\":{\"nodes\":\"0\"}}"), "memoryPolicy.mode" },
		{ DOC("\"linux\":{\"memoryPolicy\":{\"mode\":\"MPOL_BIND\",\"nodes\":\"1024\"}}"),
		  "memoryPolicy.nodes" },
		{ "{}", "ociVersion" },
		{ "{\"ociVersion\":\"2.0\"}", "ociVersion" },
		{ DOC("\"hostname\":5"), "hostname" },
		{ DOC("\"root\":{}"), "root.path" },
		{ DOC("\"root\":{\"path\":\"a\\u0000b\"}"), "u0000" },
		{ DOC("\"mounts\":[{}]"), "mounts[0].destination" },
		{ DOC("\"mounts\":[{\"destination\":\"/a\",\"options\":\"x\"}]"), "mounts[0].options" },
		{ DOC("\"process\":{\"user\":{\"uid\":-1}}"), "process.user.uid" },
		{ DOC("\"process\":{\"user\":{\"uid\":4294967295}}"), "process.user.uid" },
		{ DOC("\"process\":{\"rlimits\":[{\"type\":\"RLIMIT_X\",\"soft\":1,\"hard\":1}]}"),
		  "process.rlimits[0].type" },
		{ DOC("\"process\":{\"rlimits\":[{\"type\":\"RLIMIT_AS\",\"soft\":1,\"hard\":1},"
		      "{\"type\":\"RLIMIT_AS\",\"soft\":1,\"hard\":1}]}"), "process.rlimits[1]" },
		{ DOC("\"process\":{\"oomScoreAdj\":2000}"), "process.oomScoreAdj" },
		{ DOC("\"process\":{\"scheduler\":{\"policy\":\"SCHED_X\"}}"),
		  "process.scheduler.policy" },
		{ DOC("\"hooks\":{\"poststop\":[{\"path\":\"rel\"}]}"), "hooks.poststop[0].path" },
		{ DOC("\"hooks\":{\"prestart\":[{\"path\":\"/a\",\"timeout\":0}]}"),
		  "hooks.prestart[0].timeout" },
		{ DOC("\"linux\":{\"namespaces\":[{\"type\":\"x\"}]}"), "linux.namespaces[0].type" },
		{ DOC("\"linux\":{\"namespaces\":[{\"type\":\"pid\"},{\"type\":\"pid\"}]}"),
		  "linux.namespaces[1]" },
		{ DOC("\"linux\":{\"devices\":[{\"path\":\"/dev/x\",\"type\":\"z\"}]}"),
		  "linux.devices[0].type" },
		{ DOC("\"linux\":{\"rootfsPropagation\":\"x\"}"), "linux.rootfsPropagation" },
		{ DOC("\"linux\":{\"intelRdt\":{\"closID\":1}}"), "linux.intelRdt.closID" },
		{ DOC("\"linux\":{\"resources\":{\"devices\":[{\"allow\":true,\"access\":\"q\"}]}}"),
		  "linux.resources.devices[0].access" },
		{ DOC("\"linux\":{\"seccomp\":{\"defaultAction\":\"X\"}}"),
		  "linux.seccomp.defaultAction" },
		{ DOC("\"linux\":{\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":"
		      "[{\"names\":[\"dup\"],\"action\":\"SCMP_ACT_NOTIFY\"}]}}"), "listenerPath" },
		{ DOC("\"linux\":{\"personality\":{\"domain\":\"LINUX\",\"flags\":[\"F\"]}}"),
		  "linux.personality.flags" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct spec s;
		struct err e = { 0 };

		if (parse(rows[i].text, &s, &e) == 0)
			fail_msg("accepted: %s", rows[i].text);
		if (!strstr(e.msg, rows[i].field))
			fail_msg("'%s' does not name %s", e.msg, rows[i].field);
	}
}

static void checks_between_fields(void **state)
{
	(void)state;
	static const struct {
		const char *text, *field; /* NULL: fine */
	} rows[] = {
		{ DOC("\"hostname\":\"h\",\"linux\":{\"namespaces\":[{\"type\":\"mount\"}]}"), "hostname" },
		{ DOC("\"hostname\":\"h\",\"linux\":{\"namespaces\":[{\"type\":\"uts\"}]}"), NULL },
		{ DOC("\"linux\":{\"sysctl\":{\"net.ipv4.ip_forward\":\"1\"}}"), "ip_forward" },
		{ DOC("\"linux\":{\"namespaces\":[{\"type\":\"network\"}],\"sysctl\":"
		      "{\"net.ipv4.ip_forward\":\"1\"}}"), NULL },
		{ DOC("\"linux\":{\"namespaces\":[{\"type\":\"network\"}],\"sysctl\":"
		      "{\"net/ipv4/ip_forward\":\"1\"}}"), NULL },
		{ DOC("\"linux\":{\"sysctl\":{\"vm.swappiness\":\"1\"}}"), "vm.swappiness" },
		{ DOC("\"linux\":{\"sysctl\":{\"net/../vm/swappiness\":\"1\"}}"), "sysctl" },
		{ DOC("\"linux\":{\"namespaces\":[{\"type\":\"uts\"}],\"sysctl\":"
		      "{\"kernel.hostname\":\"x\"}}"), "kernel.hostname" },
		{ DOC("\"linux\":{\"timeOffsets\":{\"boottime\":{\"secs\":1}}}"), "timeOffsets" },
		{ DOC("\"linux\":{\"intelRdt\":{\"closID\":\"a\"}}"), "intelRdt" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct spec s;
		struct err e = { 0 };

		if (parse(rows[i].text, &s, &e) < 0)
			fail_msg("%s", e.msg);
		int r = spec_check(&s, &e);
		if (!rows[i].field && r < 0)
			fail_msg("%s", e.msg);
		if (rows[i].field && (r == 0 || !strstr(e.msg, rows[i].field)))
			fail_msg("row %zu: %d '%s'", i, r, e.msg);
		spec_clear(&s);
	}
}

static void docker_profile(void **state)
{
	(void)state;
	static const char text[] =
		"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"archMap\":[{\"architecture\":\"SCMP_ARCH_X86_64\","
		"\"subArchitectures\":[\"SCMP_ARCH_X86\"]},{\"architecture\":\"SCMP_ARCH_AARCH64\"}],"
		"\"syscalls\":["
		"{\"names\":[\"mount\"],\"action\":\"SCMP_ACT_ALLOW\",\"includes\":{\"caps\":[\"CAP_SYS_ADMIN\"]}},"
		"{\"names\":[\"clone\"],\"action\":\"SCMP_ACT_ALLOW\",\"excludes\":{\"caps\":[\"CAP_SYS_ADMIN\"]}},"
		"{\"names\":[\"ptrace\"],\"action\":\"SCMP_ACT_ALLOW\",\"includes\":{\"minKernel\":\"4.8\"}},"
		"{\"names\":[\"read\"],\"action\":\"SCMP_ACT_ALLOW\",\"includes\":{\"minKernel\":\"99.0\"}},"
		"{\"name\":\"dup\",\"action\":\"SCMP_ACT_ALLOW\",\"includes\":{},\"excludes\":{}}]}";
	struct spec s;
	struct err e = { 0 };

	spec_default(&s, 0);
	if (spec_seccomp_parse_docker(&s, text, strlen(text), &e) < 0)
		fail_msg("%s", e.msg);
	assert_int_equal(s.seccomp.n_rules, 5);
	assert_int_equal(s.seccomp.rules[0].names.n, 0);
	assert_int_equal(s.seccomp.rules[1].names.n, 1);
	assert_int_equal(s.seccomp.rules[2].names.n, 1);
	assert_int_equal(s.seccomp.rules[3].names.n, 0);
	assert_string_equal(s.seccomp.rules[4].names.v[0], "dup");
#if defined(__x86_64__)
	assert_int_equal(s.seccomp.n_archs, 2);
#endif
	spec_clear(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole), cmocka_unit_test(sets_of_numbers),
		cmocka_unit_test(names_the_field),
		cmocka_unit_test(checks_between_fields),
		cmocka_unit_test(docker_profile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
