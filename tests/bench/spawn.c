// SPDX-License-Identifier: Apache-2.0
/*
 * spawn - time from starting a program until it has been waited for
 *
 *   spawn rounds N CMD… [::: CMD…]…   each command in turn, N rounds
 *   spawn parallel N CMD…             N at once; "{}" in a word is the number
 *
 * "rounds" starts every round with the next command, so that none always runs
 * in the wake of the same other one, and prints "INDEX NANOSECONDS STATUS" a
 * run. "parallel" prints "NANOSECONDS FAILED". The programs read and write
 * /dev/null; their complaints come through on stderr.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/num.h"

#define COMMANDS_MAX 64
#define PARALLEL_MAX 4096
#define WORD_MAX 4096

static posix_spawn_file_actions_t quiet;

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static int start(char **argv, pid_t *ret_pid)
{
	int r = posix_spawnp(ret_pid, argv[0], &quiet, NULL, argv, environ);

	if (r)
		fprintf(stderr, "spawn: %s: %s\n", argv[0], strerror(r));
	return -r;
}

static int wait_status(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int rounds(uint32_t n, char **words)
{
	char **commands[COMMANDS_MAX];
	uint32_t n_commands = 0;

	commands[n_commands++] = words;
	for (char **w = words; *w; w++) {
		if (strcmp(*w, ":::"))
			continue;
		if (n_commands == COMMANDS_MAX)
			return -E2BIG;
		*w = NULL;
		commands[n_commands++] = w + 1;
	}
	for (uint32_t round = 0; round < n; round++) {
		for (uint32_t i = 0; i < n_commands; i++) {
			uint32_t which = (i + round) % n_commands;
			uint64_t begin = now_ns();
			pid_t pid;
			int status;

			if (start(commands[which], &pid) < 0)
				return -ENOENT;
			status = wait_status(pid);
			printf("%u %llu %d\n", which, (unsigned long long)(now_ns() - begin),
			       status);
		}
		fflush(stdout);
	}
	return 0;
}

/* the words with every "{}" replaced by the number; the caller exits soon */
static char **numbered(char **words, uint32_t number)
{
	size_t n = 0;
	char **out;

	while (words[n])
		n++;
	out = calloc(n + 1, sizeof(*out));
	for (size_t i = 0; out && i < n; i++) {
		const char *hole = strstr(words[i], "{}");

		if (!hole)
			out[i] = words[i];
		else if (asprintf(&out[i], "%.*s%u%s", (int)(hole - words[i]), words[i], number,
				  hole + 2) < 0)
			return NULL;
	}
	return out;
}

static int parallel(uint32_t n, char **words)
{
	static char **argvs[PARALLEL_MAX];
	static pid_t pids[PARALLEL_MAX];
	uint32_t failed = 0;
	uint64_t begin;

	if (n > PARALLEL_MAX)
		return -E2BIG;
	for (uint32_t i = 0; i < n; i++) {
		argvs[i] = numbered(words, i);
		if (!argvs[i])
			return -ENOMEM;
	}
	begin = now_ns();
	for (uint32_t i = 0; i < n; i++)
		if (start(argvs[i], &pids[i]) < 0)
			return -ENOENT;
	for (uint32_t i = 0; i < n; i++)
		failed += wait_status(pids[i]) != 0;
	printf("%llu %u\n", (unsigned long long)(now_ns() - begin), failed);
	return 0;
}

int main(int argc, char **argv)
{
	uint32_t n;
	int r;

	if (argc < 4 || num_u32(argv[2], &n) < 0) {
		fprintf(stderr, "usage: spawn rounds N CMD… [::: CMD…]… | spawn parallel N CMD…\n");
		return 2;
	}
	posix_spawn_file_actions_init(&quiet);
	posix_spawn_file_actions_addopen(&quiet, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", O_WRONLY, 0);
	r = strcmp(argv[1], "parallel") ? rounds(n, argv + 3) : parallel(n, argv + 3);
	if (r < 0)
		fprintf(stderr, "spawn: %s\n", strerror(-r));
	return r < 0;
}
