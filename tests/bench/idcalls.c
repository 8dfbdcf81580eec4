// SPDX-License-Identifier: Apache-2.0
/*
 * idcalls - cost of one getuid and of one stat, inside a container
 *
 *   idcalls N FILE    prints "GETUID_NS STAT_NS UID OWNER": medians of ten
 *                     batches, and what the calls answered
 *
 * Static: it runs inside images that have no C library.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "common/num.h"

#define BATCHES 10

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	double ids[BATCHES], stats[BATCHES];
	struct stat st;
	uint32_t n;

	if (argc != 3 || num_u32(argv[1], &n) < 0 || !n) {
		fprintf(stderr, "usage: idcalls N FILE\n");
		return 2;
	}
	for (int b = 0; b < BATCHES; b++) {
		uint64_t begin = now_ns(), middle;

		for (uint32_t i = 0; i < n; i++)
			syscall(SYS_getuid);
		middle = now_ns();
		for (uint32_t i = 0; i < n; i++) {
			if (stat(argv[2], &st) < 0) {
				fprintf(stderr, "idcalls: %s: %s\n", argv[2], strerror(errno));
				return 1;
			}
		}
		ids[b] = (double)(middle - begin) / n;
		stats[b] = (double)(now_ns() - middle) / n;
	}
	qsort(ids, BATCHES, sizeof(*ids), by_size);
	qsort(stats, BATCHES, sizeof(*stats), by_size);
	printf("%.0f %.0f %ld %u\n", ids[BATCHES / 2], stats[BATCHES / 2], syscall(SYS_getuid),
	       st.st_uid);
	return 0;
}
