/* SPDX-License-Identifier: Apache-2.0
 * fuzz: image
 *
 * Layers: any bytes, compressed or not, are unpacked into a folder beside a
 * file that must stay as it is. The first byte chooses the mode.
 */
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/err.h"
#include "common/io.h"
#include "runner/image/unpack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct memory {
	const uint8_t *p;
	size_t left;
};

static ssize_t memory_read(void *ctx, void *buf, size_t len)
{
	struct memory *m = ctx;
	size_t n = len < m->left ? len : m->left;

	memcpy(buf, m->p, n);
	m->p += n;
	m->left -= n;
	return (ssize_t)n;
}

static ssize_t plain_read(void *ctx, void *buf, size_t len)
{
	return inflate_read(ctx, buf, len);
}

/* Beside the tree: one file of one byte, and nothing else but the tree itself. */
static void check_outside(int dir)
{
	struct stat st;

	if (fstatat(dir, "guard", &st, AT_SYMLINK_NOFOLLOW) < 0 || st.st_size != 1 ||
	    st.st_nlink != 1)
		abort();
	if (fstatat(dir, "tree", &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISDIR(st.st_mode))
		abort();
}

static void unpack(const uint8_t *data, size_t size, int dir)
{
	struct layer_mode mode = { .key = "x", .single_id = data[0] & 1 };
	struct memory m = { data + 1, size - 1 };
	struct source src = { memory_read, &m };
	AUTO(inflate_free) struct inflate *z = NULL;
	struct unpack_stats stats;
	struct err e = { 0 };

	if (mkdirat(dir, "tree", 0700) < 0 || mkdirat(dir, "meta", 0700) < 0)
		abort();
	auto_close int tree = openat(dir, "tree", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_close int meta = openat(dir, "meta", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (!inflate_new(&src, &z)) {
		struct source tar = { plain_read, z };

		(void)unpack_tar(&tar, tree, meta, &mode, &stats, &e);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char folder[] = "/tmp/fuzz-layer.XXXXXX";

	if (size < 2 || size > 1 << 20 || !mkdtemp(folder))
		return 0;
	auto_close int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0 || io_replace_file_at(dir, "guard", "x", 1, 0600))
		abort();
	unpack(data, size, dir);
	check_outside(dir);
	if (io_remove_tree_at(AT_FDCWD, folder))
		abort();
	return 0;
}
