/* SPDX-License-Identifier: Apache-2.0
 *
 * recorded - all the ids of an image where only one exists
 *
 * How it works: the monitor starts `uidmap agent`, which has inherited a
 * socket that listens already, so that nobody waits for it. Every program of
 * the container is given a filter (runner/oci, struct oci_agent) whose
 * descriptor goes to that socket with the ids it begins with, as the
 * listenerPath of an OCI configuration would have it; the container's first
 * by the monitor, further ones by exec. The socket is not kept open here: if
 * the agent is gone, so is what waits in it, and nobody waits for ever.
 *
 * Files and folders carry their owners in an attribute. Those of links, pipes
 * and sockets are in the file "owners" of each layer; the agent gets all of
 * them in one, lowest layer first. What the container's programs change of
 * them it keeps in the file "owners" of the container's folder.
 */
#include "runner/engine/recorded.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/idcalls.h"
#include "common/io.h"
#include "common/log.h"
#include "common/override.h"
#include "common/proc.h"
#include "common/sock.h"
#include "common/str.h"
#include "runner/engine/container.h"
#include "runner/engine/engine.h"
#include "runner/engine/filter.h"
#include "runner/engine/rootfs.h"
#include "runner/engine/specgen.h"
#include "runner/engine/user.h"
#include "runner/oci/oci.h"
#include "runner/oci/spec.h"

#define SOCKET "agent"
#define OWNERS "owners"
#define OWNERS_MAX (64u << 20)
#define BACKLOG 64
#define LEAVE_MS 5000

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

static const char *const mode_names[RECORDED_MAX_] = {
	[RECORDED_OFF] = "off",
	[RECORDED_FAST] = "fast",
	[RECORDED_FULL] = "full",
};

int recorded_parse(const char *word, enum recorded_mode *ret, struct err *e)
{
	for (int i = 0; i < RECORDED_MAX_; i++)
		if (str_eq(word, mode_names[i])) {
			*ret = (enum recorded_mode)i;
			return 0;
		}
	return err_msg(e, -EINVAL, "--recorded-ids %s: not off, fast or full", word);
}

/* --------------------------------------------------------------- choice -- */

/* Flags are judged before the filter is read, and there is none. */
static bool kernel_takes(unsigned long flags)
{
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, NULL) < 0 && errno == EFAULT;
}

/* Only one filter of a process and its ancestors can have somebody answer. */
static bool answered_already(void)
{
	static const struct sock_filter allow = { .code = 0x06 /* BPF_RET | BPF_K */,
						  .k = SECCOMP_RET_ALLOW };
	struct sock_fprog prog = { .len = 1, .filter = (struct sock_filter *)(size_t)&allow };
	auto_free char *status = NULL;
	pid_t pid;

	if (io_read_file_at(AT_FDCWD, "/proc/self/status", 65536, &status, NULL) < 0 ||
	    strstr(status, "\nSeccomp:\t0"))
		return false;
	pid = fork();
	if (pid == 0) {
		(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		_exit(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
			      &prog) < 0);
	}
	return pid < 0 || proc_wait(pid) != 0;
}

/* The agent keeps its place in a limit that the kernel passes on (RTTIME). */
static bool limit_is_free(void)
{
	struct rlimit l;

	return getrlimit(RLIMIT_RTTIME, &l) == 0 && l.rlim_max == RLIM_INFINITY &&
	       l.rlim_cur == RLIM_INFINITY;
}

bool recorded_offered(void)
{
	uint32_t action = SECCOMP_RET_USER_NOTIF;
	struct seccomp_notif_sizes sizes;

	return limit_is_free() &&
	       syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0 &&
	       syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) == 0 && !answered_already();
}

const char *recorded_ids_name(const struct engine *eng)
{
	return eng->ids == ENGINE_IDS_ONE && recorded_offered() ? "recorded" : engine_ids_name(eng);
}

enum recorded_mode recorded_mode(const struct container *c)
{
	const char *word = c->config.recorded_ids;
	enum recorded_mode mode = RECORDED_FULL;

	if (word && *word && recorded_parse(word, &mode, NULL) < 0)
		return RECORDED_OFF;
	return mode;
}

enum recorded_mode recorded_choose(const struct container *c, const struct rootfs *root)
{
	enum recorded_mode mode = recorded_mode(c);

	if (c->eng->ids != ENGINE_IDS_ONE || mode == RECORDED_OFF || !recorded_offered())
		return RECORDED_OFF;
	/* It shows recorded owners by itself, where the kernel has them for nobody's. */
	if (root->foreign) {
		log_warn("ids: not recorded: %s shows the owners of files", c->eng->mount_program);
		return RECORDED_OFF;
	}
	if (specgen_has_listener(c)) {
		log_warn("ids: not recorded: the seccomp profile has a listener of its own, and there can "
			 "be one only");
		return RECORDED_OFF;
	}
	return mode;
}

/* --------------------------------------------------------------- filter -- */

/* Programs of other architectures pass by: their calls have other numbers and
 * other structures, and the agent knows the machine's own. */
static const uint32_t archs[] = { SCMP_ARCH_NATIVE };

static void add_rule(struct spec *s, struct spec_seccomp_rule *rule, const struct idcall *row)
{
	struct spec_seccomp_arg *arg = spec_alloc(s, 1, sizeof(*arg));

	spec_strv_add(s, &rule->names, row->name);
	rule->action = SCMP_ACT_NOTIFY;
	if (!row->mask)
		return;
	*arg = (struct spec_seccomp_arg){ .index = row->arg, .op = SCMP_CMP_MASKED_EQ,
					  .value = row->mask, .value_two = row->value };
	rule->args = arg;
	rule->n_args = 1;
}

static int make_filter(const struct engine *eng, enum recorded_mode mode, struct oci_bpf *ret,
		       struct err *e)
{
	struct spec s;
	struct spec_seccomp sc = { .set = true, .action = SCMP_ACT_ALLOW, .archs = archs,
				   .n_archs = 1, .others_pass = true };
	struct spec_seccomp_rule *rules;
	int r;

	spec_init(&s);
	rules = spec_alloc(&s, n_idcalls, sizeof(*rules));
	for (size_t i = 0; i < n_idcalls; i++)
		if (idcall_wanted(&idcalls[i], mode == RECORDED_FULL))
			add_rule(&s, &rules[sc.n_rules++], &idcalls[i]);
	sc.rules = rules;
	/* Without it (before Linux 5.19) a signal makes a call begin anew. */
	if (kernel_takes(SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV))
		sc.flags = SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
	r = filter_get(eng, &sc, ret, e);
	spec_clear(&s);
	return r;
}

/* --------------------------------------------------------------- owners -- */

static int add_layer_owners(const struct container *c, const char *layer, struct strbuf *b)
{
	auto_free char *path = xasprintf("%s/../" OWNERS, layer);
	auto_free char *text = NULL;
	size_t len = 0;
	int r = io_read_file_at(c->eng->root_fd, path, OWNERS_MAX, &text, &len);

	if (r == -ENOENT)
		return 0;
	return r < 0 ? r : strbuf_add(b, text, len);
}

/* Return: 1 when there are any, 0, -errno */
static int write_owners(const struct container *c)
{
	AUTO(strbuf_clear) struct strbuf b = { 0 };
	int r = 0;

	for (size_t i = c->config.layers.n; r == 0 && i-- > 0;)
		r = add_layer_owners(c, c->config.layers.v[i], &b);
	if (r < 0 || !b.len)
		return r;
	r = io_replace_file_at(c->run_fd, OWNERS, b.s, b.len, 0600);
	return r < 0 ? r : 1;
}

int recorded_give(int dirfd, const char *name, uid_t uid, gid_t gid)
{
	auto_close int fd = openat(dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	char path[32], text[OVERRIDE_TEXT_MAX];
	struct override ov = { 0 };
	struct stat st;
	ssize_t len;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return 0;
	(void)str_format(path, sizeof(path), "/proc/self/fd/%d", fd);
	len = getxattr(path, OVERRIDE_XATTR, text, sizeof(text));
	/* what it stands for stays */
	if (len > 0)
		(void)override_parse(text, (size_t)len, &ov);
	ov.uid = uid;
	ov.gid = gid;
	ov.mode = st.st_mode & 07777u;
	len = override_format(&ov, text);
	return setxattr(path, OVERRIDE_XATTR, text, (size_t)len, 0) < 0 ? -errno : 0;
}

/* ---------------------------------------------------------------- agent -- */

static char *socket_path(const struct container *c)
{
	return xasprintf("%s/containers/%s/" SOCKET,
			 c->state.runroot && *c->state.runroot ? c->state.runroot : c->eng->runroot, c->id);
}

char *recorded_metadata(const struct user *user, enum recorded_mode mode)
{
	AUTO(strbuf_clear) struct strbuf b = { 0 };

	(void)strbuf_addf(&b, "uid=%u,gid=%u", (unsigned int)user->uid, (unsigned int)user->gid);
	for (size_t i = 0; i < user->n_gids; i++)
		(void)strbuf_addf(&b, "%s%u", i ? "+" : ",groups=", (unsigned int)user->gids[i]);
	(void)strbuf_addf(&b, ",mode=%s", mode_names[mode]);
	return strbuf_take(&b);
}

int recorded_program(const struct container *c, const struct user *user,
		     struct recorded_program *ret, struct err *e)
{
	enum recorded_mode mode = (enum recorded_mode)c->recorded;
	struct oci_bpf bpf;
	int r = make_filter(c->eng, mode, &bpf, e);

	if (r < 0)
		return r;
	ret->bpf = bpf;
	ret->socket = socket_path(c);
	ret->metadata = recorded_metadata(user, mode);
	ret->agent = (struct oci_agent){ ret->socket, ret->metadata, &ret->bpf };
	return 0;
}

void recorded_program_clear(struct recorded_program *p)
{
	oci_bpf_clear(&p->bpf);
	free(p->socket);
	free(p->metadata);
	*p = (struct recorded_program){ 0 };
}

static int spawn(struct recorded *r, const struct container *c, int listener, bool owners,
		 const int *pipes, struct err *e)
{
	AUTO(strv_clear) struct strv argv = { 0 };
	auto_close int run_dir = container_share_run_dir(c, e);
	const int keep[] = { listener, pipes[0], run_dir, c->dir_fd };
	struct proc_spawn how = { .keep = keep, .n_keep = 4, .stdio = { -1, -1, pipes[1] } };
	char program[4096];
	int ret = proc_find_program("uidmap", program, sizeof(program));

	if (run_dir < 0)
		return run_dir;
	if (ret < 0)
		return err_set(e, ret, "uidmap: not beside runner, nor in " LIBEXECDIR ", nor in PATH");
	if (strv_add(&argv, program) < 0 || strv_add(&argv, "agent") < 0 ||
	    strv_addf(&argv, "--socket-fd=%d", listener) < 0 ||
	    strv_addf(&argv, "--exit-fd=%d", pipes[0]) < 0 ||
	    strv_addf(&argv, "--owners-file=/proc/self/fd/%d/" OWNERS, c->dir_fd) < 0 ||
	    (owners && strv_addf(&argv, "--root-owners=/proc/self/fd/%d/" OWNERS, run_dir) < 0))
		return err_set(e, -ENOMEM, "uidmap agent");
	how.argv = argv.v;
	r->pid = proc_spawn(&how);
	if (r->pid < 0) {
		ret = r->pid;
		r->pid = 0;
		return err_set(e, ret, "%s", program);
	}
	log_debug("ids: recorded");
	r->pidfd = proc_pidfd_open(r->pid, 0);
	return r->pidfd < 0 ? err_set(e, r->pidfd, "uidmap agent") : 0;
}

int recorded_start(struct recorded *r, const struct container *c, struct err *e)
{
	auto_free char *path = socket_path(c);
	auto_close int listener = sock_listen_unix(path, BACKLOG);
	int life[2], words[2], owners = write_owners(c), ret;

	*r = RECORDED_NONE;
	if (listener < 0)
		return err_set(e, listener, "runtime folder: socket for recorded ids");
	if (owners < 0)
		return err_set(e, owners, "owners of the image's links and pipes");
	if (pipe2(life, O_CLOEXEC) < 0)
		return err_set(e, -errno, "pipe");
	if (pipe2(words, O_CLOEXEC | O_NONBLOCK) < 0) {
		ret = -errno;
		close(life[0]);
		close(life[1]);
		return err_set(e, ret, "pipe");
	}
	r->exit_fd = life[1];
	r->words_fd = words[0];
	ret = spawn(r, c, listener, owners > 0, (const int[]){ life[0], words[1] }, e);
	close(life[0]);
	close(words[1]);
	return ret;
}

int recorded_words(const struct recorded *r, char *buf, size_t size)
{
	ssize_t got = r->words_fd < 0 ? 0 : read(r->words_fd, buf, size - 1);

	buf[got > 0 ? got : 0] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	return (int)strlen(buf);
}

void recorded_stop(struct recorded *r)
{
	struct pollfd p = { .fd = r->pidfd, .events = POLLIN };

	if (r->exit_fd >= 0)
		close(r->exit_fd);
	/* A file system that does not answer may hold it. */
	if (r->pidfd >= 0 && poll(&p, 1, LEAVE_MS) == 0)
		(void)proc_pidfd_kill(r->pidfd, SIGKILL);
	if (r->pid > 0)
		(void)proc_wait(r->pid);
	if (r->pidfd >= 0)
		close(r->pidfd);
	if (r->words_fd >= 0)
		close(r->words_fd);
	*r = RECORDED_NONE;
}
