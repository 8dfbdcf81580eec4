/* SPDX-License-Identifier: Apache-2.0
 *
 * relay - stay with a program in the foreground: terminal, signals, exit code
 *
 * How it works: one poll loop over the program's pidfd, a signalfd, our stdin
 * and the pty. Bytes wait in one buffer a direction; a side is only polled for
 * reading while its buffer is empty, so nothing is lost and nothing grows.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <termios.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/fd.h"
#include "common/io.h"
#include "common/proc.h"
#include "runner/oci/cli.h"

struct relay {
	int pidfd, tty, sigfd;
	bool in_open, raw;
	struct termios saved;
	char in[4096];
	size_t n_in, at_in;
};

static void copy_size(int tty)
{
	struct winsize ws;

	if (ioctl(0, TIOCGWINSZ, &ws) == 0)
		(void)ioctl(tty, TIOCSWINSZ, &ws);
}

void cli_own_size(struct spec_process *p)
{
	struct winsize ws;

	if (p->terminal && !p->rows && !p->cols && ioctl(0, TIOCGWINSZ, &ws) == 0) {
		p->rows = ws.ws_row;
		p->cols = ws.ws_col;
	}
}

static void set_raw(struct relay *r)
{
	struct termios t;

	if (r->tty < 0 || tcgetattr(0, &r->saved) < 0)
		return;
	t = r->saved;
	cfmakeraw(&t);
	r->raw = tcsetattr(0, TCSANOW, &t) == 0;
	copy_size(r->tty);
}

/* Ours are passed on; those of our terminal come as bytes through the pty. */
static void on_signal(struct relay *r)
{
	struct signalfd_siginfo s;

	if (read(r->sigfd, &s, sizeof(s)) != sizeof(s))
		return;
	if (s.ssi_signo == SIGCHLD)
		return;
	if (s.ssi_signo == SIGWINCH) {
		if (r->tty >= 0)
			copy_size(r->tty);
		return;
	}
	(void)proc_pidfd_kill(r->pidfd, (int)s.ssi_signo);
}

/* Output goes out whole before more is read: our stdout is the brake. */
static bool pump_out(struct relay *r)
{
	char buf[16384];
	ssize_t n = read(r->tty, buf, sizeof(buf));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	if (n <= 0 || io_write_all(1, buf, (size_t)n) < 0)
		return false; /* EIO: the last one who had the terminal left */
	return true;
}

static void pump_in(struct relay *r)
{
	if (r->at_in == r->n_in) {
		ssize_t n = read(0, r->in, sizeof(r->in));

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		r->at_in = 0;
		r->n_in = n > 0 ? (size_t)n : 0;
		if (n <= 0) {
			/* end of input is a character to a terminal */
			r->in_open = false;
			r->in[0] = 4;
			r->n_in = 1;
		}
	}
	ssize_t n = write(r->tty, r->in + r->at_in, r->n_in - r->at_in);
	if (n > 0)
		r->at_in += (size_t)n;
}

static bool turn(struct relay *r)
{
	bool waiting = r->at_in < r->n_in;
	struct pollfd p[] = {
		{ .fd = r->pidfd, .events = POLLIN },
		{ .fd = r->sigfd, .events = POLLIN },
		{ .fd = r->tty, .events = (short)(POLLIN | (waiting ? POLLOUT : 0)) },
		{ .fd = r->tty >= 0 && r->in_open && !waiting ? 0 : -1, .events = POLLIN },
	};

	if (poll(p, sizeof(p) / sizeof(p[0]), -1) < 0)
		return errno == EINTR;
	if (p[1].revents)
		on_signal(r);
	if (p[2].revents & (POLLIN | POLLHUP | POLLERR) && !pump_out(r))
		(void)close(take_fd(&r->tty));
	if (r->tty >= 0 && ((p[2].revents & POLLOUT && waiting) || p[3].revents))
		pump_in(r);
	return !p[0].revents;
}

static int loop(struct relay *r)
{
	siginfo_t info = { 0 };

	while (turn(r))
		;
	while (waitid(P_PIDFD, (id_t)r->pidfd, &info, WEXITED) < 0)
		if (errno != EINTR)
			return -errno;
	/* what the program wrote last is still in the pty */
	if (r->tty >= 0) {
		struct pollfd p = { .fd = r->tty, .events = POLLIN };

		(void)fd_set_nonblock(r->tty, 1);
		while (poll(&p, 1, 0) > 0 && p.revents & POLLIN && pump_out(r))
			;
	}
	return info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
}

static void relayed(sigset_t *ret)
{
	(void)sigfillset(ret);
	(void)sigdelset(ret, SIGSEGV);
	(void)sigdelset(ret, SIGTSTP);
	(void)sigdelset(ret, SIGTTIN);
	(void)sigdelset(ret, SIGTTOU);
}

void cli_hold_signals(void)
{
	sigset_t set;

	relayed(&set);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
}

int cli_wait(int pidfd, int tty, struct err *e)
{
	struct relay r = { .pidfd = pidfd, .tty = tty, .in_open = true };
	sigset_t all, old;

	relayed(&all);
	(void)sigprocmask(SIG_BLOCK, &all, &old);
	auto_close int sigfd = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
	if (sigfd < 0)
		return err_set(e, -errno, "signalfd");
	r.sigfd = sigfd;
	set_raw(&r);
	int code = loop(&r);
	if (r.raw)
		(void)tcsetattr(0, TCSANOW, &r.saved);
	if (r.tty >= 0)
		(void)close(r.tty);
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	return code < 0 ? err_set(e, code, "wait for the container") : code;
}
