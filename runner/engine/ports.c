/* SPDX-License-Identifier: Apache-2.0
 *
 * ports - published ports in words
 */
#include "runner/engine/ports.h"

#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/io.h"
#include "common/portspec.h"
#include "common/sock.h"
#include "common/str.h"
#include "runner/engine/container.h"
#include "runner/engine/engine.h"
#include "runner/engine/network.h"

#define ANSWER_MAX (1 << 20)

static void host_text(const struct portspec *p, char buf[INET6_ADDRSTRLEN + 2])
{
	char addr[INET6_ADDRSTRLEN];

	if (p->family == AF_INET)
		(void)inet_ntop(AF_INET, &p->host4, buf, INET6_ADDRSTRLEN);
	else if (p->family == AF_INET6 && inet_ntop(AF_INET6, &p->host6, addr, sizeof(addr)))
		(void)str_format(buf, INET6_ADDRSTRLEN + 2, "[%s]", addr);
	else
		(void)str_format(buf, INET6_ADDRSTRLEN + 2, "0.0.0.0");
}

static int add_spec(struct strv *ports, const struct portspec *p)
{
	char host[INET6_ADDRSTRLEN + 2];
	int r = 0;

	host_text(p, host);
	for (unsigned int i = 0; r == 0 && i < p->count; i++)
		r = strv_addf(ports, "%s:%u->%u/%s", host, p->host_port + i, p->guest_port + i,
			      port_proto_name(p->proto));
	return r;
}

static int ask(const struct container *c, char **ret, size_t *ret_len)
{
	static const char request[] = "{\"execute\":\"list_hostfwd\"}\n";
	auto_free char *path = xasprintf("%s/containers/%s/net.sock", c->eng->runroot, c->id);
	auto_close int fd = sock_connect_unix(path);
	int r;

	if (fd < 0)
		return fd;
	r = io_write_all(fd, request, sizeof(request) - 1);
	if (r == 0)
		(void)shutdown(fd, SHUT_WR);
	return r < 0 ? r : io_read_fd(fd, ANSWER_MAX, ret, ret_len);
}

static int add_entry(struct strv *ports, const json_t *en)
{
	const char *proto = json_string_value(json_object_get(en, "proto"));
	const char *addr = json_string_value(json_object_get(en, "host_addr"));
	long long host = json_integer_value(json_object_get(en, "host_port"));
	long long guest = json_integer_value(json_object_get(en, "guest_port"));
	auto_free char *line = NULL;

	if (!proto || host <= 0 || guest <= 0)
		return -EBADMSG;
	line = xasprintf("%s:%lld->%lld/%s", addr ? addr : "0.0.0.0", host, guest, proto);
	/* A port that was picked is listed once for each family. */
	for (size_t i = 0; i < ports->n; i++)
		if (str_eq(ports->v[i], line))
			return 0;
	return strv_add(ports, line);
}

/* Every port as slirp-net has it, for those that the kernel picked. */
static int record_answer(struct container *c)
{
	auto_free char *text = NULL;
	size_t len = 0, i;
	json_t *root, *entries, *en;
	int r = ask(c, &text, &len);

	if (r < 0)
		return r;
	root = json_loadb(text, len, JSON_DISABLE_EOF_CHECK, NULL);
	entries = json_object_get(json_object_get(root, "return"), "entries");
	if (!json_is_array(entries))
		r = -EBADMSG;
	json_array_foreach(entries, i, en)
		if (r == 0)
			r = add_entry(&c->state.ports, en);
	json_decref(root);
	return r;
}

int ports_record(struct container *c, const struct network *net, struct err *e)
{
	bool picked = false;
	int r = 0;

	strv_clear(&c->state.ports);
	if (!net->mode->can_publish || !c->config.publish.n)
		return 0;
	for (size_t i = 0; r == 0 && i < c->config.publish.n; i++) {
		struct portspec p;

		r = portspec_parse(c->config.publish.v[i], &p, e);
		if (r < 0)
			return r;
		picked = picked || p.host_port == 0;
		r = add_spec(&c->state.ports, &p);
	}
	if (r == 0 && picked) {
		strv_clear(&c->state.ports);
		r = record_answer(c);
	}
	return r < 0 ? err_set(e, r, "published ports") : 0;
}
