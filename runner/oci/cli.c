/* SPDX-License-Identifier: Apache-2.0
 *
 * cli - what the commands of runner-oci share
 */
#include "runner/oci/cli.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <regex.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/fd.h"
#include "common/io.h"
#include "common/log.h"
#include "common/num.h"
#include "common/proc.h"
#include "common/sock.h"
#include "runner/oci/ns.h"
#include "runner/oci/state.h"

static const struct verb *const verbs[] = {
	&verb_create, &verb_delete, &verb_exec,	  &verb_features, &verb_kill,
	&verb_list,   &verb_pause,  &verb_ps,	  &verb_resume,	  &verb_run,
	&verb_spec,   &verb_start,  &verb_state,  &verb_update,
};

enum { PIDS_MAX = 4 * 1024 * 1024 };

const struct verb *cli_find(const char *name)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (str_eq(verbs[i]->name, name))
			return verbs[i];
	return NULL;
}

void cli_help(const struct opt *rows, const struct verb *v, FILE *out)
{
	if (v) {
		(void)fprintf(out, "usage: runner-oci [OPTIONS] %s%s %s\n%s.\n", v->name,
			      v->rows ? " [OPTIONS]" : "", v->operands, v->summary);
		if (v->rows)
			opt_help(v->rows, out);
		return;
	}
	(void)fprintf(out, "usage: runner-oci [OPTIONS] COMMAND ...\n");
	opt_help(rows, out);
	(void)fprintf(out, "\ncommands:\n");
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		(void)fprintf(out, "  %-10s %s\n", verbs[i]->name, verbs[i]->summary);
}

int cli_operands(const struct verb *v, int argc, char **argv, void *target, int min, int max,
		 unsigned int flags, char ***ret_args, struct err *e)
{
	static const struct opt none[] = { OPT_END };
	int first, end = argc;

	int r = opt_parse(v->rows ? v->rows : none, argc, argv, flags, target, &first,
			  flags & OPT_STOP_AT_OPERAND ? NULL : &end, e);
	if (r < 0)
		return err_wrap(e, "%s", v->name);
	int n = end - first;
	if (n < min)
		return err_msg(e, -EINVAL, "%s: needs %s", v->name, v->operands);
	if (max >= 0 && n > max)
		return err_msg(e, -EINVAL, "%s: '%s' is too much", v->name, argv[first + max]);
	*ret_args = argv + first;
	return n;
}

int cli_each(const struct cli *cli, const char *pattern,
	     int (*fn)(const struct cli *cli, const char *id, void *ctx, struct err *e), void *ctx,
	     struct err *e)
{
	regex_t re;
	int first = 0;

	if (regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB) != 0)
		return err_msg(e, -EINVAL, "'%s' is no regular expression", pattern);
	int copy = openat(cli->root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_dir DIR *d = copy < 0 ? NULL : fdopendir(copy);
	for (struct dirent *ent; d && (ent = readdir(d));) {
		if (ent->d_name[0] == '.' || regexec(&re, ent->d_name, 0, NULL, 0) != 0)
			continue;
		int r = fn(cli, ent->d_name, ctx, first ? NULL : e);
		if (r < 0 && !first)
			first = r;
	}
	regfree(&re);
	return first;
}

int cli_send_console(const char *path, int master, struct err *e)
{
	struct stat st;

	if (fstat(master, &st) < 0)
		return err_set(e, -errno, "pty");
	auto_close int s = sock_connect_unix(path);
	if (s < 0)
		return err_set(e, s, "--console-socket %s", path);
	/* receivers take the text for the terminal's name and want one */
	ssize_t n = sock_send_fds(s, "/dev/ptmx", sizeof("/dev/ptmx"), &master, 1);
	return n < 0 ? err_set(e, (int)n, "--console-socket %s", path) : 0;
}

int cli_write_pid(const char *path, pid_t pid, struct err *e)
{
	char text[16];

	if (!path || !*path)
		return 0;
	int n = snprintf(text, sizeof(text), "%d", pid);
	int r = io_replace_file_at(AT_FDCWD, path, text, (size_t)n, 0644);
	return r < 0 ? err_set(e, r, "--pid-file %s", path) : 0;
}

int cli_keep_fds(int n, int **ret, size_t *ret_n, struct err *e)
{
	const char *listen = getenv("LISTEN_FDS");
	int32_t more = 0;

	if (listen && (num_i32(listen, &more) < 0 || more < 0))
		more = 0;
	if (n < 0 || n > 4096 || more > 4096)
		return err_msg(e, -EINVAL, "--preserve-fds: not a number from 0 to 4096");
	n += more;
	int *fds = xcalloc((size_t)n + 1, sizeof(*fds));
	size_t open_n = 0;

	/* the ones that are not open are not there for the program either */
	for (int i = 0; i < n; i++)
		if (fcntl(3 + i, F_GETFD) >= 0)
			fds[open_n++] = 3 + i;
	*ret = fds;
	*ret_n = open_n;
	return 0;
}

void cli_warn(void *ctx, const char *line)
{
	(void)ctx;
	log_warn("%s", line);
}

int cli_state_fd(const struct box *b, const struct spec *s, const char *status, struct err *e)
{
	struct oci_state st = { .id = b->rec.id, .status = status, .bundle = b->rec.bundle,
				.pid = str_eq(status, "stopped") ? 0 : b->rec.pid, .spec = s };
	auto_free char *text = state_json(&st);
	auto_close int fd = memfd_create("state", MFD_CLOEXEC);

	int r = fd < 0 ? -errno : io_write_all(fd, text, strlen(text));
	return r < 0 ? err_set(e, r, "write the state for hooks") : take_fd(&fd);
}

int cli_signal(const char *s, int *ret, struct err *e)
{
	uint32_t n;
	char upper[32];

	if (num_u32(s, &n) == 0 && n <= 64) {
		*ret = (int)n;
		return 0;
	}
	if (str_format(upper, sizeof(upper), "%s", s) < 0)
		upper[0] = '\0';
	for (char *p = upper; *p; p++)
		*p = (char)toupper((unsigned char)*p);
	const char *name = str_after(upper, "SIG") ? str_after(upper, "SIG") : upper;
	const char *plus = str_after(name, "RTMIN");
	const char *minus = str_after(name, "RTMAX");
	if (plus && (!*plus || (*plus == '+' && num_u32(plus + 1, &n) == 0 && n <= 30))) {
		*ret = SIGRTMIN + (*plus ? (int)n : 0);
		return 0;
	}
	if (minus && (!*minus || (*minus == '-' && num_u32(minus + 1, &n) == 0 && n <= 30))) {
		*ret = SIGRTMAX - (*minus ? (int)n : 0);
		return 0;
	}
	for (int i = 1; i < SIGRTMIN; i++)
		if (sigabbrev_np(i) && str_eq(sigabbrev_np(i), name)) {
			*ret = i;
			return 0;
		}
	return err_msg(e, -EINVAL, "'%s' is no signal", s);
}

static int add_pid(pid_t **v, size_t *n, pid_t pid)
{
	if (*n % 64 == 0)
		*v = xrealloc(*v, *n + 64, sizeof(**v));
	(*v)[(*n)++] = pid;
	return 0;
}

/* Folders of a group are read one by one; each line of cgroup.procs is a pid. */
static int pids_of_cgroup(int dir, int depth, pid_t **v, size_t *n)
{
	auto_free char *text = NULL;

	if (depth > 32)
		return -ELOOP;
	int r = io_read_file_at(dir, "cgroup.procs", PIDS_MAX, &text, NULL);
	if (r < 0 && r != -EOPNOTSUPP)
		return r;
	for (char *p = text; p && *p;) {
		int pid = 0;

		if (sscanf(p, "%d", &pid) == 1 && pid > 0)
			(void)add_pid(v, n, pid);
		p += strcspn(p, "\n");
		p += *p == '\n';
	}
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_dir DIR *d = copy < 0 ? NULL : fdopendir(copy);
	for (struct dirent *ent; d && (ent = readdir(d));) {
		if (ent->d_type != DT_DIR || ent->d_name[0] == '.')
			continue;
		auto_close int sub = openat(dir, ent->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (sub >= 0)
			(void)pids_of_cgroup(sub, depth + 1, v, n);
	}
	return 0;
}

/* Without a cgroup: whoever is in the same pid namespace as the init. */
static int pids_of_namespace(const struct box *b, pid_t **v, size_t *n)
{
	auto_dir DIR *d = opendir("/proc");
	struct stat own, st;
	char path[64];

	if (!d)
		return -errno;
	if (stat("/proc/self/ns/pid", &own) == 0 && own.st_ino == b->rec.ns[SPEC_NS_PID].ino)
		return add_pid(v, n, b->rec.pid);
	for (struct dirent *ent; (ent = readdir(d));) {
		uint32_t pid;

		if (num_u32(ent->d_name, &pid) < 0)
			continue;
		(void)snprintf(path, sizeof(path), "/proc/%u/ns/pid", pid);
		if (stat(path, &st) == 0 && st.st_ino == b->rec.ns[SPEC_NS_PID].ino &&
		    st.st_dev == b->rec.ns[SPEC_NS_PID].dev)
			(void)add_pid(v, n, (pid_t)pid);
	}
	return 0;
}

int cli_pids(const struct box *b, pid_t **ret, size_t *ret_n, struct err *e)
{
	auto_free pid_t *v = NULL;
	size_t n = 0;
	int r;

	if (*b->rec.cgroup) {
		auto_close int dir = open(b->rec.cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		r = dir < 0 ? -errno : pids_of_cgroup(dir, 0, &v, &n);
	} else {
		r = pids_of_namespace(b, &v, &n);
	}
	if (r < 0)
		return err_set(e, r, "processes of %s", b->rec.id);
	*ret = take_ptr(v);
	*ret_n = n;
	return 0;
}
