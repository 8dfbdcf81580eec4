/* SPDX-License-Identifier: Apache-2.0
 *
 * progress - one line per layer: redrawn on a terminal, printed once elsewhere
 */
#include "runner/image/progress.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "common/io.h"
#include "common/str.h"
#include "runner/image/digest.h"

#define REDRAW_NS 100000000ll
#define BAR_WIDTH 30
/* more layers than a screen has lines are printed as they finish */
#define TTY_LINES_MAX 40u

/**
 * struct progress_line - one layer
 * @said:	the last state was printed (not on a terminal)
 */
struct progress_line {
	char hex[16];
	enum progress_state state;
	uint64_t done;
	uint64_t total;
	bool said;
};

struct progress {
	pthread_mutex_t mutex;
	int fd;
	bool tty;
	struct progress_line *lines;
	size_t n;
	size_t drawn;
	struct timespec last;
};

static const char *const state_names[] = {
	[PROGRESS_WAITING] = "waiting",	    [PROGRESS_FETCHING] = "fetching",
	[PROGRESS_UNPACKING] = "unpacking", [PROGRESS_HERE] = "already here",
	[PROGRESS_DONE] = "done",
};
_Static_assert(sizeof(state_names) / sizeof(state_names[0]) == PROGRESS_MAX_,
	       "every state has a name");

struct progress *progress_new(const struct image_progress *to, size_t n)
{
	struct progress *p = xcalloc(1, sizeof(*p));

	(void)pthread_mutex_init(&p->mutex, NULL);
	p->fd = to->quiet ? -1 : to->fd;
	p->tty = to->tty && n <= TTY_LINES_MAX;
	p->lines = xcalloc(n ? n : 1, sizeof(*p->lines));
	p->n = n;
	return p;
}

static void format_line(const struct progress_line *l, struct strbuf *out)
{
	char bar[BAR_WIDTH + 1];
	size_t full = l->total ? (size_t)(l->done * BAR_WIDTH / l->total) : 0;

	(void)strbuf_addf(out, "%s: ", l->hex);
	if (l->state != PROGRESS_FETCHING) {
		(void)strbuf_adds(out, state_names[l->state]);
		return;
	}
	if (full > BAR_WIDTH)
		full = BAR_WIDTH;
	memset(bar, ' ', BAR_WIDTH);
	memset(bar, '=', full);
	if (full < BAR_WIDTH)
		bar[full] = '>';
	bar[BAR_WIDTH] = '\0';
	(void)strbuf_addf(out, "[%s] %.1f of %.1f MB", bar, (double)l->done / 1e6,
			  (double)l->total / 1e6);
}

static void redraw(struct progress *p)
{
	AUTO(strbuf_clear) struct strbuf out = { 0 };

	if (p->drawn)
		(void)strbuf_addf(&out, "\033[%zuA", p->drawn);
	for (size_t i = 0; i < p->n; i++) {
		(void)strbuf_adds(&out, "\r");
		format_line(&p->lines[i], &out);
		(void)strbuf_adds(&out, "\033[K\n");
	}
	p->drawn = p->n;
	if (out.s)
		(void)io_write_all(p->fd, out.s, out.len);
}

static bool is_due(struct progress *p)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	long long ns = (now.tv_sec - p->last.tv_sec) * 1000000000ll + now.tv_nsec - p->last.tv_nsec;
	if (ns < REDRAW_NS)
		return false;
	p->last = now;
	return true;
}

void progress_free(struct progress *p)
{
	if (!p)
		return;
	if (p->fd >= 0 && p->tty)
		redraw(p);
	(void)pthread_mutex_destroy(&p->mutex);
	free(p->lines);
	free(p);
}

void progress_text(struct progress *p, const char *fmt, ...)
{
	AUTO(strbuf_clear) struct strbuf out = { 0 };
	char text[1024];
	va_list ap;

	if (p->fd < 0)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (!strbuf_addf(&out, "%s\n", text))
		(void)io_write_all(p->fd, out.s, out.len);
}

void progress_layer(struct progress *p, size_t i, const char *digest, uint64_t total)
{
	(void)str_format(p->lines[i].hex, sizeof(p->lines[i].hex), "%.12s", digest_hex(digest));
	p->lines[i].total = total;
}

void progress_set(struct progress *p, size_t i, enum progress_state state, uint64_t done)
{
	struct progress_line *l = &p->lines[i];

	if (p->fd < 0)
		return;
	pthread_mutex_lock(&p->mutex);
	bool changed = l->state != state;
	l->state = state;
	l->done = done;
	if (p->tty) {
		if (is_due(p))
			redraw(p);
	} else if (changed && (state == PROGRESS_HERE || state == PROGRESS_DONE) && !l->said) {
		AUTO(strbuf_clear) struct strbuf out = { 0 };

		l->said = true;
		if (!strbuf_addf(&out, "%s: %s, %.1f MB\n", l->hex, state_names[state],
				 (double)l->total / 1e6))
			(void)io_write_all(p->fd, out.s, out.len);
	}
	pthread_mutex_unlock(&p->mutex);
}
