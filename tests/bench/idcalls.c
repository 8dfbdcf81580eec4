/* SPDX-License-Identifier: Apache-2.0
 *
 * idcalls: time one call again and again
 *
 *	idcalls COUNT getuid
 *	idcalls COUNT stat PATH
 *
 * Prints nanoseconds per call. getuid is the system call itself, since C
 * libraries do not cache it either.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "common/num.h"

static uint64_t now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

int main(int argc, char **argv)
{
	uint64_t count, start;
	struct stat st;

	if (argc < 3 || num_u64(argv[1], &count) < 0 || count == 0)
		return 2;
	start = now();
	if (strcmp(argv[2], "getuid") == 0 && argc == 3) {
		for (uint64_t i = 0; i < count; i++)
			(void)syscall(SYS_getuid);
	} else if (strcmp(argv[2], "stat") == 0 && argc == 4) {
		for (uint64_t i = 0; i < count; i++)
			if (stat(argv[3], &st) < 0)
				return 1;
	} else {
		return 2;
	}
	(void)printf("%llu\n", (unsigned long long)((now() - start) / count));
	return 0;
}
