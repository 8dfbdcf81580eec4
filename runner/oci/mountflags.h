/* SPDX-License-Identifier: Apache-2.0
 *
 * mountflags - the words of a mount's options
 */
#ifndef RUNNER_OCI_MOUNTFLAGS_H
#define RUNNER_OCI_MOUNTFLAGS_H

#include <stdbool.h>
#include <stdint.h>

/**
 * struct mountflags - what the words add up to
 * @set, @clr:	 MOUNT_ATTR_* of the mount itself
 * @rset, @rclr: MOUNT_ATTR_* of the whole tree (rro and kin)
 * @prop:	 MS_SHARED, MS_SLAVE, MS_PRIVATE, MS_UNBINDABLE or 0
 * @prop_rec:	 for the whole tree
 * @bind:	 a bind mount
 * @bind_rec:	 of the whole tree
 * @remount:	 change the mount that is at the destination already
 * @tmpcopyup:	 fill the tmpfs with what the destination held
 * @idmap:	 apply the mount's id mappings
 * @idmap_rec:	 to the whole tree
 * @src_nofollow: the source itself, when it is a symbolic link
 * @copy_symlink: make the same link instead of mounting one
 */
struct mountflags {
	uint64_t set, clr, rset, rclr;
	unsigned long prop;
	bool prop_rec, bind, bind_rec, remount, tmpcopyup, idmap, idmap_rec, src_nofollow,
		copy_symlink;
};

/**
 * mountflags_add() - take one word
 * @sb:	set to the file system's own flag word that this one stands for (a
 *	static string), or to NULL
 *
 * Return: true when the word is known; false: it is data for the file system.
 */
bool mountflags_add(struct mountflags *f, const char *word, const char **sb);

/** mountflags_each() - names of all known words, for `features`; NULL ends */
const char *mountflags_each(unsigned int i);

#endif
