/* SPDX-License-Identifier: Apache-2.0
 *
 * thread - threads beside the one that serves
 */
#include "fuse-overlay/thread.h"

#include <errno.h>
#include <linux/close_range.h>
#include <signal.h>
#include <unistd.h>

#include "common/fd.h"

int thread_start(pthread_t *ret, const pthread_attr_t *attr, void *(*fn)(void *), void *arg)
{
	sigset_t all, old;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	int r = pthread_create(ret, attr, fn, arg);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	return -r;
}

int thread_part_fds(const int *keep, size_t n_keep)
{
	int last = -1;

	for (size_t i = 0; i < n_keep; i++)
		last = keep[i] > last ? keep[i] : last;
	/* what is closed here is not even copied */
	if (close_range((unsigned int)last + 1, ~0U, CLOSE_RANGE_UNSHARE))
		return -errno;
	return last < 0 ? 0 : fd_close_from(0, keep, n_keep);
}
