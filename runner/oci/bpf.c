/* SPDX-License-Identifier: Apache-2.0
 *
 * bpf - make a classic BPF program shorter
 *
 * How it works: a program is a graph without cycles. Comparisons of the
 * accumulator with constants that follow one another ask about one unchanged
 * number: together they are a function from that number to where the program
 * goes on, and it is constant between the numbers they name. So from the first
 * of them the list of intervals is made, neighbours that lead to the same
 * place become one, and a binary search over what is left takes the place of
 * all of them. Every other instruction is copied.
 *
 * The new program is written from its end to its start: jumps only lead
 * forward, so each target's place is known when the jump is written. Where it
 * is out of a comparison's reach (255), a jump or a copy of the return goes in
 * between.
 */
#include "runner/oci/bpf.h"

#include <linux/filter.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"

#define REACH 255
#define NOWHERE SIZE_MAX

/**
 * struct interval - what happens from one number up to that of the next interval
 * @start:	the number
 * @exit:	instruction that the program goes on with
 */
struct interval {
	uint32_t start;
	size_t exit;
};

/**
 * struct shrink - one program on its way
 * @in:		the old program
 * @n:		length of both buffers
 * @out:	the new one, filled from its end
 * @top:	first instruction written there
 * @at:		where an old instruction begins in @out, NOWHERE if not yet
 * @full:	the new one would be no shorter, or there is no memory
 */
struct shrink {
	const struct sock_filter *in;
	size_t n;
	struct sock_filter *out;
	size_t top;
	size_t *at;
	bool full;
};

static bool is_jump(const struct sock_filter *f)
{
	return BPF_CLASS(f->code) == BPF_JMP;
}

static bool is_always(const struct sock_filter *f)
{
	return f->code == (BPF_JMP | BPF_JA);
}

static bool is_return(const struct sock_filter *f)
{
	return BPF_CLASS(f->code) == BPF_RET;
}

static bool is_comparison(const struct sock_filter *f)
{
	return f->code == (BPF_JMP | BPF_JEQ | BPF_K) || f->code == (BPF_JMP | BPF_JGT | BPF_K) ||
	       f->code == (BPF_JMP | BPF_JGE | BPF_K);
}

/* Each jump leads to an instruction, and the last one is a return. */
static bool is_sound(const struct sock_filter *in, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t left = n - i - 1;

		if (is_always(&in[i]) ? in[i].k >= left :
		    is_jump(&in[i])   ? in[i].jt >= left || in[i].jf >= left :
					!left && !is_return(&in[i]))
			return false;
	}
	return n > 0;
}

/* The instruction that is really reached at @i. */
static size_t follow(const struct sock_filter *in, size_t i)
{
	while (is_always(&in[i]))
		i += 1 + in[i].k;
	return i;
}

static size_t decide(const struct sock_filter *in, size_t i, uint32_t value)
{
	while (is_comparison(&in[i])) {
		uint32_t k = in[i].k;
		bool yes = BPF_OP(in[i].code) == BPF_JEQ ? value == k :
			   BPF_OP(in[i].code) == BPF_JGT ? value > k :
							   value >= k;

		i = follow(in, i + 1 + (yes ? in[i].jt : in[i].jf));
	}
	return i;
}

static bool is_same(const struct sock_filter *in, size_t a, size_t b)
{
	return a == b || (is_return(&in[a]) && in[a].code == in[b].code && in[a].k == in[b].k);
}

/* -------------------------------------------------------------- writing -- */

static size_t push(struct shrink *s, struct sock_filter insn)
{
	if (s->top == 0) {
		s->full = true;
		return 0;
	}
	s->out[--s->top] = insn;
	return s->top;
}

/* A place within reach of the next instruction that leads to @target. */
static size_t bring_near(struct shrink *s, size_t target)
{
	const struct sock_filter *to = &s->out[target];

	if (is_return(to))
		return push(s, *to);
	return push(s, (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, (uint32_t)(target - s->top)));
}

static size_t push_comparison(struct shrink *s, uint16_t code, uint32_t k, size_t yes, size_t no)
{
	while (!s->full && (yes - s->top > REACH || no - s->top > REACH)) {
		if (yes - s->top > REACH)
			yes = bring_near(s, yes);
		else
			no = bring_near(s, no);
	}
	if (s->full)
		return 0;
	return push(s, (struct sock_filter)BPF_JUMP(code, k, (uint8_t)(yes - s->top),
						    (uint8_t)(no - s->top)));
}

static size_t push_return(struct shrink *s, const struct sock_filter *ret)
{
	for (size_t i = s->top; i < s->n && i - s->top < REACH; i++)
		if (s->out[i].code == ret->code && s->out[i].k == ret->k)
			return i;
	return push(s, *ret);
}

static size_t emit(struct shrink *s, size_t i);

static size_t emit_search(struct shrink *s, const struct interval *v, size_t n)
{
	size_t mid = n / 2, yes, no;

	if (s->full || n == 1)
		return s->full ? 0 : emit(s, v[0].exit);
	/* one number between two intervals that are alike */
	if (n == 3 && v[2].start - v[1].start == 1 && is_same(s->in, v[0].exit, v[2].exit)) {
		no = emit(s, v[0].exit);
		yes = emit(s, v[1].exit);
		return push_comparison(s, BPF_JMP | BPF_JEQ | BPF_K, v[1].start, yes, no);
	}
	yes = emit_search(s, v + mid, n - mid);
	no = emit_search(s, v, mid);
	return push_comparison(s, BPF_JMP | BPF_JGE | BPF_K, v[mid].start, yes, no);
}

/* ------------------------------------------------------------ intervals -- */

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/*
 * Numbers at which the outcome of comparisons from @i on may change.
 * @seen:	zeroed; marks what was looked at. A later instruction is only
 *		reached from earlier ones, so one pass finds them all
 * Return: how many, at most 2 n + 1
 */
static size_t find_edges(const struct sock_filter *in, size_t n, size_t i, bool *seen, uint32_t *ret)
{
	size_t n_edges = 0;

	ret[n_edges++] = 0;
	seen[i] = true;
	for (; i < n; i++) {
		uint16_t op = BPF_OP(in[i].code);

		if (!seen[i] || !is_comparison(&in[i]))
			continue;
		if (op != BPF_JGT)
			ret[n_edges++] = in[i].k;
		if (op != BPF_JGE && in[i].k < UINT32_MAX)
			ret[n_edges++] = in[i].k + 1;
		seen[follow(in, i + 1 + in[i].jt)] = true;
		seen[follow(in, i + 1 + in[i].jf)] = true;
	}
	qsort(ret, n_edges, sizeof(*ret), by_number);
	return n_edges;
}

static size_t make_intervals(const struct shrink *s, size_t i, const uint32_t *edges, size_t n_edges,
			     struct interval *ret)
{
	size_t n = 0;

	for (size_t k = 0; k < n_edges; k++) {
		struct interval v = { .start = edges[k], .exit = decide(s->in, i, edges[k]) };

		if (n == 0 || !is_same(s->in, ret[n - 1].exit, v.exit))
			ret[n++] = v;
	}
	return n;
}

static struct interval *list_intervals(const struct shrink *s, size_t i, size_t *ret_n)
{
	auto_free uint32_t *edges = calloc(2 * s->n + 1, sizeof(*edges));
	auto_free bool *seen = calloc(s->n, sizeof(*seen));
	size_t n_edges = edges && seen ? find_edges(s->in, s->n, i, seen, edges) : 0;
	struct interval *v = n_edges ? calloc(n_edges, sizeof(*v)) : NULL;

	if (v)
		*ret_n = make_intervals(s, i, edges, n_edges, v);
	return v;
}

static size_t emit_comparisons(struct shrink *s, size_t i)
{
	size_t n;
	auto_free struct interval *v = list_intervals(s, i, &n);

	s->full |= !v;
	return v ? emit_search(s, v, n) : 0;
}

/* Return: where old instruction @i begins in the new program */
static size_t emit(struct shrink *s, size_t i)
{
	const struct sock_filter *f;
	size_t at, yes, no;

	i = follow(s->in, i);
	f = &s->in[i];
	if (s->full || s->at[i] != NOWHERE)
		return s->full ? 0 : s->at[i];
	if (is_return(f))
		return push_return(s, f);
	if (is_comparison(f)) {
		at = emit_comparisons(s, i);
	} else if (is_jump(f)) {
		yes = emit(s, i + 1 + f->jt);
		no = emit(s, i + 1 + f->jf);
		at = push_comparison(s, f->code, f->k, yes, no);
	} else {
		at = emit(s, i + 1);
		if (!s->full && at != s->top)
			(void)bring_near(s, at);
		at = push(s, *f);
	}
	return s->at[i] = at;
}

size_t bpf_shrink(struct sock_filter *insns, size_t n)
{
	struct shrink s = { .in = insns, .n = n, .top = n };
	size_t len = n;

	if (!is_sound(insns, n))
		return n;
	s.out = calloc(n, sizeof(*s.out));
	s.at = calloc(n, sizeof(*s.at));
	for (size_t i = 0; s.at && i < n; i++)
		s.at[i] = NOWHERE;
	if (s.out && s.at && emit(&s, 0) == s.top && !s.full && s.top > 0) {
		len = n - s.top;
		memcpy(insns, s.out + s.top, len * sizeof(*insns));
	}
	free(s.out);
	free(s.at);
	return len;
}
