/* SPDX-License-Identifier: Apache-2.0
 * fuzz: fuse-overlay
 *
 * Names of extended attributes: what a user may name decodes to the same
 * name again.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fuse-overlay/xattr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char buf[XATTR_NAME_BUF], back[XATTR_NAME_BUF];
	char *s = malloc(size + 1);

	if (!s)
		return 0;
	memcpy(s, data, size);
	s[size] = '\0';
	for (int ov = 0; ov < OVERRIDE_MAX_ && strlen(s) <= XATTR_NAME_MAX; ov++) {
		const char *disk = xattr_encode((enum owner_mode)ov, s, buf);
		const char *shown = disk ? xattr_decode((enum owner_mode)ov, disk, back) : NULL;

		if (disk && (!shown || strcmp(shown, s) != 0))
			abort();
		(void)xattr_decode((enum owner_mode)ov, s, back);
	}
	free(s);
	return 0;
}
