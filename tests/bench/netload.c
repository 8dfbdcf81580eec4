// SPDX-License-Identifier: Apache-2.0
/*
 * netload - small-message TCP load: one byte there, one byte back
 *
 *   netload serve ADDR PORT           prints the port (0: any), serves until killed
 *   netload rr ADDR PORT SECONDS      one connection: "MEDIAN_NS COUNT"
 *   netload crr ADDR PORT SECONDS     connect, request, answer, close: "PER_SECOND FAILED"
 *   netload hold ADDR PORT N SECONDS  N open connections, then rr on the last:
 *                                     "OPENED FAILED OPEN_NS MEDIAN_NS", waits for
 *                                     the end of its input before it closes them
 *
 * The request byte says who stays: on 'r' the server keeps the connection, on
 * 'c' it answers and closes first, so that no client port waits in TIME_WAIT.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/num.h"

#define HOLD_MAX 60000
#define SAMPLES_MAX 2000000
#define ANSWER_TIMEOUT_S 10

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void no_delay(int fd)
{
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
}

static int serve(const struct sockaddr_in *where)
{
	struct sockaddr_in bound = *where;
	socklen_t len = sizeof(bound);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int ep = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = listener };

	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
	if (bind(listener, (const struct sockaddr *)where, sizeof(*where)) < 0 ||
	    listen(listener, 4096) < 0 || epoll_ctl(ep, EPOLL_CTL_ADD, listener, &ev) < 0)
		return -errno;
	getsockname(listener, (struct sockaddr *)&bound, &len);
	printf("%u\n", ntohs(bound.sin_port));
	fflush(stdout);
	for (;;) {
		struct epoll_event got[64];
		int n = epoll_wait(ep, got, 64, -1);

		for (int i = 0; i < n; i++) {
			int fd = got[i].data.fd;
			char byte;

			if (fd == listener) {
				while ((fd = accept4(listener, NULL, NULL,
						     SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
					no_delay(fd);
					ev.data.fd = fd;
					epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
				}
				continue;
			}
			if (recv(fd, &byte, 1, 0) != 1 || send(fd, &byte, 1, MSG_NOSIGNAL) != 1 ||
			    byte == 'c')
				close(fd);
		}
	}
}

static int dial(const struct sockaddr_in *to)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct timeval t = { .tv_sec = ANSWER_TIMEOUT_S };

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t));
	no_delay(fd);
	if (connect(fd, (const struct sockaddr *)to, sizeof(*to)) < 0) {
		int saved = errno;

		close(fd);
		return -saved;
	}
	return fd;
}

static int ask(int fd, char byte)
{
	char answer;

	if (send(fd, &byte, 1, MSG_NOSIGNAL) != 1 || recv(fd, &answer, 1, 0) != 1)
		return errno ? -errno : -EPIPE;
	return answer == byte ? 0 : -EPROTO;
}

static int by_size(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* round trips on an open connection; fills in their median in ns */
static int64_t transactions(int fd, uint32_t seconds, uint64_t *ret_median)
{
	static uint32_t samples[SAMPLES_MAX];
	uint64_t end = now_ns() + (uint64_t)seconds * 1000000000;
	size_t n = 0;

	while (n < SAMPLES_MAX) {
		uint64_t begin = now_ns();
		int r;

		if (begin >= end)
			break;
		r = ask(fd, 'r');
		if (r < 0)
			return r;
		samples[n++] = (uint32_t)(now_ns() - begin);
	}
	if (!n)
		return -ENODATA;
	qsort(samples, n, sizeof(*samples), by_size);
	*ret_median = samples[n / 2];
	return (int64_t)n;
}

static int rr(const struct sockaddr_in *to, uint32_t seconds)
{
	uint64_t median;
	int64_t n;
	int fd = dial(to);

	if (fd < 0)
		return fd;
	n = transactions(fd, seconds, &median);
	if (n < 0)
		return (int)n;
	printf("%llu %lld\n", (unsigned long long)median, (long long)n);
	return 0;
}

static int crr(const struct sockaddr_in *to, uint32_t seconds)
{
	uint64_t begin = now_ns(), end = begin + (uint64_t)seconds * 1000000000;
	uint64_t done = 0, failed = 0;
	char rest;

	while (now_ns() < end) {
		int fd = dial(to);

		if (fd < 0 || ask(fd, 'c') < 0 || recv(fd, &rest, 1, 0) != 0)
			failed++;
		else
			done++;
		if (fd >= 0)
			close(fd);
	}
	printf("%.1f %llu\n", (double)done * 1e9 / (double)(now_ns() - begin),
	       (unsigned long long)failed);
	return 0;
}

static int hold(const struct sockaddr_in *to, uint32_t n, uint32_t seconds)
{
	uint64_t begin = now_ns(), median = 0, opening;
	uint32_t opened = 0, failed = 0;
	int last = -1;
	char rest;

	if (n > HOLD_MAX)
		return -E2BIG;
	for (uint32_t i = 0; i < n && failed < 10; i++) {
		int fd = dial(to);

		if (fd < 0 || ask(fd, 'r') < 0) {
			failed++;
			if (fd >= 0)
				close(fd);
			continue;
		}
		opened++;
		last = fd;
	}
	opening = now_ns() - begin;
	if (last >= 0 && transactions(last, seconds, &median) < 0)
		median = 0;
	printf("%u %u %llu %llu\n", opened, failed, (unsigned long long)opening,
	       (unsigned long long)median);
	fflush(stdout);
	while (read(0, &rest, 1) > 0)
		;
	return 0;
}

int main(int argc, char **argv)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	struct rlimit files;
	uint16_t port;
	uint32_t a = 0, b = 0;
	int r = -EINVAL;

	if (argc < 4 || inet_pton(AF_INET, argv[2], &at.sin_addr) != 1 ||
	    num_u16(argv[3], &port) < 0 || (argc > 4 && num_u32(argv[4], &a) < 0) ||
	    (argc > 5 && num_u32(argv[5], &b) < 0)) {
		fprintf(stderr, "usage: netload serve|rr|crr|hold ADDR PORT [N] [SECONDS]\n");
		return 2;
	}
	at.sin_port = htons(port);
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	if (!strcmp(argv[1], "serve"))
		r = serve(&at);
	else if (!strcmp(argv[1], "rr"))
		r = rr(&at, a);
	else if (!strcmp(argv[1], "crr"))
		r = crr(&at, a);
	else if (!strcmp(argv[1], "hold"))
		r = hold(&at, a, b);
	if (r < 0)
		fprintf(stderr, "netload: %s: %s\n", argv[1], strerror(-r));
	return r < 0;
}
