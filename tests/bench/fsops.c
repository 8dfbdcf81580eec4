// SPDX-License-Identifier: Apache-2.0
/*
 * fsops - many small file operations of one kind, timed together
 *
 *   fsops create DIR N     make N files of 1 KiB       fsops unlink DIR N  remove them
 *   fsops stat DIR N       stat them                   fsops read DIR N    open, read, close
 *   fsops small FILE N     N writes of 4 KiB, one after the other, into one file
 *   fsops stream FILE N    N writes of 1 MiB           fsops slurp FILE 0  read it all
 *
 * Prints nanoseconds, closing included.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/num.h"

#define MIB (1u << 20)

static char data[MIB];

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static int one_file(const char *op, const char *name)
{
	struct stat st;
	ssize_t n;
	int fd;

	if (!strcmp(op, "unlink"))
		return unlink(name) < 0 ? -errno : 0;
	if (!strcmp(op, "stat"))
		return stat(name, &st) < 0 ? -errno : 0;
	if (!strcmp(op, "read")) {
		fd = open(name, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return -errno;
		n = read(fd, data, sizeof(data));
	} else {
		fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
		if (fd < 0)
			return -errno;
		n = write(fd, data, 1024);
	}
	return close(fd) < 0 || n < 0 ? -errno : 0;
}

static int many_files(const char *op, const char *dir, uint32_t n)
{
	if (chdir(dir) < 0)
		return -errno;
	for (uint32_t i = 0; i < n; i++) {
		char name[16];
		int r;

		snprintf(name, sizeof(name), "f%06u", i);
		r = one_file(op, name);
		if (r < 0)
			return r;
	}
	return 0;
}

static int write_file(const char *path, uint32_t n, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0)
		return -errno;
	for (uint32_t i = 0; i < n; i++)
		if (write(fd, data, size) != (ssize_t)size)
			return -errno;
	return close(fd) < 0 ? -errno : 0;
}

static int read_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	do
		n = read(fd, data, sizeof(data));
	while (n > 0);
	close(fd);
	return n < 0 ? -errno : 0;
}

int main(int argc, char **argv)
{
	uint64_t begin;
	uint32_t n;
	int r;

	if (argc != 4 || num_u32(argv[3], &n) < 0) {
		fprintf(stderr, "usage: fsops create|unlink|stat|read|small|stream|slurp PATH N\n");
		return 2;
	}
	memset(data, 'x', sizeof(data));
	begin = now_ns();
	if (!strcmp(argv[1], "small"))
		r = write_file(argv[2], n, 4096);
	else if (!strcmp(argv[1], "stream"))
		r = write_file(argv[2], n, MIB);
	else if (!strcmp(argv[1], "slurp"))
		r = read_file(argv[2]);
	else
		r = many_files(argv[1], argv[2], n);
	if (r < 0) {
		fprintf(stderr, "fsops: %s %s: %s\n", argv[1], argv[2], strerror(-r));
		return 1;
	}
	printf("%llu\n", (unsigned long long)(now_ns() - begin));
	return 0;
}
