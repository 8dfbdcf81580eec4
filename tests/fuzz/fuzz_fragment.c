/* SPDX-License-Identifier: Apache-2.0
 * fuzz: slirp-net
 *
 * fuzz_fragment - one frame behind the other, each with its length in two bytes in front: what
 * is put together of them is a frame that parses, and is as long as it says
 */
#include <stdint.h>
#include <stdlib.h>

#include "slirp-net/frame.h"
#include "slirp-net/reasm.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reasms t = { 0 };
	int64_t now = 0;

	while (size >= 2) {
		size_t len = (size_t)(data[0] << 8 | data[1]), whole_len = 0;
		uint8_t *whole = NULL;
		struct frame f;

		data += 2;
		size -= 2;
		if (len > size)
			len = size;
		if (frame_parse(data, len, &f) == 0 && f.fragment &&
		    reasm_add(&t, data, &f, now, &whole, &whole_len) > 0 &&
		    (!whole || whole_len > FRAME_MAX ||
		     (frame_parse(whole, whole_len, &f) == 0 && f.l4 + f.l4_len != whole_len)))
			__builtin_trap();
		free(whole);
		data += len;
		size -= len;
		now += 500;
		reasm_expire(&t, now);
		if (t.n > REASM_MAX)
			__builtin_trap();
	}
	reasm_clear(&t);
	return 0;
}
