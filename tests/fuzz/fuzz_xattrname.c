/* SPDX-License-Identifier: Apache-2.0
 * fuzz: fuse-overlay
 *
 * Names of extended attributes: what a user may name decodes to the same
 * name again. And owner records, which are attribute values: what parses is
 * written and parsed to the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fuse-overlay/owner.h"
#include "fuse-overlay/xattr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_owner(const char *s)
{
	char text[OWNER_TEXT_MAX];
	struct owner a, b;

	if (owner_parse(s, &a) < 0)
		return;
	if (owner_format(text, &a) < 0)
		abort();
	if (owner_parse(text, &b) < 0 || a.uid != b.uid || a.gid != b.gid ||
	    (a.mode & 07777) != (b.mode & 07777) || a.rdev_major != b.rdev_major)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char buf[XATTR_NAME_BUF], back[XATTR_NAME_BUF];
	char *s = malloc(size + 1);

	if (!s)
		return 0;
	memcpy(s, data, size);
	s[size] = '\0';
	for (int ov = 0; ov < OVERRIDE_MAX_ && strlen(s) <= XATTR_NAME_MAX; ov++) {
		const char *disk = xattr_encode((enum override)ov, s, buf);
		const char *shown = disk ? xattr_decode((enum override)ov, disk, back) : NULL;

		if (disk && (!shown || strcmp(shown, s) != 0))
			abort();
		(void)xattr_decode((enum override)ov, s, back);
	}
	check_owner(s);
	free(s);
	return 0;
}
