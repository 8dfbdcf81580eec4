/* SPDX-License-Identifier: Apache-2.0
 *
 * reference - image names as people type them, by Docker's rules
 *
 * How it works: [domain/]path[:tag][@digest]. The first part is a registry
 * when it has a dot or a colon or is "localhost"; else the whole name is below
 * docker.io, and below docker.io/library when it has one part only.
 */
#include "runner/image/reference.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "common/err.h"
#include "common/num.h"
#include "common/str.h"
#include "runner/image/digest.h"

#define HUB "docker.io"

static bool is_alnum_lower(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* One path component: alphanumeric runs joined by ".", "_", "__" or dashes. */
static bool component_ok(const char *s, size_t len)
{
	size_t i = 0;

	while (i < len) {
		size_t run = i;
		while (i < len && is_alnum_lower(s[i]))
			i++;
		if (i == run)
			return false;
		if (i == len)
			return true;

		size_t sep = i;
		while (i < len && s[i] == s[sep] && strchr("._-", s[i]))
			i++;
		size_t n = i - sep;
		if (!n || (s[sep] == '.' && n > 1) || (s[sep] == '_' && n > 2))
			return false;
	}
	return false;
}

static bool path_ok(const char *s)
{
	for (;;) {
		size_t len = strcspn(s, "/");

		if (!component_ok(s, len))
			return false;
		if (!s[len])
			return true;
		s += len + 1;
	}
}

static bool port_ok(const char *s)
{
	uint16_t port;

	return !num_u16(s, &port);
}

static bool domain_ok(const char *s)
{
	if (*s == '[') {
		size_t len = strspn(s + 1, "0123456789abcdefABCDEF:.");
		const char *end = s + 1 + len;

		if (!len || *end != ']')
			return false;
		return !end[1] || (end[1] == ':' && port_ok(end + 2));
	}
	for (;;) {
		size_t len = 0;

		while (isalnum((unsigned char)s[len]) || s[len] == '-')
			len++;
		if (!len || s[0] == '-' || s[len - 1] == '-')
			return false;
		s += len;
		if (*s == ':')
			return port_ok(s + 1);
		if (!*s)
			return true;
		if (*s++ != '.')
			return false;
	}
}

static bool tag_ok(const char *s)
{
	size_t len = 1;

	if (!is_word(s[0]))
		return false;
	while (is_word(s[len]) || s[len] == '.' || s[len] == '-')
		len++;
	return !s[len] && len <= REF_TAG_MAX;
}

/* Cuts ":tag" and "@digest" off name and checks them. */
static int parse_suffix(char *name, const char *text, struct ref *r, struct err *e)
{
	char *at = strchr(name, '@');

	if (at) {
		*at++ = '\0';
		if (!digest_is_valid(at))
			return err_msg(e, -EINVAL, "image name '%s': '%s' is not a sha256 digest",
				       text, at);
		(void)str_format(r->digest, sizeof(r->digest), "%s", at);
	}

	char *last = strrchr(name, '/');
	char *colon = strchr(last ? last : name, ':');
	r->no_tag = !colon;
	if (colon) {
		*colon++ = '\0';
		if (!tag_ok(colon))
			return err_msg(e, -EINVAL, "image name '%s': '%s' is not a tag", text,
				       colon);
		(void)str_format(r->tag, sizeof(r->tag), "%s", colon);
	} else if (!at) {
		(void)str_format(r->tag, sizeof(r->tag), "latest");
	}
	return 0;
}

/* The first part names a registry when it cannot be a repository's. */
static bool has_domain(const char *name, const char *slash)
{
	size_t len = (size_t)(slash - name);

	if (len == strlen("localhost") && !strncmp(name, "localhost", len))
		return true;
	for (size_t i = 0; i < len; i++) {
		if (strchr(".:[", name[i]) || isupper((unsigned char)name[i]))
			return true;
	}
	return false;
}

int ref_set_domain(struct ref *r, const char *domain)
{
	char path[REF_NAME_MAX + 1];
	const char *bare = str_after(r->path, "library/");

	if (!bare || !str_eq(r->domain, HUB))
		bare = r->path;
	bool official = str_eq(domain, HUB) && !strchr(bare, '/');
	int n = str_format(path, sizeof(path), "%s%s", official ? "library/" : "", bare);
	if (n < 0 || strlen(domain) + 1 + (size_t)n > REF_NAME_MAX)
		return -ENAMETOOLONG;
	(void)str_format(r->domain, sizeof(r->domain), "%s", domain);
	(void)str_format(r->path, sizeof(r->path), "%s", path);
	return 0;
}

int ref_parse(const char *text, struct ref *ret, struct err *e)
{
	char name[REF_STR_MAX];
	struct ref r = { .is_short = true };
	const char *bare = str_after(text, "docker://");

	if (!bare)
		bare = text;
	if (!*bare)
		return err_msg(e, -EINVAL, "image name '%s': is empty", text);
	if (str_format(name, sizeof(name), "%s", bare) < 0)
		return err_msg(e, -EINVAL, "image name '%.64s…': is longer than %d characters",
			       text, REF_STR_MAX - 1);

	int rc = parse_suffix(name, text, &r, e);
	if (rc)
		return rc;

	const char *path = name;
	const char *domain = HUB;
	char *slash = strchr(name, '/');
	if (slash && has_domain(name, slash)) {
		*slash = '\0';
		path = slash + 1;
		domain = str_eq(name, "index.docker.io") ? HUB : name;
		r.is_short = false;
		if (!domain_ok(domain))
			return err_msg(e, -EINVAL, "image name '%s': '%s' is not a registry", text,
				       name);
	}
	for (const char *p = path; *p; p++) {
		if (isupper((unsigned char)*p))
			return err_msg(e, -EINVAL, "image name '%s': must be lower case", text);
	}
	if (!path_ok(path))
		return err_msg(e, -EINVAL, "image name '%s': '%s' is not a repository", text, path);
	if (str_format(r.path, sizeof(r.path), "%s", path) < 0 || ref_set_domain(&r, domain))
		return err_msg(e, -EINVAL, "image name '%s': is longer than %d characters", text,
			       REF_NAME_MAX);
	*ret = r;
	return 0;
}

int ref_repo(const struct ref *r, char buf[REF_STR_MAX])
{
	return str_format(buf, REF_STR_MAX, "%s/%s", r->domain, r->path);
}

static int with_suffix(const struct ref *r, const char *repo, char buf[REF_STR_MAX])
{
	if (r->digest[0])
		return str_format(buf, REF_STR_MAX, "%s@%s", repo, r->digest);
	return str_format(buf, REF_STR_MAX, "%s:%s", repo, r->tag);
}

int ref_canonical(const struct ref *r, char buf[REF_STR_MAX])
{
	char repo[REF_STR_MAX];

	(void)ref_repo(r, repo);
	return with_suffix(r, repo, buf);
}

int ref_familiar(const struct ref *r, char buf[REF_STR_MAX])
{
	if (!str_eq(r->domain, HUB))
		return ref_repo(r, buf);
	const char *bare = str_after(r->path, "library/");
	if (!bare || strchr(bare, '/'))
		bare = r->path;
	return str_format(buf, REF_STR_MAX, "%s", bare);
}
