/* SPDX-License-Identifier: Apache-2.0
 *
 * wire - what the kernel offers and this libfuse does not know
 *
 * How it works. libfuse 3.14 answers FUSE_INIT with the flags that it knows.
 * The hooks here see the kernel's first message and the first reply, and
 * agree to one flag more: FUSE_HANDLE_KILLPRIV_V2, "the server clears setuid
 * bits and capabilities when a file is written". Without it the kernel asks
 * for security.capability before every single write. The real file system
 * does the clearing, as the server writes without CAP_FSETID in the first
 * user namespace; where it does have that (real root), it gives it up for the
 * requests that say so (killpriv.c).
 *
 * FUSE_PASSTHROUGH (Linux 6.9) is agreed to in the same way; the answer to OPEN
 * and CREATE then carries a flag and a number that libfuse leaves empty.
 *
 * FUSE_TMPFILE (Linux 6.1) has the body of FUSE_CREATE, so it is handed to
 * libfuse as one; O_TMPFILE in its open flags tells them apart.
 */
#include "fuse-overlay/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "fuse-overlay/owner.h"
#include "fuse-overlay/passthrough.h"

#define KILLPRIV_V2 (1ULL << 28)
#define INIT_EXT (1ULL << 30)
#define PASSTHROUGH (1ULL << 37)
#define STACK_DEPTH 1U /* overlay can still be mounted on top of this mount */
#define OP_TMPFILE 51U
#define OPEN_PASSTHROUGH (1U << 7)

/* linux/fuse.h before 6.9 leaves these empty */
#define STACK_DEPTH_AT (offsetof(struct fuse_init_out, flags2) + sizeof(uint32_t))
_Static_assert(sizeof(struct fuse_init_out) == 64, "the answer to FUSE_INIT");
struct open_out {
	uint64_t fh;
	uint32_t open_flags;
	int32_t backing;
};
_Static_assert(sizeof(struct open_out) == sizeof(struct fuse_open_out), "the answer to FUSE_OPEN");

static _Thread_local struct wire_request request;
static _Thread_local int next_backing;

void wire_pass_through(int backing)
{
	next_backing = backing;
}

struct wire_request wire_request(void)
{
	return request;
}

static bool is_bulk(const struct fuse_in_header *h, const char *body, size_t size)
{
	struct fuse_read_in in;

	if (h->opcode != FUSE_READ || size < sizeof(in))
		return false;
	memcpy(&in, body, sizeof(in));
	return in.size >= WIRE_BULK;
}

/* Does the kernel say that setuid bits have to go? */
static bool is_kill_priv(const struct fuse_in_header *h, const char *body, size_t size)
{
	union {
		struct fuse_write_in write;
		struct fuse_setattr_in setattr;
		struct fuse_open_in open;
	} in = { 0 };

	memcpy(&in, body, size < sizeof(in) ? size : sizeof(in));
	switch (h->opcode) {
	case FUSE_WRITE:
		return in.write.write_flags & FUSE_WRITE_KILL_SUIDGID;
	case FUSE_SETATTR:
		return in.setattr.valid & FATTR_KILL_SUIDGID;
	case FUSE_OPEN:
		return in.open.open_flags & FUSE_OPEN_KILL_SUIDGID;
	case FUSE_FALLOCATE:
	case FUSE_COPY_FILE_RANGE:
		return true; /* of these it says nothing */
	default:
		return false;
	}
}

/* What the first answer is to agree to. */
static void see_init(struct ovl *o, const char *body, size_t size)
{
	struct fuse_init_in in = { 0 };

	memcpy(&in, body, size < sizeof(in) ? size : sizeof(in));
	uint64_t offered = in.flags;
	if (offered & INIT_EXT)
		offered |= (uint64_t)in.flags2 << 32;
	if (o->kill_priv)
		o->init_flags |= offered & KILLPRIV_V2;
	if (o->conf->passthrough && offered & PASSTHROUGH && passthrough_is_allowed())
		passthrough_init(o);
	if (o->passthrough)
		o->init_flags |= PASSTHROUGH | INIT_EXT;
}

/* FUSE_INIT is the first message in each direction. */
static ssize_t wire_read(int fd, void *buf, size_t size, void *userdata)
{
	struct ovl *o = userdata;
	ssize_t n = read(fd, buf, size);
	struct fuse_in_header h;

	if (n < (ssize_t)sizeof(h))
		return n;
	const char *body = (const char *)buf + sizeof(h);
	size_t len = (size_t)n - sizeof(h);

	memcpy(&h, buf, sizeof(h));
	request.pid = (pid_t)h.pid;
	request.bulk = is_bulk(&h, body, len);
	request.kill_priv = o->drop_fsetid && is_kill_priv(&h, body, len);
	if (h.opcode == OP_TMPFILE) {
		h.opcode = FUSE_CREATE;
		memcpy(buf, &h, sizeof(h));
	}
	/* other threads come later, and only look */
	if (!o->init_seen) {
		if (h.opcode == FUSE_INIT)
			see_init(o, body, len);
		o->init_seen = true;
	}
	return n;
}

static void add_init(struct ovl *o, const struct iovec *v)
{
	struct fuse_init_out out = { 0 };
	size_t len = v->iov_len < sizeof(out) ? v->iov_len : sizeof(out);

	memcpy(&out, v->iov_base, len);
	out.flags |= (uint32_t)o->init_flags;
	out.flags2 |= (uint32_t)(o->init_flags >> 32);
	if (o->init_flags & PASSTHROUGH)
		memcpy((char *)&out + STACK_DEPTH_AT, &(uint32_t){ STACK_DEPTH }, sizeof(uint32_t));
	memcpy(v->iov_base, &out, len);
}

/* The answers to OPEN and CREATE end alike. */
static void add_backing(const struct iovec *v)
{
	struct open_out out;

	if (v->iov_len < sizeof(out))
		return;
	char *at = (char *)v->iov_base + v->iov_len - sizeof(out);
	memcpy(&out, at, sizeof(out));
	out.open_flags |= OPEN_PASSTHROUGH;
	out.backing = next_backing;
	memcpy(at, &out, sizeof(out));
}

static ssize_t wire_write(int fd, struct iovec *iov, int count, void *userdata)
{
	struct ovl *o = userdata;

	if (o->init_flags) {
		if (count >= 2)
			add_init(o, &iov[1]);
		o->init_flags = 0;
	}
	if (next_backing && count >= 2)
		add_backing(&iov[count - 1]);
	next_backing = 0;
	return writev(fd, iov, count);
}

static ssize_t wire_splice(int fd_in, off_t *off_in, int fd_out, off_t *off_out, size_t len,
			   unsigned int flags, void *userdata)
{
	(void)userdata;
	return splice(fd_in, off_in, fd_out, off_out, len, flags);
}

/* Is this the first user namespace, where uid 0 may leave setuid bits alone? */
static bool is_first_namespace(void)
{
	auto_fclose FILE *f = fopen("/proc/self/uid_map", "re");
	unsigned int in, out, count;

	return !f || fscanf(f, "%u %u %u", &in, &out, &count) != 3 || (!in && count == UINT32_MAX);
}

void wire_attach(struct ovl *o)
{
	const struct fuse_custom_io io = {
		.read = wire_read,
		.writev = wire_write,
		.splice_send = wire_splice,
	};

	o->kill_priv = true;
	o->drop_fsetid = !geteuid() && is_first_namespace();
	/* the real files have no setuid bits when those are recorded */
	if (owner_is_recorded(o))
		o->kill_priv = false;
	(void)fuse_session_custom_io(o->se, &io, fuse_session_fd(o->se));
}
