/* SPDX-License-Identifier: Apache-2.0
 *
 * files - the files that say who and where a container is
 */
#include "runner/engine/files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/io.h"
#include "runner/engine/container.h"

#define RESOLV_MAX 65536

const char *files_hostname(const struct container *c, char buf[65])
{
	if (c->config.hostname && *c->config.hostname)
		return c->config.hostname;
	(void)str_format(buf, 65, "%.*s", CONTAINER_ID_SHORT, c->id);
	return buf;
}

int files_hosts(const struct container *c, const struct net_names *net, struct strbuf *ret,
		struct err *e)
{
	char buf[65];
	const char *host = files_hostname(c, buf);
	int r = strbuf_adds(ret, "127.0.0.1\tlocalhost\n"
				 "::1\tlocalhost ip6-localhost ip6-loopback\n");

	for (size_t i = 0; r == 0 && i < c->config.add_host.n; i++) {
		const char *pair = c->config.add_host.v[i];
		const char *addr = strchr(pair, ':');

		if (!addr || addr == pair || !addr[1])
			return err_msg(e, -EINVAL, "--add-host %s: not NAME:ADDRESS", pair);
		if (str_eq(addr + 1, "host-gateway") && !net->gateway)
			return err_msg(e, -EINVAL, "--add-host %s: this network has no gateway", pair);
		r = strbuf_addf(ret, "%s\t%.*s\n",
				str_eq(addr + 1, "host-gateway") ? net->gateway : addr + 1,
				(int)(addr - pair), pair);
	}
	if (r == 0 && net->gateway)
		r = strbuf_addf(ret, "%s\thost.containers.internal host.docker.internal\n",
				net->gateway);
	if (r == 0)
		r = strbuf_addf(ret, "%s\t%s%s%s\n", net->address ? net->address : "127.0.1.1", host,
				c->name ? " " : "", c->name ? c->name : "");
	return r;
}

static bool line_is(const char *line, const char *word)
{
	const char *rest = str_after(line, word);

	return rest && (*rest == ' ' || *rest == '\t');
}

/* Lines of the host's file that are kept: all but those that were given. */
static bool keep_line(const struct container *c, const struct net_names *net, const char *line)
{
	if (line_is(line, "nameserver"))
		return !c->config.dns.n && !net->dns;
	if (line_is(line, "search") || line_is(line, "domain"))
		return !c->config.dns_search.n;
	if (line_is(line, "options"))
		return !c->config.dns_option.n;
	return false;
}

static int add_words(struct strbuf *b, const char *key, const struct strv *words)
{
	int r;

	/* "." means: no search domain at all. */
	if (!words->n || (words->n == 1 && str_eq(words->v[0], ".")))
		return 0;
	r = strbuf_adds(b, key);
	for (size_t i = 0; r == 0 && i < words->n; i++)
		r = strbuf_addf(b, " %s", words->v[i]);
	return r == 0 ? strbuf_adds(b, "\n") : r;
}

int files_resolv(const struct container *c, const struct net_names *net, const char *host,
		 struct strbuf *ret)
{
	int r = add_words(ret, "search", &c->config.dns_search);

	for (size_t i = 0; r == 0 && i < c->config.dns.n; i++)
		r = strbuf_addf(ret, "nameserver %s\n", c->config.dns.v[i]);
	if (r == 0 && !c->config.dns.n && net->dns)
		r = strbuf_addf(ret, "nameserver %s\n", net->dns);
	for (const char *line = host; r == 0 && line && *line;) {
		size_t len = strcspn(line, "\n");

		if (keep_line(c, net, line))
			r = strbuf_addf(ret, "%.*s\n", (int)len, line);
		line += len + (line[len] ? 1 : 0);
	}
	if (r == 0)
		r = add_words(ret, "options", &c->config.dns_option);
	return r;
}

static int write_one(const struct container *c, const char *name, const char *text, struct err *e)
{
	auto_close int fd = openat(c->run_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
				   0644);
	int r = fd < 0 ? -errno : io_write_all(fd, text ? text : "", text ? strlen(text) : 0);

	return r < 0 ? err_set(e, r, "runtime folder: %s of container %.12s", name, c->id) : 0;
}

int files_write(const struct container *c, const struct net_names *net, struct err *e)
{
	AUTO(strbuf_clear) struct strbuf hosts = { 0 };
	AUTO(strbuf_clear) struct strbuf resolv = { 0 };
	AUTO(strbuf_clear) struct strbuf hostname = { 0 };
	auto_free char *host = NULL;
	char buf[65];
	int r = files_hosts(c, net, &hosts, e);

	if (r < 0)
		return r;
	/* A host without the file resolves nothing, and so does the container. */
	(void)io_read_file_at(AT_FDCWD, "/etc/resolv.conf", RESOLV_MAX, &host, /* ret_len */ NULL);
	r = files_resolv(c, net, host, &resolv);
	if (r == 0)
		r = strbuf_addf(&hostname, "%s\n", files_hostname(c, buf));
	if (r < 0)
		return err_set(e, r, "resolv.conf");
	r = write_one(c, "hosts", hosts.s, e);
	if (r == 0)
		r = write_one(c, "resolv.conf", resolv.s, e);
	if (r == 0)
		r = write_one(c, "hostname", hostname.s, e);
	return r;
}
