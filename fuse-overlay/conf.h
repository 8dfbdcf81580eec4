/* SPDX-License-Identifier: Apache-2.0
 *
 * conf - command line and mount options
 *
 * How it works: -o strings are collected and split at commas that no
 * backslash escapes; a table says where each word goes. Words for the kernel
 * are handed on, words that only mean something to other overlay programs
 * are ignored silently or with a warning, as engines pass them freely.
 */
#ifndef FUSE_OVERLAY_CONF_H
#define FUSE_OVERLAY_CONF_H

#include <stdbool.h>

#include "common/err.h"
#include "common/str.h"
#include "fuse-overlay/idshift.h"

#define CONF_LAYERS_MAX 500	/* what native overlay accepts */
#define CONF_OPTION_MAX (1U << 20)

enum conf_redirect {
	CONF_REDIRECT_OFF,	/* directory renames give EXDEV, as native in a user namespace */
	CONF_REDIRECT_FOLLOW,	/* read redirects, make none */
	CONF_REDIRECT_ON,
	CONF_REDIRECT_MAX_,
};

/**
 * struct conf - everything that was asked for
 * @lowers:	lower layers, topmost first
 * @upper:	upper layer, NULL for a read-only mount
 * @work:	work folder beside upper
 * @kernel_opts: mount words for the kernel ("suid", "noexec"…)
 * @warnings:	words that were ignored, for the caller to print
 * @uids:	user ids, squash included
 * @gids:	group ids
 * @timeout:	seconds the kernel may cache names and attributes
 * @timeout_str: the text of timeout=
 * @redirect_str: the text of redirect_dir=
 * @redirect:	what to do with renamed merged directories
 * @xattr_permissions: 0 owners on disk, 1 in security.*, 2 in user.*
 * @threaded:	more than one thread may serve
 * @busy_poll:	microseconds to poll before sleeping, where that pays
 * @writeback:	let the kernel gather writes
 * @passthrough: let the kernel move the data of files by itself where it can
 * @fsync:	0: fsync(2) succeeds without doing anything
 * @raw_owners:	recorded owners are neither shown nor hidden
 * @noxattrs:	no extended attributes in the mount
 * @squash_to_uid, @squash_to_gid: -1 for none
 * @static_nlink: directories show one link
 * @squash_to_root: everything shows owner 0:0
 * @is_volatile: as fsync=0, and copies are not synced either
 * @noacl:	no POSIX ACLs
 * @ino32:	inode numbers of 32 bits
 * @allow_root:	the words of the same name
 * @allow_other: the words of the same name
 * @foreground:	do not detach
 * @debug:	print every request
 * @help:	print help and leave
 * @version:	print the version and leave
 * @ready_fd:	gets one byte when requests are served, -1 for none
 * @exit_fd:	unmount when its other end closes, -1 for none
 * @mountpoint:	where to mount
 */
struct conf {
	struct strv lowers;
	char *upper;
	char *work;
	struct strbuf kernel_opts;
	struct strv warnings;
	struct strv o_words;
	struct idmap uids;
	struct idmap gids;
	char *uid_str;
	char *gid_str;
	double timeout;
	char *timeout_str;
	char *redirect_str;
	char *lower_str;
	char *plugins;
	char *context;
	enum conf_redirect redirect;
	int xattr_permissions;
	int threaded;
	int busy_poll;
	int writeback;
	int passthrough;
	int fsync;
	bool raw_owners;
	int noxattrs;
	int squash_to_uid;
	int squash_to_gid;
	bool static_nlink;
	bool squash_to_root;
	bool is_volatile;
	bool noacl;
	bool ino32;
	bool allow_root;
	bool allow_other;
	bool foreground;
	bool debug;
	bool help;
	bool version;
	int ready_fd;
	int exit_fd;
	const char *mountpoint;
};

/**
 * conf_init() - defaults
 */
void conf_init(struct conf *c);
void conf_clear(struct conf *c);

/**
 * conf_parse_args() - a whole command line; argv is reordered
 * Return: 0, -EINVAL or -ENOMEM with the reason in @e
 */
int conf_parse_args(struct conf *c, int argc, char **argv, struct err *e);

/**
 * conf_parse_mountopts() - one -o string
 * Return: 0, -EINVAL or -ENOMEM with the reason in @e
 */
int conf_parse_mountopts(struct conf *c, const char *s, struct err *e);

/**
 * conf_check() - rules across options, after all of them were read
 * Return: 0, -EINVAL or -ENOMEM with the reason in @e
 */
int conf_check(struct conf *c, struct err *e);

/**
 * conf_print_help() - usage and options on stdout
 */
void conf_print_help(void);

#endif
