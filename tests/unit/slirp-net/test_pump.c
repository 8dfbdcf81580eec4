/* SPDX-License-Identifier: Apache-2.0
 *
 * test_pump - bytes, ends, resets and urgent data between real TCP sockets
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "slirp-net/net.h"

/**
 * struct world - a pump, and what is at its two far ends
 * @net:	of which only loop, pumps and flow_log matter
 * @client:	in the container's place
 * @server:	in the host's place
 */
struct world {
	struct net net;
	int client, server;
};

static void tcp_pair(int ret[2])
{
	int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);

	assert_int_equal(bind(listener, (struct sockaddr *)&a, len), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&a, &len), 0);
	ret[0] = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(ret[0], (struct sockaddr *)&a, len), 0);
	ret[1] = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
	assert_true(ret[1] >= 0);
	(void)setsockopt(ret[0], IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	(void)close(listener);
}

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	int guest[2], host[2];
	union addr none = { .v4 = { .sin_family = AF_INET } };

	assert_non_null(w);
	w->net.flow_log = -1;
	assert_int_equal(loop_init(&w->net.loop, 0), 0);
	assert_int_equal(pumps_init(&w->net.pumps), 0);
	tcp_pair(guest);
	tcp_pair(host);
	w->client = guest[0];
	w->server = host[0];
	assert_int_equal(pump_start(&w->net, guest[1], host[1], NULL, &none, &none, false), 0);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	pumps_clear(&w->net);
	loop_clear(&w->net.loop);
	(void)close(w->client);
	(void)close(w->server);
	free(w);
	return 0;
}

/* Turns of the loop until nothing happens any more. */
static void settle(struct world *w)
{
	for (int idle = 0; idle < 3;) {
		int n = loop_wait(&w->net.loop, w->net.pumps.ready ? 0 : 10);

		if (w->net.pumps.ready)
			pumps_run(&w->net);
		idle = n || w->net.pumps.ready ? 0 : idle + 1;
	}
}

static void assert_reads(int fd, const char *want, int flags)
{
	char buf[64] = "";

	assert_int_equal(recv(fd, buf, sizeof(buf), MSG_DONTWAIT | flags), strlen(want));
	assert_memory_equal(buf, want, strlen(want));
}

static void test_both_ways(void **state)
{
	struct world *w = *state;

	assert_int_equal(send(w->client, "there", 5, 0), 5);
	settle(w);
	assert_reads(w->server, "there", 0);
	assert_int_equal(send(w->server, "back", 4, 0), 4);
	settle(w);
	assert_reads(w->client, "back", 0);
	assert_int_equal(w->net.pumps.n, 1);
}

/* The answer and the end come together, and the other half stays open. */
static void test_half_close(void **state)
{
	struct world *w = *state;
	char c;

	assert_int_equal(send(w->server, "last", 4, 0), 4);
	assert_int_equal(shutdown(w->server, SHUT_WR), 0);
	settle(w);
	assert_reads(w->client, "last", 0);
	assert_int_equal(recv(w->client, &c, 1, MSG_DONTWAIT), 0);
	assert_int_equal(send(w->client, "still", 5, 0), 5);
	settle(w);
	assert_reads(w->server, "still", 0);
	assert_int_equal(shutdown(w->client, SHUT_WR), 0);
	settle(w);
	assert_int_equal(recv(w->server, &c, 1, MSG_DONTWAIT), 0);
	assert_int_equal(w->net.pumps.n, 0);
}

static void test_reset(void **state)
{
	struct world *w = *state;
	struct linger hard = { .l_onoff = 1 };
	char c;

	assert_int_equal(setsockopt(w->server, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard)), 0);
	assert_int_equal(close(w->server), 0);
	w->server = -1;
	settle(w);
	assert_int_equal(recv(w->client, &c, 1, MSG_DONTWAIT), -1);
	assert_int_equal(errno, ECONNRESET);
	assert_int_equal(w->net.pumps.n, 0);
}

/* Urgent data cuts a read short; what is behind it and the end still come. */
static void test_urgent_before_the_end(void **state)
{
	struct world *w = *state;
	char c;

	assert_int_equal(send(w->server, "before", 6, 0), 6);
	assert_int_equal(send(w->server, "!", 1, MSG_OOB), 1);
	assert_int_equal(send(w->server, "after", 5, 0), 5);
	assert_int_equal(shutdown(w->server, SHUT_WR), 0);
	settle(w);
	assert_reads(w->client, "before", 0);
	assert_int_equal(recv(w->client, &c, 1, MSG_OOB), 1);
	assert_int_equal(c, '!');
	assert_reads(w->client, "after", 0);
	assert_int_equal(recv(w->client, &c, 1, MSG_DONTWAIT), 0);
}

/* Far more than fits, to a reader that sleeps at first: all of it, in order. */
static void test_slow_reader(void **state)
{
	struct world *w = *state;
	static uint8_t chunk[32 << 10], got[64 << 10];
	size_t sent = 0, read = 0, total = 24 << 20;
	ssize_t n;

	while (read < total) {
		for (size_t i = 0; i < sizeof(chunk); i++)
			chunk[i] = (uint8_t)((sent + i) / 251);
		n = sent < total ? send(w->client, chunk, sizeof(chunk), MSG_DONTWAIT) : -1;
		if (n > 0) {
			sent += (size_t)n;
		} else {
			settle(w);
			while ((n = recv(w->server, got, sizeof(got), MSG_DONTWAIT)) > 0) {
				for (ssize_t i = 0; i < n; i++)
					assert_int_equal(got[i], (uint8_t)((read + (size_t)i) / 251));
				read += (size_t)n;
			}
		}
		(void)loop_wait(&w->net.loop, 0);
		if (w->net.pumps.ready)
			pumps_run(&w->net);
	}
	assert_int_equal(w->net.pumps.list->dir[PUMP_GUEST].bytes, sent);
	assert_int_equal(w->net.pumps.left_bytes, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_both_ways, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_half_close, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_reset, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_urgent_before_the_end, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_slow_reader, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
