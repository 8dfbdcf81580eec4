/* SPDX-License-Identifier: Apache-2.0
 *
 * passthrough - files whose data the kernel moves without the server
 *
 * How it works. The server registers the real file with the kernel and answers
 * OPEN with its number; reads, writes and maps then go to the real file. Who
 * does that needs rights over the whole machine (passthrough_is_allowed()), and
 * a real file that is not itself on a stacked file system.
 *
 * The kernel wants all open files of one inode served alike: all by requests
 * and its cache, or all by one and the same registration. So the first open
 * decides for those that join it, and they share a struct pass, until the last
 * one is released. The kernel has ended its own use before it sends RELEASE:
 * what the table says lasts longer than what the kernel holds, never shorter.
 *
 * A registration cannot be changed while it is in use. Only files that never
 * move are registered: those of the upper layer, and all where there is none.
 * A lower file below an upper layer may be copied up while it is open, and
 * its readers have to see that (file.c); it is served by requests.
 *
 * The kernel's cache of an inode knows nothing of what passes it by. Who opens
 * it for requests first therefore has it dropped, but for files that never
 * change.
 */
#include "fuse-overlay/passthrough.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/str.h"
#include "fuse-overlay/killpriv.h"

#define SLOTS 1024U
#define FIRST_USER_NAMESPACE 0xEFFFFFFDU /* the inode number is part of the kernel's interface */

/* linux/fuse.h has these from 6.9 on */
struct backing_map {
	int32_t fd;
	uint32_t flags;
	uint64_t padding;
};
#define BACKING_OPEN _IOW(229, 1, struct backing_map)
#define BACKING_CLOSE _IOW(229, 2, uint32_t)

/**
 * struct pass - an inode with open files
 * @next:	chain of the table
 * @node:	the inode; its open files hold references
 * @backing:	its registration, 0: it is served by requests
 * @n:		open files
 */
struct pass {
	struct pass *next;
	const struct node *node;
	int backing;
	unsigned int n;
};

/**
 * struct passthrough - what the mount knows of such files
 * @refused:	the kernel would take none: do not ask again
 * @slots:	by node
 */
struct passthrough {
	bool refused;
	struct pass *slots[SLOTS];
};

bool passthrough_is_allowed(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
	struct stat st;

	return !stat("/proc/self/ns/user", &st) && st.st_ino == FIRST_USER_NAMESPACE &&
	       !syscall(SYS_capget, &head, data) &&
	       data[0].effective & CAP_TO_MASK(CAP_SYS_ADMIN);
}

void passthrough_init(struct ovl *o)
{
	o->passthrough = calloc(1, sizeof(*o->passthrough));
}

void passthrough_clear(struct ovl *o)
{
	for (unsigned int i = 0; o->passthrough && i < SLOTS; i++) {
		while (o->passthrough->slots[i]) {
			struct pass *p = o->passthrough->slots[i];

			o->passthrough->slots[i] = p->next;
			free(p);
		}
	}
	free(o->passthrough);
	o->passthrough = NULL;
}

/* The link to the inode's entry, or the one to put it in. */
static struct pass **find(struct passthrough *t, const struct node *n)
{
	uint64_t h = (uint64_t)(uintptr_t)n * 0x9e3779b97f4a7c15U;
	struct pass **p = &t->slots[(h >> 40) % SLOTS];

	while (*p && (*p)->node != n)
		p = &(*p)->next;
	return p;
}

/* Is its real file the same as long as it is mounted? */
static bool stays(const struct ovl *o, const struct node *n)
{
	return !o->writable || !n->layer;
}

/* Return: the registration, 0 when there is none to be had */
static int register_file(struct ovl *o, int fd)
{
	struct backing_map map = { .fd = fd };
	/* the kernel writes with the rights of who registered */
	bool dropped = killpriv_begin(true);
	int id = ioctl(fuse_session_fd(o->se), BACKING_OPEN, &map);

	if (id < 0 && (errno == EPERM || errno == ENOTTY || errno == EOPNOTSUPP))
		o->passthrough->refused = true;
	killpriv_end(dropped);
	return id > 0 ? id : 0;
}

/* Would the kernel fail to open the real file with the flags of this one? */
static bool lacks_direct(const struct ofile *of)
{
	char path[32];

	if (!(of->flags & O_DIRECT) ||
	    str_format(path, sizeof(path), "/proc/self/fd/%d", atomic_load(&of->fd)) < 0)
		return false;
	auto_close int fd = open(path, O_RDONLY | O_DIRECT | O_NONBLOCK | O_CLOEXEC);
	return fd < 0 && errno == EINVAL;
}

int passthrough_open(struct ovl *o, struct ofile *of, struct passthrough_way *ret)
{
	struct passthrough *t = o->passthrough;

	*ret = (struct passthrough_way){ .keep_cache = true };
	if (!t)
		return 0;
	struct pass **place = find(t, of->node);
	struct pass *p = *place;
	bool direct = !lacks_direct(of);
	if (p && p->backing && !direct)
		return -EINVAL; /* as the real file system answers */
	if (!p) {
		p = calloc(1, sizeof(*p));
		if (!p)
			return -ENOMEM;
		p->node = of->node;
		if (direct && !t->refused && stays(o, of->node))
			p->backing = register_file(o, atomic_load(&of->fd));
		*place = p;
		ret->keep_cache = of->node->layer || !o->writable;
	}
	p->n++;
	of->pass = p;
	ret->backing = p->backing;
	return 0;
}

void passthrough_close(struct ovl *o, struct ofile *of)
{
	struct pass *p = of->pass;

	if (!p || --p->n)
		return;
	if (p->backing) {
		uint32_t id = (uint32_t)p->backing;

		(void)ioctl(fuse_session_fd(o->se), BACKING_CLOSE, &id);
	}
	*find(o->passthrough, p->node) = p->next;
	free(p);
}
