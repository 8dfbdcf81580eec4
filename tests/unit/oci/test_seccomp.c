/* SPDX-License-Identifier: Apache-2.0
 *
 * test_seccomp - what the compiled profiles answer, by running their BPF
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <cmocka.h>

#include "common/err.h"
#include "runner/oci/oci.h"

/* As much of classic BPF as seccomp filters use. */
static uint32_t bpf_run(const struct oci_bpf *b, const struct seccomp_data *d)
{
	const struct sock_filter *f = b->insns;
	size_t n = b->bytes / sizeof(*f);
	uint32_t acc = 0;

	for (size_t pc = 0; pc < n; pc++) {
		uint32_t k = f[pc].k;

		switch (f[pc].code) {
		case BPF_LD | BPF_W | BPF_ABS:
			assert_true(k + 4 <= sizeof(*d));
			memcpy(&acc, (const char *)d + k, 4);
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			acc &= k;
			break;
		case BPF_JMP | BPF_JA:
			pc += k;
			break;
		case BPF_JMP | BPF_JEQ | BPF_K:
			pc += acc == k ? f[pc].jt : f[pc].jf;
			break;
		case BPF_JMP | BPF_JGT | BPF_K:
			pc += acc > k ? f[pc].jt : f[pc].jf;
			break;
		case BPF_JMP | BPF_JGE | BPF_K:
			pc += acc >= k ? f[pc].jt : f[pc].jf;
			break;
		case BPF_RET | BPF_K:
			return k;
		default:
			fail_msg("instruction %#x", (unsigned int)f[pc].code);
		}
	}
	fail_msg("ran off the end");
	return 0;
}

static uint32_t ask(const struct oci_bpf *b, int nr, uint64_t arg0)
{
	struct seccomp_data d = { .nr = nr, .arch = AUDIT_ARCH_X86_64, .args = { arg0 } };

	return bpf_run(b, &d);
}

#define EPERM_ (SECCOMP_RET_ERRNO | EPERM)
#define ENOSYS_ (SECCOMP_RET_ERRNO | ENOSYS)

static void default_profile(void **state)
{
	(void)state;
	static const struct {
		int nr;
		uint64_t arg0;
		uint32_t want;
	} rows[] = {
		{ SYS_read, 0, SECCOMP_RET_ALLOW },
		{ SYS_openat2, 0, SECCOMP_RET_ALLOW },
		{ SYS_ptrace, 0, SECCOMP_RET_ALLOW },
		{ SYS_mount, 0, EPERM_ },
		{ SYS_unshare, 0, EPERM_ },
		{ SYS_setns, 0, EPERM_ },
		{ SYS_bpf, 0, EPERM_ },
		{ SYS_keyctl, 0, EPERM_ },
		{ SYS_add_key, 0, EPERM_ },
		{ SYS_userfaultfd, 0, EPERM_ },
		{ SYS_kexec_load, 0, EPERM_ },
		{ SYS_reboot, 0, EPERM_ },
		{ SYS_io_uring_setup, 0, EPERM_ },
		{ SYS_clone, SIGCHLD, SECCOMP_RET_ALLOW },
		{ SYS_clone, CLONE_NEWUSER | SIGCHLD, EPERM_ },
		{ SYS_clone, CLONE_NEWNS, EPERM_ },
		{ SYS_clone3, 0, ENOSYS_ },
		{ SYS_personality, 0, SECCOMP_RET_ALLOW },
		{ SYS_personality, 8, SECCOMP_RET_ALLOW },
		{ SYS_personality, 0xffffffff, SECCOMP_RET_ALLOW },
		{ SYS_personality, 0x40000, EPERM_ },
		{ SYS_socket, AF_INET, SECCOMP_RET_ALLOW },
		{ SYS_socket, AF_VSOCK, EPERM_ },
		{ SYS_chroot, 0, SECCOMP_RET_ALLOW },
		{ 452 /* fchmodat2 */, 0, SECCOMP_RET_ALLOW },
		{ 451 /* cachestat */, 0, SECCOMP_RET_ALLOW },
		{ 450 /* set_mempolicy_home_node */, 0, EPERM_ },
		{ 600 /* not invented */, 0, ENOSYS_ },
	};
	struct spec s;
	struct err e = { 0 };
	struct oci_bpf b = { 0 };

	spec_default(&s, 0);
	assert_int_equal(oci_seccomp_compile(&s.seccomp, &b, &e), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (ask(&b, rows[i].nr, rows[i].arg0) != rows[i].want)
			fail_msg("call %d(%#llx): %#x, not %#x", rows[i].nr,
				 (unsigned long long)rows[i].arg0,
				 ask(&b, rows[i].nr, rows[i].arg0), rows[i].want);

	/* 32-bit programs are let in, a foreign machine's are not */
	struct seccomp_data d = { .nr = 3, .arch = AUDIT_ARCH_I386 };
	assert_int_equal(bpf_run(&b, &d), SECCOMP_RET_ALLOW);
	d.arch = AUDIT_ARCH_AARCH64;
	assert_int_not_equal(bpf_run(&b, &d), SECCOMP_RET_ALLOW);
	oci_bpf_clear(&b);
	spec_clear(&s);
}

static void follows_capabilities(void **state)
{
	(void)state;
	struct spec s;
	struct err e = { 0 };
	struct oci_bpf b = { 0 };

	spec_default(&s, 0);
	spec_caps_assign(&s.process, spec_caps_default() | UINT64_C(1) << CAP_SYS_ADMIN);
	spec_seccomp_default(&s);
	assert_int_equal(oci_seccomp_compile(&s.seccomp, &b, &e), 0);
	assert_int_equal(ask(&b, SYS_mount, 0), SECCOMP_RET_ALLOW);
	assert_int_equal(ask(&b, SYS_clone, CLONE_NEWUSER), SECCOMP_RET_ALLOW);
	assert_int_equal(ask(&b, SYS_clone3, 0), SECCOMP_RET_ALLOW);
	assert_int_equal(ask(&b, SYS_reboot, 0), EPERM_);
	oci_bpf_clear(&b);
	spec_clear(&s);
}

static void operators(void **state)
{
	(void)state;
	static const struct {
		int op;
		uint64_t a, b, in, out;
	} rows[] = {
		{ SCMP_CMP_EQ, 7, 0, 7, 8 },	    { SCMP_CMP_NE, 7, 0, 8, 7 },
		{ SCMP_CMP_LT, 7, 0, 6, 7 },	    { SCMP_CMP_LE, 7, 0, 7, 8 },
		{ SCMP_CMP_GE, 7, 0, 7, 6 },	    { SCMP_CMP_GT, 7, 0, 8, 7 },
		{ SCMP_CMP_MASKED_EQ, 0xf, 5, 0x15, 0x16 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *names[] = { "dup" };
		struct spec_seccomp_arg arg = { 0, rows[i].op, rows[i].a, rows[i].b };
		struct spec_seccomp_rule rule = {
			.names = { names, 1 },
			.action = SCMP_ACT_ERRNO(0),
			.has_errno = true,
			.errno_ret = EBUSY,
			.args = &arg,
			.n_args = 1,
		};
		struct spec_seccomp sc = { .set = true, .action = SCMP_ACT_ALLOW, .rules = &rule, .n_rules = 1 };
		struct oci_bpf b = { 0 };

		assert_int_equal(oci_seccomp_compile(&sc, &b, NULL), 0);
		assert_int_equal(ask(&b, SYS_dup, rows[i].in), SECCOMP_RET_ERRNO | EBUSY);
		assert_int_equal(ask(&b, SYS_dup, rows[i].out), SECCOMP_RET_ALLOW);
		oci_bpf_clear(&b);
	}
}

static void actions(void **state)
{
	(void)state;
	static const struct {
		const char *word;
		uint32_t want;
	} rows[] = {
		{ "SCMP_ACT_KILL", SECCOMP_RET_KILL_THREAD },
		{ "SCMP_ACT_KILL_THREAD", SECCOMP_RET_KILL_THREAD },
		{ "SCMP_ACT_KILL_PROCESS", SECCOMP_RET_KILL_PROCESS },
		{ "SCMP_ACT_TRAP", SECCOMP_RET_TRAP },
		{ "SCMP_ACT_ERRNO", SECCOMP_RET_ERRNO | 77 },
		{ "SCMP_ACT_TRACE", SECCOMP_RET_TRACE | 77 },
		{ "SCMP_ACT_NOTIFY", SECCOMP_RET_USER_NOTIF },
		{ "SCMP_ACT_LOG", SECCOMP_RET_LOG },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool number = strstr(rows[i].word, "ERRNO") || strstr(rows[i].word, "TRACE");
		struct oci_bpf b = { 0 };
		struct err e = { 0 };
		struct spec s;
		char json[512];

		(void)snprintf(json, sizeof(json),
			       "{\"ociVersion\":\"1.0.0\",\"linux\":{\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ALLOW\","
			       "\"listenerPath\":\"/run/agent\","
			       "\"architectures\":[\"SCMP_ARCH_X86_64\",\"SCMP_ARCH_X86\",\"SCMP_ARCH_AARCH64\"],"
			       "\"syscalls\":[{\"names\":[\"mkdir\",\"mkdirat\"],\"action\":\"%s\"%s}]}}}",
			       rows[i].word, number ? ",\"errnoRet\":77" : "");
		if (spec_parse(json, strlen(json), &s, &e) < 0 ||
		    oci_seccomp_compile(&s.seccomp, &b, &e) < 0)
			fail_msg("%s: %s", rows[i].word, e.msg);
		/* each architecture by its own number of the call */
		struct seccomp_data on[] = { { .nr = SYS_mkdir, .arch = AUDIT_ARCH_X86_64 },
					     { .nr = 39, .arch = AUDIT_ARCH_I386 },
					     { .nr = 34, .arch = AUDIT_ARCH_AARCH64 } };
		for (size_t k = 0; k < 3; k++)
			assert_int_equal(bpf_run(&b, &on[k]), rows[i].want);
		/* an architecture that was not named is none of ours */
		struct seccomp_data off = { .nr = SYS_mkdir, .arch = AUDIT_ARCH_S390X };
		assert_int_equal(bpf_run(&b, &off), SECCOMP_RET_KILL_THREAD);
		assert_int_equal(ask(&b, SYS_read, 0), SECCOMP_RET_ALLOW);
		oci_bpf_clear(&b);
		spec_clear(&s);
	}
}

static void key_changes(void **state)
{
	(void)state;
	struct spec s;
	char a[33], b[33];

	spec_default(&s, 0);
	oci_seccomp_key(&s.seccomp, a);
	spec_seccomp_default(&s);
	oci_seccomp_key(&s.seccomp, b);
	assert_string_equal(a, b);
	spec_caps_assign(&s.process, spec_caps_all());
	spec_seccomp_default(&s);
	oci_seccomp_key(&s.seccomp, b);
	assert_string_not_equal(a, b);
	spec_clear(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(default_profile),
		cmocka_unit_test(follows_capabilities),
		cmocka_unit_test(operators),
		cmocka_unit_test(actions),
		cmocka_unit_test(key_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
