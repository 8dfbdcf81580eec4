/* SPDX-License-Identifier: Apache-2.0
 *
 * io - whole reads and writes, small files, atomic replacement
 */
#include "common/io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "common/str.h"

#define READ_STEP 4096
#define TREE_DEPTH_MAX 4096

int io_write_all(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

ssize_t io_read_all(int fd, void *buf, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = read(fd, (char *)buf + done, len - done);

		if (n < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		if (!n)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

int io_read_fd(int fd, size_t max, char **ret, size_t *ret_len)
{
	AUTO(strbuf_clear) struct strbuf b = { 0 };
	char step[READ_STEP];

	for (;;) {
		ssize_t n = io_read_all(fd, step, sizeof(step));

		if (n < 0)
			return (int)n;
		if (!n)
			break;
		if ((size_t)n > max - b.len)
			return -EFBIG;
		int r = strbuf_add(&b, step, (size_t)n);
		if (r)
			return r;
	}

	size_t len = b.len;
	char *s = strbuf_take(&b);
	if (!s)
		return -ENOMEM;
	*ret = s;
	if (ret_len)
		*ret_len = len;
	return 0;
}

int io_read_file_at(int dirfd, const char *path, size_t max, char **ret, size_t *ret_len)
{
	auto_close int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	return fd < 0 ? -errno : io_read_fd(fd, max, ret, ret_len);
}

int io_write_file_at(int dirfd, const char *path, const char *text)
{
	auto_close int fd = openat(dirfd, path, O_WRONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return -errno;

	size_t len = strlen(text);
	ssize_t n = write(fd, text, len);
	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EIO;
}

int io_stage_file_at(int dirfd, const char *path, const void *data, size_t len, mode_t mode,
		     char *tmp, size_t size)
{
	uint64_t salt = 0;

	if (getrandom(&salt, sizeof(salt), 0) < 0)
		return -errno;
	int r = str_format(tmp, size, "%s.%016llx.tmp", path, (unsigned long long)salt);
	if (r < 0)
		return r;

	auto_close int fd = openat(dirfd, tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd < 0)
		return -errno;

	r = io_write_all(fd, data, len);
	if (!r && fchmod(fd, mode) < 0)
		r = -errno;
	if (r)
		(void)unlinkat(dirfd, tmp, 0);
	return r;
}

int io_replace_file_at(int dirfd, const char *path, const void *data, size_t len, mode_t mode)
{
	char tmp[PATH_MAX];
	int r = io_stage_file_at(dirfd, path, data, len, mode, tmp, sizeof(tmp));

	if (!r && renameat(dirfd, tmp, dirfd, path) < 0) {
		r = -errno;
		(void)unlinkat(dirfd, tmp, 0);
	}
	return r;
}

int io_mkdir_p_at(int dirfd, const char *path, mode_t mode)
{
	char part[PATH_MAX];
	int r = str_format(part, sizeof(part), "%s", path);

	if (r < 0)
		return r;
	for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdirat(dirfd, part, mode) < 0 && errno != EEXIST && errno != EROFS &&
		    errno != EACCES)
			return -errno;
		*slash = '/';
	}
	if (mkdirat(dirfd, part, mode) < 0 && errno != EEXIST)
		return -errno;

	struct stat st;
	if (fstatat(dirfd, part, &st, 0) < 0)
		return -errno;
	return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

static int unlink_retry(int dirfd, const char *name, int flags)
{
	if (!unlinkat(dirfd, name, flags) || errno == ENOENT)
		return 0;
	return -errno;
}

static int open_dir(int dirfd, const char *name, dev_t dev)
{
	int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(dirfd, name, flags);

	if (fd < 0 && errno == EACCES && !fchmodat(dirfd, name, 0700, 0))
		fd = openat(dirfd, name, flags);
	if (fd < 0)
		return -errno;

	struct stat st;
	if (fstat(fd, &st) < 0 || (dev && st.st_dev != dev)) {
		int r = dev && st.st_dev != dev ? -EXDEV : -errno;
		(void)close(fd);
		return r;
	}
	if ((st.st_mode & 0300) != 0300)
		(void)fchmod(fd, 0700);
	return fd;
}

static int remove_tree(int dirfd, const char *name, dev_t dev, unsigned int depth)
{
	int first = unlink_retry(dirfd, name, 0);

	/* POSIX says EPERM for a folder, Linux says EISDIR */
	if (first != -EISDIR && first != -EPERM)
		return first;
	if (depth > TREE_DEPTH_MAX)
		return -ELOOP;

	int fd = open_dir(dirfd, name, dev);
	if (fd == -ENOTDIR)
		return first;
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;

	auto_dir DIR *d = fdopendir(fd);
	if (!d) {
		(void)close(fd);
		return -ENOMEM;
	}

	struct stat st;
	if (fstat(fd, &st) < 0)
		return -errno;

	int worst = 0;
	for (struct dirent *ent; (ent = readdir(d));) {
		if (str_eq(ent->d_name, ".") || str_eq(ent->d_name, ".."))
			continue;
		int r = remove_tree(fd, ent->d_name, st.st_dev, depth + 1);
		if (r && !worst)
			worst = r;
	}

	int r = unlink_retry(dirfd, name, AT_REMOVEDIR);
	return worst ? worst : r;
}

int io_remove_tree_at(int dirfd, const char *name)
{
	return remove_tree(dirfd, name, 0, 0);
}
