/* SPDX-License-Identifier: Apache-2.0
 * fuzz: fuse-overlay
 *
 * A file of recorded owners with arbitrary lines: it is refused, or what was
 * read of it is the same after it was written anew.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuse-overlay/sidecar.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char dir[] = "/dev/shm/fuzz_sidecar.XXXXXX";
static int dirfd_ = -1;

static void clean(void)
{
	(void)unlinkat(dirfd_, SIDECAR_NAME, 0);
	(void)rmdir(dir);
}

static void write_file(const uint8_t *data, size_t size)
{
	int fd = openat(dirfd_, SIDECAR_NAME, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct stat st;

	if (fd < 0 || fstat(dirfd_, &st))
		abort();
	/* with the head that belongs there, or whatever comes */
	if (size && data[0] & 1)
		(void)dprintf(fd, "fuse-overlay owners 1 %llu\n", (unsigned long long)st.st_ino);
	if (size && write(fd, data + 1, size - 1) < 0)
		abort();
	(void)close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct owner before = { 0 }, after = { 0 };
	struct owner ow = { .uid = 1, .mode = 0644 };
	struct sidecar *s = NULL;

	if (dirfd_ < 0) {
		if (!mkdtemp(dir))
			abort();
		dirfd_ = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		(void)atexit(clean);
	}
	write_file(data, size);
	if (sidecar_open(dirfd_, true, true, &s) < 0)
		return 0;
	int had = sidecar_get(s, 5, &before);
	if (sidecar_put(s, 6, &ow) < 0)
		abort();
	sidecar_free(s);
	/* of the type, "file" and "dir" need not be kept */
	if (sidecar_open(dirfd_, false, false, &s) < 0 || sidecar_get(s, 5, &after) != had ||
	    before.uid != after.uid || before.gid != after.gid ||
	    (before.mode & 07777) != (after.mode & 07777) || sidecar_get(s, 6, &after) < 0)
		abort();
	sidecar_free(s);
	return 0;
}
