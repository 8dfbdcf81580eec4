/* SPDX-License-Identifier: Apache-2.0
 *
 * top - processes of a container
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/io.h"
#include "common/num.h"
#include "common/str.h"
#include "runner/cmd/cmd.h"
#include "runner/cmd/each.h"
#include "runner/engine/container.h"

#define STATUS_MAX 65536
#define CMDLINE_MAX (1 << 20)

/* Processes of a container are those that show its pid namespace, or one
 * below it: their NSpid line has one number more than ours. */
static ino_t pid_ns_of(pid_t pid)
{
	auto_free char *path = xasprintf("/proc/%d/ns/pid", pid);
	struct stat st;

	return stat(path, &st) < 0 ? 0 : st.st_ino;
}

static const char *field(const char *status, const char *key, char *buf, size_t size, int nth)
{
	const char *line = strstr(status, key);

	buf[0] = '\0';
	if (!line)
		return buf;
	line += strlen(key);
	for (int i = 0; i <= nth; i++) {
		size_t len;

		line += strspn(line, " \t");
		len = strcspn(line, " \t\n");
		if (i == nth)
			(void)str_format(buf, size, "%.*s", (int)len, line);
		line += len;
	}
	return buf;
}

static void print_process(const char *pid)
{
	auto_free char *status_path = xasprintf("/proc/%s/status", pid);
	auto_free char *cmd_path = xasprintf("/proc/%s/cmdline", pid);
	auto_free char *status = NULL;
	auto_free char *cmd = NULL;
	char uid[16], ppid[16], inside[16], name[64];
	size_t len = 0;

	if (io_read_file_at(AT_FDCWD, status_path, STATUS_MAX, &status, NULL) < 0)
		return;
	(void)io_read_file_at(AT_FDCWD, cmd_path, CMDLINE_MAX, &cmd, &len);
	for (size_t i = 0; i + 1 < len; i++)
		if (!cmd[i])
			cmd[i] = ' ';
	printf("%-8s %-8s %-8s %-8s %s\n", field(status, "\nUid:", uid, sizeof(uid), 0), pid,
	       field(status, "\nPPid:", ppid, sizeof(ppid), 0),
	       field(status, "\nNSpid:", inside, sizeof(inside), 1),
	       len ? cmd : field(status, "Name:", name, sizeof(name), 0));
}

static int top(struct engine *eng, void *opts, int argc, char **argv, struct err *e)
{
	AUTO(container_free) struct container *c = NULL;
	auto_dir DIR *proc = NULL;
	const struct dirent *de;
	ino_t ns;
	int r = container_find(eng, argv[0], &c, e);

	(void)opts;
	(void)argc;
	if (r < 0)
		return r;
	if (!each_is_running(c))
		return err_msg(e, -ESRCH, "container %.12s does not run", c->id);
	ns = pid_ns_of(c->state.pid);
	proc = opendir("/proc");
	if (!ns || !proc)
		return err_set(e, -errno, "/proc");
	printf("%-8s %-8s %-8s %-8s %s\n", "UID", "PID", "PPID", "INSIDE", "COMMAND");
	while ((de = readdir(proc))) {
		uint32_t pid;

		if (num_u32(de->d_name, &pid) == 0 && pid_ns_of((pid_t)pid) == ns)
			print_process(de->d_name);
	}
	return 0;
}

const struct cmd cmd_top = {
	.name = "top",
	.fn = top,
	.flags = CMD_STORE,
	.summary = "show the processes of a container",
	.args_help = "CONTAINER",
	.min_args = 1,
	.max_args = 1,
};
