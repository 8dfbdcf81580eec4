/* SPDX-License-Identifier: Apache-2.0
 *
 * reasm - fragments from the container, put together
 *
 * How it works: payload is copied to its place in a buffer for the largest
 * datagram, and a bit for each eight bytes says what is there. Fragments may
 * come in any order. One that repeats is ignored; one that overlaps only in
 * part, or contradicts the length, ends the datagram (RFC 5722), and no part
 * of two senders' ideas is ever mixed. The table is small: what is oldest
 * makes room.
 */
#include "slirp-net/reasm.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <stdlib.h>
#include <string.h>

#define PAYLOAD_MAX 65535
#define UNIT 8
#define UNITS ((PAYLOAD_MAX + UNIT - 1) / UNIT)
#define HEAD4 (FRAME_ETH + sizeof(struct iphdr))
#define HEAD6 (FRAME_ETH + sizeof(struct ip6_hdr))

/**
 * struct fragment - what its headers say
 * @id:		of the datagram
 * @at, @len:	which part of the payload this is
 * @last:	nothing comes behind it
 */
struct fragment {
	uint32_t id;
	size_t at, len;
	bool last;
};

/**
 * struct reasm_datagram - one of which something is missing
 * @proto, @id, @from, @to: whose it is; ports are 0
 * @since_ms:	first fragment
 * @older, @newer: by that
 * @total:	bytes of payload; 0 until the last fragment has come
 * @have:	bytes that are there
 * @most:	end of the furthest
 * @head:	Ethernet and IP header of the first fragment that came
 * @there:	a bit for each unit that is there
 * @payload:	the bytes
 */
struct reasm_datagram {
	uint8_t proto;
	uint32_t id;
	union addr from, to;
	int64_t since_ms;
	struct reasm_datagram *older, *newer;
	size_t total, have, most;
	uint8_t head[HEAD6];
	uint8_t there[(UNITS + 7) / 8];
	uint8_t payload[PAYLOAD_MAX];
};

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void put16(uint8_t *p, size_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static int read_fragment(const uint8_t *frame, const struct frame *f, struct fragment *ret)
{
	const uint8_t *ip = frame + f->l3, *ext;
	struct fragment g = { .len = f->l4_len };
	size_t most = PAYLOAD_MAX;
	uint16_t word;

	if (f->family == AF_INET) {
		word = get16(ip + 6);
		g.id = get16(ip + 4);
		g.at = (size_t)(word & 0x1fff) * UNIT;
		g.last = !(word & 0x2000);
		most -= HEAD4 - FRAME_ETH;
	} else {
		/* parsing ended behind the fragment header */
		ext = frame + f->l4 - sizeof(struct ip6_frag);
		word = get16(ext + 2);
		g.id = (uint32_t)get16(ext + 4) << 16 | get16(ext + 6);
		g.at = word & 0xfff8;
		g.last = !(word & 1);
	}
	if (!g.len || g.at + g.len > most || (!g.last && g.len % UNIT))
		return -EBADMSG;
	*ret = g;
	return 0;
}

static void unlink_datagram(struct reasms *t, struct reasm_datagram *d)
{
	if (d->older)
		d->older->newer = d->newer;
	else
		t->oldest = d->newer;
	if (d->newer)
		d->newer->older = d->older;
	else
		t->newest = d->older;
	t->n--;
	free(d);
}

static void drop(struct reasms *t, struct reasm_datagram *d)
{
	t->dropped++;
	unlink_datagram(t, d);
}

static struct reasm_datagram *find(struct reasms *t, const uint8_t *frame, const struct frame *f,
				   uint32_t id)
{
	union addr from = frame_src(frame, f), to = frame_dst(frame, f);
	struct reasm_datagram *d = t->newest;

	/* IPv6 tells datagrams apart without the protocol */
	while (d && !(d->id == id && addr_eq(&d->from, &from) && addr_eq(&d->to, &to) &&
		      (f->family == AF_INET6 || d->proto == f->proto)))
		d = d->older;
	return d;
}

static struct reasm_datagram *datagram_new(struct reasms *t, const uint8_t *frame,
					   const struct frame *f, uint32_t id, int64_t now_ms)
{
	struct reasm_datagram *d;

	if (t->n >= REASM_MAX)
		drop(t, t->oldest);
	/* not calloc(): the payload is only touched where something comes */
	d = malloc(sizeof(*d));
	if (!d)
		return NULL;
	memset(d, 0, offsetof(struct reasm_datagram, payload));
	d->proto = f->proto;
	d->id = id;
	d->from = frame_src(frame, f);
	d->to = frame_dst(frame, f);
	d->since_ms = now_ms;
	memcpy(d->head, frame, f->family == AF_INET ? HEAD4 : HEAD6);
	d->older = t->newest;
	if (t->newest)
		t->newest->newer = d;
	else
		t->oldest = d;
	t->newest = d;
	t->n++;
	return d;
}

/*
 * Mark the units of a fragment.
 * Return: how many of its units were there already
 */
static size_t mark(struct reasm_datagram *d, const struct fragment *g)
{
	size_t end = (g->at + g->len + UNIT - 1) / UNIT, twice = 0;

	for (size_t i = g->at / UNIT; i < end; i++) {
		uint8_t bit = (uint8_t)(1U << i % 8);

		twice += (d->there[i / 8] & bit) != 0;
		d->there[i / 8] |= bit;
	}
	return twice;
}

static int put(struct reasm_datagram *d, const struct fragment *g, const uint8_t *payload)
{
	size_t end = g->at + g->len, units = (g->len + UNIT - 1) / UNIT, twice;

	if (d->total && (end > d->total || (g->last && end != d->total)))
		return -EBADMSG;
	if (g->last && d->most > end)
		return -EBADMSG;
	twice = mark(d, g);
	if (twice == units)
		return 0;
	if (twice)
		return -EBADMSG;
	memcpy(d->payload + g->at, payload, g->len);
	d->have += g->len;
	if (end > d->most)
		d->most = end;
	if (g->last)
		d->total = end;
	return d->total && d->have == d->total;
}

/* The header of the whole, in front of its payload. */
static int finish(const struct reasm_datagram *d, uint8_t **ret, size_t *ret_len)
{
	bool is4 = d->from.sa.sa_family == AF_INET;
	size_t head = is4 ? HEAD4 : HEAD6;
	uint8_t *out = malloc(head + d->total), *ip = out + FRAME_ETH;

	if (!out)
		return -ENOMEM;
	memcpy(out, d->head, head);
	if (is4) {
		ip[0] = 0x45;
		put16(ip + 2, head - FRAME_ETH + d->total);
		put16(ip + 6, 0);
		put16(ip + 10, 0);
		put16(ip + 10, frame_csum_fold(frame_csum(ip, head - FRAME_ETH, 0)));
	} else {
		put16(ip + 4, d->total);
		ip[6] = d->proto;
	}
	memcpy(out + head, d->payload, d->total);
	*ret = out;
	*ret_len = head + d->total;
	return 1;
}

int reasm_add(struct reasms *t, const uint8_t *frame, const struct frame *f, int64_t now_ms,
	      uint8_t **ret, size_t *ret_len)
{
	struct reasm_datagram *d;
	struct fragment g;
	int r = read_fragment(frame, f, &g);

	if (r < 0)
		return r;
	d = find(t, frame, f, g.id);
	if (!d)
		d = datagram_new(t, frame, f, g.id, now_ms);
	if (!d)
		return -ENOMEM;
	/* what follows, and which it is, the first one says */
	if (!g.at)
		d->proto = f->proto;
	r = put(d, &g, frame + f->l4);
	if (r > 0)
		r = finish(d, ret, ret_len);
	if (r > 0)
		unlink_datagram(t, d);
	else if (r < 0)
		drop(t, d);
	return r;
}

void reasm_expire(struct reasms *t, int64_t now_ms)
{
	while (t->oldest && now_ms - t->oldest->since_ms >= REASM_MS)
		drop(t, t->oldest);
}

void reasm_clear(struct reasms *t)
{
	while (t->oldest)
		unlink_datagram(t, t->oldest);
}
