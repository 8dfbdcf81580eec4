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
 * user namespace; where it does have that (real root), the flag stays off.
 *
 * FUSE_TMPFILE (Linux 6.1) has the body of FUSE_CREATE, so it is handed to
 * libfuse as one; O_TMPFILE in its open flags tells them apart.
 */
#include "fuse-overlay/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "fuse-overlay/owner.h"

#define KILLPRIV_V2 (1U << 28)
#define OP_TMPFILE 51U

static _Thread_local struct wire_request request;

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

/* FUSE_INIT is the first message in each direction. */
static ssize_t wire_read(int fd, void *buf, size_t size, void *userdata)
{
	struct ovl *o = userdata;
	ssize_t n = read(fd, buf, size);
	struct {
		struct fuse_in_header h;
		struct fuse_init_in in;
	} msg;

	if (n >= (ssize_t)sizeof(msg.h)) {
		memcpy(&msg.h, buf, sizeof(msg.h));
		request.pid = (pid_t)msg.h.pid;
		request.bulk = is_bulk(&msg.h, (const char *)buf + sizeof(msg.h),
				       (size_t)n - sizeof(msg.h));
		if (msg.h.opcode == OP_TMPFILE) {
			msg.h.opcode = FUSE_CREATE;
			memcpy(buf, &msg.h, sizeof(msg.h));
		}
	}
	if (n < (ssize_t)sizeof(msg.h) + 16 || o->init_seen)
		return n;
	memset(&msg, 0, sizeof(msg));
	memcpy(&msg, buf, (size_t)n < sizeof(msg) ? (size_t)n : sizeof(msg));
	o->init_seen = true;
	if (msg.h.opcode == FUSE_INIT && o->kill_priv)
		o->init_flags = msg.in.flags & KILLPRIV_V2;
	return n;
}

static ssize_t wire_write(int fd, struct iovec *iov, int count, void *userdata)
{
	struct ovl *o = userdata;

	if (o->init_flags && count >= 2 && iov[1].iov_len >= 16) {
		struct fuse_init_out out;
		size_t len = iov[1].iov_len < sizeof(out) ? iov[1].iov_len : sizeof(out);

		memcpy(&out, iov[1].iov_base, len);
		out.flags |= o->init_flags;
		memcpy(iov[1].iov_base, &out, len);
	}
	if (o->init_flags)
		o->init_flags = 0;
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

	o->kill_priv = geteuid() != 0 || !is_first_namespace();
	/* the real files have no setuid bits when those are recorded */
	if (owner_is_recorded(o))
		o->kill_priv = false;
	(void)fuse_session_custom_io(o->se, &io, fuse_session_fd(o->se));
}
