/* SPDX-License-Identifier: Apache-2.0
 *
 * mountflags - the words of a mount's options
 */
#include "runner/oci/mountflags.h"

#include <stddef.h>
#include <string.h>
#include <sys/mount.h>

#ifndef MOUNT_ATTR_NOSYMFOLLOW
#define MOUNT_ATTR_NOSYMFOLLOW 0x00200000
#endif

enum kind { ATTR, ATTR_CLR, ATIME, RATTR, RATTR_CLR, RATIME, PROP, RPROP, SB, FLAG, NOTHING };

static const struct row {
	const char *word;
	enum kind kind;
	uint64_t value;	     /* attribute, propagation, or offset of the bool */
	const char *sb;	     /* SB: flag word of the file system */
} rows[] = {
	/* sorted; the first letters decide nothing but the reader's speed */
	{ "acl", SB, 0, "acl" },
	{ "async", SB, 0, "async" },
	{ "atime", ATIME, MOUNT_ATTR_RELATIME, NULL },
	{ "bind", FLAG, offsetof(struct mountflags, bind), NULL },
	{ "copy-symlink", FLAG, offsetof(struct mountflags, copy_symlink), NULL },
	{ "defaults", NOTHING, 0, NULL },
	{ "dev", ATTR_CLR, MOUNT_ATTR_NODEV, NULL },
	{ "diratime", ATTR_CLR, MOUNT_ATTR_NODIRATIME, NULL },
	{ "dirsync", SB, 0, "dirsync" },
	{ "exec", ATTR_CLR, MOUNT_ATTR_NOEXEC, NULL },
	{ "idmap", FLAG, offsetof(struct mountflags, idmap), NULL },
	{ "iversion", SB, 0, "iversion" },
	{ "lazytime", SB, 0, "lazytime" },
	{ "loud", NOTHING, 0, NULL },
	{ "mand", SB, 0, "mand" },
	{ "noatime", ATIME, MOUNT_ATTR_NOATIME, NULL },
	{ "nodev", ATTR, MOUNT_ATTR_NODEV, NULL },
	{ "nodiratime", ATTR, MOUNT_ATTR_NODIRATIME, NULL },
	{ "noexec", ATTR, MOUNT_ATTR_NOEXEC, NULL },
	{ "noiversion", SB, 0, "noiversion" },
	{ "nolazytime", SB, 0, "nolazytime" },
	{ "nomand", NOTHING, 0, NULL },
	{ "norelatime", ATIME, MOUNT_ATTR_STRICTATIME, NULL },
	{ "nostrictatime", ATIME, MOUNT_ATTR_RELATIME, NULL },
	{ "nosuid", ATTR, MOUNT_ATTR_NOSUID, NULL },
	{ "nosymfollow", ATTR, MOUNT_ATTR_NOSYMFOLLOW, NULL },
	{ "private", PROP, MS_PRIVATE, NULL },
	{ "ratime", RATIME, MOUNT_ATTR_RELATIME, NULL },
	{ "rbind", FLAG, offsetof(struct mountflags, bind_rec), NULL },
	{ "rdev", RATTR_CLR, MOUNT_ATTR_NODEV, NULL },
	{ "rdiratime", RATTR_CLR, MOUNT_ATTR_NODIRATIME, NULL },
	{ "relatime", ATIME, MOUNT_ATTR_RELATIME, NULL },
	{ "remount", FLAG, offsetof(struct mountflags, remount), NULL },
	{ "rexec", RATTR_CLR, MOUNT_ATTR_NOEXEC, NULL },
	{ "ridmap", FLAG, offsetof(struct mountflags, idmap_rec), NULL },
	{ "rnoatime", RATIME, MOUNT_ATTR_NOATIME, NULL },
	{ "rnodev", RATTR, MOUNT_ATTR_NODEV, NULL },
	{ "rnodiratime", RATTR, MOUNT_ATTR_NODIRATIME, NULL },
	{ "rnoexec", RATTR, MOUNT_ATTR_NOEXEC, NULL },
	{ "rnorelatime", RATIME, MOUNT_ATTR_STRICTATIME, NULL },
	{ "rnostrictatime", RATIME, MOUNT_ATTR_RELATIME, NULL },
	{ "rnosuid", RATTR, MOUNT_ATTR_NOSUID, NULL },
	{ "rnosymfollow", RATTR, MOUNT_ATTR_NOSYMFOLLOW, NULL },
	{ "ro", ATTR, MOUNT_ATTR_RDONLY, NULL },
	{ "rprivate", RPROP, MS_PRIVATE, NULL },
	{ "rrelatime", RATIME, MOUNT_ATTR_RELATIME, NULL },
	{ "rro", RATTR, MOUNT_ATTR_RDONLY, NULL },
	{ "rrw", RATTR_CLR, MOUNT_ATTR_RDONLY, NULL },
	{ "rshared", RPROP, MS_SHARED, NULL },
	{ "rslave", RPROP, MS_SLAVE, NULL },
	{ "rstrictatime", RATIME, MOUNT_ATTR_STRICTATIME, NULL },
	{ "rsuid", RATTR_CLR, MOUNT_ATTR_NOSUID, NULL },
	{ "rsymfollow", RATTR_CLR, MOUNT_ATTR_NOSYMFOLLOW, NULL },
	{ "runbindable", RPROP, MS_UNBINDABLE, NULL },
	{ "rw", ATTR_CLR, MOUNT_ATTR_RDONLY, NULL },
	{ "shared", PROP, MS_SHARED, NULL },
	{ "silent", NOTHING, 0, NULL },
	{ "slave", PROP, MS_SLAVE, NULL },
	{ "src-nofollow", FLAG, offsetof(struct mountflags, src_nofollow), NULL },
	{ "strictatime", ATIME, MOUNT_ATTR_STRICTATIME, NULL },
	{ "suid", ATTR_CLR, MOUNT_ATTR_NOSUID, NULL },
	{ "symfollow", ATTR_CLR, MOUNT_ATTR_NOSYMFOLLOW, NULL },
	{ "sync", SB, 0, "sync" },
	{ "tmpcopyup", FLAG, offsetof(struct mountflags, tmpcopyup), NULL },
	{ "unbindable", PROP, MS_UNBINDABLE, NULL },
};

static void set_bits(uint64_t *set, uint64_t *clr, uint64_t bits)
{
	*set |= bits;
	*clr &= ~bits;
}

/* The three ways of atime are one field: any choice clears it first. */
static void set_atime(uint64_t *set, uint64_t *clr, uint64_t value)
{
	*set = (*set & ~(uint64_t)MOUNT_ATTR__ATIME) | value;
	*clr |= MOUNT_ATTR__ATIME;
}

static void apply(struct mountflags *f, const struct row *r, const char **sb)
{
	switch (r->kind) {
	case ATTR:
		set_bits(&f->set, &f->clr, r->value);
		break;
	case ATTR_CLR:
		set_bits(&f->clr, &f->set, r->value);
		break;
	case ATIME:
		set_atime(&f->set, &f->clr, r->value);
		break;
	case RATTR:
		set_bits(&f->rset, &f->rclr, r->value);
		break;
	case RATTR_CLR:
		set_bits(&f->rclr, &f->rset, r->value);
		break;
	case RATIME:
		set_atime(&f->rset, &f->rclr, r->value);
		break;
	case PROP:
	case RPROP:
		f->prop = (unsigned long)r->value;
		f->prop_rec = r->kind == RPROP;
		break;
	case SB:
		*sb = r->sb;
		break;
	case FLAG:
		*(bool *)((char *)f + r->value) = true;
		break;
	case NOTHING:
		break;
	}
}

bool mountflags_add(struct mountflags *f, const char *word, const char **sb)
{
	*sb = NULL;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (strcmp(rows[i].word, word) != 0)
			continue;
		apply(f, &rows[i], sb);
		f->bind |= f->bind_rec;
		f->idmap |= f->idmap_rec;
		return true;
	}
	return false;
}

const char *mountflags_each(unsigned int i)
{
	return i < sizeof(rows) / sizeof(rows[0]) ? rows[i].word : NULL;
}
