/* SPDX-License-Identifier: Apache-2.0
 *
 * stack - libslirp, fed with frames
 *
 * How it works: libslirp thinks in poll sets: before each wait it lists every
 * descriptor, after it asks for each one's events. Here it is asked only
 * after it has run, and what it lists is compared with what epoll already
 * watches; unchanged descriptors cost no system call. libslirp says when it
 * closes a descriptor (unregister_poll_fd), so a number used again is never
 * taken for the old one.
 *
 * The link's MTU is the container's matter: libslirp is told 65521 and hands
 * over large segments, which the container's kernel takes whole or cuts
 * (frame_offload).
 *
 * libslirp and the library it brings along are loaded when the broker has
 * been forked already: the broker needs neither, and works meanwhile.
 */
#include "slirp-net/stack.h"

#include <dlfcn.h>
#include <errno.h>
#include <libslirp.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/log.h"
#include "slirp-net/frame.h"
#include "slirp-net/net.h"
#include "slirp-net/udpframe.h"

/*
 * What libslirp and the C library call on its behalf:
 * #syscalls socket bind listen accept accept4 connect getsockopt setsockopt
 * #syscalls getsockname getpeername shutdown recvfrom recvmsg sendto sendmsg
 * #syscalls read write ioctl fcntl close brk mmap munmap mremap madvise futex
 * #syscalls getpid clock_gettime gettimeofday time openat open newfstatat stat
 * #syscalls fstat lseek getrandom
 */

#define LIBRARY "libslirp.so.0"
#define STACK_MTU 65521
#define STACK_MSS 65480

/**
 * struct stack_lib - what is called in libslirp
 */
struct stack_lib {
	__typeof__(&slirp_new) new;
	__typeof__(&slirp_cleanup) cleanup;
	__typeof__(&slirp_input) input;
	__typeof__(&slirp_pollfds_fill) pollfds_fill;
	__typeof__(&slirp_pollfds_poll) pollfds_poll;
	__typeof__(&slirp_handle_timer) handle_timer;
	__typeof__(&slirp_add_hostxfwd) add_hostxfwd;
	__typeof__(&slirp_remove_hostxfwd) remove_hostxfwd;
};

static const char *const names[] = {
	"slirp_new",
	"slirp_cleanup",
	"slirp_input",
	"slirp_pollfds_fill",
	"slirp_pollfds_poll",
	"slirp_handle_timer",
	"slirp_add_hostxfwd",
	"slirp_remove_hostxfwd",
};

_Static_assert(sizeof(struct stack_lib) == sizeof(names) / sizeof(names[0]) * sizeof(void *),
	       "a name for each, in the same order");

static struct stack_lib *load(struct err *e)
{
	void *so = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	struct stack_lib *lib;

	if (!so) {
		(void)err_msg(e, -ENOENT, "%s", dlerror());
		return NULL;
	}
	lib = calloc(1, sizeof(*lib));
	if (!lib) {
		(void)err_set(e, -ENOMEM, LIBRARY);
		return NULL;
	}
	/* dlsym() returns an object pointer; POSIX has it hold a function */
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		void *at = dlsym(so, names[i]);

		if (!at) {
			free(lib);
			(void)err_msg(e, -ENOENT, LIBRARY ": no %s", names[i]);
			return NULL;
		}
		memcpy((char *)lib + i * sizeof(at), &at, sizeof(at));
	}
	return lib;
}

const char *stack_version(void)
{
	void *so = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	void *at = so ? dlsym(so, "slirp_version_string") : NULL;
	__typeof__(&slirp_version_string) version;

	if (!at)
		return "missing";
	memcpy(&version, &at, sizeof(version));
	return version();
}

static ssize_t cb_send(const void *buf, size_t len, void *opaque)
{
	struct stack *s = opaque;
	struct virtio_net_hdr h;
	/* libslirp's frame buffer is its own scratch space */
	union {
		const void *in;
		uint8_t *out;
	} data = { .in = buf };

	if (s->net->splice && !gateway_frame(data.out, len))
		return (ssize_t)len;
	frame_offload(data.out, len, s->net->link.mtu, &h);
	/* what is no TCP the kernel does not cut */
	if (!h.flags && len > FRAME_ETH + s->net->link.mtu) {
		udpframe_fit(&s->net->link, buf, len);
		return (ssize_t)len;
	}
	link_send(&s->net->link, &h, buf, len);
	return (ssize_t)len;
}

static void cb_guest_error(const char *msg, void *opaque)
{
	(void)opaque;
	log_debug("libslirp: %s", msg);
}

static int64_t cb_clock(void *opaque)
{
	struct timespec ts;

	(void)opaque;
	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static void *cb_timer_new(SlirpTimerId id, void *cb_opaque, void *opaque)
{
	struct stack *s = opaque;

	for (size_t i = 0; i < STACK_TIMERS_MAX; i++) {
		struct stack_timer *t = &s->timers[i];

		if (t->used)
			continue;
		*t = (struct stack_timer){ true, (int)id, cb_opaque, INT64_MAX };
		return t;
	}
	return NULL;
}

static void cb_timer_free(void *timer, void *opaque)
{
	struct stack_timer *t = timer;

	(void)opaque;
	if (t)
		t->used = false;
}

static void cb_timer_mod(void *timer, int64_t expire_ms, void *opaque)
{
	struct stack_timer *t = timer;

	(void)opaque;
	if (t)
		t->at_ms = expire_ms;
}

static void cb_register(int fd, void *opaque)
{
	(void)fd;
	(void)opaque;
}

static void cb_unregister(int fd, void *opaque)
{
	struct stack *s = opaque;

	if (fd < 0 || fd >= s->n_fds || !s->fds[fd])
		return;
	(void)loop_set(&s->net->loop, &s->fds[fd]->ev, 0);
	free(s->fds[fd]);
	s->fds[fd] = NULL;
}

static void cb_notify(void *opaque)
{
	struct stack *s = opaque;

	s->dirty = true;
}

static const SlirpCb callbacks = {
	.send_packet = cb_send,
	.guest_error = cb_guest_error,
	.clock_get_ns = cb_clock,
	.timer_new_opaque = cb_timer_new,
	.timer_free = cb_timer_free,
	.timer_mod = cb_timer_mod,
	.register_poll_fd = cb_register,
	.unregister_poll_fd = cb_unregister,
	.notify = cb_notify,
};

int stack_start(struct stack *s, struct net *net, struct err *e)
{
	struct conf *c = &net->conf;
	SlirpConfig cfg = {
		.version = 4,
		.in_enabled = true,
		.vnetwork = c->addrs.net4,
		.vnetmask = c->addrs.mask4,
		.vhost = c->addrs.host4,
		.in6_enabled = c->enable_ipv6,
		.vprefix_addr6 = c->addrs.net6,
		.vprefix_len = 64,
		.vhost6 = c->addrs.host6,
		.vdhcp_start = c->addrs.dhcp4,
		.vnameserver = c->addrs.dns4,
		.vnameserver6 = c->addrs.dns6,
		.if_mtu = STACK_MTU,
		.if_mru = STACK_MTU,
		.disable_host_loopback = c->disable_host_loopback,
		.outbound_addr = c->has_out4 ? &c->out4 : NULL,
		.outbound_addr6 = c->has_out6 ? &c->out6 : NULL,
		.disable_dns = c->disable_dns,
	};

	s->net = net;
	s->dirty = true;
	s->at_ms = INT64_MAX;
	s->lib = load(e);
	if (!s->lib)
		return -ENOENT;
	s->slirp = s->lib->new(&cfg, &callbacks, s);
	if (!s->slirp)
		return err_msg(e, -EINVAL, "libslirp does not start");
	return 0;
}

void stack_clear(struct stack *s)
{
	if (s->slirp)
		s->lib->cleanup(s->slirp);
	s->slirp = NULL;
	free(s->lib);
	s->lib = NULL;
	for (int i = 0; i < s->n_fds; i++)
		free(s->fds[i]);
	free(s->fds);
	s->fds = NULL;
	s->n_fds = 0;
}

void stack_input(struct stack *s, const struct virtio_net_hdr *h, uint8_t *data, size_t len)
{
	if (frame_complete_csum(h, data, len) < 0 || len > INT_MAX)
		return;
	frame_raise_mss(&(struct virtio_net_hdr){ 0 }, data, len, STACK_MSS);
	s->dirty = true;
	s->lib->input(s->slirp, data, (int)len);
}

static void on_event(struct ev *ev, uint32_t events)
{
	struct stack_fd *f = ev->owner;

	f->revents |= events;
	f->stack->fired = true;
}

static uint32_t to_epoll(int events)
{
	uint32_t out = 0;

	if (events & SLIRP_POLL_IN)
		out |= EPOLLIN;
	if (events & SLIRP_POLL_OUT)
		out |= EPOLLOUT;
	if (events & SLIRP_POLL_PRI)
		out |= EPOLLPRI;
	if (events & (SLIRP_POLL_ERR | SLIRP_POLL_HUP))
		out |= EPOLLERR | EPOLLHUP;
	return out;
}

static int from_epoll(uint32_t events)
{
	int out = 0;

	if (events & EPOLLIN)
		out |= SLIRP_POLL_IN;
	if (events & EPOLLOUT)
		out |= SLIRP_POLL_OUT;
	if (events & EPOLLPRI)
		out |= SLIRP_POLL_PRI;
	if (events & EPOLLERR)
		out |= SLIRP_POLL_ERR;
	if (events & EPOLLHUP)
		out |= SLIRP_POLL_HUP;
	return out;
}

/* The entry of a descriptor, made when there is none. */
static struct stack_fd *fd_entry(struct stack *s, int fd)
{
	if (fd >= s->n_fds) {
		int n = s->n_fds ? s->n_fds : 64;
		struct stack_fd **fds;

		while (n <= fd)
			n *= 2;
		fds = realloc(s->fds, (size_t)n * sizeof(struct stack_fd *));
		if (!fds)
			return NULL;
		memset(fds + s->n_fds, 0, (size_t)(n - s->n_fds) * sizeof(struct stack_fd *));
		s->fds = fds;
		s->n_fds = n;
	}
	if (!s->fds[fd]) {
		struct stack_fd *f = calloc(1, sizeof(*f));

		if (!f)
			return NULL;
		f->stack = s;
		f->ev = (struct ev){ .fd = fd, .fn = on_event, .owner = f };
		s->fds[fd] = f;
	}
	if (fd >= s->top)
		s->top = fd + 1;
	return s->fds[fd];
}

static int cb_add_poll(int fd, int events, void *opaque)
{
	struct stack *s = opaque;
	struct stack_fd *f = fd < 0 ? NULL : fd_entry(s, fd);

	if (!f)
		return -1;
	f->turn = s->turn;
	(void)loop_set(&s->net->loop, &f->ev, to_epoll(events));
	return fd;
}

static int cb_get_revents(int idx, void *opaque)
{
	struct stack *s = opaque;

	if (idx < 0 || idx >= s->n_fds || !s->fds[idx])
		return 0;
	return from_epoll(s->fds[idx]->revents);
}

/* What libslirp did not list any more is not watched any more. */
static void sweep(struct stack *s)
{
	int top = 0;

	for (int fd = 0; fd < s->top; fd++) {
		struct stack_fd *f = s->fds[fd];

		if (!f)
			continue;
		f->revents = 0;
		if (f->turn != s->turn)
			(void)loop_set(&s->net->loop, &f->ev, 0);
		top = fd + 1;
	}
	s->top = top;
}

int stack_prepare(struct stack *s)
{
	int64_t at = INT64_MAX, now = loop_now_ms();

	if (s->dirty) {
		uint32_t timeout = UINT32_MAX;

		s->turn++;
		s->lib->pollfds_fill(s->slirp, &timeout, cb_add_poll, s);
		sweep(s);
		s->at_ms = timeout == UINT32_MAX ? INT64_MAX : now + timeout;
		s->dirty = false;
	}
	at = s->at_ms;
	for (size_t i = 0; i < STACK_TIMERS_MAX; i++) {
		if (s->timers[i].used && s->timers[i].at_ms < at)
			at = s->timers[i].at_ms;
	}
	if (at == INT64_MAX)
		return -1;
	if (at <= now)
		return 0;
	return at - now > INT_MAX ? INT_MAX : (int)(at - now);
}

static void run_timers(struct stack *s, int64_t now)
{
	for (size_t i = 0; i < STACK_TIMERS_MAX; i++) {
		struct stack_timer *t = &s->timers[i];

		if (!t->used || t->at_ms > now)
			continue;
		t->at_ms = INT64_MAX;
		s->lib->handle_timer(s->slirp, (SlirpTimerId)t->id, t->cb_opaque);
		s->dirty = true;
	}
}

void stack_run(struct stack *s)
{
	int64_t now = loop_now_ms();

	run_timers(s, now);
	if (!s->fired && !s->dirty && now < s->at_ms)
		return;
	s->fired = false;
	s->lib->pollfds_poll(s->slirp, 0, cb_get_revents, s);
	s->dirty = true;
}

int stack_add_fwd(struct stack *s, const struct sockaddr *host, socklen_t host_len,
		  const struct sockaddr *guest, socklen_t guest_len, int flags)
{
	errno = 0;
	if (s->lib->add_hostxfwd(s->slirp, host, host_len, guest, guest_len, flags) < 0)
		return errno ? -errno : -EINVAL;
	s->dirty = true;
	return 0;
}

int stack_remove_fwd(struct stack *s, const struct sockaddr *host, socklen_t host_len, int flags)
{
	if (s->lib->remove_hostxfwd(s->slirp, host, host_len, flags) < 0)
		return -ENOENT;
	s->dirty = true;
	return 0;
}
