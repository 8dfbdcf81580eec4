/* SPDX-License-Identifier: Apache-2.0
 *
 * recorded: what is asked for, what the supervisor is told, what is handed over
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/cleanup.h"
#include "common/io.h"
#include "common/str.h"
#include "runner/engine/container.h"
#include "runner/engine/engine.h"
#include "runner/engine/recorded.h"
#include "runner/engine/rootfs.h"
#include "runner/engine/user.h"
#include "tests/helpers/bpf_run.h"

static void test_parse(void **state)
{
	static const char *const bad[] = { "", "on", "FULL", "full ", "offf" };
	enum recorded_mode mode = RECORDED_FAST;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(recorded_parse(bad[i], &mode, NULL), -EINVAL);
	assert_int_equal(mode, RECORDED_FAST);
	assert_int_equal(recorded_parse("full", &mode, NULL), 0);
	assert_int_equal(mode, RECORDED_FULL);
	assert_int_equal(recorded_parse("off", &mode, NULL), 0);
	assert_int_equal(mode, RECORDED_OFF);
}

static void test_metadata(void **state)
{
	static struct user root, www = { .uid = 33, .gid = 34, .gids = { 5, 4294967294u }, .n_gids = 2 };
	auto_free char *a = recorded_metadata(&root, RECORDED_FULL);
	auto_free char *b = recorded_metadata(&www, RECORDED_FAST);

	(void)state;
	assert_string_equal(a, "uid=0,gid=0,mode=full");
	assert_string_equal(b, "uid=33,gid=34,groups=5+4294967294,mode=fast");
}

static void test_choose(void **state)
{
	static struct engine eng = { .ids = ENGINE_IDS_RANGE, .root_fd = -1, .runroot_fd = -1 };
	AUTO(container_free) struct container *c = container_new(&eng);
	struct rootfs root = { .fd = -1 };
	char profile[] = "/tmp/test-recorded-XXXXXX";
	static const char text[] = "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"listenerPath\":\"/x\",\"syscalls\":"
				   "[{\"names\":[\"mkdir\"],\"action\":\"SCMP_ACT_NOTIFY\"}]}";
	int fd;

	(void)state;
	if (!recorded_offered())
		skip();
	assert_int_equal(recorded_choose(c, &root), RECORDED_OFF);
	eng.ids = ENGINE_IDS_ONE;
	assert_int_equal(recorded_choose(c, &root), RECORDED_FULL);
	root.foreign = true;
	assert_int_equal(recorded_choose(c, &root), RECORDED_OFF);
	root.foreign = false;
	c->config.recorded_ids = xstrdup("fast");
	assert_int_equal(recorded_choose(c, &root), RECORDED_FAST);

	fd = mkstemp(profile);
	assert_int_equal(io_write_all(fd, text, strlen(text)), 0);
	close(fd);
	assert_int_equal(strv_addf(&c->config.security_opt, "seccomp=%s", profile), 0);
	assert_int_equal(recorded_choose(c, &root), RECORDED_OFF);
	unlink(profile);
	assert_int_equal(recorded_choose(c, &root), RECORDED_FAST);
}

static void test_give(void **state)
{
	char dir[] = "/tmp/test-recorded-XXXXXX", value[64];
	auto_close int fd = -1;
	ssize_t len;

	(void)state;
	assert_non_null(mkdtemp(dir));
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(mknodat(fd, "f", S_IFREG | 0640, 0), 0);
	assert_int_equal(symlinkat("/etc/passwd", fd, "l"), 0);
	if (fsetxattr(fd, "user.test", "", 0, 0) < 0) {
		(void)io_remove_tree_at(AT_FDCWD, dir);
		skip();
	}
	assert_int_equal(recorded_give(fd, "f", 33, 34), 0);
	assert_int_equal(recorded_give(fd, "l", 33, 34), 0);
	assert_int_equal(recorded_give(fd, "none", 1, 1), -ENOENT);

	auto_close int file = openat(fd, "f", O_RDONLY | O_CLOEXEC);
	len = fgetxattr(file, "user.containers.override_stat", value, sizeof(value));
	assert_int_equal(len, strlen("33:34:0640"));
	assert_memory_equal(value, "33:34:0640", (size_t)len);
	/* a placeholder stays what it stands for */
	assert_int_equal(fsetxattr(file, "user.containers.override_stat", "0:6:0660:block-8-0", 18, 0), 0);
	assert_int_equal(recorded_give(fd, "f", 1, 2), 0);
	len = fgetxattr(file, "user.containers.override_stat", value, sizeof(value));
	assert_int_equal(len, strlen("1:2:0640:block-8-0"));
	assert_memory_equal(value, "1:2:0640:block-8-0", (size_t)len);
	assert_int_equal(io_remove_tree_at(AT_FDCWD, dir), 0);
}

#if defined(__x86_64__)
static void test_filter(void **state)
{
	static const struct {
		uint32_t arch;
		int nr;
		uint64_t arg[3];
		bool fast, full;
	} rows[] = {
		{ AUDIT_ARCH_X86_64, SYS_getuid, { 0 }, true, true },
		{ AUDIT_ARCH_X86_64, SYS_setresuid, { 1, 2, 3 }, true, true },
		{ AUDIT_ARCH_X86_64, 452 /* fchmodat2 */, { 0 }, true, true },
		{ AUDIT_ARCH_X86_64, SYS_newfstatat, { 0 }, false, true },
		{ AUDIT_ARCH_X86_64, SYS_mknod, { 0, S_IFCHR | 0600 }, true, true },
		{ AUDIT_ARCH_X86_64, SYS_mknod, { 0, S_IFIFO | 0600 }, false, true },
		{ AUDIT_ARCH_X86_64, SYS_read, { 0 }, false, false },
		{ AUDIT_ARCH_X86_64, SYS_seccomp, { 1 }, false, false },
		{ AUDIT_ARCH_X86_64, SYS_prctl, { 8 /* SET_KEEPCAPS */ }, true, true },
		{ AUDIT_ARCH_X86_64, SYS_prctl, { 15 /* SET_NAME */ }, false, false },
		{ AUDIT_ARCH_X86_64, SYS_clone, { 0x11 }, false, false },
		{ AUDIT_ARCH_X86_64, __X32_SYSCALL_BIT | SYS_getuid, { 0 }, false, false },
		{ AUDIT_ARCH_I386, 24 /* getuid */, { 0 }, false, false },
	};
	char dir[] = "/tmp/test-recorded-XXXXXX";

	(void)state;
	if (!recorded_offered())
		skip();
	assert_non_null(mkdtemp(dir));
	for (int full = 0; full < 2; full++) {
		struct engine eng = { .ids = ENGINE_IDS_ONE, .root_fd = -1, .runroot = dir,
				      .runroot_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC) };
		static struct user user;
		AUTO(container_free) struct container *c = container_new(&eng);

		c->recorded = full ? RECORDED_FULL : RECORDED_FAST;
		/* the second time it comes from the cache */
		for (int again = 0; again < 2; again++) {
			AUTO(recorded_program_clear) struct recorded_program p = { 0 };

			assert_int_equal(recorded_program(c, &user, &p, NULL), 0);
			assert_true(p.agent.bpf == &p.bpf);
			for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
				struct seccomp_data d = { .nr = rows[i].nr, .arch = rows[i].arch };
				bool want = full ? rows[i].full : rows[i].fast;

				memcpy(d.args, rows[i].arg, sizeof(rows[i].arg));
				assert_int_equal(bpf_run(p.bpf.insns, p.bpf.bytes / sizeof(struct sock_filter), &d),
						 want ? SECCOMP_RET_USER_NOTIF : SECCOMP_RET_ALLOW);
			}
		}
		close(eng.runroot_fd);
	}
	assert_int_equal(io_remove_tree_at(AT_FDCWD, dir), 0);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_metadata),
		cmocka_unit_test(test_choose),
		cmocka_unit_test(test_give),
#if defined(__x86_64__)
		cmocka_unit_test(test_filter),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
