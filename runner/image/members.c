/* SPDX-License-Identifier: Apache-2.0
 *
 * members - the files of an archive, each by now a blob of the store
 *
 * How it works: the archive is read once, front to back, so that it may come
 * through a pipe. Every member is hashed while it is written to the store.
 */
#include "runner/image/members.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/str.h"
#include "runner/image/blob.h"
#include "runner/image/inflate.h"
#include "runner/image/lazy.h"
#include "runner/image/unpack.h"

#define MEMBERS_MAX 20000u
#define COPY_SIZE (256u << 10)

void members_clear(struct members *m)
{
	for (size_t i = 0; i < m->n; i++) {
		free(m->v[i].path);
		free(m->v[i].link);
	}
	free(m->v);
	m->v = NULL;
	m->n = 0;
}

const struct member_file *members_find(const struct members *m, const char *path)
{
	for (int hops = 0; hops < 8; hops++) {
		const struct member_file *f = NULL;

		/* the last of a name counts */
		for (size_t i = m->n; !f && i > 0; i--) {
			if (str_eq(m->v[i - 1].path, path))
				f = &m->v[i - 1];
		}
		if (!f || !f->link)
			return f;
		path = f->link;
	}
	return NULL;
}

static char *clean(const char *path)
{
	char buf[PATH_MAX];

	return path && !unpack_clean_path(path, buf) ? xstrdup(buf) : NULL;
}

/* "../HEX/layer.tar" as seen from the member's folder */
static char *clean_link(const char *from, const char *to)
{
	const char *slash = strrchr(from, '/');
	auto_free char *joined = to && *to == '/' ? xstrdup(to)
						  : xasprintf("%.*s/%s", slash ? (int)(slash - from) : 0,
							      from, to ? to : "");

	return clean(joined);
}

static int spool_member(struct members *m, const struct lazy_archive *fn, struct archive *a,
			struct member_file *f, struct err *e)
{
	AUTO(blob_part_clear) struct blob_part part = BLOB_PART_NONE;
	auto_free char *buf = xcalloc(1, COPY_SIZE);
	int r = blob_spool_begin(m->st, &part, e);

	while (!r) {
		la_ssize_t n = fn->archive_read_data(a, buf, COPY_SIZE);

		if (n < 0)
			return err_msg(e, -EBADMSG, "%s: '%s': %s", m->what, f->path,
				       fn->archive_error_string(a));
		if (n == 0)
			break;
		r = blob_part_write(&part, buf, (size_t)n);
		if (r)
			return err_set(e, r, "%s: write '%s'", m->what, f->path);
	}
	if (r)
		return r;
	f->size = part.have;
	r = blob_spool_finish(&part, f->digest, e);
	const char *hex = str_after(f->path, "blobs/sha256/");
	if (!r && hex && !str_eq(hex, digest_hex(f->digest)))
		return err_msg(e, -EBADMSG, "%s: '%s': digest mismatch: its bytes are %s", m->what,
			       f->path, f->digest);
	return r;
}

static int take_member(struct members *m, const struct lazy_archive *fn, struct archive *a,
			       struct archive_entry *entry, struct err *e)
{
	auto_free char *path = clean(fn->archive_entry_pathname(entry));
	mode_t type = fn->archive_entry_filetype(entry);
	const char *hard = fn->archive_entry_hardlink(entry);

	if (!path)
		return err_msg(e, -EINVAL, "%s: '%s': leads out of the archive", m->what,
			       fn->archive_entry_pathname(entry));
	if (!hard && type != S_IFREG && type != S_IFLNK)
		return 0;
	if (m->n >= MEMBERS_MAX)
		return err_msg(e, -E2BIG, "%s: has more than %u members", m->what, MEMBERS_MAX);
	m->v = xrealloc(m->v, m->n + 1, sizeof(*m->v));
	struct member_file *f = &m->v[m->n++];
	*f = (struct member_file){ .path = take_ptr(path) };
	if (hard)
		f->link = clean(hard);
	else if (type == S_IFLNK)
		f->link = clean_link(f->path, fn->archive_entry_symlink(entry));
	else
		return spool_member(m, fn, a, f, e);
	return f->link ? 0 : err_msg(e, -EINVAL, "%s: '%s': links out of the archive", m->what,
				     f->path);
}

/**
 * struct archive_in - the archive's bytes for libarchive
 */
struct archive_in {
	struct inflate *z;
	unsigned char *buf;
	int code;
};

static la_ssize_t archive_in_read(struct archive *a, void *ctx, const void **ret)
{
	struct archive_in *in = ctx;
	ssize_t n = inflate_read(in->z, in->buf, COPY_SIZE);

	(void)a;
	*ret = in->buf;
	in->code = n < 0 ? (int)n : 0;
	return n < 0 ? -1 : n;
}

static int read_members(struct members *m, const struct lazy_archive *fn, struct archive *a,
			const struct archive_in *in, struct err *e)
{
	for (;;) {
		struct archive_entry *entry;
		int r = fn->archive_read_next_header(a, &entry);

		if (r == ARCHIVE_EOF)
			return 0;
		if (r != ARCHIVE_OK && r != ARCHIVE_WARN) {
			const char *why = fn->archive_error_string(a);

			if (in->code)
				return err_set(e, in->code, "%s: read", m->what);
			return err_msg(e, -EBADMSG, "%s: is no image archive: %s", m->what,
				       why ? why : "damaged");
		}
		r = take_member(m, fn, a, entry, e);
		if (r)
			return r;
	}
}

int members_read(struct members *m, int fd, struct err *e)
{
	AUTO(inflate_free) struct inflate *z = NULL;
	auto_free unsigned char *buf = xcalloc(1, COPY_SIZE);
	struct source src = { .read = source_read_fd, .ctx = &fd };
	const struct lazy_archive *fn = lazy_archive(e);

	if (!fn)
		return -ELIBACC;
	int r = inflate_new(&src, &z);
	if (r)
		return err_set(e, r, "%s: read", m->what);
	struct archive_in in = { .z = z, .buf = buf };
	struct archive *a = fn->archive_read_new();
	if (!a)
		return err_set(e, -ENOMEM, "start libarchive");
	if (fn->archive_read_support_format_tar(a) != ARCHIVE_OK ||
	    fn->archive_read_open2(a, &in, NULL, archive_in_read, NULL, NULL) != ARCHIVE_OK)
		r = in.code ? err_set(e, in.code, "%s: read", m->what)
			    : err_msg(e, -EBADMSG, "%s: is no image archive", m->what);
	else
		r = read_members(m, fn, a, &in, e);
	(void)fn->archive_read_free(a);
	return r;
}

int members_text(const struct members *m, const char *path, char **ret, size_t *ret_len,
		       struct err *e)
{
	const struct member_file *f = members_find(m, path);

	if (!f)
		return err_msg(e, -ENOENT, "%s: '%s' is missing", m->what, path);
	return blob_read(m->st, f->digest, IMAGE_MANIFEST_MAX, ret, ret_len, e);
}
