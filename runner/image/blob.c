/* SPDX-License-Identifier: Apache-2.0
 *
 * blob - verified bytes by digest
 */
#include "runner/image/blob.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "common/err.h"
#include "common/fd.h"
#include "common/io.h"

#define BLOBS "blobs/sha256/"
#define COPY_SIZE (256u << 10)

static void blob_path(const char *digest, char *buf, size_t size)
{
	(void)str_format(buf, size, BLOBS "%s", digest_hex(digest));
}

bool blob_have(const struct store *st, const char *digest, uint64_t size)
{
	char path[STORE_PATH_MAX];
	struct stat s;

	blob_path(digest, path, sizeof(path));
	return !fstatat(st->fd, path, &s, AT_SYMLINK_NOFOLLOW) && S_ISREG(s.st_mode) &&
	       (size == UINT64_MAX || (uint64_t)s.st_size == size);
}

int blob_open(const struct store *st, const char *digest)
{
	char path[STORE_PATH_MAX];

	blob_path(digest, path, sizeof(path));
	int fd = openat(st->fd, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int blob_read(const struct store *st, const char *digest, size_t max, char **ret,
	      size_t *ret_len, struct err *e)
{
	char path[STORE_PATH_MAX];

	blob_path(digest, path, sizeof(path));
	int r = io_read_file_at(st->fd, path, max, ret, ret_len);
	return r ? err_set(e, r, "read blob %s", digest) : 0;
}

int blob_write(const struct store *st, const char *digest, const void *data, size_t len,
	       struct err *e)
{
	char path[STORE_PATH_MAX];
	char found[DIGEST_STR_MAX];
	int r = digest_of(data, len, found);

	if (r)
		return err_set(e, r, "hash blob %s", digest);
	if (!str_eq(found, digest))
		return err_msg(e, -EBADMSG, "blob %s: digest mismatch: its bytes are %s", digest,
			       found);
	if (blob_have(st, digest, len))
		return 0;
	blob_path(digest, path, sizeof(path));
	r = io_replace_file_at(st->fd, path, data, len, 0600);
	return r ? err_set(e, r, "write blob %s", digest) : 0;
}

/* --- a blob being written -------------------------------------------------------- */

/* What a killed pull left counts, once it is hashed again. */
static int hash_existing(struct blob_part *p)
{
	auto_free char *buf = xcalloc(1, COPY_SIZE);
	int r = digest_init(&p->hash);

	p->have = 0;
	while (!r) {
		ssize_t n = pread(p->fd, buf, COPY_SIZE, (off_t)p->have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		r = digest_update(&p->hash, buf, (size_t)n);
		p->have += (size_t)n;
	}
	return r;
}

/* Opens and locks tmp/blob-HEX; whoever had it may have renamed it meanwhile. */
static int lock_part(struct blob_part *p, uint64_t size)
{
	for (;;) {
		struct stat open_st;
		struct stat path_st;
		int fd = openat(p->st->fd, p->tmp, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

		if (fd < 0)
			return -errno;
		p->fd = fd;
		int r = lock_object(p->st, fd, p->tmp, LOCK_EX, &p->lock);
		if (r || fstat(fd, &open_st) < 0)
			return r ? r : -errno;
		if (blob_have(p->st, p->digest, size))
			return 1;
		if (!fstatat(p->st->fd, p->tmp, &path_st, AT_SYMLINK_NOFOLLOW) &&
		    path_st.st_ino == open_st.st_ino)
			return 0;
		lock_clear(&p->lock);
		(void)close(fd);
		p->fd = -1;
	}
}

int blob_part_begin(const struct store *st, const char *digest, uint64_t size,
		    struct blob_part *p, struct err *e)
{
	*p = (struct blob_part){ .st = st, .fd = -1, .lock = LOCK_NONE };
	(void)str_format(p->digest, sizeof(p->digest), "%s", digest);
	(void)str_format(p->tmp, sizeof(p->tmp), "tmp/blob-%s", digest_hex(digest));

	int r = lock_part(p, size);
	if (r < 0) {
		blob_part_clear(p);
		return err_set(e, r, "write blob %s", digest);
	}
	if (r > 0) {
		/* an empty part that only this call made */
		(void)unlinkat(st->fd, p->tmp, 0);
		blob_part_clear(p);
		return 1;
	}

	struct stat s;
	if (fstat(p->fd, &s) < 0 ||
	    ((uint64_t)s.st_size > size && ftruncate(p->fd, 0) < 0))
		r = -errno;
	if (!r)
		r = hash_existing(p);
	if (r) {
		blob_part_clear(p);
		return err_set(e, r, "write blob %s", digest);
	}
	return 0;
}

int blob_part_write(struct blob_part *p, const void *data, size_t len)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = pwrite(p->fd, (const char *)data + done, len - done,
				   (off_t)(p->have + done));

		if (n < 0 && errno != EINTR)
			return -errno;
		done += n > 0 ? (size_t)n : 0;
	}
	p->have += len;
	return digest_update(&p->hash, data, len);
}

int blob_part_restart(struct blob_part *p)
{
	/* not truncated: who reads along may be in the middle of it */
	p->have = 0;
	return digest_init(&p->hash);
}

int blob_part_finish(struct blob_part *p, struct err *e)
{
	char found[DIGEST_STR_MAX];
	char path[STORE_PATH_MAX];
	int r = digest_final(&p->hash, found);

	if (r)
		return err_set(e, r, "hash blob %s", p->digest);
	if (!str_eq(found, p->digest)) {
		(void)unlinkat(p->st->fd, p->tmp, 0);
		return err_msg(e, -EBADMSG, "blob %s: digest mismatch: its bytes are %s",
			       p->digest, found);
	}
	blob_path(p->digest, path, sizeof(path));
	if (ftruncate(p->fd, (off_t)p->have) < 0 ||
	    renameat(p->st->fd, p->tmp, p->st->fd, path) < 0)
		return err_set(e, -errno, "write blob %s", p->digest);
	return 0;
}

void blob_part_drop(const struct store *st, const char *digest)
{
	AUTO(lock_clear) struct lock lock = LOCK_NONE;
	char tmp[STORE_PATH_MAX];

	(void)str_format(tmp, sizeof(tmp), "tmp/blob-%s", digest_hex(digest));
	auto_close int fd = openat(st->fd, tmp, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 && !lock_object(st, fd, tmp, LOCK_EX | LOCK_NB, &lock))
		(void)unlinkat(st->fd, tmp, 0);
}

int blob_spool_begin(const struct store *st, struct blob_part *p, struct err *e)
{
	static unsigned int count;

	*p = (struct blob_part){ .st = st, .fd = -1, .lock = LOCK_NONE, .spool = true };
	(void)str_format(p->tmp, sizeof(p->tmp), "tmp/spool-%d-%u", getpid(),
			 __atomic_fetch_add(&count, 1, __ATOMIC_RELAXED));
	p->fd = openat(st->fd, p->tmp, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (p->fd < 0)
		return err_set(e, -errno, "write '%s'", p->tmp);
	int r = lock_object(st, p->fd, p->tmp, LOCK_EX, &p->lock);
	if (!r)
		r = digest_init(&p->hash);
	if (r) {
		blob_part_clear(p);
		return err_set(e, r, "write '%s'", p->tmp);
	}
	return 0;
}

int blob_spool_finish(struct blob_part *p, char ret[DIGEST_STR_MAX], struct err *e)
{
	char path[STORE_PATH_MAX];
	int r = digest_final(&p->hash, p->digest);

	if (r)
		return err_set(e, r, "hash '%s'", p->tmp);
	blob_path(p->digest, path, sizeof(path));
	if (renameat(p->st->fd, p->tmp, p->st->fd, path) < 0)
		return err_set(e, -errno, "write blob %s", p->digest);
	p->spool = false;
	memcpy(ret, p->digest, DIGEST_STR_MAX);
	return 0;
}

void blob_part_clear(struct blob_part *p)
{
	if (p->spool && p->fd >= 0)
		(void)unlinkat(p->st->fd, p->tmp, 0);
	if (p->fd >= 0)
		(void)close(p->fd);
	p->fd = -1;
	lock_clear(&p->lock);
	digest_clear(&p->hash);
}

/* --- reading while it grows -------------------------------------------------------- */

void blob_stream_init(struct blob_stream *s)
{
	*s = (struct blob_stream){ .fd = -1 };
	(void)pthread_mutex_init(&s->mutex, NULL);
	(void)pthread_cond_init(&s->cond, NULL);
}

void blob_stream_feed(struct blob_stream *s, int fd, uint64_t have)
{
	pthread_mutex_lock(&s->mutex);
	if (s->fd < 0)
		s->fd = fd_dup(fd);
	s->have = have;
	pthread_cond_signal(&s->cond);
	pthread_mutex_unlock(&s->mutex);
}

void blob_stream_done(struct blob_stream *s, int code)
{
	pthread_mutex_lock(&s->mutex);
	s->done = true;
	s->code = code;
	pthread_cond_signal(&s->cond);
	pthread_mutex_unlock(&s->mutex);
}

/* The end is told only when the verdict is known: a reader that got 0 has read
 * a verified blob. */
static ssize_t stream_read(void *ctx, void *buf, size_t len)
{
	struct blob_stream *s = ctx;

	pthread_mutex_lock(&s->mutex);
	while (s->have <= s->pos && !s->done)
		pthread_cond_wait(&s->cond, &s->mutex);
	uint64_t ready = s->have > s->pos ? s->have - s->pos : 0;
	int code = s->done ? s->code : 0;
	pthread_mutex_unlock(&s->mutex);

	if (code)
		return code;
	if (!ready)
		return 0;
	if (len > ready)
		len = (size_t)ready;
	ssize_t n;
	do {
		n = pread(s->fd, buf, len, (off_t)s->pos);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (n == 0)
		return -EIO;
	s->pos += (size_t)n;
	return n;
}

struct source blob_stream_source(struct blob_stream *s)
{
	return (struct source){ .read = stream_read, .ctx = s };
}

void blob_stream_clear(struct blob_stream *s)
{
	if (s->fd >= 0)
		(void)close(s->fd);
	s->fd = -1;
	(void)pthread_mutex_destroy(&s->mutex);
	(void)pthread_cond_destroy(&s->cond);
}
