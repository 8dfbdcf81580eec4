// SPDX-License-Identifier: Apache-2.0
/*
 * udpload - datagrams at a given rate, and a counter of those that arrive
 *
 *   udpload sink ADDR PORT                 prints the port (0: any); on each line of
 *                                          input prints the count and starts anew
 *   udpload send ADDR PORT RATE MSEC SIZE  prints how many were sent
 *
 * The sender sends what is due every 100 µs in one sendmmsg and sleeps
 * between, so that it leaves the processor to whoever forwards.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/num.h"

#define BATCH_MAX 64
#define SIZE_MAX_ 65507
#define TICK_NS 100000

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static int sink(const struct sockaddr_in *where)
{
	static char data[BATCH_MAX][2048];
	struct mmsghdr msgs[BATCH_MAX] = { 0 };
	struct iovec iov[BATCH_MAX];
	struct sockaddr_in bound = *where;
	socklen_t len = sizeof(bound);
	uint64_t count = 0;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct pollfd fds[2] = { { .fd = fd, .events = POLLIN }, { .fd = 0, .events = POLLIN } };

	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &(int){ 4 << 20 }, sizeof(int));
	if (bind(fd, (const struct sockaddr *)where, sizeof(*where)) < 0)
		return -errno;
	getsockname(fd, (struct sockaddr *)&bound, &len);
	printf("%u\n", ntohs(bound.sin_port));
	fflush(stdout);
	for (int i = 0; i < BATCH_MAX; i++) {
		iov[i] = (struct iovec){ data[i], sizeof(data[i]) };
		msgs[i].msg_hdr.msg_iov = &iov[i];
		msgs[i].msg_hdr.msg_iovlen = 1;
	}
	while (poll(fds, 2, -1) >= 0) {
		char line[64];
		int n;

		while ((n = recvmmsg(fd, msgs, BATCH_MAX, 0, NULL)) > 0)
			count += (unsigned int)n;
		if (!fds[1].revents)
			continue;
		if (read(0, line, sizeof(line)) <= 0)
			return 0;
		printf("%llu\n", (unsigned long long)count);
		fflush(stdout);
		count = 0;
	}
	return -errno;
}

static int send_rate(const struct sockaddr_in *to, uint32_t rate, uint32_t msec, uint32_t size)
{
	static char data[SIZE_MAX_];
	struct mmsghdr msgs[BATCH_MAX] = { 0 };
	struct iovec iov = { data, size };
	uint64_t sent = 0, begin, end;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (size > SIZE_MAX_)
		return -EMSGSIZE;
	if (connect(fd, (const struct sockaddr *)to, sizeof(*to)) < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &(int){ 4 << 20 }, sizeof(int));
	prctl(PR_SET_TIMERSLACK, 1);
	for (int i = 0; i < BATCH_MAX; i++) {
		msgs[i].msg_hdr.msg_iov = &iov;
		msgs[i].msg_hdr.msg_iovlen = 1;
	}
	begin = now_ns();
	end = begin + (uint64_t)msec * 1000000;
	for (uint64_t now = begin; now < end; now = now_ns()) {
		uint64_t due = (now - begin) * rate / 1000000000;

		while (sent < due) {
			uint64_t want = due - sent < BATCH_MAX ? due - sent : BATCH_MAX;
			int n = sendmmsg(fd, msgs, (unsigned int)want, 0);

			if (n <= 0 && errno != ECONNREFUSED && errno != ENOBUFS)
				return -errno;
			sent += n > 0 ? (unsigned int)n : 0;
			if (now_ns() >= end)
				break;
		}
		nanosleep(&(struct timespec){ .tv_nsec = TICK_NS }, NULL);
	}
	printf("%llu\n", (unsigned long long)sent);
	return 0;
}

int main(int argc, char **argv)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	uint16_t port;
	uint32_t n[3] = { 0, 0, 0 };
	int r = -EINVAL;

	if (argc < 4 || inet_pton(AF_INET, argv[2], &at.sin_addr) != 1 ||
	    num_u16(argv[3], &port) < 0)
		argc = 0;
	for (int i = 4; i < argc && i < 7; i++)
		if (num_u32(argv[i], &n[i - 4]) < 0)
			argc = 0;
	at.sin_port = htons(port);
	if (argc == 4 && !strcmp(argv[1], "sink")) {
		r = sink(&at);
	} else if (argc == 7 && !strcmp(argv[1], "send")) {
		r = send_rate(&at, n[0], n[1], n[2]);
	} else {
		fprintf(stderr, "usage: udpload sink ADDR PORT | send ADDR PORT RATE MSEC SIZE\n");
		return 2;
	}
	if (r < 0)
		fprintf(stderr, "udpload: %s\n", strerror(-r));
	return r < 0;
}
