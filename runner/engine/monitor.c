/* SPDX-License-Identifier: Apache-2.0
 *
 * monitor - the relay between a container and the commands that watch it
 *
 * How it works: one poll(2) loop. Output is read from the program's pipes (or
 * its terminal), written to the log, and sent to every client that attached.
 * A client that does not take its output holds the program up, as a terminal
 * in Ctrl-S would: while anything is queued for a client, output is not read.
 * Only when the program has ended the rest is read whatever the clients do.
 * Input goes the other way one message at a time: a client sends the next
 * when CTL_STDIN_OK came, so a program that does not read costs 32 KiB.
 *
 * The loop never exits for lack of memory or because of what a client sends:
 * that client is dropped.
 */
#include "runner/engine/monitor.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/lean.h"
#include "common/proc.h"
#include "runner/engine/container.h"
#include "runner/engine/ctl.h"

#define QUEUE_MAX (1u << 20)
#define IN_QUEUE_MAX ((size_t)CTL_DATA_MAX * 4)
#define DEAF_MS 1000

/* What is polled beside the clients, by index. */
enum {
	AT_INIT,
	AT_SIGNAL,
	AT_LISTEN,
	AT_OUT,
	AT_ERR,
	AT_IN,
	AT_RECORDED,
	AT_CLIENTS,
};

void monitor_init(struct monitor *m, struct container *c)
{
	*m = (struct monitor){ .c = c, .command = -1, .signal_fd = -1, .listen_fd = -1,
			       .out = { -1, -1 }, .in = -1, .in_from = -1, .mounts_fd = -1 };
	m->remove = c->config.rm;
	network_init(&m->net);
	rootfs_init(&m->root);
	m->recorded = RECORDED_NONE;
	m->guard.life = -1;
	m->log.fd = m->log.dir_fd = -1;
	oci_container_init(&m->oci);
	for (int i = 0; i < MONITOR_CLIENTS_MAX; i++)
		m->clients[i].fd = -1;
}

static int64_t now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* -------------------------------------------------------------- clients -- */

static void client_drop(struct monitor *m, struct client *cl)
{
	close_fd(&cl->fd);
	strbuf_clear(&cl->queue);
	cl->sent = 0;
	cl->output = false;
	m->deaf_until = 0;
	if (m->in_from == (int)(cl - m->clients))
		m->in_from = -1;
}

int monitor_add_client(struct monitor *m, int fd_take)
{
	for (int i = 0; i < MONITOR_CLIENTS_MAX; i++) {
		struct client *cl = &m->clients[i];

		if (cl->fd >= 0)
			continue;
		if (fd_set_nonblock(fd_take, 1) < 0)
			break;
		*cl = (struct client){ .fd = fd_take };
		return i;
	}
	close(fd_take);
	return -EMFILE;
}

static void client_queue(struct monitor *m, struct client *cl, unsigned char type, const void *data,
			 size_t len)
{
	uint32_t total = (uint32_t)len + 1;

	if (cl->queue.len - cl->sent + len > QUEUE_MAX || strbuf_add(&cl->queue, &total, 4) < 0 ||
	    strbuf_add(&cl->queue, &type, 1) < 0 || (len && strbuf_add(&cl->queue, data, len) < 0))
		client_drop(m, cl);
}

static void client_send(struct monitor *m, struct client *cl, unsigned char type, const void *data,
			size_t len)
{
	int r = cl->queue.len ? -EAGAIN : ctl_send(cl->fd, type, data, len);

	if (r == -EAGAIN || r == -ENOBUFS)
		client_queue(m, cl, type, data, len);
	else if (r < 0)
		client_drop(m, cl);
}

static void client_flush(struct monitor *m, struct client *cl)
{
	while (cl->queue.len > cl->sent) {
		const char *at = cl->queue.s + cl->sent;
		uint32_t total;
		int r;

		memcpy(&total, at, 4);
		r = ctl_send(cl->fd, (unsigned char)at[4], at + 5, total - 1);
		if (r == -EAGAIN || r == -ENOBUFS)
			return;
		if (r < 0) {
			client_drop(m, cl);
			return;
		}
		cl->sent += 4 + (size_t)total;
	}
	strbuf_clear(&cl->queue);
	cl->sent = 0;
}

/* One more than the last slot in use: poll(2) takes no more entries than the
 * process may have descriptors, and that may be few. */
static int n_slots(const struct monitor *m)
{
	int n = MONITOR_CLIENTS_MAX;

	while (n && m->clients[n - 1].fd < 0)
		n--;
	return n;
}

void monitor_tell_all(struct monitor *m, unsigned char type, const void *data, size_t len)
{
	for (int i = 0; i < MONITOR_CLIENTS_MAX; i++)
		if (m->clients[i].fd >= 0)
			client_send(m, &m->clients[i], type, data, len);
}

static bool anything_queued(const struct monitor *m)
{
	for (int i = 0; i < MONITOR_CLIENTS_MAX; i++)
		if (m->clients[i].fd >= 0 && m->clients[i].queue.len)
			return true;
	return false;
}

void monitor_flush(struct monitor *m, int ms)
{
	int64_t end = now_ms() + ms;

	while (anything_queued(m)) {
		struct pollfd p[MONITOR_CLIENTS_MAX];
		int64_t left = end - now_ms();
		int n = n_slots(m);

		for (int i = 0; i < n; i++)
			p[i] = (struct pollfd){
				.fd = m->clients[i].queue.len ? m->clients[i].fd : -1, .events = POLLOUT
			};
		if (left <= 0 || (poll(p, (nfds_t)n, (int)left) < 0 && errno != EINTR))
			return;
		for (int i = 0; i < n; i++)
			if (p[i].fd >= 0 && p[i].revents)
				client_flush(m, &m->clients[i]);
	}
}

/* ---------------------------------------------------------------- input -- */

static void stop_input(struct monitor *m)
{
	/* The terminal is closed by its reader. */
	if (m->in >= 0 && m->in != m->out[0])
		close(m->in);
	m->in = -1;
	strbuf_clear(&m->in_queue);
}

static void write_input(struct monitor *m)
{
	while (m->in >= 0 && m->in_queue.len) {
		ssize_t n = write(m->in, m->in_queue.s, m->in_queue.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0) {
			stop_input(m);
			break;
		}
		m->in_queue.len -= (size_t)n;
		memmove(m->in_queue.s, m->in_queue.s + n, m->in_queue.len + 1);
	}
	/* A closed input takes everything: nobody is to wait for it. */
	if (m->in_from >= 0) {
		struct client *cl = &m->clients[m->in_from];

		m->in_from = -1;
		client_send(m, cl, CTL_STDIN_OK, NULL, 0);
	}
	if (m->in_eof && m->in >= 0 && m->in != m->out[0])
		stop_input(m);
}

static void take_input(struct monitor *m, struct client *cl, const char *data, size_t len)
{
	if (m->in_queue.len + len > IN_QUEUE_MAX || (m->in >= 0 && strbuf_add(&m->in_queue, data, len) < 0)) {
		client_drop(m, cl);
		return;
	}
	m->in_from = (int)(cl - m->clients);
	write_input(m);
}

static void resize(const struct monitor *m, const char *data, size_t len)
{
	struct ctl_size size;
	struct winsize ws = { 0 };

	if (len != sizeof(size) || !m->c->config.tty || m->out[0] < 0)
		return;
	memcpy(&size, data, sizeof(size));
	ws.ws_row = size.rows;
	ws.ws_col = size.cols;
	(void)ioctl(m->out[0], TIOCSWINSZ, &ws);
}

static void send_signal(const struct monitor *m, const char *data, size_t len)
{
	int32_t sig;

	if (len != sizeof(sig))
		return;
	memcpy(&sig, data, sizeof(sig));
	if (sig > 0 && sig < NSIG && !m->exited)
		(void)proc_pidfd_kill(m->oci.pidfd, sig);
}

static void client_message(struct monitor *m, struct client *cl, const struct ctl_msg *msg, size_t len)
{
	switch (msg->type) {
	case CTL_ATTACH:
		cl->output = true;
		break;
	case CTL_STDIN:
		take_input(m, cl, msg->data, len);
		break;
	case CTL_STDIN_EOF:
		m->in_eof = true;
		write_input(m);
		break;
	case CTL_RESIZE:
		resize(m, msg->data, len);
		break;
	case CTL_SIGNAL:
		send_signal(m, msg->data, len);
		break;
	case CTL_REMOVE:
		m->remove = true;
		break;
	default:
		client_drop(m, cl);
		break;
	}
}

static void client_read(struct monitor *m, struct client *cl)
{
	struct ctl_msg msg;
	size_t len = 0;
	int r = ctl_recv(cl->fd, &msg, &len);

	if (r == -EAGAIN)
		return;
	if (r <= 0)
		client_drop(m, cl);
	else
		client_message(m, cl, &msg, len);
}

/* --------------------------------------------------------------- output -- */

/* Return: false at the end of the stream, or when there is nothing now. */
static bool read_output(struct monitor *m, int i)
{
	char buf[CTL_DATA_MAX];
	ssize_t n;

	while ((n = read(m->out[i], buf, sizeof(buf))) < 0 && errno == EINTR)
		;
	if (n < 0 && errno == EAGAIN)
		return false;
	/* A terminal without users says EIO. */
	if (n <= 0) {
		if (m->in == m->out[i])
			m->in = -1;
		close_fd(&m->out[i]);
		return false;
	}
	(void)log_writer_add(&m->log, i ? LOG_STDERR : LOG_STDOUT, buf, (size_t)n);
	for (int k = 0; k < MONITOR_CLIENTS_MAX; k++)
		if (m->clients[k].fd >= 0 && m->clients[k].output)
			client_send(m, &m->clients[k], i ? CTL_STDERR : CTL_STDOUT, buf, (size_t)n);
	return true;
}

/* The program is gone, and with its pid namespace every writer. */
static void read_rest(struct monitor *m)
{
	for (int i = 0; i < 2; i++)
		while (m->out[i] >= 0 && read_output(m, i))
			if (anything_queued(m))
				monitor_flush(m, 10000);
}

/* -------------------------------------------------------------- signals -- */

/* The host shuts down, or somebody wants the monitor to go: an orderly stop. */
static void begin_stop(struct monitor *m)
{
	int sig = m->c->config.stop_signal ? m->c->config.stop_signal : SIGTERM;

	if (m->stop_at)
		return;
	(void)proc_pidfd_kill(m->oci.pidfd, sig);
	m->stop_at = now_ms() + (int64_t)m->c->config.stop_timeout * 1000;
}

static void read_signals(struct monitor *m)
{
	struct signalfd_siginfo si;

	while (read(m->signal_fd, &si, sizeof(si)) == (ssize_t)sizeof(si))
		if (si.ssi_signo == SIGTERM || si.ssi_signo == SIGINT)
			begin_stop(m);
}

/* Every call that was the supervisor's to answer fails from here on, in ways
 * that no program is made for. Nobody else knows its records. */
static void lose_recorded(struct monitor *m)
{
	char words[RECORDED_WORDS_MAX], line[RECORDED_WORDS_MAX + 128];
	int n;

	(void)recorded_words(&m->recorded, words, sizeof(words));
	recorded_stop(&m->recorded);
	if (m->exited || m->lost_ids)
		return;
	m->lost_ids = true;
	(void)proc_pidfd_kill(m->oci.pidfd, SIGKILL);
	n = str_format(line, sizeof(line), "runner: the supervisor of recorded ids ended, so the container "
		       "was stopped%s%s\n", *words ? ": " : "", words);
	if (n < 0)
		return;
	(void)log_writer_add(&m->log, LOG_STDERR, line, (size_t)n);
	for (int i = 0; i < MONITOR_CLIENTS_MAX; i++)
		if (m->clients[i].fd >= 0 && m->clients[i].output)
			client_send(m, &m->clients[i], CTL_STDERR, line, (size_t)n);
}

static void accept_clients(struct monitor *m)
{
	int fd;

	while ((fd = accept4(m->listen_fd, NULL, NULL, SOCK_CLOEXEC)) >= 0)
		(void)monitor_add_client(m, fd);
	/* Whoever waits is let in when somebody leaves, or when others need fewer:
	 * nobody tells us of that, and to look all the time is to spin. */
	m->deaf_until = errno == EMFILE || errno == ENFILE ? now_ms() + DEAF_MS : 0;
}

void monitor_close_door(struct monitor *m)
{
	accept_clients(m);
	close_fd(&m->listen_fd);
}

/* A container that lives longer than this is worth some care for memory. */
#define REST_MS 100
#define WAIT_MAX_MS 3600000

/* The earliest of what is to be done at some time, 0 when there is nothing. */
static int64_t next_at(const struct monitor *m)
{
	if (!m->stop_at || !m->deaf_until)
		return m->stop_at + m->deaf_until;
	return m->stop_at < m->deaf_until ? m->stop_at : m->deaf_until;
}

static int poll_timeout(const struct monitor *m, bool rested)
{
	int64_t at = next_at(m), left;

	if (!at)
		return rested ? -1 : REST_MS;
	left = at - now_ms();
	return left < 0 ? 0 : left > WAIT_MAX_MS ? WAIT_MAX_MS : (int)left;
}

/* Return: entries */
static int fill_poll(const struct monitor *m, struct pollfd *p)
{
	bool held_up = anything_queued(m);
	int n = n_slots(m);

	p[AT_INIT] = (struct pollfd){ .fd = m->oci.pidfd, .events = POLLIN };
	p[AT_SIGNAL] = (struct pollfd){ .fd = m->signal_fd, .events = POLLIN };
	p[AT_LISTEN] = (struct pollfd){ .fd = m->deaf_until ? -1 : m->listen_fd, .events = POLLIN };
	p[AT_OUT] = (struct pollfd){ .fd = held_up ? -1 : m->out[0], .events = POLLIN };
	p[AT_ERR] = (struct pollfd){ .fd = held_up ? -1 : m->out[1], .events = POLLIN };
	p[AT_IN] = (struct pollfd){ .fd = m->in_queue.len ? m->in : -1, .events = POLLOUT };
	p[AT_RECORDED] = (struct pollfd){ .fd = m->recorded.pidfd, .events = POLLIN };
	for (int i = 0; i < n; i++)
		p[AT_CLIENTS + i] = (struct pollfd){
			.fd = m->clients[i].fd,
			.events = (short)(POLLIN | (m->clients[i].queue.len ? POLLOUT : 0)),
		};
	return AT_CLIENTS + n;
}

static void handle_clients(struct monitor *m, const struct pollfd *p, int n)
{
	for (int i = 0; i < n; i++) {
		struct client *cl = &m->clients[i];

		if (p[i].fd < 0 || !p[i].revents)
			continue;
		if (p[i].revents & POLLOUT)
			client_flush(m, cl);
		if (cl->fd == p[i].fd && (p[i].revents & (POLLIN | POLLHUP | POLLERR)))
			client_read(m, cl);
	}
}

static void handle_events(struct monitor *m, const struct pollfd *p, int n)
{
	if (p[AT_SIGNAL].revents)
		read_signals(m);
	if (p[AT_OUT].revents && m->out[0] >= 0)
		(void)read_output(m, 0);
	if (p[AT_ERR].revents && m->out[1] >= 0)
		(void)read_output(m, 1);
	if (p[AT_IN].revents)
		write_input(m);
	handle_clients(m, p + AT_CLIENTS, n - AT_CLIENTS);
	if (p[AT_LISTEN].revents)
		accept_clients(m);
	if (m->stop_at && now_ms() >= m->stop_at) {
		(void)proc_pidfd_kill(m->oci.pidfd, SIGKILL);
		m->stop_at = now_ms() + 1000;
	}
	if (p[AT_RECORDED].revents)
		lose_recorded(m);
	if (p[AT_INIT].revents) {
		m->exit_code = proc_wait(m->oci.pid);
		m->exited = true;
	}
}

void monitor_loop(struct monitor *m)
{
	bool rested = false;

	while (!m->exited) {
		struct pollfd p[AT_CLIENTS + MONITOR_CLIENTS_MAX];
		int n, ready;

		if (m->deaf_until && now_ms() >= m->deaf_until)
			m->deaf_until = 0;
		n = fill_poll(m, p);
		ready = poll(p, (nfds_t)n, poll_timeout(m, rested));

		if (ready < 0)
			continue;
		if (ready == 0 && !rested) {
			lean_rest();
			rested = true;
		}
		handle_events(m, p, n);
	}
	read_rest(m);
	stop_input(m);
	close_fd(&m->out[0]);
	close_fd(&m->out[1]);
}
