/* SPDX-License-Identifier: Apache-2.0
 *
 * link - hard links of lower layers that stay one file when copied up
 *
 * How it works. A lower file with several names is copied up under the name
 * that was used, and once more linked into the index, named after its file
 * handle. Whoever later looks up another of its lower names (a lower file
 * with more than one link) asks the index and gets the copy, which is given
 * that name in the upper layer at once; names seen before are linked right
 * after the copy. So other readers of the upper layer see all that users of
 * the mount saw. The copy's XATTR_NLINK counts the lower names that are still
 * seen: with the links of the copy, less the index's own, that is the link
 * count shown.
 *
 * Where there are no attributes, a symbolic link "n-INODE" in the index holds
 * "COUNT KEY"; one whose key is not that inode any more was left by a crash
 * and goes at the next mount. Where there are no file handles, the key is the
 * inode number with size and time, which a file put in its place hardly has.
 *
 * FUSE file systems may number their files as they are found, and their file
 * handles are made of such numbers. Files there have no key, their names part
 * when they are copied up, but for the kinds that layer.c knows better.
 */
#include "fuse-overlay/link.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "common/num.h"
#include "common/str.h"
#include "fuse-overlay/copyup.h"
#include "fuse-overlay/dir.h"
#include "fuse-overlay/node.h"
#include "fuse-overlay/owner.h"
#include "fuse-overlay/scan.h"

#define INDEX_FOLDER "fuse-index"
#define COUNT_PREFIX "n-"
#define COUNT_NAME_MAX 24
#define HANDLE_MAX 64	/* bytes; 128 is the kernel's limit, 8 to 40 are common */

/* A handle with room for its bytes behind it. */
union handle {
	struct file_handle fh;
	unsigned char raw[sizeof(struct file_handle) + HANDLE_MAX];
};

/* --- names left in lower layers, on file systems without attributes ---------- */

static int count_name(struct loc l, char ret[COUNT_NAME_MAX])
{
	struct statx stx;
	int r = at_stat(l, &stx);

	if (r >= 0)
		r = str_format(ret, COUNT_NAME_MAX, COUNT_PREFIX "%llu",
			       (unsigned long long)stx.stx_ino);
	return r;
}

/* Return: 0 with count and key, -ENODATA without, -errno */
static int read_count(const struct ovl *o, const char *name, uint32_t *ret_count,
		      char ret_key[LINK_KEY_MAX])
{
	char text[16 + LINK_KEY_MAX];
	ssize_t len = readlinkat(o->indexfd, name, text, sizeof(text) - 1);

	if (len < 0)
		return errno == ENOENT ? -ENODATA : -errno;
	text[len] = '\0';
	char *key = strchr(text, ' ');
	if (!key)
		return -EBADMSG;
	*key++ = '\0';
	int r = str_format(ret_key, LINK_KEY_MAX, "%s", key);
	return r < 0 ? r : num_u32(text, ret_count);
}

static int write_count(struct ovl *o, const char *name, uint32_t count, const char *key)
{
	char text[16 + LINK_KEY_MAX];
	char tmp[OVL_TMP_MAX];
	int r = str_format(text, sizeof(text), "%u %s", count, key);

	if (r < 0)
		return r;
	ovl_tmp_name(o, tmp);
	if (symlinkat(text, o->workfd, tmp))
		return -errno;
	if (!renameat(o->workfd, tmp, o->indexfd, name))
		return 0;
	r = -errno;
	(void)unlinkat(o->workfd, tmp, 0);
	return r;
}

static int count_entry(void *arg, const struct rawent *e)
{
	struct ovl *o = arg;
	const char *number = str_after(e->name, COUNT_PREFIX);
	char key[LINK_KEY_MAX];
	struct statx stx;
	uint64_t ino;
	uint32_t count;

	if (!number)
		o->n_index++;
	else if (read_count(o, e->name, &count, key) < 0 || num_u64(number, &ino) ||
		 at_stat((struct loc){ o->indexfd, key }, &stx) < 0 || stx.stx_ino != ino)
		(void)unlinkat(o->indexfd, e->name, 0);
	return 0;
}

/* --- the index --------------------------------------------------------------- */

int link_open_index(struct ovl *o, int workdir)
{
	if (mkdirat(workdir, INDEX_FOLDER, 0700) && errno != EEXIST)
		return -errno;
	int fd = at_open_dir(workdir, INDEX_FOLDER);
	if (fd < 0)
		return fd;
	o->indexfd = fd;
	int r = scan_folder(fd, count_entry, o);
	if (r < 0)
		return r;
	o->index_node = node_new(o, NULL, INDEX_FOLDER,
				 (struct node_key){ .ino = 0, .layer = UINT16_MAX - 1 }, S_IFDIR);
	if (!o->index_node)
		return -ENOMEM;
	o->index_node->flags |= NODE_ROOT;
	return dir_new_root(o, o->index_node, &(struct dsrc){ .fd = fd, .layer = 0 }, 1);
}

static void key_without_handle(struct loc l, const uint32_t fsid[2], char ret[LINK_KEY_MAX])
{
	struct statx stx;

	if (at_stat(l, &stx) >= 0)
		(void)str_format(ret, LINK_KEY_MAX, "%08x%08x-i-%llx-%llx-%llx.%x", fsid[0], fsid[1],
				 (unsigned long long)stx.stx_ino, (unsigned long long)stx.stx_size,
				 (unsigned long long)stx.stx_mtime.tv_sec, stx.stx_mtime.tv_nsec);
}

void link_key(struct ovl *o, unsigned int layer, struct loc l, char ret[LINK_KEY_MAX])
{
	union handle h = { .fh.handle_bytes = HANDLE_MAX };
	struct statfs fs;
	uint32_t fsid[2];
	int mount_id;

	ret[0] = '\0';
	if (o->indexfd < 0 || fstatfs(l.fd, &fs))
		return;
	/* another file may have these numbers next time */
	if (fs.f_type == FUSE_SUPER_MAGIC && o->layers[layer].numbers != NUMBERS_LAST_FUSE)
		return;
	memcpy(fsid, &fs.f_fsid, sizeof(fsid));
	if (name_to_handle_at(l.fd, l.name, &h.fh, &mount_id, *l.name ? 0 : AT_EMPTY_PATH)) {
		key_without_handle(l, fsid, ret);
		return;
	}
	int len = snprintf(ret, LINK_KEY_MAX, "%08x%08x-%x-", fsid[0], fsid[1],
			   (unsigned int)h.fh.handle_type);
	for (unsigned int i = 0; i < h.fh.handle_bytes && i < HANDLE_MAX; i++)
		len += snprintf(ret + len, LINK_KEY_MAX - (size_t)len, "%02x",
				h.raw[sizeof(h.fh) + i]);
}

/* @key: the name in the index; NULL when a count is there already */
static int write_low_links(struct ovl *o, struct loc l, uint32_t count, const char *key)
{
	char text[16];
	char name[COUNT_NAME_MAX];
	char known[LINK_KEY_MAX];
	uint32_t was;
	int len = str_format(text, sizeof(text), "%u", count);
	int r = at_setxattr(l, XATTR_NLINK, text, (size_t)len, 0);

	if (r != -ENOTSUP || (r = count_name(l, name)) < 0)
		return r;
	if (!key && (r = read_count(o, name, &was, known)) < 0)
		return r;
	return write_count(o, name, count, key ? key : known);
}

static int read_low_links(const struct ovl *o, struct loc l, uint32_t *ret)
{
	char text[16];
	char name[COUNT_NAME_MAX];
	char key[LINK_KEY_MAX];
	ssize_t len = at_getxattr(l, XATTR_NLINK, text, sizeof(text) - 1);

	if (len == -ENOTSUP) {
		int r = count_name(l, name);

		return r < 0 ? r : read_count(o, name, ret, key);
	}
	if (len < 0)
		return (int)len;
	text[len] = '\0';
	return num_u32(text, ret);
}

static void forget_count(struct ovl *o, uint64_t ino)
{
	char name[COUNT_NAME_MAX];

	if (str_format(name, sizeof(name), COUNT_PREFIX "%llu", (unsigned long long)ino) >= 0)
		(void)unlinkat(o->indexfd, name, 0);
}

int link_add_index(struct ovl *o, struct node *n, int fd, const char *key, uint32_t low_nlink)
{
	int r = write_low_links(o, (struct loc){ fd, "" }, low_nlink - 1, key);

	if (r < 0)
		return r;
	r = at_link_fd(fd, o->indexfd, key);
	if (r < 0)
		return r;
	o->n_index++;
	n->flags |= NODE_INDEXED;
	n->low_links = low_nlink - 1;
	return 0;
}

void link_undo_index(struct ovl *o, struct node *n, uint64_t ino, const char *key)
{
	if (n->flags & NODE_INDEXED && !unlinkat(o->indexfd, key, 0))
		o->n_index--;
	forget_count(o, ino);
	n->flags &= (uint16_t)~NODE_INDEXED;
	n->low_links = 0;
}

bool link_is_candidate(const struct ovl *o, const struct found *f)
{
	return o->writable && o->n_index && f->layer && S_ISREG(f->stx.stx_mode) &&
	       f->stx.stx_nlink > 1;
}

int link_find_indexed(struct ovl *o, struct node **parent, const char **name, struct found *f)
{
	static _Thread_local char key[LINK_KEY_MAX]; /* lives until the node has copied it */
	const struct dir *d = (*parent)->dir;
	struct statx stx;

	if (!link_is_candidate(o, f))
		return 0;
	link_key(o, f->layer, (struct loc){ d->src[f->src].fd, *name }, key);
	if (!key[0])
		return 0;
	int r = owner_stat(o, 0, (struct loc){ o->indexfd, key }, &stx);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	*f = (struct found){ .src = 0, .layer = 0, .stx = stx };
	*parent = o->index_node;
	*name = key;
	return 0;
}

int link_materialize(struct ovl *o, struct node *parent, const char *name,
		     const struct found *f)
{
	struct node *real_parent = parent;
	const char *key = name;
	struct found real = *f;
	struct dir *up;
	char from[LINK_KEY_MAX];

	if (!link_is_candidate(o, f) || link_find_indexed(o, &real_parent, &key, &real) < 0 ||
	    real_parent == parent)
		return 0;
	(void)str_format(from, sizeof(from), "%s", key);
	if (copyup_dir(o, parent, &up) < 0 ||
	    linkat(o->indexfd, from, up->src[0].fd, name, 0) != 0)
		return 0;
	dir_changed(up);
	struct node *n = lookup_known(o, &real);
	if (n) {
		link_low_name_gone(o, n);
		return 1;
	}
	/* nobody knows it yet: count on disk */
	struct loc l = { o->indexfd, from };
	uint32_t count;
	if (read_low_links(o, l, &count) >= 0 && count)
		(void)write_low_links(o, l, count - 1, from);
	return 1;
}

int link_remember(struct node *n)
{
	size_t size = strlen(n->name) + 1;

	for (struct alias *a = n->aliases; a; a = a->next)
		if (a->parent == n->parent && str_eq(a->name, n->name))
			return 0;
	struct alias *a = malloc(sizeof(*a) + size);
	if (!a)
		return -ENOMEM;
	*a = (struct alias){ .next = n->aliases, .parent = n->parent };
	memcpy(a->name, n->name, size);
	node_ref(n->parent);
	n->aliases = a;
	return 0;
}

void link_forget_alias(struct ovl *o, struct node *n, const struct node *parent,
		       const char *name)
{
	for (struct alias **p = &n->aliases; *p;) {
		struct alias *a = *p;

		if (parent && (a->parent != parent || !str_eq(a->name, name))) {
			p = &a->next;
			continue;
		}
		*p = a->next;
		node_unref(o, a->parent);
		free(a);
	}
}

void link_up_aliases(struct ovl *o, struct node *n)
{
	for (struct alias *a = n->aliases; a && n->flags & NODE_INDEXED; a = a->next) {
		struct dir *up;

		if (a->parent == n->parent && str_eq(a->name, n->name))
			continue;
		if (!(a->parent->flags & NODE_DEAD) && copyup_dir(o, a->parent, &up) >= 0)
			(void)link_up(o, n, up, a->name);
	}
	link_forget_alias(o, n, NULL, NULL);
}

void link_init_node(struct ovl *o, struct node *n)
{
	struct loc l;
	uint32_t count;

	if (node_loc(o, n, &l) < 0 || read_low_links(o, l, &count) < 0)
		return;
	n->flags |= NODE_INDEXED;
	n->low_links = count;
}

nlink_t link_count(const struct node *n, const struct statx *stx)
{
	return (nlink_t)stx->stx_nlink - 1 + n->low_links;
}

void link_low_name_gone(struct ovl *o, struct node *n)
{
	struct loc l;

	if (!(n->flags & NODE_INDEXED) || !n->low_links)
		return;
	n->low_links--;
	if (node_loc(o, n, &l) >= 0)
		(void)write_low_links(o, l, n->low_links, NULL);
}

int link_up(struct ovl *o, struct node *n, struct dir *up, const char *name)
{
	struct loc l;
	int r = node_loc(o, n, &l);

	if (r < 0)
		return r;
	if (*l.name ? linkat(l.fd, l.name, up->src[0].fd, name, 0) != 0 :
		      (r = at_link_fd(l.fd, up->src[0].fd, name)) < 0)
		return r < 0 ? r : -errno;
	link_low_name_gone(o, n);
	dir_changed(up);
	return 0;
}

struct find_ino {
	uint64_t ino;
	int fd;
	int removed;
};

static int drop_entry(void *arg, const struct rawent *e)
{
	struct find_ino *f = arg;

	if (e->ino != f->ino)
		return 0;
	f->removed = !unlinkat(f->fd, e->name, 0);
	return 1;
}

int link_drop_if_last(struct ovl *o, struct node *n)
{
	struct find_ino f = { .ino = n->ino, .fd = o->indexfd };
	struct statx stx;
	struct loc l;

	if (!(n->flags & NODE_INDEXED) || n->low_links || node_loc(o, n, &l) < 0 ||
	    at_stat(l, &stx) < 0 || stx.stx_nlink > 1)
		return 0;
	/* rare enough to look for it: a file lost the last of its many names */
	(void)scan_folder(o->indexfd, drop_entry, &f);
	if (f.removed) {
		o->n_index--;
		forget_count(o, n->ino);
	}
	return f.removed;
}
