/* SPDX-License-Identifier: Apache-2.0
 *
 * http - one GET or POST at a time over a connection that is kept
 */
#include "runner/image/http.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "common/err.h"
#include "common/num.h"
#include "runner/image/lazy.h"

#define CONNECT_SECONDS 20L
#define STALL_SECONDS 60L
#define REDIRECTS_MAX 10L
#define BUFFER_SIZE (512L << 10)

struct http {
	const struct lazy_curl *fn;
	CURL *c;
	char why[CURL_ERROR_SIZE];
};

/**
 * struct exchange - one request with its response
 */
struct exchange {
	const struct http_request *req;
	struct http_response *resp;
};

int http_new(struct http **ret, struct err *e)
{
	const struct lazy_curl *fn = lazy_curl(e);

	if (!fn)
		return -ELIBACC;
	AUTO(http_free) struct http *h = xcalloc(1, sizeof(*h));
	h->fn = fn;
	h->c = fn->curl_easy_init();
	if (!h->c)
		return err_set(e, -ENOMEM, "start libcurl");
	*ret = take_ptr(h);
	return 0;
}

void http_free(struct http *h)
{
	if (!h)
		return;
	if (h->c)
		h->fn->curl_easy_cleanup(h->c);
	free(h);
}

char *http_escape(struct http *h, const char *text)
{
	char *raw = h->fn->curl_easy_escape(h->c, text, 0);
	char *copy = xstrdup(raw ? raw : "");

	h->fn->curl_free(raw);
	return copy;
}

/* --- callbacks ------------------------------------------------------------------ */

static void header_value(const char *line, size_t len, const char *name, char *buf, size_t size)
{
	size_t n = strlen(name);

	if (len <= n || strncasecmp(line, name, n) || line[n] != ':')
		return;
	line += n + 1;
	len -= n + 1;
	while (len && isspace((unsigned char)*line))
		line++, len--;
	while (len && isspace((unsigned char)line[len - 1]))
		len--;
	if (len < size)
		(void)str_format(buf, size, "%.*s", (int)len, line);
}

static size_t on_header(char *line, size_t size, size_t n, void *arg)
{
	struct exchange *x = arg;
	struct http_response *r = x->resp;
	char text[2048] = "";
	uint32_t seconds;

	n *= size;
	/* each answer of a chain of redirects begins anew */
	if (n > 5 && !strncmp(line, "HTTP/", 5)) {
		*r = (struct http_response){ 0 };
		const char *space = memchr(line, ' ', n);
		if (space && line + n - space > 3)
			r->status = (space[1] - '0') * 100 + (space[2] - '0') * 10 + space[3] - '0';
		return n;
	}
	header_value(line, n, "content-type", r->media, sizeof(r->media));
	r->media[strcspn(r->media, "; ")] = '\0';
	header_value(line, n, "docker-content-digest", r->digest, sizeof(r->digest));
	header_value(line, n, "www-authenticate", text, sizeof(text));
	/* of several challenges, Bearer is the one to answer */
	if (*text && (!*r->challenge || !strncasecmp(text, "bearer", 6)))
		memcpy(r->challenge, text, sizeof(text));
	text[0] = '\0';
	header_value(line, n, "retry-after", text, sizeof(text));
	if (*text && !num_u32(text, &seconds) && seconds < 3600)
		r->retry_after = (int)seconds;
	return n;
}

static size_t on_data(char *buf, size_t size, size_t n, void *arg)
{
	struct exchange *x = arg;
	struct http_response *r = x->resp;

	n *= size;
	if (r->status == 200 || r->status == 206) {
		r->failed = x->req->data ? x->req->data(x->req->ctx, r, buf, n) : 0;
		return r->failed ? 0 : n;
	}
	size_t room = sizeof(r->error) - 1 - r->error_len;
	size_t take = n < room ? n : room;
	memcpy(r->error + r->error_len, buf, take);
	r->error_len += take;
	return n;
}

static int on_progress(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	const struct exchange *x = arg;

	(void)a, (void)b, (void)c, (void)d;
	return x->req->cancel && atomic_load(x->req->cancel);
}

/* --- asking ----------------------------------------------------------------------- */

static void set_certs(struct http *h, const struct http_request *req)
{
	const struct lazy_curl *f = h->fn;
	auto_free char *ca = NULL;
	auto_free char *cert = NULL;
	auto_free char *key = NULL;

	if (req->insecure) {
		f->curl_easy_setopt(h->c, CURLOPT_SSL_VERIFYPEER, 0L);
		f->curl_easy_setopt(h->c, CURLOPT_SSL_VERIFYHOST, 0L);
	}
	if (!req->cert_dir)
		return;
	ca = xasprintf("%s/ca.crt", req->cert_dir);
	cert = xasprintf("%s/client.cert", req->cert_dir);
	key = xasprintf("%s/client.key", req->cert_dir);
	if (!access(ca, R_OK))
		f->curl_easy_setopt(h->c, CURLOPT_CAINFO, ca);
	if (!access(cert, R_OK) && !access(key, R_OK)) {
		f->curl_easy_setopt(h->c, CURLOPT_SSLCERT, cert);
		f->curl_easy_setopt(h->c, CURLOPT_SSLKEY, key);
	}
}

static void set_auth(struct http *h, const struct http_request *req)
{
	const struct lazy_curl *f = h->fn;

	if (req->bearer) {
		f->curl_easy_setopt(h->c, CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER);
		f->curl_easy_setopt(h->c, CURLOPT_XOAUTH2_BEARER, req->bearer);
	} else if (req->user) {
		f->curl_easy_setopt(h->c, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
		f->curl_easy_setopt(h->c, CURLOPT_USERNAME, req->user);
		f->curl_easy_setopt(h->c, CURLOPT_PASSWORD, req->password);
	}
}

static void set_all(struct http *h, const struct http_request *req, struct exchange *x,
		    struct curl_slist *headers)
{
	const struct lazy_curl *f = h->fn;
	CURL *c = h->c;

	/* keeps the connection, forgets the rest */
	f->curl_easy_reset(c);
	h->why[0] = '\0';
	f->curl_easy_setopt(c, CURLOPT_URL, req->url);
	f->curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	f->curl_easy_setopt(c, CURLOPT_ERRORBUFFER, h->why);
	f->curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	f->curl_easy_setopt(c, CURLOPT_REDIR_PROTOCOLS_STR, req->plain ? "http,https" : "https");
	f->curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 1L);
	f->curl_easy_setopt(c, CURLOPT_MAXREDIRS, REDIRECTS_MAX);
	f->curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, CONNECT_SECONDS);
	f->curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, 1L);
	f->curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, STALL_SECONDS);
	f->curl_easy_setopt(c, CURLOPT_BUFFERSIZE, BUFFER_SIZE);
	f->curl_easy_setopt(c, CURLOPT_USERAGENT, "runner/" VERSION);
	f->curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
	f->curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
	f->curl_easy_setopt(c, CURLOPT_HEADERDATA, x);
	f->curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_data);
	f->curl_easy_setopt(c, CURLOPT_WRITEDATA, x);
	f->curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
	f->curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress);
	f->curl_easy_setopt(c, CURLOPT_XFERINFODATA, x);
	if (req->post)
		f->curl_easy_setopt(c, CURLOPT_POSTFIELDS, req->post);
	set_auth(h, req);
	set_certs(h, req);
}

/* Which failures are worth another try. */
static bool is_passing(CURLcode code)
{
	switch ((int)code) {
	case CURLE_COULDNT_CONNECT:
	case CURLE_OPERATION_TIMEDOUT:
	case CURLE_PARTIAL_FILE:
	case CURLE_GOT_NOTHING:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
	case CURLE_HTTP2:
	case CURLE_HTTP2_STREAM:
		return true;
	default:
		return false;
	}
}

static int code_of(CURLcode code)
{
	switch ((int)code) {
	case CURLE_COULDNT_CONNECT:
		return -ECONNREFUSED;
	case CURLE_COULDNT_RESOLVE_HOST:
		return -EHOSTUNREACH;
	case CURLE_OPERATION_TIMEDOUT:
		return -ETIMEDOUT;
	case CURLE_ABORTED_BY_CALLBACK:
		return -ECANCELED;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CONNECT_ERROR:
		return -EPROTO;
	default:
		return -EIO;
	}
}

int http_do(struct http *h, const struct http_request *req, struct http_response *resp,
	    struct err *e)
{
	struct exchange x = { .req = req, .resp = resp };
	struct curl_slist *headers = NULL;
	char range[64];

	*resp = (struct http_response){ 0 };
	for (size_t i = 0; i < req->headers.n; i++)
		headers = h->fn->curl_slist_append(headers, req->headers.v[i]);
	set_all(h, req, &x, headers);
	if (req->offset) {
		(void)str_format(range, sizeof(range), "%llu-", (unsigned long long)req->offset);
		h->fn->curl_easy_setopt(h->c, CURLOPT_RANGE, range);
	}
	CURLcode code = h->fn->curl_easy_perform(h->c);
	h->fn->curl_slist_free_all(headers);
	resp->error[resp->error_len] = '\0';
	if (code == CURLE_OK)
		return 0;
	if (resp->failed)
		return resp->failed;
	resp->retry = is_passing(code);
	return err_msg(e, code_of(code), "%s",
		       *h->why ? h->why : h->fn->curl_easy_strerror(code));
}
