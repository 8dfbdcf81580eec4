/* SPDX-License-Identifier: Apache-2.0
 *
 * auth - who we are to a registry
 */
#include "runner/image/auth.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "common/err.h"
#include "common/io.h"
#include "common/proc.h"
#include "common/str.h"
#include "runner/image/json.h"

#define HUB_KEY "https://index.docker.io/v1/"
#define HELPER_OUT_MAX 65536u

void credentials_clear(struct credentials *c)
{
	free(c->user);
	free(c->password);
	free(c->token);
	*c = (struct credentials){ 0 };
}

int auth_parse_pair(const char *text, struct credentials *ret, struct err *e)
{
	const char *colon = strchr(text, ':');

	if (!colon || colon == text)
		return err_msg(e, -EINVAL, "credentials must be USER:PASSWORD");
	ret->user = xstrndup(text, (size_t)(colon - text));
	ret->password = xstrdup(colon + 1);
	return 0;
}

/* --- base64 ------------------------------------------------------------------------ */

static const char b64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static char *b64_decode(const char *in)
{
	char *out = xcalloc(strlen(in) + 1, 1);
	size_t n = 0;
	unsigned int bits = 0;
	unsigned int have = 0;

	for (; *in && *in != '='; in++) {
		const char *p = strchr(b64, *in);

		if (!p) {
			free(out);
			return NULL;
		}
		bits = bits << 6 | (unsigned int)(p - b64);
		have += 6;
		if (have >= 8) {
			have -= 8;
			out[n++] = (char)(bits >> have & 0xff);
		}
	}
	return out;
}

static char *b64_encode(const char *in)
{
	size_t len = strlen(in);
	char *out = xcalloc(len * 2 + 8, 1);
	size_t n = 0;

	for (size_t i = 0; i < len; i += 3) {
		unsigned int v = (unsigned int)(unsigned char)in[i] << 16;

		v |= i + 1 < len ? (unsigned int)(unsigned char)in[i + 1] << 8 : 0;
		v |= i + 2 < len ? (unsigned int)(unsigned char)in[i + 2] : 0;
		out[n++] = b64[v >> 18 & 63];
		out[n++] = b64[v >> 12 & 63];
		out[n++] = i + 1 < len ? b64[v >> 6 & 63] : '=';
		out[n++] = i + 2 < len ? b64[v & 63] : '=';
	}
	return out;
}

/* --- credential helpers --------------------------------------------------------------- */

static const char *helper_key(const char *domain)
{
	return str_eq(domain, "docker.io") ? HUB_KEY : domain;
}

/* The helper protocol: the registry's name on stdin, JSON on stdout. */
static int run_helper(const char *helper, const char *domain, char **ret, struct err *e)
{
	char name[128];
	char path[4096];
	int in[2];
	int out[2];

	if (strchr(helper, '/') ||
	    str_format(name, sizeof(name), "docker-credential-%s", helper) < 0)
		return err_msg(e, -EINVAL, "credential helper '%s': is no name", helper);
	int r = proc_find_program(name, path, sizeof(path));
	if (r)
		return err_set(e, r, "credential helper '%s'", name);
	if (pipe2(in, O_CLOEXEC) < 0)
		return err_set(e, -errno, "credential helper '%s'", name);
	auto_close int in_r = in[0];
	auto_close int in_w = in[1];
	if (pipe2(out, O_CLOEXEC) < 0)
		return err_set(e, -errno, "credential helper '%s'", name);
	auto_close int out_r = out[0];
	auto_close int out_w = out[1];

	char get[] = "get";
	char *argv[] = { path, get, NULL };
	struct proc_spawn how = { .argv = argv, .stdio = { in_r, out_w, 2 } };
	pid_t pid = proc_spawn(&how);
	if (pid < 0)
		return err_set(e, (int)pid, "credential helper '%s'", name);
	(void)close(take_fd(&out_w));
	/* a name fits into the pipe: this cannot block */
	(void)io_write_all(in_w, helper_key(domain), strlen(helper_key(domain)));
	(void)close(take_fd(&in_w));
	r = io_read_fd(out_r, HELPER_OUT_MAX, ret, NULL);
	int code = proc_wait(pid);
	if (r)
		return err_set(e, r, "credential helper '%s'", name);
	return code ? -ENOENT : 0;
}

static int ask_helper(const char *helper, const char *domain, struct credentials *ret,
		      struct err *e)
{
	AUTO(json_drop) json_t *j = NULL;
	auto_free char *text = NULL;
	int r = run_helper(helper, domain, &text, e);

	if (r)
		return r;
	r = json_object_load(text, strlen(text), helper, &j, e);
	if (r)
		return r;
	const char *user = json_str(j, "Username");
	const char *secret = json_str(j, "Secret");
	if (!user || !secret)
		return -ENOENT;
	if (str_eq(user, "<token>")) {
		ret->token = xstrdup(secret);
	} else {
		ret->user = xstrdup(user);
		ret->password = xstrdup(secret);
	}
	return 0;
}

/* --- files ---------------------------------------------------------------------------------- */

/* "https://index.docker.io/v1/" and "docker.io" are one; so is any with a scheme. */
static void plain_key(const char *key, char *buf, size_t size)
{
	const char *s = str_after(key, "https://");

	if (!s)
		s = str_after(key, "http://");
	if (!s)
		s = key;
	if (str_eq(key, HUB_KEY) || str_starts(s, "index.docker.io"))
		s = "docker.io";
	if (str_format(buf, size, "%s", s) < 0)
		buf[0] = '\0';
	size_t len = strlen(buf);
	if (len > 4 && (str_ends(buf, "/v1/") || str_ends(buf, "/v2/")))
		buf[len - 4] = '\0';
	len = strlen(buf);
	while (len && buf[len - 1] == '/')
		buf[--len] = '\0';
}

/* How much of repo the key names: 0 for nothing. */
static size_t key_fit(const char *key, const char *repo)
{
	char plain[512];

	plain_key(key, plain, sizeof(plain));
	size_t len = strlen(plain);
	if (!len || strncmp(repo, plain, len) || (repo[len] && repo[len] != '/'))
		return 0;
	return len;
}

static void entry_credentials(const json_t *entry, struct credentials *ret)
{
	const char *auth = json_str(entry, "auth");
	const char *token = json_str(entry, "identitytoken");
	auto_free char *pair = auth ? b64_decode(auth) : NULL;

	if (token && *token)
		ret->token = xstrdup(token);
	if (pair)
		(void)auth_parse_pair(pair, ret, NULL);
	if (!ret->user && json_str(entry, "username") && json_str(entry, "password")) {
		ret->user = xstrdup(json_str(entry, "username"));
		ret->password = xstrdup(json_str(entry, "password"));
	}
}

static int ask_json(const json_t *j, const char *domain, const char *path,
		    struct credentials *ret, struct err *e)
{
	char repo[1024];
	const char *helper = json_str(json_object_get(j, "credHelpers"), domain);
	json_t *auths = json_object_get(j, "auths");
	const json_t *best = NULL;
	size_t best_fit = 0;

	if (helper && *helper)
		return ask_helper(helper, domain, ret, e);
	if (str_format(repo, sizeof(repo), "%s/%s", domain, path) < 0)
		return -ENAMETOOLONG;
	for (void *it = json_object_iter(auths); it; it = json_object_iter_next(auths, it)) {
		size_t fit = key_fit(json_object_iter_key(it), repo);

		if (fit > best_fit) {
			best = json_object_iter_value(it);
			best_fit = fit;
		}
	}
	if (best)
		entry_credentials(best, ret);
	if (ret->user || ret->token)
		return 0;
	helper = json_str(j, "credsStore");
	return helper && *helper ? ask_helper(helper, domain, ret, e) : -ENOENT;
}

static int load_file(const char *file, json_t **ret, struct err *e)
{
	auto_free char *text = NULL;
	size_t len;
	int r = io_read_file_at(AT_FDCWD, file, AUTH_FILE_MAX, &text, &len);

	if (r)
		return r == -ENOENT || r == -ENOTDIR || r == -EACCES
			       ? -ENOENT
			       : err_set(e, r, "read '%s'", file);
	return json_object_load(text, len, file, ret, e);
}

/* Every file that may hold credentials, in order. */
static void list_files(const char *authfile, struct strv *out)
{
	const char *home = getenv("HOME");
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	const char *config = getenv("XDG_CONFIG_HOME");
	const char *docker = getenv("DOCKER_CONFIG");

	if (!authfile || !*authfile)
		authfile = getenv("REGISTRY_AUTH_FILE");
	if (authfile && *authfile) {
		(void)strv_add(out, authfile);
		return;
	}
	if (runtime && *runtime)
		(void)strv_addf(out, "%s/containers/auth.json", runtime);
	if (config && *config)
		(void)strv_addf(out, "%s/containers/auth.json", config);
	else if (home && *home)
		(void)strv_addf(out, "%s/.config/containers/auth.json", home);
	if (docker && *docker)
		(void)strv_addf(out, "%s/config.json", docker);
	else if (home && *home)
		(void)strv_addf(out, "%s/.docker/config.json", home);
}

int auth_find(const char *authfile, const char *domain, const char *path,
	      struct credentials *ret, struct err *e)
{
	AUTO(strv_clear) struct strv files = { 0 };

	list_files(authfile, &files);
	for (size_t i = 0; i < files.n; i++) {
		AUTO(json_drop) json_t *j = NULL;
		int r = load_file(files.v[i], &j, e);

		if (!r)
			r = ask_json(j, domain, path, ret, e);
		if (r != -ENOENT)
			return r;
	}
	return 0;
}

/* --- login and logout ---------------------------------------------------------------------------- */

static int save_json(const char *file, const json_t *j, struct err *e)
{
	auto_free char *dir = xstrdup(file);
	char *slash = strrchr(dir, '/');
	auto_free char *text = json_dumps(j, JSON_INDENT(2));

	if (slash && slash != dir) {
		*slash = '\0';
		int r = io_mkdir_p_at(AT_FDCWD, dir, 0700);
		if (r)
			return err_set(e, r, "make folder '%s'", dir);
	}
	int r = text ? io_replace_file_at(AT_FDCWD, file, text, strlen(text), 0600) : -ENOMEM;
	return r ? err_set(e, r, "write '%s'", file) : 0;
}

static int change(json_t *auths, const char *domain, const struct credentials *c)
{
	if (!c) {
		int r = json_object_del(auths, domain);

		if (str_eq(domain, "docker.io") && !json_object_del(auths, HUB_KEY))
			r = 0;
		return r ? -ENOENT : 0;
	}
	auto_free char *pair = xasprintf("%s:%s", c->user, c->password);
	auto_free char *coded = b64_encode(pair);
	return json_object_set_new(auths, domain, json_pack("{s:s}", "auth", coded)) ? -ENOMEM : 0;
}

int auth_save(const char *authfile, const char *domain, const struct credentials *c,
	      char **ret_file, struct err *e)
{
	AUTO(strv_clear) struct strv files = { 0 };
	AUTO(json_drop) json_t *j = NULL;

	list_files(authfile, &files);
	if (!files.n)
		return err_msg(e, -ENOENT, "no file for credentials: neither HOME nor "
			       "XDG_RUNTIME_DIR is set");
	int r = load_file(files.v[0], &j, e);
	if (r == -ENOENT)
		j = json_object();
	else if (r)
		return r;
	json_t *auths = json_object_get(j, "auths");
	if (!json_is_object(auths)) {
		auths = json_object();
		(void)json_object_set_new(j, "auths", auths);
	}
	r = change(auths, domain, c);
	if (r)
		return r == -ENOENT ? err_msg(e, r, "'%s': not logged in (%s)", domain,
					      files.v[0])
				    : err_set(e, r, "write '%s'", files.v[0]);
	r = save_json(files.v[0], j, e);
	if (!r && ret_file)
		*ret_file = xstrdup(files.v[0]);
	return r;
}

int auth_remove_all(const char *authfile, struct err *e)
{
	AUTO(strv_clear) struct strv files = { 0 };
	AUTO(json_drop) json_t *j = NULL;

	list_files(authfile, &files);
	int r = files.n ? load_file(files.v[0], &j, e) : -ENOENT;
	if (r)
		return r == -ENOENT ? 0 : r;
	if (json_object_set_new(j, "auths", json_object()))
		return err_set(e, -ENOMEM, "write '%s'", files.v[0]);
	return save_json(files.v[0], j, e);
}

const char *auth_domain(const char *text)
{
	const char *s = str_after(text, "https://");

	if (!s)
		s = str_after(text, "http://");
	if (!s)
		s = text;
	return str_starts(s, "index.docker.io") || str_starts(s, "registry-1.docker.io") ||
			       str_starts(s, "docker.io")
		       ? "docker.io"
		       : s;
}
