/* SPDX-License-Identifier: Apache-2.0
 *
 * thread - threads beside the one that serves
 */
#ifndef FUSE_OVERLAY_THREAD_H
#define FUSE_OVERLAY_THREAD_H

#include <pthread.h>
#include <stddef.h>

/**
 * thread_start() - start a thread in which all signals are blocked
 * @attr:	as for pthread_create(), NULL for none
 * Return: 0, -errno
 */
int thread_start(pthread_t *ret, const pthread_attr_t *attr, void *(*fn)(void *), void *arg);

/**
 * thread_part_fds() - give the calling thread a table of descriptors of its own
 * @keep, @n_keep: what is in it, -1 for none; all others are never held by it
 *
 * Two threads with one table count the uses of each descriptor in every system
 * call, which takes a tenth of the time of find(1). The other threads' table
 * stays as it was.
 *
 * Return: 0, -errno (before Linux 5.9; the table is still shared then: that is
 * slower, nothing else)
 */
int thread_part_fds(const int *keep, size_t n_keep);

#endif
