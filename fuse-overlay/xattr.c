/* SPDX-License-Identifier: Apache-2.0
 *
 * xattr - extended attributes: which are shown, and under what name kept
 */
#include "fuse-overlay/xattr.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/str.h"
#include "fuse-overlay/copyup.h"
#include "fuse-overlay/node.h"
#include "fuse-overlay/owner.h"

#define ESCAPED "user.overlay.overlay."
#define ACL_PREFIX "system.posix_acl_"
#define CAPABILITY "security.capability"

static bool is_private(const char *name)
{
	return str_starts(name, XATTR_OVERLAY) || str_starts(name, "trusted.overlay.") ||
	       str_starts(name, "user.fuseoverlayfs.") ||
	       str_starts(name, "security.fuseoverlayfs.");
}

const char *xattr_encode(enum owner_mode ov, const char *name, char buf[XATTR_NAME_BUF])
{
	const char *rest = str_after(name, XATTR_OVERLAY);

	if (rest)
		return str_format(buf, XATTR_NAME_BUF, ESCAPED "%s", rest) < 0 ? NULL : buf;
	if (is_private(name))
		return NULL;
	if (ov != OVERRIDE_CONTAINERS)
		return name;
	if (str_starts(name, OVERRIDE_PREFIX))
		return NULL;
	if (!str_starts(name, "security."))
		return name;
	return str_format(buf, XATTR_NAME_BUF, OVERRIDE_PREFIX "%s", name) < 0 ? NULL : buf;
}

const char *xattr_decode(enum owner_mode ov, const char *name, char buf[XATTR_NAME_BUF])
{
	const char *rest = str_after(name, ESCAPED);

	if (rest)
		return str_format(buf, XATTR_NAME_BUF, XATTR_OVERLAY "%s", rest) < 0 ? NULL : buf;
	if (is_private(name))
		return NULL;
	if (ov != OVERRIDE_CONTAINERS)
		return name;
	if (str_starts(name, "security."))
		return NULL;
	rest = str_after(name, OVERRIDE_PREFIX);
	if (!rest)
		return name;
	return str_starts(rest, "security.") ? rest : NULL;
}

/* The format of posix_acl_xattr(5): a 32-bit version, then entries of tag,
 * permissions (16 bits each) and id (32 bits), little endian. */
struct acl_entry {
	uint16_t tag;
	uint16_t perm;
	uint32_t id;
};

#define ACL_HEADER 4U
#define ACL_TAG_USER 0x02
#define ACL_TAG_GROUP 0x08

void xattr_shift_acl(const struct ovl *o, void *acl, size_t size, bool to_disk)
{
	char *p = acl;

	for (size_t at = ACL_HEADER; at + sizeof(struct acl_entry) <= size;
	     at += sizeof(struct acl_entry)) {
		struct acl_entry e;

		memcpy(&e, p + at, sizeof(e));
		uint16_t tag = le16toh(e.tag);
		if (tag != ACL_TAG_USER && tag != ACL_TAG_GROUP)
			continue;
		const struct idmap *m = tag == ACL_TAG_USER ? &o->conf->uids : &o->conf->gids;
		uint32_t id = le32toh(e.id);
		e.id = htole32(to_disk ? idmap_to_disk(m, id) : idmap_to_shown(m, id));
		memcpy(p + at, &e, sizeof(e));
	}
}

static bool needs_shift(const struct ovl *o, const char *name)
{
	return (o->conf->uids.n || o->conf->gids.n) && str_starts(name, ACL_PREFIX);
}

ssize_t xattr_get(struct ovl *o, struct node *n, const char *name, void *buf, size_t size)
{
	char real[XATTR_NAME_BUF];
	const char *disk = xattr_encode(o->layers[n->layer].override, name, real);
	struct loc l;

	/* the kernel asks for this one at every first write and change of owner */
	bool is_caps = str_eq(name, CAPABILITY);

	if (!disk || (is_caps && n->flags & NODE_NO_CAPS))
		return -ENODATA;
	int r = node_loc(o, n, &l);
	if (r < 0)
		return r;
	ssize_t len = at_getxattr(l, disk, buf, size);
	if (is_caps && len == -ENODATA)
		n->flags |= NODE_NO_CAPS;
	if (len > 0 && size && needs_shift(o, name))
		xattr_shift_acl(o, buf, (size_t)len, false);
	return len;
}

ssize_t xattr_list(struct ovl *o, struct node *n, char *buf)
{
	char shown[XATTR_NAME_BUF];
	size_t out = 0;
	struct loc l;
	int r = node_loc(o, n, &l);

	if (r < 0)
		return r;
	ssize_t len = at_listxattr(l, buf, OVL_XATTR_MAX);
	for (ssize_t p = 0; p < len;) {
		size_t size = strlen(buf + p) + 1;
		const char *s = xattr_decode(o->layers[n->layer].override, buf + p, shown);

		p += (ssize_t)size;
		if (!s)
			continue;
		/* decoding only shortens, so this stays behind what is read */
		size = strlen(s) + 1;
		memmove(buf + out, s, size);
		out += size;
	}
	return len < 0 ? len : (ssize_t)out;
}

int xattr_set(struct ovl *o, struct node *n, const char *name, const void *value, size_t size,
	      int flags)
{
	char real[XATTR_NAME_BUF];
	auto_free void *shifted = NULL;
	struct loc l;

	if (!o->writable)
		return -EROFS;
	const char *disk = xattr_encode(o->layers[0].override, name, real);
	if (!disk)
		return -EPERM;
	/* they are about the modes of real files, which are not those shown */
	if (owner_is_recorded(o) && str_starts(name, ACL_PREFIX))
		return -EOPNOTSUPP;
	int r = copyup_node(o, n, COPYUP_WHOLE);
	if (r < 0 || (r = node_loc(o, n, &l)) < 0)
		return r;
	if (!value)
		return at_removexattr(l, disk);
	if (str_eq(name, CAPABILITY))
		n->flags &= (uint16_t)~NODE_NO_CAPS;
	if (size && needs_shift(o, name)) {
		shifted = malloc(size);
		if (!shifted)
			return -ENOMEM;
		memcpy(shifted, value, size);
		xattr_shift_acl(o, shifted, size, true);
		value = shifted;
	}
	return at_setxattr(l, disk, value, size, flags);
}
