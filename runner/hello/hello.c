/* SPDX-License-Identifier: Apache-2.0
 *
 * hello - the program of the built-in image: a web page about its container
 *
 * Usage: hello [PORT]   (default 80)
 *
 * One process, one page, no files: it answers any GET with what the
 * container looks like from inside, and which rung of each ladder the engine
 * took for it (handed over in RUNNER_IDS, RUNNER_ROOTFS, RUNNER_NETWORK and
 * RUNNER_CGROUPS). Linked statically, so that its image is one file.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#define PAGE_MAX 8192
#define REQUEST_MAX 4096
#define REQUEST_TIMEOUT_MS 5000

/* Set by a signal; process 1 has no default action for them. */
static volatile sig_atomic_t stop_signal;

static void on_stop(int sig)
{
	stop_signal = sig;
}

struct page {
	char text[PAGE_MAX];
	size_t len;
};

static void add(struct page *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void add(struct page *p, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(p->text + p->len, sizeof(p->text) - p->len, fmt, ap);
	va_end(ap);
	if (n > 0)
		p->len += (size_t)n;
	if (p->len > sizeof(p->text) - 1)
		p->len = sizeof(p->text) - 1;
}

static void add_escaped(struct page *p, const char *s)
{
	for (; *s; s++) {
		if (*s == '<')
			add(p, "&lt;");
		else if (*s == '&')
			add(p, "&amp;");
		else
			add(p, "%c", *s);
	}
}

static void row(struct page *p, const char *name, const char *value)
{
	add(p, "<tr><th>%s</th><td>", name);
	add_escaped(p, value && *value ? value : "unknown");
	add(p, "</td></tr>\n");
}

static void read_small(const char *path, char *buf, size_t size)
{
	FILE *f = fopen(path, "re");
	size_t n = f ? fread(buf, 1, size - 1, f) : 0;

	if (f)
		(void)fclose(f);
	while (n && buf[n - 1] == '\n')
		n--;
	buf[n] = '\0';
}

static void peer_name(int fd, char *buf, size_t size)
{
	struct sockaddr_in6 a6 = { 0 };
	socklen_t len = sizeof(a6);
	char ip[INET6_ADDRSTRLEN] = "?";

	if (getpeername(fd, (struct sockaddr *)&a6, &len) < 0) {
		(void)snprintf(buf, size, "?");
		return;
	}
	if (IN6_IS_ADDR_V4MAPPED(&a6.sin6_addr))
		(void)inet_ntop(AF_INET, &a6.sin6_addr.s6_addr[12], ip, sizeof(ip));
	else
		(void)inet_ntop(AF_INET6, &a6.sin6_addr, ip, sizeof(ip));
	(void)snprintf(buf, size, "%s port %u", ip, ntohs(a6.sin6_port));
}

static void make_page(struct page *p, int fd)
{
	char map[512], peer[80], user[64];
	struct utsname u;

	read_small("/proc/self/uid_map", map, sizeof(map));
	peer_name(fd, peer, sizeof(peer));
	(void)snprintf(user, sizeof(user), "uid %u gid %u, pid %d", getuid(), getgid(), getpid());
	if (uname(&u) < 0)
		memset(&u, 0, sizeof(u));

	add(p, "<!DOCTYPE html>\n<html><head><title>Hello from a container</title>\n"
	       "<style>body{font-family:sans-serif;margin:3em}th{text-align:left;padding-right:2em}"
	       "</style></head>\n<body><h1>Hello from a container</h1>\n"
	       "<p>No daemon, no root, no setuid bit.</p>\n<table>\n");
	row(p, "ids", getenv("RUNNER_IDS"));
	row(p, "root file system", getenv("RUNNER_ROOTFS"));
	row(p, "network", getenv("RUNNER_NETWORK"));
	row(p, "cgroups", getenv("RUNNER_CGROUPS"));
	row(p, "host name", u.nodename);
	row(p, "kernel", u.release);
	row(p, "running as", user);
	row(p, "uid map", map);
	row(p, "you are", peer);
	add(p, "</table></body></html>\n");
}

static void send_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		data += n;
		len -= (size_t)n;
	}
}

/* Reads up to the empty line that ends a request's head. */
static bool read_request(int fd, char *buf, size_t size)
{
	size_t len = 0;

	while (len < size - 1) {
		struct pollfd pfd = { .fd = fd, .events = POLLIN };

		if (poll(&pfd, 1, REQUEST_TIMEOUT_MS) <= 0)
			return false;
		ssize_t n = recv(fd, buf + len, size - 1 - len, 0);
		if (n <= 0)
			return false;
		len += (size_t)n;
		buf[len] = '\0';
		if (strstr(buf, "\r\n\r\n") || strstr(buf, "\n\n"))
			return true;
	}
	return true;
}

static void answer(int fd)
{
	char request[REQUEST_MAX], head[256];
	struct page page = { .len = 0 };
	const char *status = "200 OK";

	if (!read_request(fd, request, sizeof(request)))
		return;

	bool head_only = !strncmp(request, "HEAD ", 5);
	if (!head_only && strncmp(request, "GET ", 4) != 0) {
		status = "405 Method Not Allowed";
		add(&page, "only GET and HEAD\n");
	} else {
		make_page(&page, fd);
	}

	int n = snprintf(head, sizeof(head),
			 "HTTP/1.1 %s\r\nContent-Type: text/html; charset=utf-8\r\n"
			 "Content-Length: %zu\r\nConnection: close\r\n\r\n",
			 status, page.len);
	send_all(fd, head, (size_t)n);
	if (!head_only)
		send_all(fd, page.text, page.len);

	/* one line an access, as web servers log */
	request[strcspn(request, "\r\n")] = '\0';
	for (char *c = request; *c; c++)
		if ((unsigned char)*c < 0x20)
			*c = '?';
	(void)printf("%s %.3s\n", request, status);
	(void)fflush(stdout);
}

static int listen_on(uint16_t port)
{
	int on = 1, off = 0;
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd >= 0) {
		struct sockaddr_in6 any6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
		if (!bind(fd, (struct sockaddr *)&any6, sizeof(any6)) && !listen(fd, 128))
			return fd;
		(void)close(fd);
	}

	/* a host without IPv6 */
	struct sockaddr_in any4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&any4, sizeof(any4)) < 0 || listen(fd, 128) < 0) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

int main(int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = on_stop };
	unsigned long port = argc > 1 ? strtoul(argv[1], NULL, 10) : 80;

	if (argc > 2 || !port || port > 65535) {
		(void)fprintf(stderr, "usage: hello [PORT]\n");
		return 2;
	}
	(void)sigaction(SIGTERM, &sa, NULL);
	(void)sigaction(SIGINT, &sa, NULL);

	/* delivered only inside ppoll, so that none is lost before accept */
	sigset_t stops, none;
	(void)sigemptyset(&none);
	(void)sigemptyset(&stops);
	(void)sigaddset(&stops, SIGTERM);
	(void)sigaddset(&stops, SIGINT);
	(void)sigprocmask(SIG_BLOCK, &stops, NULL);

	int fd = listen_on((uint16_t)port);
	if (fd < 0) {
		(void)fprintf(stderr, "hello: listen: port %lu: %s\n", port, strerror(errno));
		return 1;
	}
	(void)printf("hello: serving on port %lu\n", port);
	(void)fflush(stdout);

	while (!stop_signal) {
		struct pollfd pfd = { .fd = fd, .events = POLLIN };

		if (ppoll(&pfd, 1, NULL, &none) <= 0)
			continue;
		int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

		if (client < 0) {
			if (errno != EINTR && errno != ECONNABORTED)
				(void)usleep(10000); /* out of descriptors or memory */
			continue;
		}
		answer(client);
		(void)close(client);
	}
	return 0;
}
