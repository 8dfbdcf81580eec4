/* SPDX-License-Identifier: Apache-2.0
 *
 * node - the inodes that the kernel knows
 *
 * How it works. The table finds a node by its real object, so that all hard
 * links are one inode. A node lives while the kernel (nlookup) or a child or
 * an open file (nref) refers to it. It remembers one name; every lookup
 * refreshes it. When that name is removed while the kernel still refers to
 * the node, an O_PATH handle takes its place (NODE_NONAME), and when the
 * last name went, the node is dead and no longer found: the inode number may
 * come back for another file.
 */
#include "fuse-overlay/node.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "fuse-overlay/dir.h"
#include "fuse-overlay/file.h"
#include "fuse-overlay/link.h"
#include "fuse-overlay/owner.h"

#define TABLE_MIN 1024U
#define GIVE_BACK_MIN 65536U

static size_t slot_of(const struct ovl *o, struct node_key k)
{
	uint64_t h = (k.ino ^ ((uint64_t)k.layer << 48) ^ ((uint64_t)k.dev << 32)) *
		     0x9e3779b97f4a7c15U;

	return (size_t)(h >> 20) & o->mask;
}

static struct node_key key_of(const struct node *n)
{
	/* a dead one stays in the table, so that the end finds it, under a key of its own */
	if (n->flags & NODE_DEAD)
		return (struct node_key){ .ino = (uintptr_t)n, .layer = UINT16_MAX };
	return (struct node_key){ .ino = n->ino, .layer = n->layer, .dev = n->dev };
}

int node_table_init(struct ovl *o)
{
	o->slots = calloc(TABLE_MIN, sizeof(*o->slots));
	o->mask = TABLE_MIN - 1;
	return o->slots ? 0 : -ENOMEM;
}

static void hash_add(struct ovl *o, struct node *n)
{
	struct node **slot = &o->slots[slot_of(o, key_of(n))];

	n->next = *slot;
	*slot = n;
	o->n_nodes++;
}

static void hash_del(struct ovl *o, struct node *n)
{
	for (struct node **p = &o->slots[slot_of(o, key_of(n))]; *p; p = &(*p)->next)
		if (*p == n) {
			*p = n->next;
			break;
		}
	o->n_nodes--;
}

/* Longer chains are no failure: without memory the table stays as it is. */
static void resize(struct ovl *o, size_t size)
{
	struct node **slots = calloc(size, sizeof(*slots));
	struct node **old = o->slots;
	size_t n_old = o->mask + 1;

	if (!slots)
		return;
	o->slots = slots;
	o->mask = size - 1;
	for (size_t i = 0; i < n_old; i++)
		for (struct node *n = old[i], *next; n; n = next) {
			struct node **slot = &slots[slot_of(o, key_of(n))];

			next = n->next;
			n->next = *slot;
			*slot = n;
		}
	free(old);
}

int node_dev(struct ovl *o, const struct statx *stx)
{
	dev_t dev = makedev(stx->stx_dev_major, stx->stx_dev_minor);

	for (unsigned int i = 0; i < o->n_devs; i++)
		if (o->devs[i] == dev)
			return (int)i;
	if (o->n_devs == OVL_DEVS_MAX)
		return -EOVERFLOW;
	o->devs[o->n_devs] = dev;
	return (int)o->n_devs++;
}

uint64_t node_show_ino(const struct ovl *o, unsigned int dev, uint64_t ino)
{
	/* one file system: its numbers; others are told apart in the top bits */
	uint64_t shown = ino ^ ((uint64_t)dev << 56);

	if (o->conf->ino32)
		shown = (shown ^ (shown >> 32)) & UINT32_MAX;
	return shown ? shown : 1;
}

struct node *node_find(struct ovl *o, struct node_key key)
{
	struct node *n = o->slots[slot_of(o, key)];

	while (n && (n->ino != key.ino || n->layer != key.layer || n->dev != key.dev ||
		     (n->flags & NODE_DEAD)))
		n = n->next;
	return n;
}

struct node *node_new(struct ovl *o, struct node *parent, const char *name, struct node_key key,
		      mode_t mode)
{
	size_t size = strlen(name) + 1;
	struct node *n = malloc(sizeof(*n) + size);

	if (!n)
		return NULL;
	*n = (struct node){
		.parent = parent,
		.ino = key.ino,
		.show_ino = node_show_ino(o, key.dev, key.ino),
		.fd = -1,
		.layer = key.layer,
		.dev = key.dev,
		.type = (uint16_t)(mode & S_IFMT),
	};
	n->name = n->name_buf;
	memcpy(n->name_buf, name, size);
	if (parent)
		node_ref(parent);
	if (o->n_nodes > o->mask)
		resize(o, (o->mask + 1) * 2);
	hash_add(o, n);
	return n;
}

void node_set_key(struct ovl *o, struct node *n, struct node_key key)
{
	hash_del(o, n);
	n->ino = key.ino;
	n->layer = key.layer;
	n->dev = key.dev;
	hash_add(o, n);
	atomic_fetch_add(&n->ver, 1);
}

static void close_pin(struct node *n)
{
	if (n->fd >= 0)
		(void)close(n->fd);
	n->fd = -1;
}

int node_set_name(struct ovl *o, struct node *n, struct node *parent, const char *name)
{
	struct node *old = n->parent;

	if (old == parent && !strcmp(n->name, name)) {
		n->flags &= (uint16_t)~NODE_NONAME;
		close_pin(n);
		return 0;
	}
	if (strcmp(n->name, name) != 0) {
		char *copy = strdup(name);

		if (!copy)
			return -ENOMEM;
		if (n->flags & NODE_HEAPNAME)
			free(n->name);
		n->name = copy;
		n->flags |= NODE_HEAPNAME;
	}
	n->flags &= (uint16_t)~NODE_NONAME;
	close_pin(n);
	if (old != parent) {
		node_ref(parent);
		n->parent = parent;
		if (old)
			node_unref(o, old);
	}
	return 0;
}

int node_pin(struct ovl *o, struct node *n)
{
	struct loc l;

	if (n->fd >= 0)
		return 0;
	int r = node_loc(o, n, &l);
	if (r < 0)
		return r;
	/* a directory in use names its own descriptor, which may be closed */
	int fd = *l.name ? file_open_loc(o, l, O_PATH) :
			   openat(l.fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return *l.name ? fd : -errno;
	n->fd = fd;
	return 0;
}

void node_lost_name(struct ovl *o, struct node *n, const struct node *parent, const char *name,
		    bool last)
{
	if (n->aliases)
		link_forget_alias(o, n, parent, name);
	if (n->parent == parent && !strcmp(n->name, name)) {
		struct alias *a = last ? NULL : n->aliases;

		n->flags |= NODE_NONAME;
		/* another name of it that was seen will do */
		if (a && !node_set_name(o, n, a->parent, a->name))
			link_forget_alias(o, n, a->parent, a->name);
	}
	if (last) {
		hash_del(o, n);
		n->flags |= NODE_DEAD;
		hash_add(o, n);
	}
}

int node_loc(struct ovl *o, struct node *n, struct loc *ret)
{
	struct dir *d;

	if (n->fd >= 0) {
		*ret = (struct loc){ n->fd, "" };
		return 0;
	}
	if (n->dir) {
		*ret = (struct loc){ n->dir->src[0].fd, "" };
		dir_use(o, n->dir);
		return 0;
	}
	if (n->flags & NODE_NONAME)
		return -ESTALE;
	int r = dir_get(o, n->parent, &d);
	if (r < 0)
		return r;
	for (unsigned int i = 0; i < d->n; i++)
		if (d->src[i].layer == n->layer) {
			*ret = (struct loc){ d->src[i].fd, n->name };
			return 0;
		}
	return -ESTALE;
}

void node_ref(struct node *n)
{
	n->nref++;
}

static void node_free(struct ovl *o, struct node *n)
{
	/* before the handle goes, and the number with it */
	if (n->flags & NODE_DEAD && !n->layer)
		owner_forget(o, n->ino);
	dir_drop(o, n);
	close_pin(n);
	if (n->flags & NODE_HEAPNAME)
		free(n->name);
	for (struct alias *a = n->aliases, *next; a; a = next) {
		next = a->next;
		free(a);
	}
	free(n);
}

/* Not recursive: a chain of directories may be as deep as a disk allows. */
static void node_maybe_free(struct ovl *o, struct node *n)
{
	/* its references on other directories go by the same way, one deep */
	if (n && !n->nlookup && !n->nref && n->aliases)
		link_forget_alias(o, n, NULL, NULL);
	while (n && !n->nlookup && !n->nref && !(n->flags & NODE_ROOT)) {
		struct node *parent = n->parent;

		hash_del(o, n);
		node_free(o, n);
		if (parent)
			parent->nref--;
		n = parent;
	}
}

void node_unref(struct ovl *o, struct node *n)
{
	n->nref--;
	node_maybe_free(o, n);
}

void node_forget(struct ovl *o, struct node *n, uint64_t count)
{
	n->nlookup -= count < n->nlookup ? count : n->nlookup;
	if (!n->nlookup && n->nref) {
		/* what is kept open for a node does not keep the node */
		node_ref(n);
		(void)file_drop_kept(o, n);
		n->nref--;
	}
	node_maybe_free(o, n);
}

void node_give_back(struct ovl *o)
{
	if (o->n_nodes > o->most_nodes)
		o->most_nodes = o->n_nodes;
	if (o->most_nodes < GIVE_BACK_MIN || o->n_nodes > o->most_nodes / 4)
		return;
	o->most_nodes = o->n_nodes;
	size_t size = TABLE_MIN;
	while (size < o->n_nodes)
		size *= 2;
	resize(o, size);
	/* what was freed lies between nodes that stay: ask for whole pages */
	(void)malloc_trim(0);
}

void node_table_clear(struct ovl *o)
{
	if (!o->slots)
		return;
	for (size_t i = 0; i <= o->mask; i++)
		for (struct node *n = o->slots[i], *next; n; n = next) {
			next = n->next;
			node_free(o, n);
		}
	free(o->slots);
	o->slots = NULL;
}
