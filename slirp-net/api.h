/* SPDX-License-Identifier: Apache-2.0
 *
 * api - the control socket
 */
#ifndef SLIRP_NET_API_H
#define SLIRP_NET_API_H

#include <stddef.h>

#include "common/err.h"
#include "slirp-net/loop.h"

#define API_CONNS_MAX 16
#define API_REQUEST_MAX 65536
#define API_IDLE_MS 10000
#define API_FLOWS_MAX 500

struct net;
struct api_conn;

/**
 * struct api - listening socket and open connections
 * @ev:		the listening socket
 * @conns:	connections that have not been answered yet
 * @n:		how many
 * @asking:	whose request is being answered; NULL between requests
 */
struct api {
	struct ev ev;
	struct api_conn *conns;
	int n;
	struct api_conn *asking;
};

/**
 * api_listen() - be there at path, mode 0600; who connects waits
 * Return: 0, -errno
 */
int api_listen(struct api *api, const char *path, struct err *e);

/**
 * api_start() - answer, where api_listen() was called
 * Return: 0, -errno
 */
int api_start(struct api *api, struct net *net, struct err *e);
void api_clear(struct api *api, struct net *net);

/**
 * api_expire() - drop connections that say nothing
 */
void api_expire(struct api *api, struct net *net);

/**
 * api_answer() - one request to one answer; pure but for what it asks for
 * @request:	bytes of one JSON object
 * Return: JSON text without newline, the caller frees it; NULL without memory
 */
char *api_answer(struct net *net, const char *request, size_t len);

/**
 * api_take_fd() - the descriptor that came with the request being answered
 * Return: the caller's; -1 when there is none
 */
int api_take_fd(struct api *api);

/**
 * api_later() - that request is answered by api_finish() with this id
 */
void api_later(struct api *api, int id);

/**
 * api_finish() - answer what waits for @id, if its client is still there
 * @text:	JSON; NULL when out of memory
 */
void api_finish(struct net *net, int id, const char *text);

struct member;
void api_finish_member(struct net *net, const struct member *m);
void api_finish_empty(struct net *net, int id);
void api_finish_error(struct net *net, int id, const char *verb, const char *what);

#endif
