/* SPDX-License-Identifier: Apache-2.0
 *
 * subid_file - read a whole file of grants
 */
#include "uidmap/subid_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "uidmap/subid.h"

int subid_file_read(const char *path, const struct subid_sink *sink, struct err *e)
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct subid_scan scan = { .sink = *sink };
	char buf[16384];
	struct stat st;
	ssize_t n;
	int r;

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set(e, -errno, "open %s", path);
	if (!S_ISREG(st.st_mode))
		return err_msg(e, -EINVAL, "%s: not a file", path);
	while ((n = read(fd, buf, sizeof(buf))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(e, -errno, "read %s", path);
		r = subid_scan_feed(&scan, buf, (size_t)n);
		if (r < 0)
			return err_set(e, r, "%s", path);
	}
	r = subid_scan_end(&scan);
	if (r < 0)
		return err_set(e, r, "%s", path);
	return 0;
}
