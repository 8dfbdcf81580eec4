/* SPDX-License-Identifier: Apache-2.0
 *
 * logs: what is written is read back, whatever the pieces were
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/io.h"
#include "common/str.h"
#include "runner/engine/logs.h"

#define SECOND 1000000000LL

static int open_folder(char *dir)
{
	assert_non_null(mkdtemp(dir));
	return open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void drop_folder(const char *dir, int fd)
{
	close(fd);
	assert_int_equal(io_remove_tree_at(AT_FDCWD, dir), 0);
}

/* The text of one stream, put together from the file. */
static char *read_stream(int dir_fd, enum log_stream stream)
{
	AUTO(strbuf_clear) struct strbuf out = { 0 };
	auto_free char *text = NULL;

	assert_int_equal(io_read_file_at(dir_fd, LOG_FILE, 1 << 24, &text, NULL), 0);
	for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
		struct log_record rec;

		assert_int_equal(log_record_parse(line, (size_t)(end - line), &rec), 0);
		if (rec.stream != stream)
			continue;
		assert_int_equal(strbuf_add(&out, rec.text, rec.len), 0);
		if (rec.full)
			assert_int_equal(strbuf_adds(&out, "\n"), 0);
	}
	return strbuf_take(&out);
}

static void test_pieces(void **state)
{
	char dir[] = "/tmp/test-logs.XXXXXX";
	int fd = open_folder(dir);
	AUTO(strbuf_clear) struct strbuf all = { 0 };
	auto_free char *got = NULL, *err = NULL;
	struct log_writer w;

	(void)state;
	log_writer_init(&w, fd, 0);
	for (int i = 0; i < 200; i++) {
		char piece[300];
		int n = 0;

		for (int k = 0; k < i % 7; k++)
			n += snprintf(piece + n, sizeof(piece) - (size_t)n, "%d %s", i * k,
				      k % 3 ? "\n" : "");
		assert_int_equal(log_writer_add(&w, LOG_STDOUT, piece, (size_t)n), 0);
		assert_int_equal(strbuf_add(&all, piece, (size_t)n), 0);
		assert_int_equal(log_writer_add(&w, LOG_STDERR, "e\n", 2), 0);
	}
	log_writer_close(&w);
	got = read_stream(fd, LOG_STDOUT);
	assert_string_equal(got, all.s);
	err = read_stream(fd, LOG_STDERR);
	assert_int_equal(strlen(err), 400);
	drop_folder(dir, fd);
}

static void test_max(void **state)
{
	char dir[] = "/tmp/test-logs.XXXXXX";
	int fd = open_folder(dir);
	struct log_writer w;
	struct stat st;

	(void)state;
	log_writer_init(&w, fd, 1000);
	for (int i = 0; i < 500; i++) {
		assert_int_equal(log_writer_add(&w, LOG_STDOUT, "line\n", 5), 0);
		assert_int_equal(fstat(w.fd, &st), 0);
		assert_true(st.st_size <= 1000);
	}
	log_writer_close(&w);
	drop_folder(dir, fd);
}

static void test_bad_records(void **state)
{
	static const char *const rows[] = {
		"", "x", "2026-11-22T08:12:22.5Z", "2026-11-22T08:12:22.5Z stdout", "2026-11-22T08:12:22.5Z stdout F",
		"2026-11-22T08:12:22.5Z stdxxx F text", "2026-11-22T08:12:22.5Z stdout X text",
		"never stdout F text", "2026-11-22T08:12:22.5Zx stdout F text",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct log_record rec;

		assert_int_equal(log_record_parse(rows[i], strlen(rows[i]), &rec), -EBADMSG);
	}
}

static void test_times(void **state)
{
	static const struct {
		const char *text;
		int64_t want;
	} rows[] = {
		{ "0", 0 }, { "1700000000", 1700000000 * SECOND }, { "2023-11-14T22:13:20Z", 1700000000 * SECOND },
		{ "2023-11-14T22:13:20.25Z", 1700000000 * SECOND + SECOND / 4 },
		{ "2023-11-14T23:13:20+01:00", 1700000000 * SECOND }, { "2023-11-14", 1699920000 * SECOND },
		{ "2023-11-14T22:13", 1699999980 * SECOND }, { "10m", 5000 * SECOND - 600 * SECOND },
		{ "1h30m", 5000 * SECOND - 5400 * SECOND }, { "5s", 4995 * SECOND },
	};
	static const char *const bad[] = { "", "x", "m", "10x", "2023-13", "2023-11-14T", "-5s", "2023-11-14T22:1" };
	int64_t got = 77;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(log_time_parse(rows[i].text, 5000 * SECOND, &got), 0);
		assert_true(got == rows[i].want);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(log_time_parse(bad[i], 0, &got), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_max),
		cmocka_unit_test(test_bad_records),
		cmocka_unit_test(test_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
