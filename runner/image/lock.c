/* SPDX-License-Identifier: Apache-2.0
 *
 * lock - flock(2) on objects, and on stand-ins where the file system has none
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

#include "common/fd.h"
#include "runner/image/store_int.h"

/* NFS without a lock server, FUSE without flock, folders over NFS */
static bool is_unsupported(int code)
{
	return code == -ENOLCK || code == -EBADF || code == -EOPNOTSUPP || code == -EINVAL ||
	       code == -ENOSYS;
}

static int flock_retry(int fd, int how)
{
	while (flock(fd, how) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return 0;
}

static int lock_stand_in(const struct store *st, const char *name, int how, struct lock *ret)
{
	char path[STORE_PATH_MAX + 64];
	int r = str_format(path, sizeof(path), "%s/image-%s.lock", st->lock_dir, name);

	if (r < 0)
		return r;
	for (char *p = path + strlen(st->lock_dir) + 1; *p; p++) {
		if (*p == '/')
			*p = '+';
	}
	auto_close int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	r = flock_retry(fd, how);
	if (!r)
		*ret = (struct lock){ .fd = take_fd(&fd) };
	return r;
}

int lock_object(const struct store *st, int fd, const char *name, int how, struct lock *ret)
{
	auto_close int own = fd_dup(fd);

	if (own < 0)
		return own;
	int r = flock_retry(own, how);
	if (is_unsupported(r)) {
		if (st->lock_dir)
			return lock_stand_in(st, name, how, ret);
		*ret = (struct lock){ .fd = take_fd(&own), .weak = true };
		return 0;
	}
	if (!r)
		*ret = (struct lock){ .fd = take_fd(&own) };
	return r;
}

int lock_users(const struct store *st, int how, struct lock *ret)
{
	auto_close int fd = openat(st->fd, "users.lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC,
				   0600);

	if (fd < 0)
		return -errno;
	return lock_object(st, fd, "users", how, ret);
}

void lock_clear(struct lock *l)
{
	if (l->fd < 0)
		return;
	/* not by close alone: duplicates of the descriptor may live on */
	(void)flock(l->fd, LOCK_UN);
	(void)close(l->fd);
	l->fd = -1;
}
