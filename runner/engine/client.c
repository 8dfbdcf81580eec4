/* SPDX-License-Identifier: Apache-2.0
 *
 * client - relay between a person and a program
 *
 * How it works: signals are taken by a signalfd, so that nothing happens
 * between a signal and putting the terminal back. Only one message of stdin
 * is on its way at a time (see ctl.h). When our stdin is a terminal and the
 * program has one too, ours is put into raw mode: Ctrl-C is a byte then and
 * becomes a signal in the program's terminal.
 */
#include "runner/engine/client.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/fd.h"
#include "common/io.h"
#include "common/proc.h"
#include "common/str.h"
#include "runner/engine/ctl.h"

/* --------------------------------------------------------------- detach -- */

static int parse_key(const char *s, unsigned char *ret)
{
	const char *c = str_after(s, "ctrl-");

	if (!c && strlen(s) == 1) {
		*ret = (unsigned char)*s;
		return 0;
	}
	if (!c || strlen(c) != 1)
		return -EINVAL;
	if (*c >= 'a' && *c <= 'z')
		*ret = (unsigned char)(*c - 'a' + 1);
	else if (*c >= '@' && *c <= '_')
		*ret = (unsigned char)(*c - '@');
	else
		return -EINVAL;
	return 0;
}

int detach_parse(const char *text, struct detach *ret, struct err *e)
{
	AUTO(strv_clear) struct strv list = { 0 };
	struct detach d = { .n = 0 };

	if (*text && strv_split(&list, text, ',') < 0)
		return err_set(e, -ENOMEM, "--detach-keys");
	if (list.n > DETACH_KEYS_MAX)
		return err_msg(e, -EINVAL, "--detach-keys %s: more than %d keys", text, DETACH_KEYS_MAX);
	for (size_t i = 0; i < list.n; i++)
		if (parse_key(list.v[i], &d.keys[d.n++]) < 0)
			return err_msg(e, -EINVAL, "--detach-keys %s: '%s' is not a key", text,
				       list.v[i]);
	*ret = d;
	return 0;
}

bool detach_feed(struct detach *d, const char *in, size_t len, char *out, size_t *ret_len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)in[i];

		if (d->n && c == d->keys[d->seen]) {
			if (++d->seen < d->n)
				continue;
			d->seen = 0;
			*ret_len = n;
			return true;
		}
		if (d->seen) {
			memcpy(out + n, d->keys, d->seen);
			n += d->seen;
			d->seen = 0;
			/* This one may begin the sequence anew. */
			if (c == d->keys[0]) {
				d->seen = 1;
				continue;
			}
		}
		out[n++] = (char)c;
	}
	*ret_len = n;
	return false;
}

/* ------------------------------------------------------------- terminal -- */

/**
 * struct relay - one run of the relay
 * @opts:	what to relay
 * @fd:		monitor, or -1
 * @master:	stdin of a child of ours, or -1
 * @pidfd:	program, with @master
 * @signal_fd:	signals sent to us
 * @old_mask:	to be put back
 * @in_open:	our stdin has more
 * @in_waits:	a message of stdin is on its way
 * @typed:	bytes that @master did not take yet, @n_typed of them
 * @raw:	our terminal is in raw mode
 * @old:	its settings before
 * @detach:	state of the key sequence
 */
struct relay {
	const struct client_opts *opts;
	int fd;
	int master;
	int pidfd;
	int signal_fd;
	sigset_t old_mask;
	bool in_open;
	bool in_waits;
	char typed[CTL_DATA_MAX];
	size_t n_typed;
	bool raw;
	struct termios old;
	struct detach detach;
};

int client_terminal_size(unsigned short *ret_rows, unsigned short *ret_cols)
{
	struct winsize ws;

	if (ioctl(STDIN_FILENO, TIOCGWINSZ, &ws) < 0 && ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) < 0)
		return -ENOTTY;
	*ret_rows = ws.ws_row;
	*ret_cols = ws.ws_col;
	return 0;
}

static void send_size(const struct relay *r)
{
	struct ctl_size size;

	if (!r->opts->tty || client_terminal_size(&size.rows, &size.cols) < 0)
		return;
	if (r->fd >= 0) {
		(void)ctl_send(r->fd, CTL_RESIZE, &size, sizeof(size));
	} else {
		struct winsize ws = { .ws_row = size.rows, .ws_col = size.cols };

		(void)ioctl(r->master, TIOCSWINSZ, &ws);
	}
}

static void make_raw(struct relay *r)
{
	struct termios t;

	if (!r->opts->tty || !r->opts->in || tcgetattr(STDIN_FILENO, &r->old) < 0)
		return;
	t = r->old;
	cfmakeraw(&t);
	r->raw = tcsetattr(STDIN_FILENO, TCSADRAIN, &t) == 0;
	r->detach = r->opts->detach;
}

static void relayed(bool sig_proxy, sigset_t *ret)
{
	static const int ours[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH, SIGPIPE };

	(void)sigemptyset(ret);
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		if (sig_proxy || ours[i] == SIGWINCH || ours[i] == SIGPIPE)
			(void)sigaddset(ret, ours[i]);
}

void client_hold_signals(void)
{
	sigset_t set;

	relayed(/* sig_proxy */ true, &set);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
}

static int take_signals(struct relay *r, struct err *e)
{
	sigset_t set;

	relayed(r->opts->sig_proxy, &set);
	(void)sigprocmask(SIG_BLOCK, &set, &r->old_mask);
	r->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return r->signal_fd < 0 ? err_set(e, -errno, "signalfd") : 0;
}

static void relay_end(struct relay *r)
{
	const struct timespec now = { 0 };
	sigset_t pipe;

	/* Of a write that failed and was told: it is not to kill us now. */
	(void)sigemptyset(&pipe);
	(void)sigaddset(&pipe, SIGPIPE);
	(void)sigtimedwait(&pipe, NULL, &now);
	if (r->raw)
		(void)tcsetattr(STDIN_FILENO, TCSADRAIN, &r->old);
	if (r->signal_fd >= 0)
		close(r->signal_fd);
	(void)sigprocmask(SIG_SETMASK, &r->old_mask, NULL);
}

static int relay_begin(struct relay *r, const struct client_opts *opts, struct err *e)
{
	int ret;

	memset(r, 0, sizeof(*r));
	r->opts = opts;
	r->fd = r->master = r->pidfd = r->signal_fd = -1;
	r->in_open = opts->in;
	ret = take_signals(r, e);
	if (ret == 0)
		make_raw(r);
	return ret;
}

static void relay_signals(const struct relay *r)
{
	struct signalfd_siginfo si;

	while (read(r->signal_fd, &si, sizeof(si)) == (ssize_t)sizeof(si)) {
		int32_t sig = (int32_t)si.ssi_signo;

		if (sig == SIGWINCH)
			send_size(r);
		else if (sig != SIGPIPE && r->fd >= 0)
			(void)ctl_send(r->fd, CTL_SIGNAL, &sig, sizeof(sig));
		else if (sig != SIGPIPE)
			(void)proc_pidfd_kill(r->pidfd, sig);
	}
}

/* ---------------------------------------------------------------- relay -- */

/* As much as the program takes: it may not take any before we took what it
 * says, as a terminal that echoes. */
static void push_typed(struct relay *r)
{
	ssize_t n = r->n_typed ? write(r->master, r->typed, r->n_typed) : 0;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	/* It closed its end: nothing will be read any more. */
	n = n < 0 ? (ssize_t)r->n_typed : n;
	r->n_typed -= (size_t)n;
	memmove(r->typed, r->typed + n, r->n_typed);
}

static int send_input(struct relay *r, const char *data, size_t len)
{
	int ret;

	if (!len)
		return 0;
	if (r->fd < 0) {
		memcpy(r->typed, data, len);
		r->n_typed = len;
		push_typed(r);
		return 0;
	}
	ret = ctl_send(r->fd, CTL_STDIN, data, len);
	r->in_waits = ret == 0;
	return ret;
}

/* Return: 1 when the person detached, 0, -errno */
static int read_input(struct relay *r)
{
	char in[CTL_DATA_MAX - DETACH_KEYS_MAX], out[CTL_DATA_MAX];
	size_t len;
	ssize_t n = read(STDIN_FILENO, in, sizeof(in));
	bool gone;

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return 0;
	if (n <= 0) {
		r->in_open = false;
		if (r->fd >= 0)
			(void)ctl_send(r->fd, CTL_STDIN_EOF, NULL, 0);
		else if (r->opts->tty)
			(void)send_input(r, "\4", 1);
		return 0;
	}
	gone = detach_feed(&r->detach, in, (size_t)n, out, &len);
	(void)send_input(r, out, len);
	return gone ? 1 : 0;
}

static int write_output(int fd, const char *data, size_t len, struct err *e)
{
	int r = io_write_all(fd, data, len);

	return r < 0 ? err_set(e, r, "write to %s", fd == STDOUT_FILENO ? "stdout" : "stderr") : 0;
}

/* Return: 1 when the program has ended, 0, -errno */
static int read_message(struct relay *r, int *ret_code, struct err *e)
{
	struct ctl_msg msg;
	size_t len = 0;
	int32_t code;
	int ret = ctl_recv(r->fd, &msg, &len);

	if (ret == 0 || ret == -ECONNRESET)
		return err_msg(e, -ECONNRESET, "the container's monitor was killed, and the container with it");
	if (ret < 0)
		return err_set(e, ret, "connection to the monitor");
	switch (msg.type) {
	case CTL_STDOUT:
		return write_output(STDOUT_FILENO, msg.data, len, e);
	case CTL_STDERR:
		return write_output(STDERR_FILENO, msg.data, len, e);
	case CTL_STDIN_OK:
		r->in_waits = false;
		return 0;
	case CTL_EXIT:
		memcpy(&code, msg.data, sizeof(code));
		*ret_code = code;
		return 1;
	default:
		return 0;
	}
}

static int relay_loop(struct relay *r, int *ret_code, struct err *e)
{
	for (;;) {
		struct pollfd p[] = {
			{ .fd = r->fd, .events = POLLIN },
			{ .fd = r->signal_fd, .events = POLLIN },
			{ .fd = r->in_open && !r->in_waits ? STDIN_FILENO : -1, .events = POLLIN },
		};
		int ret = 0;

		if (poll(p, 3, -1) < 0)
			continue;
		if (p[1].revents)
			relay_signals(r);
		if (p[0].revents)
			ret = read_message(r, ret_code, e);
		if (ret != 0)
			return ret < 0 ? ret : 0;
		if (p[2].revents && read_input(r) == 1) {
			*ret_code = 0;
			return 0;
		}
	}
}

int client_run(int fd, const struct client_opts *opts, int *ret_code, struct err *e)
{
	struct relay r;
	int ret = relay_begin(&r, opts, e);

	if (ret == 0) {
		r.fd = fd;
		send_size(&r);
		ret = relay_loop(&r, ret_code, e);
	}
	relay_end(&r);
	return ret;
}

int client_wait(int fd, int timeout_ms, int *ret_code)
{
	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		struct ctl_msg msg;
		size_t len = 0;
		int32_t code;
		int r = poll(&p, 1, timeout_ms);

		if (r < 0 && errno == EINTR)
			continue;
		if (r == 0)
			return 0;
		r = ctl_recv(fd, &msg, &len);
		if (r <= 0)
			return r == 0 ? -EPIPE : r;
		if (msg.type != CTL_EXIT || len != sizeof(code))
			continue;
		memcpy(&code, msg.data, sizeof(code));
		*ret_code = code;
		return 1;
	}
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* Closes the descriptor at its end; a terminal without users says EIO. */
static void child_output(struct client_child *child, int i)
{
	char buf[CTL_DATA_MAX];
	ssize_t n = read(child->out[i], buf, sizeof(buf));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n > 0) {
		if (io_write_all(i ? STDERR_FILENO : STDOUT_FILENO, buf, (size_t)n) == 0)
			return;
		/* Nobody reads what we print: the program is to learn of it. */
	}
	if (child->in == child->out[i])
		child->in = -1;
	close_fd(&child->out[i]);
}

/* Return: true when the person detached */
static bool child_round(struct relay *r, struct client_child *child, bool *ended)
{
	bool waits = r->n_typed && child->in >= 0;
	struct pollfd p[] = {
		{ .fd = child->out[0], .events = POLLIN },
		{ .fd = child->out[1], .events = POLLIN },
		{ .fd = r->signal_fd, .events = POLLIN },
		{ .fd = r->in_open && child->in >= 0 && !waits ? STDIN_FILENO : -1, .events = POLLIN },
		{ .fd = child->pidfd, .events = POLLIN },
		{ .fd = waits ? child->in : -1, .events = POLLOUT },
	};

	if (poll(p, 6, -1) < 0)
		return false;
	if (p[2].revents)
		relay_signals(r);
	for (int i = 0; i < 2; i++)
		if (p[i].revents)
			child_output(child, i);
	/* It may have printed after we looked there and ended before we looked here:
	 * what it printed is all there now. */
	if (!p[0].revents && !p[1].revents && p[4].revents)
		*ended = poll(p, 2, 0) <= 0;
	r->master = child->in;
	if (p[5].revents && child->in >= 0)
		push_typed(r);
	if (p[3].revents && child->in >= 0 && read_input(r) == 1)
		return true;
	/* A pipe ends by being closed, a terminal by the byte sent. */
	if (!r->in_open && !r->n_typed && child->in >= 0 && child->in != child->out[0])
		close_fd(&child->in);
	return false;
}

int client_relay_child(struct client_child *child, const struct client_opts *opts, int *ret_code,
		       struct err *e)
{
	struct relay r;
	bool ended = false, detached = false;
	int ret = relay_begin(&r, opts, e);

	r.master = child->in;
	r.pidfd = child->pidfd;
	if (child->in >= 0)
		(void)fd_set_nonblock(child->in, 1);
	if (ret == 0)
		send_size(&r);
	while (ret == 0 && !ended && !detached)
		detached = child_round(&r, child, &ended);
	relay_end(&r);
	if (child->in != child->out[0])
		close_fd(&child->in);
	close_fd(&child->out[0]);
	close_fd(&child->out[1]);
	*ret_code = detached || ret < 0 ? 0 : proc_wait(child->pid);
	return ret;
}
