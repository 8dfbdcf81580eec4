/* SPDX-License-Identifier: Apache-2.0
 *
 * regauth - how a registry is told who asks; private to registry.c and regauth.c
 */
#ifndef RUNNER_IMAGE_REGAUTH_H
#define RUNNER_IMAGE_REGAUTH_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/str.h"
#include "runner/image/auth.h"
#include "runner/image/reference.h"

struct err;
struct http;
struct http_request;
struct http_response;
struct image_pull_opts;

enum scheme {
	SCHEME_UNKNOWN,
	SCHEME_HTTPS,
	SCHEME_HTTP,
};

/**
 * struct registry - one repository at one place
 * @mutex:	guards what follows it
 * @creds:	looked up at the first challenge
 * @token:	bearer token, or NULL
 * @basic:	the server wants the credentials themselves
 */
struct registry {
	struct ref ref;
	const struct image_pull_opts *opts;
	bool insecure;
	pthread_mutex_t mutex;
	enum scheme scheme;
	bool have_creds;
	struct credentials creds;
	char *token;
	bool basic;
};

/**
 * struct body - a small answer
 */
struct body {
	struct strbuf text;
	size_t max;
};

/**
 * struct auth_state - what a request was sent with, to see whether another thread
 * has newer
 */
struct auth_state {
	char *token;
	bool basic;
};

/**
 * registry_host() - the place, for messages
 */
const char *registry_host(const struct registry *r);

/**
 * registry_fill() - what every request to this place has
 */
void registry_fill(const struct registry *r, struct http_request *req);

/**
 * registry_body_add() - http_request's data, into a struct body
 */
int registry_body_add(void *ctx, const struct http_response *resp, const void *buf, size_t len);

/**
 * regauth_answer() - what a 401 asked for
 * @challenge:	its WWW-Authenticate header
 * @used:	what the refused request was sent with
 *
 * Takes r->mutex.
 * Return: 0 when it is worth another try, -EACCES, -errno
 */
int regauth_answer(struct registry *r, struct http *h, const char *challenge,
		   const struct auth_state *used, struct err *e);

#endif
