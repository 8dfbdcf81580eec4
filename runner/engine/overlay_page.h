/* SPDX-License-Identifier: Apache-2.0
 *
 * overlay_page - native overlay of more layers than one word of fsconfig() names
 */
#ifndef RUNNER_ENGINE_OVERLAY_PAGE_H
#define RUNNER_ENGINE_OVERLAY_PAGE_H

#include <stdbool.h>

struct err;
struct strv;

/**
 * struct overlay_page - what the mount is made of
 * @root:	absolute path of the folder that the names are relative to
 * @lowers:	folders of the layers, top first
 * @upper, @work: the writable folder, and the one that the kernel needs beside it
 * @userxattr:	the mount is made in a user namespace
 */
struct overlay_page {
	const char *root;
	const struct strv *lowers;
	const char *upper;
	const char *work;
	bool userxattr;
};

/**
 * overlay_page_mount() - make it
 *
 * For kernels without "lowerdir+" (before Linux 6.5). Needs to be allowed to
 * mount; the caller sleeps meanwhile, and must have no other thread.
 * Return: descriptor of a mount that is attached nowhere, -E2BIG when the names
 * fill more than a page, -errno
 */
int overlay_page_mount(const struct overlay_page *o, struct err *e);

#endif
