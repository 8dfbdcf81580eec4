/* SPDX-License-Identifier: Apache-2.0
 * fuzz: slirp-net
 *
 * fuzz_frame - frames from the container: all that is done with their bytes
 * before a socket is involved, and answers that are made from them
 */
#include <stdint.h>
#include <string.h>

#include "slirp-net/dnsmsg.h"
#include "slirp-net/frame.h"
#include "slirp-net/gateway.h"
#include "slirp-net/reply.h"
#include "slirp-net/udpframe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void none(void *ctx, const union addr *a, uint32_t ttl)
{
	(void)ctx;
	(void)a;
	(void)ttl;
}

static void look_at_payload(const uint8_t *msg, size_t len)
{
	char name[DNSMSG_NAME_MAX];
	uint8_t copy[4096];
	size_t end;

	if (dnsmsg_question(msg, len, name, &end) == 0 && (end > len || strlen(name) >= sizeof(name)))
		__builtin_trap();
	(void)dnsmsg_addrs(msg, len, none, NULL);
	(void)dnsmsg_same_question(msg, len, msg, len);
	if (len > sizeof(copy))
		return;
	memcpy(copy, msg, len);
	if (dnsmsg_error(copy, len, DNSMSG_REFUSED) > len)
		__builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t frame[FRAME_MAX];
	static const int errors[] = { 101, 111, 113, 13 };
	struct virtio_net_hdr h;
	uint8_t out[REPLY_MAX];
	struct frame f;
	size_t len;

	if (size < sizeof(h) || size - sizeof(h) > sizeof(frame))
		return 0;
	memcpy(&h, data, sizeof(h));
	len = size - sizeof(h);
	memcpy(frame, data + sizeof(h), len);
	if (frame_parse(frame, len, &f) == 0 && f.family) {
		if (f.l4 + f.l4_len > len)
			__builtin_trap();
		(void)frame_src(frame, &f);
		(void)frame_dst(frame, &f);
		(void)frame_is_syn(frame, &f);
		look_at_payload(frame + f.l4, f.l4_len);
	}
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		if (reply_build_unreach(frame, len, errors[i], out) > (int)sizeof(out))
			__builtin_trap();
	}
	if (reply_build_rst(frame, len, out) > (int)sizeof(out))
		__builtin_trap();
	(void)frame_complete_csum(&h, frame, len);
	frame_raise_mss(&h, frame, len, 65480);
	(void)gateway_frame(frame, len);
	frame_offload(frame, len, 1500, &h);
	return 0;
}
