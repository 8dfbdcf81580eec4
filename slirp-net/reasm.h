/* SPDX-License-Identifier: Apache-2.0
 *
 * reasm - fragments from the container, put together
 */
#ifndef SLIRP_NET_REASM_H
#define SLIRP_NET_REASM_H

#include <stddef.h>
#include <stdint.h>

#include "slirp-net/frame.h"

/* one takes up to 64 KiB, of which only what has come is touched */
#define REASM_MAX 64
#define REASM_MS 30000

struct reasm_datagram;

/**
 * struct reasms - datagrams of which something is missing
 * @oldest, @newest: by their first fragment
 * @n:		how many
 * @dropped:	how many were given up: too old, one too many, or contradictory
 */
struct reasms {
	struct reasm_datagram *oldest, *newest;
	size_t n;
	uint64_t dropped;
};

/**
 * reasm_add() - take one fragment; pure but for memory
 * @frame, @f:	a frame that frame_parse() calls a fragment
 * @ret, @ret_len: the frame of the whole datagram, for free(): Ethernet, an IP
 *		header without options or extensions, and its payload. The
 *		payload may begin with any header, also with one more fragment's
 *
 * Return: 1 when that was the last one missing; 0 when more is needed;
 * -EBADMSG, -ENOMEM (then the whole datagram is forgotten)
 */
int reasm_add(struct reasms *t, const uint8_t *frame, const struct frame *f, int64_t now_ms,
	      uint8_t **ret, size_t *ret_len);

/**
 * reasm_expire() - forget what has waited too long
 */
void reasm_expire(struct reasms *t, int64_t now_ms);
void reasm_clear(struct reasms *t);

#endif
