/* SPDX-License-Identifier: Apache-2.0
 * fuzz: image
 *
 * Manifests, indexes, configs and registries.conf, each from the same bytes.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "runner/image/digest.h"
#include "runner/image/imgconfig.h"
#include "runner/image/manifest.h"
#include "runner/image/regconf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(manifest_clear) struct manifest m = { 0 };
	AUTO(image_config_clear) struct image_config c = { 0 };
	AUTO(regconf_clear) struct regconf conf = { 0 };
	auto_free char *text = xstrndup((const char *)data, size);
	const struct descriptor *d;
	struct platform p;

	if (!manifest_parse((const char *)data, size, "it", NULL, &m, NULL)) {
		for (size_t i = 0; i < m.n; i++)
			if (!digest_is_valid(m.list[i].digest))
				abort();
		platform_init(&p, NULL, NULL, NULL);
		(void)manifest_pick(&m, &p, "it", &d, NULL);
	}
	if (!image_config_parse((const char *)data, size, "it", &c, NULL)) {
		for (size_t i = 0; i < c.diff_ids.n; i++)
			if (!digest_is_valid(c.diff_ids.v[i]))
				abort();
	}
	(void)regconf_parse(text, "it", &conf, NULL);
	return 0;
}
