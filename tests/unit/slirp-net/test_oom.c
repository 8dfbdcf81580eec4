/* SPDX-License-Identifier: Apache-2.0
 *
 * Every allocation fails once: that flow, or that request, meets an error,
 * what is there stays there, and the same works afterwards.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <linux/if_ether.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/log.h"
#include "common/sock.h"
#include "slirp-net/net.h"
#include "slirp-net/udpframe.h"
#include "tests/helpers/fail_alloc.h"

/**
 * struct world - a net whose container and whose host are this test
 * @net:	the gateway, the resolver's host and the container are all
 *		127.0.0.1: sockets need no right that way
 * @udp, @tcp, @dns: servers of the host
 * @guest:	a server in the container's place
 * @dir:	holds the control socket
 */
struct world {
	struct net net;
	int udp, tcp, dns, guest;
	char dir[32], api[48];
};

static struct world *w;

static int server(int type, uint16_t *ret_port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, type | SOCK_NONBLOCK, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, 64), 0);
	*ret_port = ntohs(a.sin_port);
	return fd;
}

static uint16_t port_of(int fd)
{
	union addr a;
	socklen_t len = sizeof(a);

	assert_int_equal(getsockname(fd, &a.sa, &len), 0);
	return addr_port(&a);
}

static union addr local(uint16_t port)
{
	return addr4((struct in_addr){ htonl(INADDR_LOOPBACK) }, port);
}

static void make_world(void)
{
	struct conf *c;
	uint16_t port;

	w = calloc(1, sizeof(*w));
	assert_non_null(w);
	c = &w->net.conf;
	c->addrs.host4.s_addr = c->addrs.guest4.s_addr = htonl(INADDR_LOOPBACK);
	c->addrs.dns4.s_addr = htonl(0x0a000203);
	w->net.flow_log = w->net.api.ev.fd = w->net.spare_fd = -1;
	w->net.splice = true;
	w->net.link.mtu = 1500;
	w->net.link.ev.fd = memfd_create("frames", MFD_CLOEXEC);
	w->udp = server(SOCK_DGRAM, &port);
	w->dns = server(SOCK_DGRAM, &port);
	w->tcp = server(SOCK_STREAM, &port);
	w->guest = server(SOCK_STREAM, &port);
	assert_int_equal(loop_init(&w->net.loop, 0), 0);
	assert_int_equal(pumps_init(&w->net.pumps), 0);
	assert_int_equal(tcp_out_start(&w->net, w->net.link.ev.fd, server(SOCK_STREAM, &port), -1),
			 0);
	fwd_init(&w->net.fwds, &publish_ops);
	pool_init(&w->net.pool, -1);
	w->net.dns.servers = (struct resolv){ .servers = { local(port_of(w->dns)) }, .n = 1 };
	memcpy(w->dir, "/tmp/test-oom.XXXXXX", 21);
	assert_non_null(mkdtemp(w->dir));
	(void)snprintf(w->api, sizeof(w->api), "%s/api", w->dir);
	assert_int_equal(api_listen(&w->net.api, w->api, NULL), 0);
	assert_int_equal(api_start(&w->net.api, &w->net, NULL), 0);
}

static void free_world(void)
{
	struct net *net = &w->net;

	fwd_clear(net);
	publish_clear(net);
	pool_clear(&net->pool);
	dns_clear(net);
	udp_out_clear(net);
	reasm_clear(&net->reasms);
	(void)close(net->tcp_outs.listen[0].fd);
	tcp_out_clear(net);
	pumps_clear(net);
	api_clear(&net->api, net);
	loop_clear(&net->loop);
	egress_clear(&net->egress);
	(void)close(net->link.ev.fd);
	(void)close(w->udp);
	(void)close(w->tcp);
	(void)close(w->dns);
	(void)close(w->guest);
	(void)unlink(w->api);
	(void)rmdir(w->dir);
	free(w);
}

/* The loop turns until nothing happens any more. */
static void turn(void)
{
	for (int i = 0; i < 50; i++) {
		int n = loop_wait(&w->net.loop, 1);

		assert_true(n >= 0);
		if (w->net.pumps.ready)
			pumps_run(&w->net);
		else if (!n)
			return;
	}
}

static const struct virtio_net_hdr none;

static struct udpframe_path from_guest(const union addr *to)
{
	static uint16_t port = 10000;

	return (struct udpframe_path){ .macs = { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1 },
				       .from = addr4((struct in_addr){ htonl(0x0a000264) }, port++),
				       .to = *to };
}

static int received(int fd, const uint8_t *data, size_t len)
{
	uint8_t buf[4096];
	ssize_t n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);

	if (n < 0)
		return -errno;
	assert_int_equal(n, len);
	assert_memory_equal(buf, data, len);
	return 0;
}

static int udp_out(void)
{
	const union addr to = local(port_of(w->udp));
	struct udpframe_path p = from_guest(&to);
	uint8_t frame[100];
	size_t len = udpframe_build(&p, "question", 8, frame);

	net_frame(&w->net, &none, frame, len);
	udp_out_flush(&w->net);
	return received(w->udp, (const uint8_t *)"question", 8);
}

static int udp_fragments(void)
{
	static struct link cut;
	const union addr to = local(port_of(w->udp));
	struct udpframe_path p = from_guest(&to);
	uint8_t data[3000] = { 1, 2, 3 }, out[4000];
	size_t at = 0;
	ssize_t n;

	cut.mtu = 1500;
	cut.ev.fd = memfd_create("cut", MFD_CLOEXEC);
	udpframe_send(&cut, &p, data, sizeof(data));
	n = pread(cut.ev.fd, out, sizeof(out), 0);
	(void)close(cut.ev.fd);
	while (at < (size_t)n) {
		uint8_t *frame = out + at + sizeof(none);
		size_t len = (size_t)FRAME_ETH + (size_t)(frame[FRAME_ETH + 2] << 8 |
							  frame[FRAME_ETH + 3]);

		net_frame(&w->net, &none, frame, len);
		at += sizeof(none) + len;
	}
	return received(w->udp, data, sizeof(data));
}

static int dns(void)
{
	static const char msg[] = "\0\1\1\0\0\1\0\0\0\0\0\0\4name\4test\0\0\1\0";
	const union addr to = addr4(w->net.conf.addrs.dns4, 53);
	struct udpframe_path p = from_guest(&to);
	off_t before = lseek(w->net.link.ev.fd, 0, SEEK_END);
	uint8_t frame[200], buf[200];
	union addr asker;
	socklen_t asker_len = sizeof(asker);
	ssize_t n;

	net_frame(&w->net, &none, frame, udpframe_build(&p, msg, sizeof(msg), frame));
	n = recvfrom(w->dns, buf, sizeof(buf), 0, &asker.sa, &asker_len);
	if (n < 0)
		return -errno;
	buf[2] |= 0x80;
	assert_int_equal(sendto(w->dns, buf, (size_t)n, 0, &asker.sa, asker_len), n);
	turn();
	return lseek(w->net.link.ev.fd, 0, SEEK_END) > before ? 0 : -EAGAIN;
}

static int tcp_out(void)
{
	const union addr to = local(port_of(w->tcp));
	struct udpframe_path p = from_guest(&to);
	uint8_t frame[100] = { 0 };
	int fd;

	/* a datagram's head and 12 bytes, made into a SYN; nobody here looks at sums */
	(void)udpframe_build(&p, "123456789012", 12, frame);
	frame[FRAME_ETH + 9] = IPPROTO_TCP;
	frame[FRAME_ETH + 32] = 5 << 4;
	frame[FRAME_ETH + 33] = TH_SYN;
	net_frame(&w->net, &none, frame, FRAME_ETH + 40);
	turn();
	fd = accept(w->tcp, NULL, NULL);
	if (fd < 0)
		return -errno;
	(void)close(fd);
	return 0;
}

/* More than fits at once, so that something has to wait. */
static int pump(const union addr *peer, size_t len)
{
	static uint8_t data[400000];
	union addr guest = local(1);
	int a[2], b[2], r, little = 4096;
	size_t sent = 0, got = 0;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, a), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, b), 0);
	(void)setsockopt(b[1], SOL_SOCKET, SO_SNDBUF, &little, sizeof(little));
	r = pump_start(&w->net, a[1], b[1], NULL, &guest, peer, /* outbound */ true);
	for (int i = 0; r >= 0 && i < 1000 && got < len; i++) {
		ssize_t n = sent < len ? send(a[0], data, len - sent, MSG_NOSIGNAL) : 0;

		if (n < 0 && errno != EAGAIN)
			r = -errno;
		sent += n > 0 ? (size_t)n : 0;
		turn();
		n = recv(b[0], data, i < 3 ? 1 : sizeof(data), 0);
		if (!n)
			r = -ECONNRESET;
		got += n > 0 ? (size_t)n : 0;
	}
	(void)close(a[0]);
	(void)close(b[0]);
	turn();
	assert_int_equal(w->net.pumps.n, 0);
	assert_int_equal(w->net.pumps.left_bytes, 0);
	return r < 0 || got == len ? r : -EPIPE;
}

static int pump_much(void)
{
	const union addr peer = local(2);

	return pump(&peer, 400000);
}

static int egress(void)
{
	char *rules[] = { (char[]){ "allow=*.test:443" }, (char[]){ "allow=10.0.0.0/8" },
			  (char[]){ "deny" } };
	const union addr dns4 = addr4(w->net.conf.addrs.dns4, 53), there = local(443);
	struct err e;
	int r = egress_set(&w->net.egress, rules, 3, &e);

	if (r < 0)
		return r;
	assert_int_equal(w->net.egress.n_rules, 2);
	egress_pin(&w->net.egress, "name.test", &there, 1);
	if (!egress_allows(&w->net.egress, IPPROTO_TCP, &there))
		r = -ENOMEM;
	/* where names matter, DNS over TCP is looked into */
	if (r >= 0)
		r = pump(&dns4, 0);
	(void)egress_set(&w->net.egress, NULL, 0, NULL);
	egress_clear(&w->net.egress);
	return r;
}

static void fill_pool(void)
{
	static const int types[] = { [POOL_TCP4] = SOCK_STREAM, [POOL_UDP4] = SOCK_DGRAM };
	static const enum pool_kind kinds[] = { POOL_TCP4, POOL_UDP4 };

	for (size_t i = 0; i < 2; i++) {
		struct pool *p = &w->net.pool;
		enum pool_kind k = kinds[i];

		while (p->n[k] < 2)
			p->fds[k][p->n[k]++] = socket(AF_INET, types[k] | SOCK_NONBLOCK, 0);
	}
}

static int publish(enum port_proto proto)
{
	union addr any = local(0), guest = local(port_of(proto == PORT_UDP ? w->udp : w->guest));
	const struct fwd *f = NULL;
	int client = socket(AF_INET, proto == PORT_UDP ? SOCK_DGRAM : SOCK_STREAM, 0);
	int r = fwd_add(&w->net, proto, &any, &guest, &f), inside = -1;

	fill_pool();
	if (r >= 0) {
		assert_int_equal(connect(client, &f->host.sa, addr_len(&f->host)), 0);
		assert_int_equal(send(client, "hello", 5, 0), 5);
		turn();
		inside = proto == PORT_UDP ? fcntl(w->udp, F_DUPFD_CLOEXEC, 0)
					   : accept4(w->guest, NULL, NULL, SOCK_NONBLOCK);
		r = inside < 0 ? -errno : received(inside, (const uint8_t *)"hello", 5);
		(void)fwd_remove(&w->net, f->id);
	}
	if (inside >= 0)
		(void)close(inside);
	(void)close(client);
	turn();
	return r;
}

static int publish_one_tcp(void)
{
	return publish(PORT_TCP);
}

static int publish_one_udp(void)
{
	return publish(PORT_UDP);
}

/* An answer, or none; what it did, it did wholly. */
static int api_lines(void)
{
	static const struct {
		const char *line, *answer;
	} rows[] = {
		{ "{\"execute\":\"stats\"}", "splice" },
		{ "{\"execute\":\"list_flows\"}", "flows" },
		{ "{\"execute\":\"list_hostfwd\"}", "entries" },
		{ "{\"execute\":\"set_egress\",\"arguments\":{\"rules\":[\"allow=a.test\",\"deny\"]}}",
		  "return" },
		{ "{\"execute\":\"set_egress\",\"arguments\":{\"rules\":null}}", "return" },
		{ "{\"execute\":\"set_egress\",\"arguments\":{\"rules\":[\"nonsense\"]}}", "error" },
		{ "{\"execute\":\"add_hostfwd\",\"arguments\":{\"proto\":\"tcp\",\"host_addr\":"
		  "\"127.0.0.1\",\"host_port\":0,\"guest_port\":80}}", "host_port" },
		{ "{\"execute\":\"what\"}", "unknown execute" },
		{ "{\"exec", "cannot parse" },
	};
	int r = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *text = api_answer(&w->net, rows[i].line, strlen(rows[i].line));

		if (!text || !strstr(text, rows[i].answer))
			r = -ENOMEM;
		free(text);
	}
	while (w->net.fwds.list)
		(void)fwd_remove(&w->net, w->net.fwds.list->id);
	(void)egress_set(&w->net.egress, NULL, 0, NULL);
	return r;
}

static int api_socket(void)
{
	static const char line[] = "{\"execute\":\"list_hostfwd\"}\n";
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	char answer[200] = "";

	memcpy(a.sun_path, w->api, sizeof(w->api));
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	(void)!write(fd, line, sizeof(line) - 1);
	turn();
	(void)!read(fd, answer, sizeof(answer) - 1);
	(void)close(fd);
	turn();
	assert_int_equal(w->net.api.n, 0);
	return strstr(answer, "entries") ? 0 : -ENOMEM;
}

/* The broker's part: take the namespace, say that its link is made. */
static bool broker_adds(int sock)
{
	struct bridge_tell t = { .event = BRIDGE_ADDED };
	struct bridge_ask ask;
	size_t n_fds = 0;
	int fd;

	if (recv(sock, &ask, 1, MSG_PEEK | MSG_DONTWAIT) != 1 ||
	    sock_recv_fds(sock, &ask, sizeof(ask), &fd, 1, &n_fds) != sizeof(ask))
		return false;
	assert_int_equal(n_fds, 1);
	(void)close(fd);
	t.id = ask.port.id;
	return send(sock, &t, sizeof(t), 0) == sizeof(t);
}

/* Whose client hears of an error is not in the table; unless no memory was left
 * for the answer itself. */
static int attach(void)
{
	static const char line[] =
		"{\"execute\":\"attach\",\"arguments\":{\"names\":[\"a\",\"b\"]}}\n";
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	struct net *net = &w->net;
	char answer[400] = "";
	int sv[2], fd, r;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sv), 0);
	net->conf.shared = true;
	net->conf.tapname = "tap0";
	net->broker.bridge_fd = sv[0];
	r = members_start(net);
	if (r >= 0) {
		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
		memcpy(a.sun_path, w->api, sizeof(w->api));
		assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
		(void)sock_send_fds(fd, line, sizeof(line) - 1, &sv[1], 1);
		turn();
		if (broker_adds(sv[1]))
			turn();
		(void)!read(fd, answer, sizeof(answer) - 1);
		(void)close(fd);
		turn();
		r = strstr(answer, "\"names\":[\"a\",\"b\"]") ? 0 : -ENOMEM;
		if (r < 0 && strstr(answer, "error"))
			assert_true(net->members.n == 1 || strstr(answer, "out of memory"));
		(void)loop_set(&net->loop, &net->members.ev, 0);
	}
	members_clear(&net->members);
	net->conf.shared = false;
	(void)close(sv[0]);
	(void)close(sv[1]);
	return r;
}

static const struct step {
	const char *name;
	int (*fn)(void);
} steps[] = {
	{ "udp_out", udp_out },	    { "udp_fragments", udp_fragments },
	{ "dns", dns },		    { "tcp_out", tcp_out },
	{ "pump", pump_much },	    { "egress", egress },
	{ "publish tcp", publish_one_tcp }, { "publish udp", publish_one_udp },
	{ "api lines", api_lines }, { "api socket", api_socket }, { "attach", attach },
};

/* One step after the other, each until every allocation of it has failed once. */
static void test_every_allocation(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		long n;

		for (n = 0;; n++) {
			int r;

			failed = false;
			fail_in = n;
			r = steps[i].fn();
			fail_in = -1;
			if (!failed && r < 0)
				fail_msg("%s: %s", steps[i].name, strerror(-r));
			if (!failed)
				break;
			/* the program lives, and the same works now */
			r = steps[i].fn();
			if (r < 0)
				fail_msg("%s, after its allocation %ld failed: %s", steps[i].name,
					 n, strerror(-r));
		}
		print_message("# %s: %ld allocations\n", steps[i].name, n);
		assert_true(n > 0);
	}
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		assert_int_equal(steps[i].fn(), 0);
}

static int set_up(void **state)
{
	(void)state;
	log_init("test_oom");
	log_set_level(LOG_LEVEL_ERROR);
	json_set_alloc_funcs(malloc, free);
	make_world();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	free_world();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_every_allocation, set_up, tear_down)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
