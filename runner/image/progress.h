/* SPDX-License-Identifier: Apache-2.0
 *
 * progress - one line per layer: redrawn on a terminal, printed once elsewhere
 */
#ifndef RUNNER_IMAGE_PROGRESS_H
#define RUNNER_IMAGE_PROGRESS_H

#include <stddef.h>
#include <stdint.h>

#include "common/cleanup.h"
#include "runner/image/image.h"

enum progress_state {
	PROGRESS_WAITING,
	PROGRESS_FETCHING,	/* @done bytes of @total are here */
	PROGRESS_UNPACKING,	/* all bytes are here */
	PROGRESS_HERE,		/* was here before */
	PROGRESS_DONE,
	PROGRESS_MAX_,
};

struct progress;

/**
 * progress_new() - n lines
 * Never fails; safe from several threads.
 */
struct progress *progress_new(const struct image_progress *to, size_t n);
void progress_free(struct progress *p);
DEFINE_AUTO(struct progress, progress_free);

/**
 * progress_text() - a line of its own, above the others
 */
void progress_text(struct progress *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/**
 * progress_layer() - what line i is about
 */
void progress_layer(struct progress *p, size_t i, const char *digest, uint64_t total);
void progress_set(struct progress *p, size_t i, enum progress_state state, uint64_t done);

#endif
