/* SPDX-License-Identifier: Apache-2.0
 *
 * copyup - fill a new tmpfs with what its destination holds (tmpcopyup)
 */
#ifndef RUNNER_OCI_COPYUP_H
#define RUNNER_OCI_COPYUP_H

struct err;

/**
 * copyup_tree() - copy folders, files and links
 * @root: the container's root
 * @path: folder below it; absent is fine
 * @dst:  folder to be filled
 *
 * Owners and modes are kept where permitted. Allocates nothing; folders nested
 * deeper than COPYUP_DEPTH are an error.
 */
int copyup_tree(int root, const char *path, int dst, struct err *e);

#endif
