/* SPDX-License-Identifier: Apache-2.0
 *
 * cp - copy files and folders into a container, or out of it
 */
#include <errno.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/str.h"
#include "runner/cmd/cmd.h"
#include "runner/engine/container.h"
#include "runner/engine/ctroot.h"
#include "runner/engine/filecopy.h"

/* As Docker: what begins with "/" or "." is a path, though it may have a colon. */
static const char *container_path(const char *word)
{
	const char *colon = strchr(word, ':');

	return *word == '/' || *word == '.' || !colon || colon == word ? NULL : colon + 1;
}

static int copy(struct engine *eng, struct container *c, const char *inside, const char *outside,
		bool out, struct err *e)
{
	struct filecopy_side host = { .root = -1, .path = outside };
	struct filecopy_side box = { .path = *inside ? inside : "/" };
	struct ctroot root;
	int r = ctroot_open(eng, c, &root, e);

	box.root = root.fd;
	if (r == 0)
		r = filecopy(out ? &box : &host, out ? &host : &box, e);
	ctroot_close(&root);
	return r;
}

static int cp(struct engine *eng, void *opts, int argc, char **argv, struct err *e)
{
	const char *from = container_path(argv[0]), *to = container_path(argv[1]);
	AUTO(container_free) struct container *c = NULL;
	auto_free char *name = NULL;
	int r;

	(void)opts;
	(void)argc;
	if (str_eq(argv[0], "-") || str_eq(argv[1], "-"))
		return err_msg(e, -EOPNOTSUPP, "-: not supported; run tar by \"runner exec\"");
	if (from && to)
		return err_msg(e, -EINVAL, "%s %s: one of the two must be a path of the host", argv[0],
			       argv[1]);
	if (!from && !to)
		return err_msg(e, -EINVAL, "%s %s: neither is CONTAINER:PATH", argv[0], argv[1]);
	name = from ? xstrndup(argv[0], (size_t)(from - argv[0] - 1)) :
		      xstrndup(argv[1], (size_t)(to - argv[1] - 1));
	r = container_find(eng, name, &c, e);
	if (r < 0)
		return r;
	return copy(eng, c, from ? from : to, from ? argv[1] : argv[0], from != NULL, e);
}

const struct cmd cmd_cp = {
	.name = "cp",
	.fn = cp,
	.flags = CMD_STORE,
	.summary = "copy files into a container or out of it",
	.args_help = "CONTAINER:PATH PATH | PATH CONTAINER:PATH",
	.min_args = 2,
	.max_args = 2,
};
