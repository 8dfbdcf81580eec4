/* SPDX-License-Identifier: Apache-2.0
 *
 * filecopy - files and folders into a container's root and out of it
 */
#ifndef RUNNER_ENGINE_FILECOPY_H
#define RUNNER_ENGINE_FILECOPY_H

struct err;

/**
 * struct filecopy_side - where from, or where to
 * @root:	descriptor of the root that the path and every link are resolved
 *		in, or -1 for the host's
 * @path:	as typed; relative to @root or to the current folder
 */
struct filecopy_side {
	int root;
	const char *path;
};

/**
 * filecopy() - copy as `docker cp`
 *
 * A source that ends in "/." is what is in that folder. A destination that is a
 * folder gets the source by its own name; else its parent must be there. Links
 * are copied as links. New files are ours, their modes and times the source's;
 * set-user-ID bits do not come out of a container. A path inside a root cannot
 * lead out of it, whatever a program there does meanwhile.
 * Return: 0, -errno with the path in @e
 */
int filecopy(const struct filecopy_side *from, const struct filecopy_side *to, struct err *e);

#endif
