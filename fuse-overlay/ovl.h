/* SPDX-License-Identifier: Apache-2.0
 *
 * ovl - the one context of a mount, and the types every module shares
 *
 * How it works. A node is one inode that the kernel knows. It says in which
 * layer the real object is and by which parent and name it is reached; no
 * paths are kept and a file costs no descriptor. A directory that is used
 * gets a struct dir: one open descriptor for each layer that contributes to
 * it. These are the only descriptors that scale with use; the least recently
 * used are closed when the limit nears, and opened again through the parent.
 *
 * Lower layers never change. What the upper layer holds is asked of the file
 * system at every request; only the union of two or more lower layers is
 * kept in a table (struct ltable), built when such a directory is first
 * used. A directory in one layer alone costs no more than that layer.
 *
 * One thread serves, or with threaded=1 several (pool.c); another may watch
 * the exit descriptor and touches none of this.
 *
 * Locking: ovl.lock covers nodes, dirs and every change of a layer's tree.
 * Moving file data needs no lock: an open file has its own descriptor and
 * takes the lock only when the node says that the real file was replaced
 * (node.ver). Functions that take struct ovl want the lock held unless they
 * say otherwise.
 */
#ifndef FUSE_OVERLAY_OVL_H
#define FUSE_OVERLAY_OVL_H

#define FUSE_USE_VERSION 314

#include <fuse_lowlevel.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "fuse-overlay/at.h"
#include "fuse-overlay/conf.h"

#define OVL_DEVS_MAX 64		/* file systems under one mount */
#define OVL_TMP_MAX 24		/* a name in the work folder */
#define OVL_XATTR_MAX 65536	/* the kernel's XATTR_SIZE_MAX */
#define OVL_BLKSIZE 65536	/* what stdio buffers: a request each */
#define OVL_KEPT_MAX 128		/* files kept open between requests; a power of two */
#define OVL_RDBUFS 4
#define OVL_RDBUF_SIZE 32768

/* Extended attributes that are ours or other overlay programs'. */
#define XATTR_OVERLAY "user.overlay."
#define XATTR_OPAQUE "user.overlay.opaque"
#define XATTR_WHITEOUT "user.overlay.whiteout"
#define XATTR_REDIRECT "user.overlay.redirect"
#define XATTR_IMPURE "user.overlay.impure"
/* the inode number that the object showed before it was copied up */
#define XATTR_INO "user.overlay.fuse.ino"
/* how many names in lower layers an indexed hard link still has */
#define XATTR_NLINK "user.overlay.fuse.nlink"

struct sidecar;

/** enum owner_mode - where a layer keeps owners and modes */
enum owner_mode {
	OVERRIDE_NONE,		/* in the inodes */
	OVERRIDE_PRIVILEGED,	/* security.fuseoverlayfs.override_stat */
	OVERRIDE_CONTAINERS,	/* user.containers.override_stat */
	OVERRIDE_USER,		/* user.fuseoverlayfs.override_stat, read only */
	OVERRIDE_SIDECAR,	/* a file in the layer's top folder */
	OVERRIDE_MAX_,
};

/** enum numbers - are inode numbers and handles the same at the next mount */
enum numbers {
	NUMBERS_LAST,		/* a file system on a disk, in memory, of a network */
	NUMBERS_LAST_FUSE,	/* FUSE, of a kind that passes lasting ones on */
	NUMBERS_CHANGE,		/* FUSE that may number its files as they are found */
};

/**
 * struct layer - one source folder
 * @fd:		the folder
 * @numbers:	of the file system it is on
 * @override:	where owners are
 * @owners:	records in a file: all with OVERRIDE_SIDECAR; those of links
 *		where attributes hold the others, NULL while there are none
 */
struct layer {
	int fd;
	enum numbers numbers;
	enum owner_mode override;
	struct sidecar *owners;
};

/* node.flags */
#define NODE_DEAD 1U		/* its real object has no name left anywhere */
#define NODE_NONAME 2U		/* no name leads to it; fd is the only handle */
#define NODE_HEAPNAME 4U	/* name was allocated apart */
#define NODE_ROOT 8U
#define NODE_INDEXED 16U	/* upper file with names left in a lower layer */
#define NODE_NO_CAPS 32U	/* known to have no security.capability */

/**
 * struct node - one inode that the kernel knows
 * @next:	chain of the hash table
 * @parent:	directory that @name is in; holds a reference
 * @ino:	inode number of the real object
 * @show_ino:	inode number that the mount shows
 * @nlookup:	how often the kernel was told; it forgets as many
 * @dir:	of directories in use
 * @walk:	scratch of dir_get()
 * @nref:	children and open files
 * @ver:	counts replacements of the real object (copy-up)
 * @fd:		O_PATH handle where the name is gone, else -1
 * @layer:	index of the layer that the real object is in
 * @dev:	index in ovl.devs
 * @type:	S_IFMT bits
 * @flags:	NODE_*
 * @low_links:	names left in lower layers, with NODE_INDEXED
 * @aliases:	of a lower file with several: other names that were seen
 * @name:	name in @parent
 * @name_buf:	room for it
 */
struct node {
	struct node *next;
	struct node *parent;
	uint64_t ino;
	uint64_t show_ino;
	uint64_t nlookup;
	struct dir *dir;
	struct node *walk;
	uint32_t nref;
	_Atomic uint32_t ver;
	int fd;
	uint16_t layer;
	uint16_t dev;
	uint16_t type;
	uint16_t flags;
	uint32_t low_links;
	struct alias *aliases;
	char *name;
	char name_buf[];
};

/**
 * struct dsrc - one layer's part of a directory
 * @fd:		the folder
 * @layer:	index of the layer
 * @xwh:	empty files with XATTR_WHITEOUT in it are whiteouts
 */
struct dsrc {
	int fd;
	uint16_t layer;
	bool xwh;
};

/**
 * struct dir - a directory in use
 * @node:	whose
 * @newer, @older: the list of least recent use
 * @op:		ovl.op of the last request that used it: not to be closed now
 * @gen:	counts changes made through the mount
 * @low:	names of two or more lower sources, NULL until needed
 * @list:	merged listing, NULL until read
 * @has_upper:	src[0] is in the upper layer
 * @wh_known:	@wh_files is valid
 * @wh_files:	the upper folder contains .wh. files
 * @impure:	may hold objects that were copied up and moved here
 * @blank:	the upper folder was made for the folder below and is empty yet
 * @count:	subdirectories of a merged directory, -1 until counted
 * @pos:	where src[0].fd would go on listing
 * @n:		sources
 * @src:	topmost first
 */
struct dir {
	struct node *node;
	struct dir *newer;
	struct dir *older;
	uint64_t op;
	uint64_t gen;
	struct ltable *low;
	struct dlist *list;
	bool has_upper;
	bool wh_known;
	bool wh_files;
	bool impure;
	bool blank;
	int count;
	off_t pos;
	uint16_t n;
	struct dsrc src[];
};

/**
 * struct ofile - an open file
 * @node:	holds a reference
 * @fd:		the real file
 * @ver:	node.ver when it was opened
 * @flags:	flags it was opened with
 * @users:	of one in ovl.kept: requests that use it, and one for its place
 * @pass:	what the open files of its node share (passthrough.c), else NULL
 */
struct ofile {
	struct node *node;
	struct pass *pass;
	_Atomic int fd;
	_Atomic uint32_t ver;
	int flags;
	unsigned int users;
};

/**
 * struct rdbuf - entries of a single-layer directory read ahead
 * @end:	nothing follows what is left in it
 */
struct rdbuf {
	struct node *node;
	uint64_t gen;
	uint64_t used;
	off_t next;
	unsigned int pos;
	unsigned int len;
	bool end;
	char buf[OVL_RDBUF_SIZE] __attribute__((aligned(8)));
};

/**
 * struct ovl - one mount
 * @conf:	what was asked for
 * @layers:	topmost first; [0] is the upper layer if @writable
 * @workfd:	folder for objects that are not yet or no longer in place
 * @indexfd:	names for copied-up hard links, -1 without
 * @index_node:	stands for that folder
 * @n_index:	entries in it
 * @lock:	see above
 * @slots, @mask, @n_nodes: hash table of nodes by layer, device and inode
 * @most_nodes:	how many there were at most since memory was given back
 * @root:	node 1
 * @newest, @oldest: directories in use
 * @n_fds, @max_fds: descriptors they hold, and may hold
 * @op:		counts requests
 * @steps:	folders that the current search for sources has opened
 * @devs, @n_devs: file systems met
 * @serial:	of names in the work folder
 * @char_wh:	whiteouts are character devices, else .wh. files
 * @link_wh:	a whiteout to link to is in the work folder
 * @wh_ino:	that whiteout's inode number, by which listings know it; 0: not
 * @no_clone:	files cannot share their data there
 * @upper_clean: the upper layer was empty when mounted: no .wh. files in it
 * @privileged:	may give files away (uid 0 in its namespace)
 * @fs_uid, @fs_gid: file system ids of the process now
 * @no_opendir:	the kernel need not open directories
 * @no_open:	nor files: see file.c
 * @first_opener: process of firstopen.c, 0 when there is none
 * @kept:	files opened for requests that came without an open file
 * @n_kept, @max_kept: how many there are, and may be
 * @kept_hand:	where the next one is taken from when there are too many
 * @kill_priv:	the real file system clears setuid bits when we write
 * @drop_fsetid: only after we gave up CAP_FSETID
 * @pool:	the threads that serve, NULL when there is but one
 * @init_seen:	the kernel's first message came
 * @init_flags:	flags that the first reply gets besides libfuse's
 * @passthrough: files whose data the kernel may move by itself, NULL: none
 */
struct ovl {
	const struct conf *conf;
	struct layer *layers;
	unsigned int n_layers;
	bool writable;
	int workfd;
	int indexfd;
	struct node *index_node;
	uint64_t n_index;
	pthread_mutex_t lock;
	struct node **slots;
	size_t mask;
	size_t n_nodes;
	size_t most_nodes;
	struct node *root;
	struct dir *newest;
	struct dir *oldest;
	size_t n_fds;
	size_t max_fds;
	uint64_t op;
	unsigned int steps;
	dev_t devs[OVL_DEVS_MAX];
	unsigned int n_devs;
	uint32_t serial;
	bool char_wh;
	bool link_wh;
	uint64_t wh_ino;
	bool no_clone;
	bool upper_clean;
	bool privileged;
	uid_t fs_uid;
	gid_t fs_gid;
	mode_t umask_now;
	bool no_opendir;
	bool no_open;
	_Atomic pid_t first_opener;
	struct ofile *kept[OVL_KEPT_MAX];
	unsigned int n_kept;
	unsigned int max_kept;
	unsigned int kept_hand;
	bool kill_priv;
	bool drop_fsetid;
	struct pool *pool;
	bool init_seen;
	uint64_t init_flags;
	struct passthrough *passthrough;
	struct fuse_session *se;
	struct rdbuf rdbufs[OVL_RDBUFS];
};

/**
 * ovl_tmp_name() - a name not used before in the work folder
 */
void ovl_tmp_name(struct ovl *o, char buf[OVL_TMP_MAX]);

static inline void ovl_lock(struct ovl *o)
{
	(void)pthread_mutex_lock(&o->lock);
	o->op++;
}

static inline void ovl_unlock(struct ovl *o)
{
	(void)pthread_mutex_unlock(&o->lock);
}

#endif
