/* SPDX-License-Identifier: Apache-2.0
 *
 * regauth - how a registry is told who asks
 *
 * How it works: a 401 says how to authenticate (RFC 7235 challenge): Basic
 * sends the credentials, Bearer asks the named token server for a token with
 * them.
 */
#include "runner/image/regauth.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <strings.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/str.h"
#include "runner/image/http.h"
#include "runner/image/json.h"
#include "runner/image/registry.h"

#define TOKEN_MAX (64u << 10)

/* key="value" out of a challenge */
static char *challenge_value(const char *challenge, const char *key)
{
	size_t len = strlen(key);

	for (const char *p = challenge; *p; p++) {
		if ((p != challenge && p[-1] != ' ' && p[-1] != ',') || strncasecmp(p, key, len) ||
		    p[len] != '=')
			continue;
		p += len + 1;
		if (*p != '"')
			return xstrndup(p, strcspn(p, ", "));
		return xstrndup(p + 1, strcspn(p + 1, "\""));
	}
	return NULL;
}

static int load_creds(struct registry *r, struct err *e)
{
	if (r->have_creds)
		return 0;
	int rc = auth_find(r->opts->authfile, r->ref.domain, r->ref.path, &r->creds, e);
	if (!rc)
		r->have_creds = true;
	return rc;
}

static int parse_token(struct registry *r, const struct body *b, const char *realm,
		       struct err *e)
{
	AUTO(json_drop) json_t *j = NULL;
	int rc = json_object_load(b->text.s ? b->text.s : "", b->text.len, realm, &j, e);

	if (rc)
		return rc;
	const char *token = json_str(j, "token");
	if (!token)
		token = json_str(j, "access_token");
	if (!token)
		return err_msg(e, -EPROTO, "%s: answered without a token", realm);
	free(r->token);
	r->token = xstrdup(token);
	return 0;
}

static int fetch_token(struct registry *r, struct http *h, const char *challenge, struct err *e)
{
	auto_free char *realm = challenge_value(challenge, "realm");
	auto_free char *service = challenge_value(challenge, "service");
	auto_free char *scope = challenge_value(challenge, "scope");
	AUTO(strbuf_clear) struct strbuf form = { 0 };
	struct body body = { .max = TOKEN_MAX };
	struct http_response resp;

	if (!realm || (!str_starts(realm, "https://") && !str_starts(realm, "http://")))
		return err_msg(e, -EPROTO, "%s: names no token server", registry_host(r));
	bool plain = str_starts(realm, "http://");
	if (plain && r->scheme == SCHEME_HTTPS && !r->insecure)
		return err_msg(e, -EPROTO, "%s: its token server %s does not encrypt", registry_host(r),
			       realm);
	auto_free char *esc_service = http_escape(h, service ? service : "");
	auto_free char *fallback = xasprintf("repository:%s:pull", r->ref.path);
	auto_free char *esc_scope = http_escape(h, scope ? scope : fallback);
	auto_free char *url = NULL;
	struct http_request req = { .data = registry_body_add, .ctx = &body };

	registry_fill(r, &req);
	if (r->creds.token) {
		auto_free char *esc = http_escape(h, r->creds.token);

		(void)strbuf_addf(&form, "grant_type=refresh_token&service=%s&scope=%s&"
				  "client_id=runner&refresh_token=%s", esc_service, esc_scope,
				  esc);
		req.post = form.s;
		url = xstrdup(realm);
	} else {
		url = xasprintf("%s%sservice=%s&scope=%s", realm, strchr(realm, '?') ? "&" : "?",
				esc_service, esc_scope);
		req.user = r->creds.user;
		req.password = r->creds.password;
	}
	req.url = url;
	int rc = http_do(h, &req, &resp, e);
	if (!rc && resp.status != 200)
		rc = err_msg(e, resp.status == 401 || resp.status == 403 ? -EACCES : -EPROTO,
			     "%s: access denied by %s (HTTP %ld)%s", registry_host(r), realm, resp.status,
			     r->creds.user || r->creds.token ? "" : ": not logged in");
	if (!rc)
		rc = parse_token(r, &body, realm, e);
	strbuf_clear(&body.text);
	return rc;
}

int regauth_answer(struct registry *r, struct http *h, const char *challenge,
			    const struct auth_state *used, struct err *e)
{
	int rc = 0;

	pthread_mutex_lock(&r->mutex);
	bool newer = r->basic != used->basic ||
		     (r->token && (!used->token || !str_eq(r->token, used->token)));
	if (!newer)
		rc = load_creds(r, e);
	if (!newer && !rc) {
		if (!strncasecmp(challenge, "bearer", 6)) {
			rc = fetch_token(r, h, challenge, e);
		} else if (!strncasecmp(challenge, "basic", 5) && r->creds.user && !r->basic) {
			r->basic = true;
		} else {
			rc = err_msg(e, -EACCES, "%s: %s", registry_host(r),
				     r->creds.user ? "the credentials are refused"
						   : "authentication required: not logged in");
		}
	}
	pthread_mutex_unlock(&r->mutex);
	return rc;
}
