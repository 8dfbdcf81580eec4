/* SPDX-License-Identifier: Apache-2.0
 *
 * verb_start - let a created container's program run
 */
#include <errno.h>
#include <sys/file.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "runner/oci/cli.h"
#include "runner/oci/hook.h"
#include "runner/oci/sync.h"

static int let_run(const struct box *b, struct err *e)
{
	auto_close int sock = box_connect(b);

	if (sock < 0)
		return err_set(e, sock, "container %s: reach its waiting process", b->rec.id);
	int r = sync_send(sock, SYNC_START, -1);
	if (r < 0)
		return err_set(e, r, "container %s: tell its process to start", b->rec.id);
	return sync_wait_exec(sock, e);
}

static int run_poststart(struct box *b, const struct spec *s, struct err *e)
{
	if (!s->hooks[SPEC_HOOK_POSTSTART].n)
		return 0;
	auto_close int fd = cli_state_fd(b, s, "running", e);
	return fd < 0 ? fd : hook_run_all(s, SPEC_HOOK_POSTSTART, fd, e);
}

int cli_start(struct box *b, const struct spec *s, bool detach, struct err *e)
{
	auto_close int notify = -1;

	int r = sdnotify_open(b, &notify, e);
	if (r == 0)
		r = let_run(b, e);
	if (r == 0)
		r = run_poststart(b, s, e);
	if (r < 0 || notify < 0)
		return r;
	if (!detach)
		return sdnotify_fork(notify, b->pidfd, e);
	/* it can take its time, and others may want to end it meanwhile */
	(void)flock(b->fd, LOCK_UN);
	sdnotify_detached(notify, b->pidfd, b->rec.pid);
	return 0;
}

static int start_main(struct cli *cli, int argc, char **argv, struct err *e)
{
	struct box b;
	struct spec s;
	char **args;

	int r = cli_operands(&verb_start, argc, argv, NULL, 1, 1, 0, &args, e);
	if (r < 0)
		return r;
	r = box_open(cli->root_fd, args[0], /*lock*/ true, &b, e);
	if (r < 0)
		return r;
	r = box_require(&b, STORE_BIT(STORE_CREATED), e);
	if (r == 0)
		r = box_spec(&b, &s, e);
	if (r == 0) {
		r = cli_start(&b, &s, /*detach*/ true, e);
		if (r < 0 && s.hooks[SPEC_HOOK_POSTSTART].n && b.pidfd >= 0)
			(void)oci_kill(b.pidfd, 9, NULL); /* a failed hook ends the container */
		spec_clear(&s);
	}
	box_close(&b);
	return r < 0 ? r : 0;
}

const struct verb verb_start = {
	.name = "start", .operands = "CONTAINER", .summary = "start a created container's program",
	.fn = start_main,
};
