/* SPDX-License-Identifier: Apache-2.0
 *
 * verb_delete - remove what is left of a container
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/io.h"
#include "runner/oci/cli.h"
#include "runner/oci/hook.h"

enum { KILL_WAIT_MS = 10000 };

struct delete_opts {
	bool force, regex;
};

static const struct opt delete_rows[] = {
	OPT_BOOL('f', "force", struct delete_opts, force, "kill it first; no error if there is none"),
	OPT_BOOL('r', "regex", struct delete_opts, regex,
		 "the operand is a regular expression of names"),
	OPT_END,
};

/* Frozen by somebody else in an old hierarchy it could not die either. */
static void thaw_v1(pid_t pid)
{
	auto_free char *text = NULL;
	char path[4096];

	(void)snprintf(path, sizeof(path), "/proc/%d/cgroup", pid);
	if (io_read_file_at(AT_FDCWD, path, 65536, &text, NULL) < 0)
		return;
	char *own = strstr(text, ":freezer:/");
	if (!own)
		return;
	own += strlen(":freezer:");
	own[strcspn(own, "\n")] = '\0';
	if (strcmp(own, "/") != 0 && !strstr(own, "/../") &&
	    str_format(path, sizeof(path), "/sys/fs/cgroup/freezer%s/freezer.state", own) > 0)
		(void)io_write_file_at(AT_FDCWD, path, "THAWED");
}

static int kill_init(const struct box *b, struct err *e)
{
	struct pollfd p = { .fd = b->pidfd, .events = POLLIN };

	if (b->pidfd < 0)
		return 0;
	/* one that is frozen cannot die */
	if (*b->rec.cgroup)
		(void)oci_freeze(b->rec.cgroup, false, NULL);
	else
		thaw_v1(b->rec.pid);
	int r = oci_kill(b->pidfd, SIGKILL, e);
	if (r < 0 && r != -ESRCH)
		return r;
	if (poll(&p, 1, KILL_WAIT_MS) == 0)
		return err_msg(e, -ETIMEDOUT, "container %s: its process %d does not die", b->rec.id,
			       b->rec.pid);
	return 0;
}

int cli_delete(struct box *b, const char *id, struct err *e)
{
	struct spec s;
	int r = 0;

	if (b->rec.cgroup_ours && *b->rec.cgroup)
		r = oci_cgroup_remove(b->rec.cgroup, b->rec.scope, e);
	if (r < 0)
		return r;
	if (b->rec.pid > 0 && box_spec(b, &s, NULL) == 0) {
		auto_close int fd = cli_state_fd(b, &s, "stopped", e);

		if (fd >= 0)
			hook_run_each(&s, SPEC_HOOK_POSTSTOP, fd, cli_warn, NULL);
		spec_clear(&s);
	}
	return box_remove(b, id, e);
}

static int delete_one(const struct cli *cli, const char *id, void *ctx, struct err *e)
{
	bool force = ((const struct delete_opts *)ctx)->force;
	struct box b;

	int r = box_open(cli->root_fd, id, /*lock*/ true, &b, e);
	if (r == -ENOENT && force)
		return 0;
	if (r < 0)
		return r;
	/* we hold the lock: "creating" means that its maker is gone; one that only
	 * waits for its start goes too, as crun and runc have it */
	if (!force)
		r = box_require(&b, STORE_BIT(STORE_STOPPED) | STORE_BIT(STORE_CREATING) |
					    STORE_BIT(STORE_CREATED), e);
	if (r == 0)
		r = kill_init(&b, e);
	if (r == 0)
		r = cli_delete(&b, id, e);
	box_close(&b);
	return r;
}

static int delete_main(struct cli *cli, int argc, char **argv, struct err *e)
{
	struct delete_opts o = { 0 };
	char **args;

	int r = cli_operands(&verb_delete, argc, argv, &o, 1, 1, 0, &args, e);
	if (r < 0)
		return r;
	return o.regex ? cli_each(cli, args[0], delete_one, &o, e) : delete_one(cli, args[0], &o, e);
}

const struct verb verb_delete = {
	.name = "delete", .operands = "CONTAINER", .summary = "remove a stopped container",
	.rows = delete_rows, .fn = delete_main,
};
