/* SPDX-License-Identifier: Apache-2.0
 *
 * seal - run from a copy of our program that nobody can write to
 *
 * How it works: until its exec, the container's first process runs our program
 * file, and a program of the image may be a script of "#!/proc/self/exe"; so
 * the container gets at our file through /proc/PID/exe, and once we are gone
 * may write to it if its owner is mapped (CVE-2019-5736). So we first copy
 * ourselves into a sealed memory file and execute that: what the container can
 * reach is the copy, which is nobody's program and cannot be changed.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "runner/oci/cli.h"

enum { SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE };

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

static int copy_file(int from, int to)
{
	struct stat st;

	if (fstat(from, &st) < 0)
		return -errno;
	for (off_t left = st.st_size; left > 0;) {
		ssize_t n = sendfile(to, from, NULL, (size_t)left);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			return -EIO;
		left -= n > 0 ? n : 0;
	}
	return 0;
}

int cli_seal(char **argv, struct err *e)
{
	auto_close int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	if (self < 0)
		return err_set(e, -errno, "/proc/self/exe");
	int seals = fcntl(self, F_GET_SEALS);
	if (seals >= 0 && (seals & SEALS) == SEALS)
		return 0;

	auto_close int copy = memfd_create("runner-oci", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
	if (copy < 0 && errno == EINVAL)
		copy = memfd_create("runner-oci", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (copy < 0)
		return err_set(e, -errno, "make a sealed copy of this program");
	int r = copy_file(self, copy);
	if (r < 0)
		return err_set(e, r, "make a sealed copy of this program");
	if (fcntl(copy, F_ADD_SEALS, SEALS) < 0)
		return err_set(e, -errno, "seal the copy of this program");
	(void)fexecve(copy, argv, environ);
	return err_set(e, -errno, "execute the sealed copy of this program");
}
