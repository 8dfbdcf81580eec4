/* SPDX-License-Identifier: Apache-2.0
 *
 * resolv - the host's resolv.conf: read, watched, parsed
 *
 * How it works: the file is replaced as often as it is written, and often it
 * is a link into /run. So the folders of both the name and the file behind it
 * are watched, and any event there is a reason to read it again. Where
 * inotify sees nothing (a bind mount, NFS) the file is looked at every minute.
 */
#include "slirp-net/resolv.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/io.h"

/* #syscalls:broker inotify_init1 inotify_add_watch openat open read readlink readlinkat newfstatat fstat lstat
 * #syscalls:broker stat lseek getcwd */

#define RESOLV_CONF "/etc/resolv.conf"
#define CHANGES (IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_TO | IN_MOVED_FROM | IN_ATTRIB)

static bool parse_server(const char *word, union addr *ret)
{
	char host[INET6_ADDRSTRLEN + IF_NAMESIZE + 1], *scope;
	struct in_addr in;
	struct in6_addr in6;
	size_t len = strcspn(word, " \t\r");

	if (!len || len >= sizeof(host))
		return false;
	memcpy(host, word, len);
	host[len] = '\0';
	if (inet_pton(AF_INET, host, &in) == 1) {
		*ret = addr4(in, 53);
		return true;
	}
	scope = strchr(host, '%');
	if (scope)
		*scope++ = '\0';
	if (inet_pton(AF_INET6, host, &in6) != 1)
		return false;
	*ret = addr6(&in6, 53);
	if (scope)
		ret->v6.sin6_scope_id = if_nametoindex(scope);
	return true;
}

void resolv_parse(const char *text, size_t len, struct resolv *ret)
{
	static const char word[] = "nameserver";
	const size_t n = sizeof(word) - 1;
	char line[256];

	ret->n = 0;
	while (len) {
		const char *end = memchr(text, '\n', len);
		size_t size = end ? (size_t)(end - text) : len;
		size_t copy = size < sizeof(line) ? size : sizeof(line) - 1;

		memcpy(line, text, copy);
		line[copy] = '\0';
		if (strncmp(line, word, n) == 0 && (line[n] == ' ' || line[n] == '\t') &&
		    ret->n < RESOLV_SERVERS_MAX &&
		    parse_server(line + n + strspn(line + n, " \t"), &ret->servers[ret->n]))
			ret->n++;
		text += size;
		len -= size;
		if (len) {
			text++;
			len--;
		}
	}
	if (!ret->n) {
		ret->servers[0] = addr4((struct in_addr){ htonl(INADDR_LOOPBACK) }, 53);
		ret->n = 1;
	}
}

static void watch_folder(int fd, char *path)
{
	char *slash = strrchr(path, '/');

	if (!slash)
		return;
	*slash = '\0';
	(void)inotify_add_watch(fd, *path ? path : "/", CHANGES);
}

static void watch(struct resolv_watch *w)
{
	char name[] = RESOLV_CONF, real[PATH_MAX];

	if (w->fd < 0)
		return;
	watch_folder(w->fd, name);
	if (realpath(RESOLV_CONF, real))
		watch_folder(w->fd, real);
}

static size_t read_text(char *buf)
{
	auto_close int fd = open(RESOLV_CONF, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : io_read_all(fd, buf, RESOLV_TEXT_MAX);

	return n < 0 ? 0 : (size_t)n;
}

void resolv_watch_open(struct resolv_watch *w)
{
	w->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	w->len = read_text(w->text);
	watch(w);
}

bool resolv_watch_look(struct resolv_watch *w)
{
	char text[RESOLV_TEXT_MAX], events[4096];
	size_t len;

	while (w->fd >= 0 && read(w->fd, events, sizeof(events)) > 0)
		;
	/* a link may lead elsewhere now; a folder that is watched stays so */
	watch(w);
	len = read_text(text);
	if (len == w->len && memcmp(text, w->text, len) == 0)
		return false;
	w->len = len;
	memcpy(w->text, text, len);
	return true;
}
