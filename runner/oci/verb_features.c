/* SPDX-License-Identifier: Apache-2.0
 *
 * verb_features - what this runtime can do, as the runtime-spec defines it
 */
#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/err.h"
#include "runner/oci/caps.h"
#include "runner/oci/cli.h"
#include "runner/oci/mountflags.h"
#include "runner/oci/ns.h"

static json_t *list(const char *const *v, size_t n)
{
	json_t *a = json_array();

	for (size_t i = 0; i < n; i++)
		(void)json_array_append_new(a, json_string(v[i]));
	return a;
}
#define LIST(v) list(v, sizeof(v) / sizeof((v)[0]))

static json_t *mount_options(void)
{
	json_t *a = json_array();

	for (unsigned int i = 0; mountflags_each(i); i++)
		(void)json_array_append_new(a, json_string(mountflags_each(i)));
	return a;
}

/* Those of the spec that this libseccomp knows: what it does not is ignored in a filter. */
static json_t *seccomp_archs(void)
{
	static const char *const archs[] = {
		"AARCH64", "ARM", "LOONGARCH64", "M68K", "MIPS", "MIPS64", "MIPS64N32", "MIPSEL",
		"MIPSEL64", "MIPSEL64N32", "PARISC", "PARISC64", "PPC", "PPC64", "PPC64LE", "RISCV64",
		"S390", "S390X", "SH", "SHEB", "X32", "X86", "X86_64",
	};
	json_t *a = json_array();

	for (size_t i = 0; i < sizeof(archs) / sizeof(archs[0]); i++) {
		char name[32] = "";

		for (size_t k = 0; archs[i][k]; k++)
			name[k] = (char)tolower((unsigned char)archs[i][k]);
		if (seccomp_arch_resolve_name(name))
			(void)json_array_append_new(a, json_sprintf("SCMP_ARCH_%s", archs[i]));
	}
	return a;
}

/* The kernel looks at the flags before it finds that there is no filter. */
static void seccomp_flags(json_t **ret_known, json_t **ret_supported)
{
	static const struct {
		const char *name;
		unsigned long flags; /* this one, and what it needs */
	} rows[] = {
		{ "SECCOMP_FILTER_FLAG_LOG", SECCOMP_FILTER_FLAG_LOG },
		{ "SECCOMP_FILTER_FLAG_SPEC_ALLOW", SECCOMP_FILTER_FLAG_SPEC_ALLOW },
		{ "SECCOMP_FILTER_FLAG_TSYNC", SECCOMP_FILTER_FLAG_TSYNC },
		{ "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV",
		  SECCOMP_FILTER_FLAG_NEW_LISTENER | 1UL << 5 },
	};

	*ret_known = json_array();
	*ret_supported = json_array();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		(void)json_array_append_new(*ret_known, json_string(rows[i].name));
		if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, rows[i].flags, NULL) < 0 &&
		    errno == EFAULT)
			(void)json_array_append_new(*ret_supported, json_string(rows[i].name));
	}
}

static json_t *seccomp(void)
{
	static const char *const actions[] = {
		"SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO", "SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS",
		"SCMP_ACT_KILL_THREAD", "SCMP_ACT_LOG", "SCMP_ACT_NOTIFY", "SCMP_ACT_TRACE",
		"SCMP_ACT_TRAP",
	};
	static const char *const operators[] = {
		"SCMP_CMP_EQ", "SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_LE", "SCMP_CMP_LT",
		"SCMP_CMP_MASKED_EQ", "SCMP_CMP_NE",
	};
	json_t *flags, *supported;

	seccomp_flags(&flags, &supported);
	return json_pack("{s:b, s:o, s:o, s:o, s:o, s:o}", "enabled", 1, "actions", LIST(actions),
			 "operators", LIST(operators), "archs", seccomp_archs(), "knownFlags", flags,
			 "supportedFlags", supported);
}

static json_t *linux_features(void)
{
	static const char *const modes[] = {
		"MPOL_DEFAULT", "MPOL_BIND", "MPOL_INTERLEAVE", "MPOL_WEIGHTED_INTERLEAVE",
		"MPOL_PREFERRED", "MPOL_PREFERRED_MANY", "MPOL_LOCAL",
	};
	static const char *const flags[] = {
		"MPOL_F_NUMA_BALANCING", "MPOL_F_RELATIVE_NODES", "MPOL_F_STATIC_NODES",
	};
	json_t *namespaces = json_array(), *caps = json_array();

	for (enum spec_ns_type t = 0; t < SPEC_NS_MAX_; t++)
		(void)json_array_append_new(namespaces, json_string(ns_kind(t)->name));
	for (int i = 0; i <= caps_last() && caps_name(i); i++)
		(void)json_array_append_new(caps, json_sprintf("CAP_%s", caps_name(i)));
	return json_pack("{s:o, s:o, s:{s:b, s:b, s:b, s:b, s:b}, s:o, s:{s:b}, s:{s:b}, "
			 "s:{s:b, s:b, s:b}, "
			 "s:{s:{s:b}}, s:{s:o, s:o}, s:{s:b}}",
			 "namespaces", namespaces, "capabilities", caps, "cgroup", "v1", 0, "v2", 1,
			 "systemd", 1, "systemdUser", 1, "rdma", 1, "seccomp", seccomp(), "apparmor",
			 "enabled", 1, "selinux", "enabled", 1, "intelRdt", "enabled", 0, "schemata", 0,
			 "monitoring", 0,
			 "mountExtensions", "idmap", "enabled", 1, "memoryPolicy", "modes",
			 LIST(modes), "flags", LIST(flags), "netDevices", "enabled", 1);
}

static int features_main(struct cli *cli, int argc, char **argv, struct err *e)
{
	static const char *const hooks[] = {
		"prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop",
	};
	const struct scmp_version *v = seccomp_version();
	char **args;

	(void)cli;
	int r = cli_operands(&verb_features, argc, argv, NULL, 0, 0, 0, &args, e);
	if (r < 0)
		return r;
	json_t *o = json_pack("{s:s, s:s, s:o, s:o, s:o, s:{s:o, s:s}, s:[s]}", "ociVersionMin", "1.0.0",
			      "ociVersionMax", SPEC_VERSION, "hooks", LIST(hooks), "mountOptions",
			      mount_options(), "linux", linux_features(), "annotations",
			      "io.github.seccomp.libseccomp.version",
			      json_sprintf("%u.%u.%u", v->major, v->minor, v->micro),
			      "org.opencontainers.runner-oci.version", VERSION,
			      "potentiallyUnsafeConfigAnnotations", "run.oci.keep_original_groups");
	r = json_dumpf(o, stdout, JSON_INDENT(2));
	json_decref(o);
	if (r < 0 || printf("\n") < 0)
		return err_set(e, -EIO, "write to stdout");
	return 0;
}

const struct verb verb_features = {
	.name = "features", .operands = "", .summary = "print what this runtime can do",
	.no_store = true, .fn = features_main,
};
