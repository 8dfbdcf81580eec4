/* SPDX-License-Identifier: Apache-2.0
 * fuzz: fuse-overlay
 *
 * Mount options: any text is parsed or refused with a reason; what is
 * accepted keeps to the limits.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fuse-overlay/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *s = malloc(size + 1);
	struct conf c;
	struct err e = { 0 };

	if (!s)
		return 0;
	memcpy(s, data, size);
	s[size] = '\0';
	conf_init(&c);
	int r = conf_parse_mountopts(&c, s, &e);
	if (!r)
		r = conf_check(&c, &e);
	if (r < 0 && !e.msg[0])
		abort();
	if (!r && (!c.lowers.n || c.lowers.n > CONF_LAYERS_MAX || c.timeout < 0))
		abort();
	for (uint32_t id = 0; !r && id < 70000; id += 997)
		(void)idmap_to_shown(&c.uids, idmap_to_disk(&c.gids, id));
	conf_clear(&c);
	free(s);
	return 0;
}
