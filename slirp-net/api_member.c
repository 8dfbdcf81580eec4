/* SPDX-License-Identifier: Apache-2.0
 *
 * api_member - the verbs about namespaces at one gateway
 */
#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "slirp-net/api_verb.h"
#include "slirp-net/net.h"

static json_t *member_json(const struct net *net, const struct member *m)
{
	static const char *const states[] = { [MEMBER_JOINING] = "joining", [MEMBER_ON] = "on",
					      [MEMBER_LEAVING] = "leaving" };
	const struct bridge_port *p = &m->port;
	char mac[18], a4[INET_ADDRSTRLEN], a6[INET6_ADDRSTRLEN];
	json_t *names = json_array(), *entry;

	(void)snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", p->mac[0], p->mac[1],
		       p->mac[2], p->mac[3], p->mac[4], p->mac[5]);
	(void)inet_ntop(AF_INET, &p->addr4, a4, sizeof(a4));
	(void)inet_ntop(AF_INET6, &p->addr6, a6, sizeof(a6));
	for (size_t i = 0; i < m->names.n; i++)
		(void)json_array_append_new(names, json_string(m->names.v[i]));
	entry = json_pack("{s:i,s:s,s:s,s:s,s:s,s:o}", "id", p->id, "interface", p->name, "mac",
			  mac, "guest_addr", a4, "state", states[m->state], "names", names);
	if (entry && net->conf.enable_ipv6)
		(void)json_object_set_new(entry, "guest_addr6", json_string(a6));
	return entry;
}

json_t *api_list_namespaces(struct net *net, const json_t *args)
{
	json_t *list = json_array();

	(void)args;
	for (const struct member *m = net->members.list; m; m = m->next) {
		if (json_array_append_new(list, member_json(net, m)) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return json_pack("{s:{s:o}}", "return", "namespaces", list);
}

static const char *get_names(const json_t *names, struct strv *ret)
{
	const json_t *name;
	size_t i;

	if (names && !json_is_array(names))
		return "bad arguments.names";
	json_array_foreach(names, i, name) {
		if (!json_is_string(name))
			return "bad arguments.names";
		if (strv_add(ret, json_string_value(name)) < 0)
			return "out of memory";
	}
	return NULL;
}

static const char *get_wish(const json_t *args, struct member_wish *w)
{
	const char *addr = json_string_value(json_object_get(args, "guest_addr"));
	const char *mac = json_string_value(json_object_get(args, "mac"));
	const json_t *route = json_object_get(args, "default_route");

	w->interface = json_string_value(json_object_get(args, "interface"));
	if (json_object_get(args, "interface") && !w->interface)
		return "bad arguments.interface";
	if (json_object_get(args, "guest_addr") &&
	    (!addr || inet_pton(AF_INET, addr, &w->addr4) != 1))
		return "bad arguments.guest_addr";
	w->has_addr = addr;
	if (json_object_get(args, "mac") && (!mac || conf_mac(mac, w->mac, NULL) < 0))
		return "bad arguments.mac";
	w->has_mac = mac;
	if (route && !json_is_boolean(route))
		return "bad arguments.default_route";
	w->route = !json_is_false(route);
	return get_names(json_object_get(args, "names"), &w->names);
}

json_t *api_attach(struct net *net, const json_t *args)
{
	auto_close int netns = api_take_fd(&net->api);
	struct member_wish wish = { 0 };
	const char *bad = get_wish(args, &wish);
	struct err e = { 0 };
	int id;

	if (!net->conf.shared)
		bad = "needs --shared";
	else if (!bad && netns < 0)
		bad = "no descriptor of a network namespace came along";
	if (!bad && member_attach(net, &wish, netns, &id, &e) < 0)
		bad = e.msg;
	strv_clear(&wish.names);
	if (bad)
		return api_bad_request("attach", bad);
	api_later(&net->api, id);
	return NULL;
}

json_t *api_detach(struct net *net, const json_t *args)
{
	const json_t *id = json_object_get(args, "id");
	int r = json_is_integer(id) ? member_detach(net, (int)json_integer_value(id)) : -ENOENT;

	if (r == -ENOENT)
		return api_bad_request("detach", "bad arguments.id");
	if (r < 0)
		return api_bad_request("detach", strerror(-r));
	api_later(&net->api, (int)json_integer_value(id));
	return NULL;
}

static void finish(struct net *net, int id, json_t *answer)
{
	auto_free char *text = answer ? json_dumps(answer, JSON_COMPACT) : NULL;

	json_decref(answer);
	api_finish(net, id, text);
}

void api_finish_member(struct net *net, const struct member *m)
{
	finish(net, m->port.id, json_pack("{s:o}", "return", member_json(net, m)));
}

void api_finish_empty(struct net *net, int id)
{
	finish(net, id, json_pack("{s:{}}", "return"));
}

void api_finish_error(struct net *net, int id, const char *verb, const char *what)
{
	finish(net, id, api_bad_request(verb, what));
}
