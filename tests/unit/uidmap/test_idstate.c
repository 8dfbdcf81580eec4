/* SPDX-License-Identifier: Apache-2.0
 *
 * The module predicts what the kernel does. A child that really is root runs
 * random sequences natively and the same ones on an idstate; after each step
 * both must be in the same state. Without root only the fixed cases run.
 */
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/prctl.h>
#include <linux/securebits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "uidmap/agent/idstate.h"

enum { SEQUENCES = 400, STEPS = 40, GROUPS = 8 };

/* --- what the kernel says ---------------------------------------------------------- */

static uint64_t get_set(const struct __user_cap_data_struct d[2], int which)
{
	uint64_t lo = which == 0 ? d[0].permitted : which == 1 ? d[0].effective : d[0].inheritable;
	uint64_t hi = which == 0 ? d[1].permitted : which == 1 ? d[1].effective : d[1].inheritable;

	return hi << 32 | lo;
}

static void look(struct idstate *s, uint32_t *groups)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2] = { 0 };
	int n;

	*s = (struct idstate){ 0 };
	(void)syscall(SYS_getresuid, &s->uid.r, &s->uid.e, &s->uid.s);
	(void)syscall(SYS_getresgid, &s->gid.r, &s->gid.e, &s->gid.s);
	s->uid.fs = (uint32_t)syscall(SYS_setfsuid, -1);
	s->gid.fs = (uint32_t)syscall(SYS_setfsgid, -1);
	(void)syscall(SYS_capget, &h, d);
	s->cap.p = get_set(d, 0);
	s->cap.e = get_set(d, 1);
	s->cap.i = get_set(d, 2);
	for (int c = 0; c <= CAP_LAST_CAP; c++) {
		if (prctl(PR_CAPBSET_READ, c, 0, 0, 0) == 1)
			s->cap.b |= UINT64_C(1) << c;
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, c, 0, 0) == 1)
			s->cap.a |= UINT64_C(1) << c;
	}
	s->securebits = (uint32_t)prctl(PR_GET_SECUREBITS);
	n = (int)syscall(SYS_getgroups, GROUPS, groups);
	s->n_groups = n > 0 ? (uint32_t)n : 0;
	s->groups = groups;
}

static void show(const char *who, const struct idstate *s)
{
	(void)fprintf(stderr,
		      "%s uid %u %u %u %u gid %u %u %u %u P %llx E %llx I %llx B %llx A %llx sec %x groups %u\n",
		      who, s->uid.r, s->uid.e, s->uid.s, s->uid.fs, s->gid.r, s->gid.e, s->gid.s,
		      s->gid.fs, (unsigned long long)s->cap.p, (unsigned long long)s->cap.e,
		      (unsigned long long)s->cap.i, (unsigned long long)s->cap.b,
		      (unsigned long long)s->cap.a, s->securebits, s->n_groups);
}

/* --- random steps ------------------------------------------------------------------- */

static uint32_t seed;

static uint32_t rnd(uint32_t below)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % below;
}

static uint32_t rnd_id(void)
{
	static const uint32_t ids[] = { 0, 0, 33, 1000, 65534, 4000000000U, ID_NONE, ID_NONE };

	return ids[rnd(8)];
}

static uint64_t rnd_caps(uint64_t of)
{
	return of & ((uint64_t)rnd(1U << 24) << 24 | rnd(1U << 24) | (uint64_t)rnd(2) * of);
}

static long native_capset(uint64_t p, uint64_t e, uint64_t i)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2] = {
		{ (uint32_t)e, (uint32_t)p, (uint32_t)i },
		{ (uint32_t)(e >> 32), (uint32_t)(p >> 32), (uint32_t)(i >> 32) },
	};

	return syscall(SYS_capset, &h, d);
}

static long answer(long r)
{
	return r < 0 ? -errno : r;
}

/* One step on both; returns the kernel's answer and the module's. */
static void step(struct idstate *s, uint32_t *groups, long *kernel, long *ours, char *what)
{
	static const int options[] = { PR_GET_KEEPCAPS, PR_SET_KEEPCAPS, PR_GET_SECUREBITS,
				       PR_SET_SECUREBITS, PR_CAPBSET_READ, PR_CAPBSET_DROP,
				       PR_CAP_AMBIENT };
	uint32_t a = rnd_id(), b = rnd_id(), c = rnd_id();
	uint64_t arg[4] = { 0 }, p, e, i;
	unsigned int which = rnd(12);

	(void)snprintf(what, 80, "step %u: %d %d %d", which, (int)a, (int)b, (int)c);
	switch (which) {
#define BOTH(call, module) (*kernel = answer(call), *ours = (module))
	case 0:
		BOTH(syscall(SYS_setuid, a), idstate_setuid(s, a));
		break;
	case 1:
		BOTH(syscall(SYS_setgid, a), idstate_setgid(s, a));
		break;
	case 2:
		BOTH(syscall(SYS_setreuid, a, b), idstate_setreuid(s, a, b));
		break;
	case 3:
		BOTH(syscall(SYS_setregid, a, b), idstate_setregid(s, a, b));
		break;
	case 4:
	case 5:
		BOTH(syscall(SYS_setresuid, a, b, c), idstate_setresuid(s, a, b, c));
		break;
	case 6:
		BOTH(syscall(SYS_setresgid, a, b, c), idstate_setresgid(s, a, b, c));
		break;
	case 7:
		BOTH((uint32_t)syscall(SYS_setfsuid, a), idstate_setfsuid(s, a));
		break;
	case 8:
		BOTH((uint32_t)syscall(SYS_setfsgid, a), idstate_setfsgid(s, a));
		break;
	case 9: {
		uint32_t g[3] = { a, b, c };
		uint32_t n = rnd(4);
		long k = answer(syscall(SYS_setgroups, n, g));

		for (uint32_t at = 0; at < n; at++)
			groups[at] = g[at];
		*kernel = k;
		*ours = idstate_setgroups(s, groups, n);
		break;
	}
	case 10:
		p = rnd_caps(s->cap.p), e = rnd_caps(rnd(8) ? p : UINT64_MAX);
		i = rnd_caps(rnd(4) ? s->cap.p : UINT64_MAX);
		BOTH(native_capset(p, e, i), idstate_capset(s, p, e, i));
		break;
	default: {
		int option = options[rnd(7)];

		arg[0] = option == PR_CAP_AMBIENT ? rnd(6) : rnd(option == PR_SET_KEEPCAPS ? 3 : 64);
		arg[1] = option == PR_CAP_AMBIENT && arg[0] != PR_CAP_AMBIENT_CLEAR_ALL ? rnd(50) : 0;
		(void)snprintf(what, 80, "prctl %d %d %d", option, (int)arg[0], (int)arg[1]);
		BOTH(syscall(SYS_prctl, option, arg[0], arg[1], 0, 0),
		     idstate_prctl(s, option, arg));
	}
	}
}

static int sequence(uint32_t number)
{
	uint32_t kernel_groups[GROUPS], first_groups[GROUPS], steps_groups[STEPS][GROUPS];
	struct idstate ours, kernel;
	char what[80];

	seed = number;
	look(&ours, first_groups);
	for (int i = 0; i < STEPS; i++) {
		long k, m;

		step(&ours, steps_groups[i], &k, &m, what);
		look(&kernel, kernel_groups);
		if (k == m && idstate_equal(&ours, &kernel))
			continue;
		(void)fprintf(stderr, "seed %u, %s: kernel %ld, ours %ld\n", number, what, k, m);
		show("kernel", &kernel);
		show("ours  ", &ours);
		return 1;
	}
	return 0;
}

static void the_kernel_agrees(void **state)
{
	(void)state;
	if (geteuid() != 0 || prctl(PR_CAPBSET_READ, CAP_SETPCAP, 0, 0, 0) != 1)
		skip();
	for (uint32_t n = 1; n <= SEQUENCES; n++) {
		int status;
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (pid == 0)
			_exit(sequence(n));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
	}
}

/* --- fixed cases --------------------------------------------------------------------- */

static void leaving_root_for_good(void **state)
{
	struct idstate s;

	(void)state;
	idstate_init(&s, 0, 0, 0xff);
	assert_int_equal(s.cap.p, 0xff);
	assert_int_equal(idstate_setresuid(&s, 33, 33, 33), 0);
	assert_int_equal(s.cap.p | s.cap.e, 0);
	assert_int_equal(idstate_setuid(&s, 0), -EPERM);
	assert_int_equal(idstate_setuid(&s, 33), 0); /* a second thread says the same */
}

static void effective_id_comes_back(void **state)
{
	struct idstate s;

	(void)state;
	idstate_init(&s, 0, 0, 0xff);
	assert_int_equal(idstate_setresuid(&s, ID_NONE, 33, ID_NONE), 0);
	assert_int_equal(s.cap.e, 0);
	assert_int_equal(s.cap.p, 0xff);
	assert_int_equal(idstate_setresuid(&s, ID_NONE, 0, ID_NONE), 0);
	assert_int_equal(s.cap.e, 0xff);
}

static void setuid_program(void **state)
{
	const struct idfile su = { .setuid = true, .uid = 0, .gid = 0 }, plain = { 0 };
	struct idstate s;

	(void)state;
	idstate_init(&s, 1000, 1000, 0xff);
	assert_int_equal(s.cap.p, 0);
	idstate_exec(&s, &su);
	assert_int_equal(s.uid.r, 1000);
	assert_int_equal(s.uid.e, 0);
	assert_int_equal(s.uid.s, 0);
	assert_int_equal(s.cap.e, 0xff);
	assert_int_equal(idstate_setresuid(&s, 1000, 1000, 1000), 0);
	idstate_exec(&s, &plain);
	assert_int_equal(s.uid.e, 1000);
	assert_int_equal(s.cap.p, 0);
}

static void groups_of_the_file_system(void **state)
{
	uint32_t g[] = { 50, 4, 4000000000U };
	struct idstate s;

	(void)state;
	idstate_init(&s, 0, 7, UINT64_MAX);
	assert_int_equal(idstate_setgroups(&s, g, 3), 0);
	assert_int_equal(s.groups[0], 4);
	assert_true(idstate_in_group(&s, 7));
	assert_true(idstate_in_group(&s, 50));
	assert_true(idstate_in_group(&s, 4000000000U));
	assert_false(idstate_in_group(&s, 5));
	assert_int_equal(idstate_setgroups(&s, g, IDSTATE_GROUPS_MAX + 1), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_kernel_agrees),
		cmocka_unit_test(leaving_root_for_good),
		cmocka_unit_test(effective_id_comes_back),
		cmocka_unit_test(setuid_program),
		cmocka_unit_test(groups_of_the_file_system),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
