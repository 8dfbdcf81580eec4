/* SPDX-License-Identifier: Apache-2.0
 * fuzz: oci
 *
 * fuzz_ocispec - config.json, process objects, profiles: parsed, checked, compiled
 */
#include <stdint.h>

#include "common/err.h"
#include "runner/oci/oci.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct spec_process p;
	struct spec s;
	struct err e;
	char key[33];

	if (spec_parse(text, size, &s, &e) == 0) {
		(void)spec_check(&s, &e);
		oci_seccomp_key(&s.seccomp, key);
		if (s.seccomp.set && s.seccomp.n_rules < 16) {
			struct oci_bpf b;

			if (oci_seccomp_compile(&s.seccomp, &b, &e) == 0)
				oci_bpf_clear(&b);
		}
		spec_clear(&s);
	}
	spec_init(&s);
	(void)spec_parse_process(&s, text, size, &p, &e);
	(void)spec_seccomp_parse_docker(&s, text, size, &e);
	spec_clear(&s);
	return 0;
}
