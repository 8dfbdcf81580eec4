// SPDX-License-Identifier: Apache-2.0
/*
 * wakeup - how long a thread on an idle processor takes to wake
 *
 *   wakeup ROUNDS
 *
 * One thread sleeps in read(2) on a pipe, alone on its processor; the other,
 * on another processor, writes a byte GAP microseconds later, and the first
 * says when it runs. Prints "GAP IDLE KEPT" a line: median nanoseconds, without
 * and with a thread of the idle class that keeps the sleeper's processor awake
 * (fuse-overlay does so for a busy mount). A server that answers requests one by
 * one waits so twice a request; in a virtual machine the host decides how
 * long that takes, and it changes from hour to hour.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/num.h"

#define ROUNDS_MAX 100000

/**
 * struct wakeup - what the threads share
 * @ends:	the pipe
 * @cpu:	of the sleeper
 * @woke:	when it ran, 0 until then
 * @asleep:	it is about to read
 */
struct wakeup {
	int ends[2];
	int cpu;
	_Atomic uint64_t woke;
	_Atomic bool asleep;
	_Atomic bool end;
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static int bind_to(int cpu)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET((size_t)cpu, &one);
	return sched_setaffinity(0, sizeof(one), &one) < 0 ? -errno : 0;
}

static void *sleeper(void *arg)
{
	struct wakeup *w = arg;
	char byte;

	bind_to(w->cpu);
	for (;;) {
		w->asleep = true;
		if (read(w->ends[0], &byte, 1) != 1)
			return NULL;
		w->woke = now_ns();
	}
}

static void *keeper(void *arg)
{
	const struct sched_param lowest = { 0 };
	struct wakeup *w = arg;

	bind_to(w->cpu);
	if (sched_setscheduler(0, SCHED_IDLE, &lowest) < 0)
		return NULL;
	while (!w->end)
		sched_yield();
	return NULL;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static uint64_t measure(struct wakeup *w, uint64_t gap_ns, uint64_t *samples, uint32_t rounds)
{
	for (uint32_t i = 0; i < rounds; i++) {
		uint64_t begin;

		while (!w->asleep)
			;
		w->asleep = false;
		w->woke = 0;
		for (begin = now_ns(); now_ns() - begin < gap_ns;)
			;
		begin = now_ns();
		if (write(w->ends[1], "", 1) != 1)
			return 0;
		while (!w->woke)
			;
		samples[i] = w->woke - begin;
	}
	qsort(samples, rounds, sizeof(*samples), compare);
	return samples[rounds / 2];
}

/* Two processors that this process may use. Return: 0, -ENODEV */
static int find_two(int ret[2])
{
	cpu_set_t all;
	int n = 0;

	if (sched_getaffinity(0, sizeof(all), &all) < 0)
		return -errno;
	for (int cpu = 0; cpu < CPU_SETSIZE && n < 2; cpu++)
		if (CPU_ISSET((size_t)cpu, &all))
			ret[n++] = cpu;
	return n == 2 ? 0 : -ENODEV;
}

static int run(uint32_t rounds)
{
	static const uint64_t gaps[] = { 20, 200 };
	uint64_t *samples = calloc(rounds, sizeof(*samples));
	uint64_t idle[2], kept[2];
	struct wakeup w = { 0 };
	pthread_t s, k;
	int cpus[2];
	int r;

	if (!samples)
		return -ENOMEM;
	r = find_two(cpus);
	if (r < 0 || (r = bind_to(cpus[0])) < 0)
		return r;
	w.cpu = cpus[1];
	if (pipe2(w.ends, O_CLOEXEC) < 0)
		return -errno;
	r = -pthread_create(&s, NULL, sleeper, &w);
	if (r < 0)
		return r;
	for (int i = 0; i < 2; i++)
		idle[i] = measure(&w, gaps[i] * 1000, samples, rounds);
	r = -pthread_create(&k, NULL, keeper, &w);
	if (r < 0)
		return r;
	for (int i = 0; i < 2; i++)
		kept[i] = measure(&w, gaps[i] * 1000, samples, rounds);
	w.end = true;
	pthread_join(k, NULL);
	close(w.ends[1]);
	pthread_join(s, NULL);
	for (int i = 0; i < 2; i++)
		printf("%llu %llu %llu\n", (unsigned long long)gaps[i],
		       (unsigned long long)idle[i], (unsigned long long)kept[i]);
	free(samples);
	return 0;
}

int main(int argc, char **argv)
{
	uint32_t rounds;
	int r;

	if (argc != 2 || num_u32(argv[1], &rounds) < 0 || !rounds || rounds > ROUNDS_MAX) {
		fprintf(stderr, "usage: wakeup ROUNDS\n");
		return 2;
	}
	r = run(rounds);
	if (r < 0) {
		fprintf(stderr, "wakeup: %s\n", strerror(-r));
		return 1;
	}
	return 0;
}
