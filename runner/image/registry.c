/* SPDX-License-Identifier: Apache-2.0
 *
 * registry - the OCI distribution protocol, pulling side
 *
 * How it works: every request is tried without credentials first, unless a
 * token is known; regauth.c answers a 401. What may pass (no connection, 429,
 * 5xx, a body that broke off) is tried again after 0.5, 1, 2 … seconds; a blob
 * then goes on where it stopped.
 *
 * HTTPS always, but for loopback and where the configuration says so: there one
 * question (GET /v2/) finds out which of the two the server speaks, before
 * anything else is said.
 */
#include "runner/image/registry.h"

#include <ctype.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "common/err.h"
#include "common/log.h"
#include "runner/image/auth.h"
#include "runner/image/digest.h"
#include "runner/image/http.h"
#include "runner/image/json.h"
#include "runner/image/manifest.h"
#include "runner/image/regauth.h"

#define RETRIES_DEFAULT 3
#define RETRY_AFTER_MAX 60
#define URL_MAX 4096

static bool is_loopback(const char *domain)
{
	char host[REF_NAME_MAX + 1];

	(void)str_format(host, sizeof(host), "%s", domain);
	if (host[0] == '[')
		return str_starts(host, "[::1]");
	host[strcspn(host, ":")] = '\0';
	return str_eq(host, "localhost") || str_ends(host, ".localhost") ||
	       (str_starts(host, "127.") && strspn(host, "0123456789.") == strlen(host));
}

int registry_new(const struct ref *ref, bool insecure, const struct image_pull_opts *opts,
		 struct registry **ret, struct err *e)
{
	AUTO(registry_free) struct registry *r = xcalloc(1, sizeof(*r));

	r->ref = *ref;
	r->opts = opts;
	r->insecure = insecure || opts->insecure_tls;
	(void)pthread_mutex_init(&r->mutex, NULL);
	if (opts->plain_http > 0)
		r->scheme = SCHEME_HTTP;
	else if (opts->plain_http < 0 || (!is_loopback(ref->domain) && !r->insecure))
		r->scheme = SCHEME_HTTPS;
	if (opts->creds) {
		int rc = auth_parse_pair(opts->creds, &r->creds, e);

		if (rc)
			return rc;
		r->have_creds = true;
	}
	*ret = take_ptr(r);
	return 0;
}

void registry_free(struct registry *r)
{
	if (!r)
		return;
	(void)pthread_mutex_destroy(&r->mutex);
	credentials_clear(&r->creds);
	free(r->token);
	free(r);
}

const char *registry_host(const struct registry *r)
{
	return str_eq(r->ref.domain, "docker.io") ? "registry-1.docker.io" : r->ref.domain;
}

void registry_fill(const struct registry *r, struct http_request *req)
{
	req->insecure = r->insecure;
	req->cert_dir = r->opts->cert_dir;
	req->plain = r->scheme == SCHEME_HTTP || r->insecure;
}

/* --- which scheme ------------------------------------------------------------------ */

static bool answers(struct registry *r, struct http *h, enum scheme scheme, struct err *e)
{
	char url[URL_MAX];
	struct http_response resp;
	struct http_request req = { .url = url };

	(void)str_format(url, sizeof(url), "%s://%s/v2/",
			 scheme == SCHEME_HTTP ? "http" : "https", registry_host(r));
	registry_fill(r, &req);
	if (http_do(h, &req, &resp, e))
		return false;
	return resp.status == 200 || resp.status == 401 || resp.status == 403;
}

static int find_scheme(struct registry *r, struct http *h, struct err *e)
{
	/* a registry on loopback is nearly always plain; elsewhere, nearly never */
	enum scheme first = is_loopback(r->ref.domain) ? SCHEME_HTTP : SCHEME_HTTPS;
	enum scheme second = first == SCHEME_HTTP ? SCHEME_HTTPS : SCHEME_HTTP;
	struct err why = { 0 };
	struct err other = { 0 };

	pthread_mutex_lock(&r->mutex);
	if (r->scheme == SCHEME_UNKNOWN) {
		if (answers(r, h, first, &why))
			r->scheme = first;
		else if (answers(r, h, second, &other))
			r->scheme = second;
	}
	bool found = r->scheme != SCHEME_UNKNOWN;
	pthread_mutex_unlock(&r->mutex);
	if (found)
		return 0;
	return err_msg(e, why.code ? why.code : -EPROTO, "%s: %s", registry_host(r),
		       why.code ? why.msg : "is no registry");
}

/* --- requests ---------------------------------------------------------------------------- */

int registry_body_add(void *ctx, const struct http_response *resp, const void *buf, size_t len)
{
	struct body *b = ctx;

	(void)resp;
	if (len > b->max - b->text.len)
		return -EFBIG;
	return strbuf_add(&b->text, buf, len);
}

static void pause_ms(long ms, const atomic_bool *cancel)
{
	struct timespec t = { 0, 50000000 };

	for (; ms > 0 && !(cancel && atomic_load(cancel)); ms -= 50)
		(void)nanosleep(&t, NULL);
}

static void error_text(const struct http_response *resp, char *buf, size_t size)
{
	AUTO(json_drop) json_t *j = json_loads(resp->error, 0, NULL);
	const json_t *first = json_array_get(json_object_get(j, "errors"), 0);
	const char *text = json_str(first, "message");

	if (!text || !*text)
		text = json_str(first, "code");
	if (!text || str_format(buf, size, ": %.200s", text) < 0)
		buf[0] = '\0';
}

static int status_error(const struct registry *r, const struct http_response *resp,
			const char *what, struct err *e)
{
	char text[256];
	int code = -EPROTO;

	error_text(resp, text, sizeof(text));
	if (resp->status == 404)
		return err_msg(e, -ENOENT, "%s: %s is not there%s", registry_host(r), what, text);
	if (resp->status == 401 || resp->status == 403)
		code = -EACCES;
	return err_msg(e, code, "%s: %s: HTTP %ld%s", registry_host(r), what, resp->status, text);
}

static bool is_transient(long status)
{
	return status == 429 || status == 408 || (status >= 500 && status != 501);
}

/* One try with the authorization that is known now. */
static int try_once(struct registry *r, struct http *h, struct http_request *req,
		    struct http_response *resp, struct auth_state *used, struct err *e)
{
	auto_free char *user = NULL;
	auto_free char *password = NULL;

	pthread_mutex_lock(&r->mutex);
	free(used->token);
	used->token = r->token ? xstrdup(r->token) : NULL;
	used->basic = r->basic;
	if (r->basic) {
		user = xstrdup(r->creds.user);
		password = xstrdup(r->creds.password);
	}
	pthread_mutex_unlock(&r->mutex);
	req->bearer = used->token;
	req->user = user;
	req->password = password;
	return http_do(h, req, resp, e);
}

/**
 * struct ask - one question to the registry, with its retries
 * @path:	below the repository: "manifests/latest"
 * @what:	for the person
 * @resume:	called before each try: sets req->offset; NULL: from the start
 */
struct ask {
	const char *path;
	const char *what;
	void (*resume)(struct http_request *req);
};

static int ask(struct registry *r, struct http *h, const struct ask *a, struct http_request *req,
	       struct http_response *resp, struct err *e)
{
	char url[URL_MAX];
	struct auth_state used = { 0 };
	int challenges = 0;
	int left = r->opts->retries >= 0 ? r->opts->retries : RETRIES_DEFAULT;
	long wait = 500;
	int rc = r->scheme == SCHEME_UNKNOWN ? find_scheme(r, h, e) : 0;

	if (rc)
		return rc;
	if (str_format(url, sizeof(url), "%s://%s/v2/%s/%s",
		       r->scheme == SCHEME_HTTP ? "http" : "https", registry_host(r), r->ref.path,
		       a->path) < 0)
		return err_set(e, -ENAMETOOLONG, "%s: %s", registry_host(r), a->what);
	req->url = url;
	registry_fill(r, req);
	for (;;) {
		if (a->resume)
			a->resume(req);
		rc = try_once(r, h, req, resp, &used, e);
		if (!rc && resp->status == 401 && challenges++ < 2) {
			rc = regauth_answer(r, h, resp->challenge, &used, e);
			if (rc)
				break;
			continue;
		}
		bool again = rc ? resp->retry : is_transient(resp->status);
		if (!again || left-- <= 0)
			break;
		long ms = resp->retry_after ? resp->retry_after * 1000L : wait;
		if (ms > RETRY_AFTER_MAX * 1000L)
			ms = RETRY_AFTER_MAX * 1000L;
		log_debug("%s: %s: trying again in %ld ms", registry_host(r), a->what, ms);
		pause_ms(ms, req->cancel);
		wait *= 2;
	}
	free(used.token);
	if (rc)
		return resp->failed ? rc : err_wrap(e, "%s: %s", registry_host(r), a->what);
	if (resp->status != 200 && resp->status != 206)
		return status_error(r, resp, a->what, e);
	return 0;
}

int registry_manifest(struct registry *r, struct http *h, const char *which, char **ret,
		      size_t *ret_len, char *ret_media, char ret_digest[DIGEST_STR_MAX],
		      struct err *e)
{
	static const char *const accept[] = { MEDIA_OCI_INDEX, MEDIA_OCI_MANIFEST,
					      MEDIA_DOCKER_LIST, MEDIA_DOCKER_MANIFEST };
	AUTO(strv_clear) struct strv headers = { 0 };
	struct body body = { .max = IMAGE_MANIFEST_MAX };
	struct http_response resp;
	char path[REF_STR_MAX];
	char what[REF_STR_MAX];

	for (size_t i = 0; i < sizeof(accept) / sizeof(accept[0]); i++)
		(void)strv_addf(&headers, "Accept: %s", accept[i]);
	(void)str_format(path, sizeof(path), "manifests/%s", which);
	(void)str_format(what, sizeof(what), "'%s%s%s'", r->ref.path,
			 digest_is_valid(which) ? "@" : ":", which);
	struct http_request req = { .headers = headers, .data = registry_body_add, .ctx = &body };
	struct ask a = { .path = path, .what = what };
	int rc = ask(r, h, &a, &req, &resp, e);
	if (rc == -EFBIG)
		rc = err_msg(e, rc, "%s: %s: manifest is larger than %u bytes", registry_host(r), what,
			     IMAGE_MANIFEST_MAX);
	if (!rc && !body.text.s)
		rc = err_msg(e, -EPROTO, "%s: %s: manifest is empty", registry_host(r), what);
	if (!rc)
		rc = digest_of(body.text.s, body.text.len, ret_digest);
	if (!rc && digest_is_valid(which) && !str_eq(which, ret_digest))
		rc = err_msg(e, -EBADMSG, "%s: %s: digest mismatch: its bytes are %s", registry_host(r),
			     what, ret_digest);
	if (!rc && digest_is_valid(resp.digest) && !str_eq(resp.digest, ret_digest))
		rc = err_msg(e, -EBADMSG, "%s: %s: digest mismatch: sent as %s, its bytes are %s",
			     registry_host(r), what, resp.digest, ret_digest);
	if (rc) {
		strbuf_clear(&body.text);
		return rc;
	}
	(void)str_format(ret_media, MEDIA_TYPE_MAX, "%.*s", MEDIA_TYPE_MAX - 1, resp.media);
	*ret_len = body.text.len;
	*ret = strbuf_take(&body.text);
	return 0;
}

/* --- blobs --------------------------------------------------------------------------------- */

/**
 * struct blob_get - a blob on its way
 * @began:	the current answer's first bytes were looked at
 */
struct blob_get {
	struct blob_part part;
	const struct fetch *f;
	bool began;
};

static void tell(struct blob_get *g)
{
	if (g->f->stream)
		blob_stream_feed(g->f->stream, g->part.fd, g->part.have);
	if (g->f->progress)
		progress_set(g->f->progress, g->f->i, PROGRESS_FETCHING, g->part.have);
}

static int blob_data(void *ctx, const struct http_response *resp, const void *buf, size_t len)
{
	struct blob_get *g = ctx;

	/* 200 to a question for the rest: the server starts over */
	if (!g->began && resp->status == 200 && g->part.have) {
		int r = blob_part_restart(&g->part);

		if (r)
			return r;
	}
	g->began = true;
	if (len > g->f->size - g->part.have)
		return -EFBIG;
	int r = blob_part_write(&g->part, buf, len);
	if (!r)
		tell(g);
	return r;
}

static void blob_resume(struct http_request *req)
{
	struct blob_get *g = req->ctx;

	g->began = false;
	req->offset = g->part.have;
}

static int blob_download(struct registry *r, struct http *h, struct blob_get *g, struct err *e)
{
	const struct fetch *f = g->f;
	char path[DIGEST_STR_MAX + 16];
	char what[DIGEST_STR_MAX + 16];
	struct http_response resp;
	struct http_request req = { .data = blob_data, .ctx = g, .cancel = f->cancel };
	struct ask a = { .path = path, .what = what, .resume = blob_resume };

	(void)str_format(path, sizeof(path), "blobs/%s", f->digest);
	(void)str_format(what, sizeof(what), "blob %s", f->digest);
	int rc = ask(r, h, &a, &req, &resp, e);
	/* what is on disk is no beginning of this blob */
	if (rc && resp.status == 416) {
		rc = blob_part_restart(&g->part);
		if (!rc)
			rc = ask(r, h, &a, &req, &resp, e);
	}
	if (rc == -EFBIG)
		return err_msg(e, -EBADMSG, "%s: %s: is larger than the manifest says (%llu bytes)",
			       registry_host(r), what, (unsigned long long)f->size);
	if (rc && resp.failed)
		return err_set(e, rc, "write blob %s", f->digest);
	return rc;
}

int registry_blob(struct registry *r, struct http *h, const struct fetch *f, struct err *e)
{
	struct blob_get g = { .part = BLOB_PART_NONE, .f = f };
	int rc = blob_part_begin(f->st, f->digest, f->size, &g.part, e);

	if (rc < 0)
		return rc;
	if (rc == 1) {
		auto_close int fd = blob_open(f->st, f->digest);

		if (fd >= 0 && f->stream)
			blob_stream_feed(f->stream, fd, f->size);
		return fd < 0 ? err_set(e, fd, "open blob %s", f->digest) : 0;
	}
	if (g.part.have)
		tell(&g);
	bool resumed = g.part.have > 0;
	if (g.part.have < f->size || !f->size)
		rc = blob_download(r, h, &g, e);
	if (!rc && g.part.have != f->size)
		rc = err_msg(e, -EBADMSG, "%s: blob %s: has %llu bytes, the manifest says %llu",
			     registry_host(r), f->digest, (unsigned long long)g.part.have,
			     (unsigned long long)f->size);
	if (rc == -EBADMSG)
		(void)unlinkat(f->st->fd, g.part.tmp, 0);
	if (!rc)
		rc = blob_part_finish(&g.part, e);
	blob_part_clear(&g.part);
	/* a damaged beginning from before is not the server's fault: once anew */
	if (rc == -EBADMSG && resumed)
		return registry_blob(r, h, f, e);
	return rc;
}

static int ping(struct registry *r, struct http *h, struct http_response *resp, struct err *e)
{
	char url[URL_MAX];
	struct http_request req = { .url = url };
	struct auth_state used = { 0 };

	(void)str_format(url, sizeof(url), "%s://%s/v2/",
			 r->scheme == SCHEME_HTTP ? "http" : "https", registry_host(r));
	registry_fill(r, &req);
	int rc = try_once(r, h, &req, resp, &used, e);
	if (!rc && resp->status == 401) {
		rc = regauth_answer(r, h, resp->challenge, &used, e);
		if (!rc)
			rc = try_once(r, h, &req, resp, &used, e);
	}
	free(used.token);
	return rc;
}

int registry_login(const char *domain, const struct credentials *c,
		   const struct image_pull_opts *opts, struct err *e)
{
	AUTO(registry_free) struct registry *r = NULL;
	AUTO(http_free) struct http *h = NULL;
	struct http_response resp;
	struct ref ref;
	auto_free char *name = xasprintf("%s/x", domain);

	/* the same rules as for the registry of an image's name */
	if (ref_parse(name, &ref, NULL) || !str_eq(ref.domain, domain))
		return err_msg(e, -EINVAL, "'%s': is no registry", domain);
	int rc = registry_new(&ref, false, opts, &r, e);
	if (!rc)
		rc = http_new(&h, e);
	if (!rc && r->scheme == SCHEME_UNKNOWN)
		rc = find_scheme(r, h, e);
	if (rc)
		return rc;
	r->creds = (struct credentials){ .user = xstrdup(c->user), .password = xstrdup(c->password) };
	r->have_creds = true;
	rc = ping(r, h, &resp, e);
	if (rc)
		return rc;
	return resp.status == 200 ? 0 : status_error(r, &resp, "login", e);
}
