/* SPDX-License-Identifier: Apache-2.0
 *
 * api - the control socket
 *
 * How it works: one request per connection, as slirp4netns has it. The
 * request is whole when it parses as JSON, when its line ends, or when the
 * client has nothing more to say; then it is answered and the connection is
 * closed. A bad request is answered with {"error":{"desc":…}}. What the broker
 * has to do is answered when that is done (api_later(), api_finish()).
 */
#include "slirp-net/api.h"

#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/sock.h"
#include "common/str.h"
#include "slirp-net/api_verb.h"
#include "slirp-net/net.h"

/* #syscalls accept4 recvmsg write sendto shutdown close */

#define OUT_OF_MEMORY "{\"error\":{\"desc\":\"out of memory\"}}"

/**
 * struct api_conn - a connection whose request is not whole yet
 * @ev:		its socket
 * @net:	whose API this is
 * @since:	when it was accepted, or sent something last
 * @fd:		descriptor that came along, or -1
 * @later:	what it waits for, 0 for nothing
 * @len:	bytes in @buf
 * @next:	in no order
 * @buf:	the request so far
 */
struct api_conn {
	struct ev ev;
	struct net *net;
	int64_t since;
	int fd, later;
	size_t len;
	struct api_conn *next;
	char buf[API_REQUEST_MAX];
};

json_t *api_bad_request(const char *verb, const char *what)
{
	return json_pack("{s:{s:o}}", "error", "desc",
			 verb ? json_sprintf("bad request: %s: %s", verb, what)
			      : json_sprintf("bad request: %s", what));
}

/* An address of either family from member NAME or NAME6 of the arguments. */
static int get_addr(const json_t *args, const char *name, const char *name6,
		    const union addr *fallback, union addr *ret)
{
	const char *text = json_string_value(json_object_get(args, name));
	const char *text6 = json_string_value(json_object_get(args, name6));
	union addr a = { 0 };

	if (text6 && *text6) {
		a.v6.sin6_family = AF_INET6;
		if (inet_pton(AF_INET6, text6, &a.v6.sin6_addr) != 1)
			return -EINVAL;
	} else if (text && *text) {
		a.v4.sin_family = AF_INET;
		if (inet_pton(AF_INET, text, &a.v4.sin_addr) != 1) {
			a.v6.sin6_family = AF_INET6;
			if (inet_pton(AF_INET6, text, &a.v6.sin6_addr) != 1)
				return -EINVAL;
		}
	} else {
		a = *fallback;
	}
	*ret = a;
	return 0;
}

static int get_port(const json_t *args, const char *name, int min, uint16_t *ret)
{
	const json_t *v = json_object_get(args, name);
	json_int_t n = json_is_real(v) ? (json_int_t)json_real_value(v) : json_integer_value(v);

	if (!json_is_number(v) || n < min || n > 65535)
		return -EINVAL;
	*ret = (uint16_t)n;
	return 0;
}

static const char *parse_fwd(const struct net *net, const json_t *args, enum port_proto *proto,
			     union addr *host, union addr *guest)
{
	const char *text = json_string_value(json_object_get(args, "proto"));
	union addr any = { .v4 = { .sin_family = AF_INET } }, own = any;
	uint16_t port;

	own.v4.sin_addr = net->conf.addrs.guest4;
	if (!text || (strcmp(text, "tcp") != 0 && strcmp(text, "udp") != 0))
		return "bad arguments.proto";
	*proto = strcmp(text, "udp") == 0 ? PORT_UDP : PORT_TCP;
	if (get_addr(args, "host_addr", "host_addr6", &any, host) < 0)
		return "bad arguments.host_addr";
	if (host->sa.sa_family == AF_INET6 &&
	    (net->conf.enable_ipv6 || !net->fwds.ops->any_family)) {
		own = (union addr){ .v6 = { .sin6_family = AF_INET6 } };
		own.v6.sin6_addr = net->conf.addrs.guest6;
	}
	if (get_port(args, "host_port", 0, &port) < 0)
		return "bad arguments.host_port";
	addr_set_port(host, port);
	if (get_addr(args, "guest_addr", "guest_addr6", &own, guest) < 0)
		return "bad arguments.guest_addr";
	if (get_port(args, "guest_port", 1, &port) < 0)
		return "bad arguments.guest_port";
	addr_set_port(guest, port);
	return NULL;
}

static json_t *add_hostfwd(struct net *net, const json_t *args)
{
	union addr host, guest;
	enum port_proto proto;
	const struct fwd *f;
	const char *bad = parse_fwd(net, args, &proto, &host, &guest);
	bool any;
	int r;

	if (bad)
		return api_bad_request("add_hostfwd", bad);
	any = !addr_port(&host);
	r = fwd_add(net, proto, &host, &guest, &f);
	if (r < 0) {
		char text[ADDR_TEXT_MAX], what[160];

		addr_format(&host, text, sizeof(text));
		(void)snprintf(what, sizeof(what), "%s/%s: %s", text, port_proto_name(proto),
			       strerror(-r));
		return api_bad_request("add_hostfwd", what);
	}
	if (any)
		return json_pack("{s:{s:i,s:i}}", "return", "id", f->id, "host_port",
				 addr_port(&f->host));
	return json_pack("{s:{s:i}}", "return", "id", f->id);
}

static int put_addr(json_t *entry, const union addr *a, const char *name, const char *name6,
		    const char *port)
{
	char text[INET6_ADDRSTRLEN];
	bool is4 = a->sa.sa_family == AF_INET;

	if (is4)
		(void)inet_ntop(AF_INET, &a->v4.sin_addr, text, sizeof(text));
	else
		(void)inet_ntop(AF_INET6, &a->v6.sin6_addr, text, sizeof(text));
	if (json_object_set_new(entry, is4 ? name : name6, json_string(text)) < 0)
		return -ENOMEM;
	return json_object_set_new(entry, port, json_integer(addr_port(a)));
}

static json_t *fwd_json(const struct fwd *f)
{
	json_t *entry = json_pack("{s:i,s:s}", "id", f->id, "proto", port_proto_name(f->proto));

	if (entry && put_addr(entry, &f->host, "host_addr", "host_addr6", "host_port") == 0 &&
	    put_addr(entry, &f->guest, "guest_addr", "guest_addr6", "guest_port") == 0)
		return entry;
	json_decref(entry);
	return NULL;
}

static json_t *list_hostfwd(struct net *net, const json_t *args)
{
	json_t *entries = json_array();

	(void)args;
	for (const struct fwd *f = net->fwds.list; f; f = f->next) {
		if (json_array_append_new(entries, fwd_json(f)) < 0) {
			json_decref(entries);
			return NULL;
		}
	}
	/* slirp4netns documents the first place and answers in the second */
	return json_pack("{s:{s:O},s:o}", "return", "entries", entries, "entries", entries);
}

static json_t *remove_hostfwd(struct net *net, const json_t *args)
{
	const json_t *id = json_object_get(args, "id");
	int r;

	if (!json_is_number(id))
		return api_bad_request("remove_hostfwd", "bad arguments.id");
	r = fwd_remove(net, (int)json_number_value(id));
	if (r == -ENOENT)
		return api_bad_request("remove_hostfwd", "bad arguments.id");
	if (r < 0)
		return api_bad_request("remove_hostfwd", strerror(-r));
	return json_pack("{s:{}}", "return");
}

static json_t *stats(struct net *net, const json_t *args)
{
	const struct pumps *ps = &net->pumps;
	uint64_t out = ps->bytes[PUMP_GUEST], in = ps->bytes[PUMP_HOST];

	(void)args;
	for (const struct pump *p = ps->list; p; p = p->next) {
		out += p->dir[PUMP_GUEST].bytes;
		in += p->dir[PUMP_HOST].bytes;
	}
	return json_pack("{s:{s:s,s:{s:I,s:I,s:I,s:I,s:I,s:I},s:{s:I,s:I,s:I},"
			 "s:{s:I,s:I,s:I,s:I,s:I,s:I},s:{s:I,s:I,s:I},s:{s:b,s:I,s:I,s:I}}}",
			 "return", "path", net->splice ? "splice" : "libslirp",
			 "tcp", "open", (json_int_t)ps->n, "opening", (json_int_t)net->tcp_outs.n,
			 "total", (json_int_t)ps->total, "bytes_out", (json_int_t)out,
			 "bytes_in", (json_int_t)in,
			 "refused", (json_int_t)(net->tcp_outs.refused + net->publishes.refused +
				      net->n_no_fd),
			 "udp", "open", (json_int_t)net->udp_outs.n,
			 "published", (json_int_t)net->publishes.n_flows,
			 "refused", (json_int_t)(net->udp_outs.refused + net->publishes.udp_dropped),
			 "dns", "waiting", (json_int_t)net->dns.n, "asked",
			 (json_int_t)net->dns.asked, "answered", (json_int_t)net->dns.answered,
			 "refused", (json_int_t)net->dns.refused, "failed",
			 (json_int_t)net->dns.failed, "dropped", (json_int_t)net->dns.dropped,
			 "link", "rx", (json_int_t)net->link.rx_frames, "tx",
			 (json_int_t)net->link.tx_frames, "tx_drops",
			 (json_int_t)net->link.tx_drops,
			 "egress", "on", net->egress.on, "rules", (json_int_t)net->egress.n_rules,
			 "names", (json_int_t)net->egress.n_pins, "denied",
			 (json_int_t)net->n_denied);
}

static json_t *flow_json(struct net *net, const struct flow *f)
{
	char guest[ADDR_TEXT_MAX], peer[ADDR_TEXT_MAX];
	const char *name = f->outbound ? egress_name_of(&net->egress, f->peer) : NULL;

	addr_format(f->guest, guest, sizeof(guest));
	addr_format(f->peer, peer, sizeof(peer));
	return json_pack("{s:s,s:s,s:s,s:s*,s:s,s:s*,s:I,s:I,s:I}", "proto", f->proto, "direction",
			 f->outbound ? "out" : "in", "guest", guest, "container",
			 member_label(&net->members, f->guest), "peer", peer, "name", name,
			 "bytes_out", (json_int_t)f->from_guest, "bytes_in",
			 (json_int_t)f->to_guest, "ms",
			 (json_int_t)(loop_now_ms() - f->since_ms));
}

static bool has_room(const json_t *flows)
{
	return json_array_size(flows) < API_FLOWS_MAX;
}

/* Return: 0, -1 out of memory */
static int add_tcp_flows(struct net *net, json_t *flows)
{
	for (const struct pump *p = net->pumps.list; p && has_room(flows); p = p->next) {
		const struct flow f = { .proto = "tcp", .outbound = p->outbound,
					.guest = &p->guest, .peer = &p->peer,
					.from_guest = p->dir[PUMP_GUEST].bytes,
					.to_guest = p->dir[PUMP_HOST].bytes,
					.since_ms = p->since_ms };

		if (json_array_append_new(flows, flow_json(net, &f)) < 0)
			return -1;
	}
	return 0;
}

static int add_udp_flows(struct net *net, json_t *flows)
{
	const struct udp_out *u = NULL;
	const struct udp_flow *p = NULL;
	struct flow f;

	while (has_room(flows) && (u = udp_out_next(&net->udp_outs, u, &f))) {
		if (json_array_append_new(flows, flow_json(net, &f)) < 0)
			return -1;
	}
	while (has_room(flows) && (p = publish_udp_next(&net->publishes, p, &f))) {
		if (json_array_append_new(flows, flow_json(net, &f)) < 0)
			return -1;
	}
	return 0;
}

/* The answer has to fit into a socket's buffer: the newest come first. */
static json_t *list_flows(struct net *net, const json_t *args)
{
	json_t *flows = json_array();

	(void)args;
	if (add_tcp_flows(net, flows) < 0 || add_udp_flows(net, flows) < 0) {
		json_decref(flows);
		return NULL;
	}
	return json_pack("{s:{s:o,s:I}}", "return", "flows", flows, "total",
			 (json_int_t)(net->pumps.n + net->udp_outs.n + net->publishes.n_flows));
}

static json_t *set_egress(struct net *net, const json_t *args)
{
	const json_t *rules = json_object_get(args, "rules"), *rule;
	AUTO(strv_clear) struct strv texts = { 0 };
	struct err e = { 0 };
	size_t i;

	if (json_is_null(rules)) {
		(void)egress_set(&net->egress, NULL, 0, NULL);
		return json_pack("{s:{}}", "return");
	}
	if (!json_is_array(rules))
		return api_bad_request("set_egress", "bad arguments.rules");
	json_array_foreach(rules, i, rule) {
		if (!json_is_string(rule))
			return api_bad_request("set_egress", "bad arguments.rules");
		if (strv_add(&texts, json_string_value(rule)) < 0)
			return NULL;
	}
	if (!texts.v && strv_add(&texts, "deny") < 0)
		return NULL;
	if (egress_set(&net->egress, texts.v, texts.n, &e) < 0)
		return api_bad_request("set_egress", e.msg);
	net_apply_egress(net);
	return json_pack("{s:{}}", "return");
}

static const struct verb {
	const char *name;
	json_t *(*fn)(struct net *net, const json_t *args);
} verbs[] = {
	{ "add_hostfwd", add_hostfwd },
	{ "list_hostfwd", list_hostfwd },
	{ "remove_hostfwd", remove_hostfwd },
	{ "stats", stats },
	{ "list_flows", list_flows },
	{ "set_egress", set_egress },
	{ "attach", api_attach },
	{ "detach", api_detach },
	{ "list_namespaces", api_list_namespaces },
};

static json_t *dispatch(struct net *net, const json_t *request)
{
	const char *execute;

	if (!request)
		return api_bad_request(NULL, "cannot parse JSON");
	if (!json_is_object(request))
		return api_bad_request(NULL, "json_object() failed");
	execute = json_string_value(json_object_get(request, "execute"));
	if (!execute)
		return api_bad_request(NULL, "no execute found");
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(execute, verbs[i].name) == 0)
			return verbs[i].fn(net, json_object_get(request, "arguments"));
	}
	return api_bad_request(NULL, "unknown execute");
}

char *api_answer(struct net *net, const char *request, size_t len)
{
	json_t *in = json_loadb(request, len, JSON_DISABLE_EOF_CHECK, NULL);
	json_t *out = dispatch(net, in);
	char *text = out ? json_dumps(out, JSON_COMPACT) : NULL;

	json_decref(in);
	json_decref(out);
	return text;
}

static void conn_free(struct api_conn *c)
{
	struct api *api = &c->net->api;
	struct api_conn **at = &api->conns;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	api->n--;
	(void)loop_set(&c->net->loop, &c->ev, 0);
	(void)close(c->ev.fd);
	cleanup_closep(&c->fd);
	free(c);
}

int api_take_fd(struct api *api)
{
	return api->asking ? take_fd(&api->asking->fd) : -1;
}

void api_later(struct api *api, int id)
{
	if (api->asking)
		api->asking->later = id;
}

/* An answer always fits into the socket's buffer, or the client is odd. */
static void conn_finish(struct api_conn *c, const char *text)
{
	if (text)
		(void)send(c->ev.fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT);
	(void)shutdown(c->ev.fd, SHUT_RDWR);
	conn_free(c);
}

void api_finish(struct net *net, int id, const char *text)
{
	struct api_conn *next;

	for (struct api_conn *c = net->api.conns; c; c = next) {
		next = c->next;
		if (c->later == id)
			conn_finish(c, text ? text : OUT_OF_MEMORY);
	}
}

/* What came: 0 at the end, -errno. A descriptor is kept, the newest. */
static ssize_t receive(struct api_conn *c)
{
	size_t n_fds = 0;
	int fd = -1;
	ssize_t n = sock_recv_fds(c->ev.fd, c->buf + c->len, sizeof(c->buf) - c->len, &fd, 1,
				  &n_fds);

	if (n >= 0 && n_fds) {
		cleanup_closep(&c->fd);
		c->fd = fd;
	}
	return n;
}

static void answer(struct api_conn *c)
{
	struct api *api = &c->net->api;
	auto_free char *text = NULL;

	api->asking = c;
	text = api_answer(c->net, c->buf, c->len);
	api->asking = NULL;
	if (c->later && !text)
		(void)loop_set(&c->net->loop, &c->ev, 0);
	else
		conn_finish(c, text ? text : OUT_OF_MEMORY);
}

static bool is_whole(const struct api_conn *c)
{
	json_t *in;

	if (memchr(c->buf, '\n', c->len))
		return true;
	in = json_loadb(c->buf, c->len, JSON_DISABLE_EOF_CHECK, NULL);
	json_decref(in);
	return in;
}

static void on_conn(struct ev *ev, uint32_t events)
{
	struct api_conn *c = ev->owner;
	ssize_t n = receive(c);

	(void)events;
	if (n == -EAGAIN || n == -EINTR)
		return;
	if (n < 0 || (n == 0 && !c->len)) {
		conn_free(c);
		return;
	}
	c->len += (size_t)n;
	c->since = loop_now_ms();
	if (c->len == sizeof(c->buf)) {
		conn_finish(c, "{\"error\":{\"desc\":\"bad request: too large message\"}}");
		return;
	}
	if (n == 0 || is_whole(c))
		answer(c);
}

static void on_listen(struct ev *ev, uint32_t events)
{
	struct net *net = ev->owner;
	struct api *api = &net->api;
	union addr unused;
	int fd = net_accept(net, ev->fd, &unused);
	struct api_conn *c;

	(void)events;
	if (fd < 0)
		return;
	c = api->n < API_CONNS_MAX ? malloc(sizeof(*c)) : NULL;
	if (!c) {
		(void)close(fd);
		return;
	}
	c->ev = (struct ev){ .fd = fd, .fn = on_conn, .owner = c };
	c->net = net;
	c->fd = -1;
	c->later = 0;
	c->since = loop_now_ms();
	c->len = 0;
	c->next = api->conns;
	api->conns = c;
	api->n++;
	if (loop_set(&net->loop, &c->ev, EPOLLIN) < 0)
		conn_free(c);
}

void api_expire(struct api *api, struct net *net)
{
	int64_t old = loop_now_ms() - API_IDLE_MS;
	struct api_conn *next;

	(void)net;
	for (struct api_conn *c = api->conns; c; c = next) {
		next = c->next;
		if (c->since < old)
			conn_finish(c, "{\"error\":{\"desc\":\"bad request: timed out\"}}");
	}
}

int api_listen(struct api *api, const char *path, struct err *e)
{
	int fd = sock_listen_unix(path, API_CONNS_MAX);

	if (fd < 0)
		return err_set(e, fd, "API socket: %s", path);
	api->ev.fd = fd;
	return 0;
}

int api_start(struct api *api, struct net *net, struct err *e)
{
	int r;

	if (api->ev.fd < 0)
		return 0;
	api->ev.fn = on_listen;
	api->ev.owner = net;
	r = loop_set(&net->loop, &api->ev, EPOLLIN);
	return r < 0 ? err_set(e, r, "API socket") : 0;
}

void api_clear(struct api *api, struct net *net)
{
	(void)net;
	while (api->conns)
		conn_free(api->conns);
	if (api->ev.fd > 0)
		(void)close(api->ev.fd);
	api->ev.fd = -1;
}
