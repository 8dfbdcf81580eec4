/* SPDX-License-Identifier: Apache-2.0
 *
 * create_opts: what run and create accept, and which pairs exclude each other
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "common/err.h"
#include "runner/cmd/create_opts.h"

#define WORDS_MAX 16

/* Words are separated by '|'. */
static int check(const char *words, struct create_opts *o, struct err *e)
{
	AUTO(strv_clear) struct strv l = { 0 };
	char *argv[WORDS_MAX + 2] = { (char[]){ "run" } };
	int first, r;

	assert_int_equal(strv_split(&l, words, '|'), 0);
	assert_true(l.n <= WORDS_MAX);
	for (size_t i = 0; i < l.n; i++)
		argv[i + 1] = l.v[i];
	create_opts_init(o);
	r = opt_parse(create_rows, (int)l.n + 1, argv, OPT_STOP_AT_OPERAND, o, &first, NULL, e);
	return r == 0 ? create_opts_check(o, e) : r;
}

static void test_good(void **state)
{
	static const char *const rows[] = {
		"img", "-d|--name|web|-p|8080:80|img", "-it|--rm|img|-x", "--publish=80:80/udp|img",
		"--network|host|-p|80:80|img", "--network|none|img", "--pull|never|img", "--rm=false|img",
		"--add-host|a:1.2.3.4|--add-host|b:host-gateway|img", "--dns|::1|img", "--shm-size|1g|img",
		"--entrypoint||img", "--stop-signal|SIGUSR1|img", "--detach-keys|ctrl-a,b|img",
		"--log-opt|max-size=5m|img", "-w|/|img", "--security-opt|no-new-privileges|img",
		"--ulimit|nofile=5|img", "--pid|host|--ipc|host|--uts|private|img",
		"-m|5m|--memory-swap|-1|img", "--memory|1g|--memory-swap|2g|--memory-reservation|1g|img",
		"--cpus|1.5|img", "--cpus|.25|img", "--cpus|2.|img", "--cpus|0|img", "-c|512|img",
		"--cpu-quota|50000|--cpu-period|100000|img", "--cpu-quota|-1|img", "--pids-limit|-1|img",
		"--pids-limit|0|img", "--cpuset-cpus|0-1,3|--cpuset-mems|0|img",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct create_opts o = { 0 };
		struct err e = { 0 };

		if (check(rows[i], &o, &e) != 0)
			fail_msg("%s: %s", rows[i], e.msg);
		create_opts_clear(&o);
	}
}

static void test_bad(void **state)
{
	static const char *const rows[] = {
		"--nonsense|img", "--name|-x|img", "--name||img", "-p|x|img", "-p|0:0|img", "-p|80:|img",
		"--network|warp|img", "--network|none|-p|80|img", "--pull|sometimes|img",
		"--add-host|a|img", "--add-host|a:b|img", "--add-host|:1.2.3.4|img", "--dns|name|img",
		"--hostname||img", "--shm-size|0|img", "--shm-size|x|img", "--stop-signal|NOPE|img",
		"--stop-timeout|-1|img", "--stop-timeout|x|img", "--detach-keys|ctrl-|img",
		"--log-driver|syslog|img", "--log-opt|max-file=3|img", "-w|relative|img",
		"--security-opt|fnord|img", "--ulimit|nofile|img", "--sysctl|a|img", "--sysctl|=1|img",
		"--device|relative|img", "--oom-score-adj|1001|img", "--pid|container:x|img",
		"--ipc|shareable|img", "--memory|x|img", "--memory|-1|img",
		"--memory-swap|1g|img", "--memory|2g|--memory-swap|1g|img",
		"--memory|1g|--memory-reservation|2g|img", "--cpus|x|img", "--cpus||img", "--cpus|.|img",
		"--cpus|-1|img", "--cpus|1.2345|img", "--cpus|0.001|img", "--cpus|100000|img",
		"--cpus|1|--cpu-quota|5000|img", "--cpus|1|--cpu-period|5000|img", "--cpu-quota|5|img",
		"--cpu-period|5|img", "--cpu-period|2000000|img", "--cpu-shares|1|img",
		"--cpu-shares|300000|img", "--pids-limit|-2|img", "--pids-limit|x|img",
		"--cpuset-cpus||img", "--cpuset-cpus|a|img", "--cpuset-mems|0;1|img",
		"--rm=maybe|img", "--init|img", "--restart|always|img", "--userns|keep-id|img",
		"--pod|p|img", "--health-cmd|true|img", "--gpus|all|img", "--hostname|a b|img",
		"--hostname|a\nb|img", "--add-host|a\n1.1.1.1 b:1.2.3.4|img", "--dns-search|a\tb|img",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct create_opts o = { 0 };
		struct err e = { 0 };
		int r = check(rows[i], &o, &e);

		if (r >= 0 || e.code >= 0)
			fail_msg("%s was taken", rows[i]);
		assert_null(strchr(e.msg, '\n'));
		create_opts_clear(&o);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
