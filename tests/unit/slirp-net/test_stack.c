/* SPDX-License-Identifier: Apache-2.0
 *
 * test_stack - libslirp between frames, our epoll set and our clock
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <linux/if_ether.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "slirp-net/net.h"

static struct net net;
/* the container's end of the link */
static int far_end;

static int set_up(void **state)
{
	static const struct in6_addr net6 = { .s6_addr = { 0xfd } };
	struct conf *c = &net.conf;
	struct err e;
	int sv[2];

	(void)state;
	memset(&net, 0, sizeof(net));
	if (conf_cidr("10.0.2.0/24", &c->addrs, &e) < 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, sv) < 0)
		return -1;
	c->enable_ipv6 = true;
	c->addrs.net6 = c->addrs.host6 = c->addrs.dns6 = c->addrs.guest6 = net6;
	c->addrs.host6.s6_addr[15] = 2;
	c->addrs.dns6.s6_addr[15] = 3;
	far_end = sv[1];
	net.link.ev.fd = sv[0];
	net.link.mtu = 1500;
	net.flow_log = -1;
	if (loop_init(&net.loop, 0) < 0)
		return -1;
	return stack_start(&net.stack, &net, &e);
}

static int tear_down(void **state)
{
	(void)state;
	stack_clear(&net.stack);
	loop_clear(&net.loop);
	(void)close(net.link.ev.fd);
	return close(far_end);
}

/* Return: length of the next frame to the container, 0 for none */
static size_t next_frame(uint8_t *frame, size_t size)
{
	uint8_t buf[2048];
	ssize_t n = recv(far_end, buf, sizeof(buf), 0);

	if (n <= (ssize_t)sizeof(struct virtio_net_hdr))
		return 0;
	n -= (ssize_t)sizeof(struct virtio_net_hdr);
	assert_in_range(n, 1, size);
	memcpy(frame, buf + sizeof(struct virtio_net_hdr), (size_t)n);
	return (size_t)n;
}

static void ask_for_gateway(void)
{
	static const uint8_t arp[] = {
		255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, 1, 8, 6,
		0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 10, 0, 2, 100, 0, 0, 0, 0, 0, 0, 10, 0, 2, 2
	};
	static const struct virtio_net_hdr none;
	uint8_t frame[64] = { 0 };

	memcpy(frame, arp, sizeof(arp));
	stack_input(&net.stack, &none, frame, sizeof(frame));
}

static void frames_are_answered(void **state)
{
	uint8_t out[2048];

	(void)state;
	ask_for_gateway();
	assert_true(next_frame(out, sizeof(out)) >= 42);
	/* an answer, to us, from 10.0.2.2 */
	assert_memory_equal(out, "\2\0\0\0\0\1", 6);
	assert_int_equal(out[FRAME_ETH + 7], 2);
	assert_memory_equal(out + FRAME_ETH + 14, "\12\0\2\2", 4);
	assert_int_equal(next_frame(out, sizeof(out)), 0);
}

static void the_gateway_answers_for_itself(void **state)
{
	uint8_t out[2048];

	(void)state;
	net.splice = true;
	ask_for_gateway();
	assert_int_equal(next_frame(out, sizeof(out)), 0);
}

/* What the vnet header says is outside data. */
static void impossible_checksums_are_dropped(void **state)
{
	static const struct virtio_net_hdr outside[] = {
		{ .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = 63, .csum_offset = 0 },
		{ .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = 65535, .csum_offset = 65535 },
		{ .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = 14, .csum_offset = 49 },
	};
	uint8_t frame[64] = { 0 };

	(void)state;
	(void)stack_prepare(&net.stack);
	for (size_t i = 0; i < sizeof(outside) / sizeof(outside[0]); i++)
		stack_input(&net.stack, &outside[i], frame, sizeof(frame));
	assert_false(net.stack.dirty);
}

static void it_is_asked_only_after_it_has_run(void **state)
{
	uint32_t turn;

	(void)state;
	(void)stack_prepare(&net.stack);
	turn = net.stack.turn;
	(void)stack_prepare(&net.stack);
	assert_int_equal(net.stack.turn, turn);
	ask_for_gateway();
	(void)stack_prepare(&net.stack);
	assert_int_equal(net.stack.turn, turn + 1);
}

/* Router advertisements: due when their timer says, then on the wire, then due again. */
static void timers_fire_when_due(void **state)
{
	struct stack_timer *t = &net.stack.timers[0];
	uint8_t out[2048];
	int64_t now = loop_now_ms();

	(void)state;
	assert_true(t->used);
	assert_true(t->at_ms > now && t->at_ms != INT64_MAX);
	assert_in_range(stack_prepare(&net.stack), 1, t->at_ms - now);
	stack_run(&net.stack);
	assert_int_equal(next_frame(out, sizeof(out)), 0);
	t->at_ms = now;
	assert_int_equal(stack_prepare(&net.stack), 0);
	stack_run(&net.stack);
	assert_true(next_frame(out, sizeof(out)) > FRAME_ETH + 40);
	assert_int_equal(out[FRAME_ETH + 40], ND_ROUTER_ADVERT);
	assert_true(t->at_ms > now && t->at_ms != INT64_MAX);
}

static struct sockaddr_in loopback(uint16_t port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port),
				     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

static uint16_t free_port(void)
{
	struct sockaddr_in a = loopback(0);
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	(void)close(fd);
	return ntohs(a.sin_port);
}

static int n_watched(void)
{
	int n = 0;

	for (int fd = 0; fd < net.stack.n_fds; fd++)
		n += net.stack.fds[fd] && net.stack.fds[fd]->ev.events;
	return n;
}

/* A port that is published is watched; a client makes a frame; removed, nothing is watched. */
static void descriptors_come_and_go(void **state)
{
	struct sockaddr_in host = loopback(free_port());
	struct sockaddr_in guest = { .sin_family = AF_INET, .sin_port = htons(80),
				     .sin_addr = net.conf.addrs.guest4 };
	const struct sockaddr *h = (const struct sockaddr *)&host;
	uint8_t out[2048];
	int client = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	(void)state;
	assert_int_equal(stack_add_fwd(&net.stack, h, sizeof(host),
				       (const struct sockaddr *)&guest, sizeof(guest), 0), 0);
	assert_int_equal(stack_add_fwd(&net.stack, h, sizeof(host),
				       (const struct sockaddr *)&guest, sizeof(guest), 0),
			 -EADDRINUSE);
	(void)stack_prepare(&net.stack);
	assert_int_equal(n_watched(), 1);
	assert_int_equal(loop_wait(&net.loop, 0), 0);
	(void)connect(client, h, sizeof(host));
	assert_int_equal(loop_wait(&net.loop, 1000), 1);
	assert_true(net.stack.fired);
	stack_run(&net.stack);
	assert_false(net.stack.fired);
	/* it asks who has the container's address */
	assert_true(next_frame(out, sizeof(out)) > 0);
	(void)close(client);
	assert_int_equal(stack_remove_fwd(&net.stack, h, sizeof(host), 0), 0);
	assert_int_equal(stack_remove_fwd(&net.stack, h, sizeof(host), 0), -ENOENT);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(frames_are_answered),
		TEST(the_gateway_answers_for_itself),
		TEST(impossible_checksums_are_dropped),
		TEST(it_is_asked_only_after_it_has_run),
		TEST(timers_fire_when_due),
		TEST(descriptors_come_and_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
