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
#include "common/str.h"
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

/*
 * All leaves of runtime-spec 1.3's schema of a configuration for Linux: a value
 * of a wrong type is an error that names the field, so none is overlooked.
 * "[]" is an array, "*" any key; @beside are members that must be there, too.
 */
static const struct {
	const char *path, *beside;
} fields[] = {
	{ "ociVersion", NULL },
	{ "hostname", NULL },
	{ "domainname", NULL },
	{ "annotations.*", NULL },
	{ "root.path", NULL },
	{ "root.readonly", "\"path\":\"r\"," },
#define HOOK(name) { "hooks." name "[].path", NULL }, \
	{ "hooks." name "[].args[]", "\"path\":\"/h\"," }, \
	{ "hooks." name "[].env[]", "\"path\":\"/h\"," }, \
	{ "hooks." name "[].timeout", "\"path\":\"/h\"," }
	HOOK("prestart"), HOOK("createRuntime"), HOOK("createContainer"), HOOK("startContainer"),
	HOOK("poststart"), HOOK("poststop"),
#define IDS(at, beside) { at "[].containerID", beside }, { at "[].hostID", beside }, \
	{ at "[].size", beside }
	{ "mounts[].destination", NULL },
	{ "mounts[].source", NULL },
	{ "mounts[].type", NULL },
	{ "mounts[].options[]", NULL },
	IDS("mounts[].uidMappings", NULL), IDS("mounts[].gidMappings", NULL),
	{ "process.args[]", NULL },
	{ "process.commandLine", NULL },
	{ "process.consoleSize.height", NULL },
	{ "process.consoleSize.width", NULL },
	{ "process.cwd", NULL },
	{ "process.env[]", NULL },
	{ "process.terminal", NULL },
	{ "process.user.uid", NULL },
	{ "process.user.gid", NULL },
	{ "process.user.umask", NULL },
	{ "process.user.additionalGids[]", NULL },
	{ "process.user.username", NULL },
	{ "process.capabilities.bounding[]", NULL },
	{ "process.capabilities.permitted[]", NULL },
	{ "process.capabilities.effective[]", NULL },
	{ "process.capabilities.inheritable[]", NULL },
	{ "process.capabilities.ambient[]", NULL },
	{ "process.apparmorProfile", NULL },
	{ "process.selinuxLabel", NULL },
	{ "process.oomScoreAdj", NULL },
	{ "process.noNewPrivileges", NULL },
	{ "process.ioPriority.class", NULL },
	{ "process.ioPriority.priority", "\"class\":\"IOPRIO_CLASS_BE\"," },
	{ "process.scheduler.policy", NULL },
	{ "process.scheduler.nice", "\"policy\":\"SCHED_OTHER\"," },
	{ "process.scheduler.priority", "\"policy\":\"SCHED_OTHER\"," },
	{ "process.scheduler.flags[]", "\"policy\":\"SCHED_OTHER\"," },
	{ "process.scheduler.runtime", "\"policy\":\"SCHED_OTHER\"," },
	{ "process.scheduler.deadline", "\"policy\":\"SCHED_OTHER\"," },
	{ "process.scheduler.period", "\"policy\":\"SCHED_OTHER\"," },
	{ "process.rlimits[].type", NULL },
	{ "process.rlimits[].soft", "\"type\":\"RLIMIT_AS\",\"hard\":1," },
	{ "process.rlimits[].hard", "\"type\":\"RLIMIT_AS\",\"soft\":1," },
	{ "process.execCPUAffinity.initial", NULL },
	{ "process.execCPUAffinity.final", NULL },
#define DEVICE "\"path\":\"/dev/x\",\"type\":\"c\","
	{ "linux.devices[].type", NULL },
	{ "linux.devices[].path", NULL },
	{ "linux.devices[].fileMode", DEVICE },
	{ "linux.devices[].major", DEVICE },
	{ "linux.devices[].minor", DEVICE },
	{ "linux.devices[].uid", DEVICE },
	{ "linux.devices[].gid", DEVICE },
	{ "linux.netDevices.*.name", NULL },
	IDS("linux.uidMappings", NULL), IDS("linux.gidMappings", NULL),
	{ "linux.namespaces[].type", NULL },
	{ "linux.namespaces[].path", "\"type\":\"pid\"," },
	{ "linux.cgroupsPath", NULL },
	{ "linux.rootfsPropagation", NULL },
	{ "linux.sysctl.*", NULL },
	{ "linux.maskedPaths[]", NULL },
	{ "linux.readonlyPaths[]", NULL },
	{ "linux.mountLabel", NULL },
	{ "linux.intelRdt", NULL }, /* none of its members is looked at: it is refused whole */
	{ "linux.memoryPolicy.mode", NULL },
	{ "linux.memoryPolicy.nodes", "\"mode\":\"MPOL_BIND\"," },
	{ "linux.memoryPolicy.flags[]", "\"mode\":\"MPOL_BIND\"," },
	{ "linux.personality.domain", NULL },
	{ "linux.personality.flags[]", "\"domain\":\"LINUX\"," },
	{ "linux.timeOffsets.boottime.secs", NULL },
	{ "linux.timeOffsets.boottime.nanosecs", NULL },
	{ "linux.timeOffsets.monotonic.secs", NULL },
	{ "linux.timeOffsets.monotonic.nanosecs", NULL },
#define SECCOMP "\"defaultAction\":\"SCMP_ACT_ALLOW\","
#define CALL "\"names\":[\"dup\"],\"action\":\"SCMP_ACT_ERRNO\","
#define ARG "\"index\":0,\"value\":0,\"op\":\"SCMP_CMP_EQ\","
	{ "linux.seccomp.defaultAction", NULL },
	{ "linux.seccomp.defaultErrnoRet", SECCOMP },
	{ "linux.seccomp.flags[]", SECCOMP },
	{ "linux.seccomp.listenerPath", SECCOMP },
	{ "linux.seccomp.listenerMetadata", SECCOMP },
	{ "linux.seccomp.architectures[]", SECCOMP },
	{ "linux.seccomp.syscalls[].names[]", CALL },
	{ "linux.seccomp.syscalls[].action", CALL },
	{ "linux.seccomp.syscalls[].errnoRet", CALL },
	{ "linux.seccomp.syscalls[].args[].index", ARG },
	{ "linux.seccomp.syscalls[].args[].value", ARG },
	{ "linux.seccomp.syscalls[].args[].valueTwo", ARG },
	{ "linux.seccomp.syscalls[].args[].op", ARG },
#define RES "linux.resources."
	{ RES "unified.*", NULL },
	{ RES "devices[].allow", NULL },
	{ RES "devices[].type", NULL },
	{ RES "devices[].major", NULL },
	{ RES "devices[].minor", NULL },
	{ RES "devices[].access", NULL },
	{ RES "pids.limit", NULL },
	{ RES "blockIO.weight", NULL },
	{ RES "blockIO.leafWeight", NULL },
	{ RES "blockIO.weightDevice[].major", NULL },
	{ RES "blockIO.weightDevice[].minor", NULL },
	{ RES "blockIO.weightDevice[].weight", NULL },
	{ RES "blockIO.weightDevice[].leafWeight", NULL },
#define RATES(name) { RES "blockIO." name "[].major", NULL }, { RES "blockIO." name "[].minor", NULL }, \
	{ RES "blockIO." name "[].rate", NULL }
	RATES("throttleReadBpsDevice"), RATES("throttleWriteBpsDevice"),
	RATES("throttleReadIOPSDevice"), RATES("throttleWriteIOPSDevice"),
	{ RES "cpu.cpus", NULL },
	{ RES "cpu.mems", NULL },
	{ RES "cpu.period", NULL },
	{ RES "cpu.quota", NULL },
	{ RES "cpu.burst", NULL },
	{ RES "cpu.realtimePeriod", NULL },
	{ RES "cpu.realtimeRuntime", NULL },
	{ RES "cpu.shares", NULL },
	{ RES "cpu.idle", NULL },
	{ RES "hugepageLimits[].pageSize", NULL },
	{ RES "hugepageLimits[].limit", "\"pageSize\":\"2MB\"," },
	{ RES "memory.kernel", NULL },
	{ RES "memory.kernelTCP", NULL },
	{ RES "memory.limit", NULL },
	{ RES "memory.reservation", NULL },
	{ RES "memory.swap", NULL },
	{ RES "memory.swappiness", NULL },
	{ RES "memory.disableOOMKiller", NULL },
	{ RES "memory.useHierarchy", NULL },
	{ RES "memory.checkBeforeUpdate", NULL },
	{ RES "network.classID", NULL },
	{ RES "network.priorities[].name", NULL },
	{ RES "network.priorities[].priority", "\"name\":\"lo\"," },
	{ RES "rdma.*.hcaHandles", NULL },
	{ RES "rdma.*.hcaObjects", NULL },
};

/* {"a":{"b":[{@beside"c":@value}]}} of "a.b[].c"; a member of @value's name is left out of @beside */
static void nest(struct strbuf *b, const char *path, const char *beside, const char *value)
{
	const char *dot = strchr(path, '.');
	size_t len = dot ? (size_t)(dot - path) : strlen(path);
	bool array = len > 2 && memcmp(path + len - 2, "[]", 2) == 0;
	char name[64];

	(void)str_format(name, sizeof(name), "\"%.*s\":", (int)(array ? len - 2 : len), path);
	assert_int_equal(strbuf_adds(b, "{"), 0);
	/* written before what is at fault, and not twice */
	const char *with = str_eq(name, "\"syscalls\":") ? SECCOMP :
			   dot && str_eq(name, "\"args\":")   ? CALL :
			   !dot && beside			     ? beside :
								       "";
	for (const char *p = with; *p;) {
		const char *end = strstr(p, ",\"");
		size_t n = end ? (size_t)(end - p) + 1 : strlen(p);

		if (!str_starts(p, name))
			assert_int_equal(strbuf_add(b, p, n), 0);
		p += n;
	}
	assert_int_equal(strbuf_addf(b, "%s%s", str_eq(name, "\"*\":") ? "\"k\":" : name, array ? "[" : ""), 0);
	if (dot)
		nest(b, dot + 1, beside, value);
	else
		assert_int_equal(strbuf_adds(b, value), 0);
	assert_int_equal(strbuf_adds(b, array ? "]}" : "}"), 0);
}

static void no_field_is_overlooked(void **state)
{
	size_t bad = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		AUTO(strbuf_clear) struct strbuf b = { 0 }, whole_text = { 0 };
		const char *path = fields[i].path, *leaf = strrchr(path, '.');
		char name[64];
		struct spec s;
		struct err e = { 0 };

		/* no number, word, truth, list, nor map of words */
		nest(&b, path, fields[i].beside, "{\"x\":[[]]}");
		assert_int_equal(strbuf_addf(&whole_text, "{%s%s",
					     str_eq(path, "ociVersion") ? "" : "\"ociVersion\":\"1.3.0\",", b.s + 1), 0);
		leaf = leaf ? leaf + 1 : path;
		(void)str_format(name, sizeof(name), "%.*s", (int)strcspn(leaf, "["), leaf);
		int r = parse(whole_text.s, &s, &e);
		if (r == 0 && (r = spec_check(&s, &e)) == 0)
			spec_clear(&s);
		if (r < 0 && strstr(e.msg, str_eq(name, "*") ? ".k" : name))
			continue;
		print_error("%s: %d '%s' of %s\n", path, r, e.msg, whole_text.s);
		bad++;
	}
	assert_int_equal(bad, 0);
}

static void other_platforms(void **state)
{
	static const char *const names[] = { "freebsd", "solaris", "vm", "windows", "zos" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct spec s;
		struct err e = { 0 };
		char text[64];

		(void)str_format(text, sizeof(text), "{\"ociVersion\":\"1.0.0\",\"%s\":{}}", names[i]);
		assert_int_equal(parse(text, &s, &e), -EOPNOTSUPP);
		assert_true(str_starts(e.msg, names[i]));
		(void)str_format(text, sizeof(text), "{\"ociVersion\":\"1.0.0\",\"%s\":null}", names[i]);
		assert_int_equal(parse(text, &s, &e), 0);
		spec_clear(&s);
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
		{ DOC("\"linux\":{\"intelRdt\":{\"enableMonitoring\":true}}"), "intelRdt" },
		{ DOC("\"linux\":{\"intelRdt\":{\"schemata\":[\"MB:0=10\"]}}"), "intelRdt" },
		{ DOC("\"linux\":{\"resources\":{\"memory\":{\"useHierarchy\":false}}}"), "memory.useHierarchy" },
		{ DOC("\"linux\":{\"resources\":{\"memory\":{\"useHierarchy\":true}}}"), NULL },
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
		cmocka_unit_test(no_field_is_overlooked),
		cmocka_unit_test(other_platforms),
		cmocka_unit_test(checks_between_fields),
		cmocka_unit_test(docker_profile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
