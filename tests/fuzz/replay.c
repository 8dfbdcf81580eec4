/* SPDX-License-Identifier: Apache-2.0
 *
 * replay - runs a fuzz target over the files of a corpus folder
 *
 * Usage: fuzz_FORMAT FILE|FOLDER…   Prints how many inputs were run.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "common/io.h"
#include "common/str.h"

#define INPUT_MAX (16U << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int run_file(const char *path)
{
	auto_free char *text = NULL;
	size_t len;
	int r = io_read_file_at(AT_FDCWD, path, INPUT_MAX, &text, &len);

	if (r) {
		(void)fprintf(stderr, "replay: %s: %s\n", path, strerror(-r));
		return r;
	}
	/* an exact-size copy lets address sanitizer see reads past the end */
	auto_free uint8_t *exact = malloc(len ? len : 1);
	if (!exact)
		return -ENOMEM;
	memcpy(exact, text, len);
	(void)LLVMFuzzerTestOneInput(exact, len);
	return 1;
}

static int run_path(const char *path)
{
	auto_dir DIR *d = opendir(path);
	int n = 0;

	if (!d)
		return run_file(path);
	for (struct dirent *ent; (ent = readdir(d));) {
		char file[PATH_MAX];

		if (ent->d_name[0] == '.')
			continue;
		if (str_format(file, sizeof(file), "%s/%s", path, ent->d_name) < 0)
			return -ENAMETOOLONG;
		int r = run_file(file);
		if (r < 0)
			return r;
		n += r;
	}
	return n;
}

int main(int argc, char **argv)
{
	int total = 0;

	for (int i = 1; i < argc; i++) {
		int n = run_path(argv[i]);

		if (n < 0)
			return 1;
		total += n;
	}
	(void)printf("%d inputs\n", total);
	return total ? 0 : 1;
}
