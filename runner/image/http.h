/* SPDX-License-Identifier: Apache-2.0
 *
 * http - one GET or POST at a time over a connection that is kept
 */
#ifndef RUNNER_IMAGE_HTTP_H
#define RUNNER_IMAGE_HTTP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/cleanup.h"
#include "common/str.h"

struct err;
struct http;
struct http_response;

/**
 * http_new() - a connection; used by one thread at a time
 * Return: 0, -ELIBACC, -ENOMEM
 */
int http_new(struct http **ret, struct err *e);
void http_free(struct http *h);
DEFINE_AUTO(struct http, http_free);

/**
 * struct http_request - what to ask
 * @headers:	whole header lines
 * @bearer, @user, @password: authorization, or NULL; never sent to another host
 *		that a redirect leads to
 * @post:	form data; NULL asks by GET
 * @offset:	first byte wanted
 * @insecure:	the certificate need not be known
 * @cert_dir:	folder with *.crt (authorities), client.cert and client.key
 * @plain:	redirects may lead to plain HTTP
 * @data:	takes the body of a 200 or 206; a negative result ends the request
 * @cancel:	ends the request when it becomes true; may be NULL
 */
struct http_request {
	const char *url;
	struct strv headers;
	const char *bearer;
	const char *user;
	const char *password;
	const char *post;
	uint64_t offset;
	bool insecure;
	const char *cert_dir;
	bool plain;
	int (*data)(void *ctx, const struct http_response *resp, const void *buf, size_t len);
	void *ctx;
	const atomic_bool *cancel;
};

/**
 * struct http_response - what came
 * @status:	0 when none came
 * @error:	beginning of the body of any other status, for the person
 * @failed:	what @data returned, when that ended the request
 * @retry:	trying again may help
 */
struct http_response {
	long status;
	char media[128];
	char digest[80];
	char challenge[2048];
	int retry_after;
	char error[1024];
	size_t error_len;
	int failed;
	bool retry;
};

/**
 * http_do() - ask, following redirects
 * Return: 0 with a status, -ECONNREFUSED and other codes with a line when no
 * answer came or the body broke off (resp->retry then says whether to retry)
 */
int http_do(struct http *h, const struct http_request *req, struct http_response *resp,
	    struct err *e);

/**
 * http_escape() - a query value
 */
char *http_escape(struct http *h, const char *text);

#endif
