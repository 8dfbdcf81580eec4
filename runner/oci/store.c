/* SPDX-License-Identifier: Apache-2.0
 *
 * store - the folder where runner-oci keeps its containers
 */
#include "runner/oci/store.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/io.h"
#include "common/proc.h"
#include "common/str.h"

enum { ID_MAX = 1024 };

static const char *const names[] = {
	[STORE_CREATING] = "creating", [STORE_CREATED] = "created", [STORE_RUNNING] = "running",
	[STORE_PAUSED] = "paused",     [STORE_STOPPED] = "stopped",
};
_Static_assert(sizeof(names) / sizeof(names[0]) == STORE_STATUS_MAX_, "a name for every status");

const char *store_status_name(enum store_status s)
{
	return names[s];
}

/* Where this user's state goes when nobody says. */
static char *default_root(void)
{
	const char *run = getenv("XDG_RUNTIME_DIR");
	char path[64];

	if (run && run[0] == '/')
		return xasprintf("%s/runner-oci", run);
	if (geteuid() == 0)
		return xstrdup("/run/runner-oci");
	(void)snprintf(path, sizeof(path), "/run/user/%u", geteuid());
	if (access(path, W_OK) == 0)
		return xasprintf("%s/runner-oci", path);
	return xasprintf("/tmp/runner-oci-%u", geteuid());
}

int store_open(const char *root, int *ret_fd, struct err *e)
{
	auto_free char *path = root ? xstrdup(root) : default_root();

	int r = io_mkdir_p_at(AT_FDCWD, path, 0700);
	if (r < 0)
		return err_set(e, r, "%s", path);
	auto_close int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_set(e, -errno, "%s", path);

	/* somebody else's folder in /tmp would make us believe his records */
	struct stat st;
	if (fstat(fd, &st) < 0)
		return err_set(e, -errno, "%s", path);
	if (!root && (st.st_uid != geteuid() || st.st_mode & 022))
		return err_msg(e, -EPERM, "%s: not ours alone", path);
	*ret_fd = take_fd(&fd);
	return 0;
}

int store_check_id(const char *id, struct err *e)
{
	static const char ok[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-.";
	size_t len = strlen(id);

	if (len == 0 || len > 255 || id[strspn(id, ok)] || !strcmp(id, ".") || !strcmp(id, ".."))
		return err_msg(e, -EINVAL, "'%s': a container's name is made of letters, digits and _+-.",
			       id);
	return 0;
}

void box_close(struct box *b)
{
	if (b->fd >= 0)
		(void)close(b->fd);
	if (b->pidfd >= 0)
		(void)close(b->pidfd);
	b->fd = b->pidfd = -1;
	record_clear(&b->rec);
}

static void box_init(struct box *b, int root_fd)
{
	*b = (struct box){ .root_fd = root_fd, .fd = -1, .pidfd = -1 };
	record_init(&b->rec);
}

static int lock_folder(int fd, struct err *e)
{
	while (flock(fd, LOCK_EX) < 0)
		/* no locks on this file system: then commands race as they may */
		if (errno == ENOLCK || errno == EOPNOTSUPP)
			return 0;
		else if (errno != EINTR)
			return err_set(e, -errno, "lock");
	return 0;
}

int store_new(int root_fd, const char *id, struct box *ret, struct err *e)
{
	int r = store_check_id(id, e);
	if (r < 0)
		return r;
	if (mkdirat(root_fd, id, 0700) < 0)
		return errno == EEXIST ?
			       err_msg(e, -EEXIST, "container %s already exists", id) :
			       err_set(e, -errno, "make the folder of %s", id);
	box_init(ret, root_fd);
	ret->fd = openat(root_fd, id, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (ret->fd < 0) {
		r = err_set(e, -errno, "%s", id);
		record_clear(&ret->rec);
		return r;
	}
	ret->rec.id = spec_strdup(&ret->rec.mem, id);
	return lock_folder(ret->fd, e);
}

/* Was the folder removed while we waited for its lock? */
static bool is_gone(const struct box *b)
{
	struct stat st;

	return fstat(b->fd, &st) < 0 || st.st_nlink == 0;
}

static int load(struct box *b, const char *id, struct err *e)
{
	auto_free char *text = NULL;
	size_t len;

	int r = io_read_file_at(b->fd, "state.json", RECORD_MAX, &text, &len);
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return err_set(e, r, "%s/state.json", id);
	r = record_parse(text, len, &b->rec, e);
	if (r < 0)
		return err_wrap(e, "%s/state.json", id);
	if (b->rec.pid > 0)
		b->pidfd = proc_pidfd_open(b->rec.pid, b->rec.start);
	return 0;
}

int box_open(int root_fd, const char *id, bool lock, struct box *ret, struct err *e)
{
	struct box b;

	int r = store_check_id(id, e);
	if (r < 0)
		return r;
	box_init(&b, root_fd);
	b.fd = openat(root_fd, id, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (b.fd < 0)
		r = errno == ENOENT ? err_msg(e, -ENOENT, "container %s does not exist", id) :
				      err_set(e, -errno, "%s", id);
	if (r == 0 && lock)
		r = lock_folder(b.fd, e);
	if (r == 0 && is_gone(&b))
		r = err_msg(e, -ENOENT, "container %s does not exist", id);
	if (r == 0)
		r = load(&b, id, e);
	if (r < 0) {
		box_close(&b);
		return r;
	}
	if (!*b.rec.id)
		b.rec.id = spec_strdup(&b.rec.mem, id);
	*ret = b;
	return 0;
}

int box_save(struct box *b, struct err *e)
{
	auto_free char *text = record_print(&b->rec);
	int r = io_replace_file_at(b->fd, "state.json", text, strlen(text), 0600);

	return r < 0 ? err_set(e, r, "%s/state.json", b->rec.id) : 0;
}

int box_spec(const struct box *b, struct spec *ret, struct err *e)
{
	int r = spec_load(b->fd, "config.json", ret, e);

	return r < 0 ? err_wrap(e, "container %s", b->rec.id) : 0;
}

/* The socket's address, reached through the folder: paths may be long. */
static void start_address(const struct box *b, struct sockaddr_un *a)
{
	*a = (struct sockaddr_un){ .sun_family = AF_UNIX };
	(void)snprintf(a->sun_path, sizeof(a->sun_path), "/proc/self/fd/%d/start", b->fd);
}

int box_listen(const struct box *b, int *ret_fd, struct err *e)
{
	struct sockaddr_un a;
	auto_close int s = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	start_address(b, &a);
	if (s < 0 || bind(s, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(s, 8) < 0)
		return err_set(e, -errno, "make the start socket");
	*ret_fd = take_fd(&s);
	return 0;
}

int box_connect(const struct box *b)
{
	struct sockaddr_un a;
	auto_close int s = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	start_address(b, &a);
	if (s < 0 || connect(s, (struct sockaddr *)&a, sizeof(a)) < 0)
		return -errno;
	return take_fd(&s);
}

static bool is_frozen(const struct record *r)
{
	auto_close int dir = -1;
	auto_free char *text = NULL;

	if (!*r->cgroup)
		return false;
	dir = open(r->cgroup, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return dir >= 0 && io_read_file_at(dir, "cgroup.freeze", 16, &text, NULL) == 0 &&
	       text[0] == '1';
}

/* A zombie is as good as gone. */
static bool is_running(const struct box *b)
{
	struct pollfd p = { .fd = b->pidfd, .events = POLLIN };

	return b->pidfd >= 0 && poll(&p, 1, 0) == 0;
}

enum store_status box_status(const struct box *b)
{
	if (b->rec.pid == 0)
		return STORE_CREATING;
	if (!is_running(b))
		return STORE_STOPPED;
	if (b->rec.half_made)
		return STORE_CREATING;

	auto_close int s = box_connect(b);
	if (s >= 0 || s == -EAGAIN)
		return STORE_CREATED;
	return is_frozen(&b->rec) ? STORE_PAUSED : STORE_RUNNING;
}

int box_require(const struct box *b, unsigned int mask, struct err *e)
{
	enum store_status s = box_status(b);

	if (mask & STORE_BIT(s))
		return 0;
	/* engines look for these very words */
	if (s == STORE_STOPPED)
		return err_msg(e, -ESRCH, "container not running: %s is stopped", b->rec.id);
	return err_msg(e, -EINVAL, "container %s is %s", b->rec.id, names[s]);
}

int box_remove(struct box *b, const char *id, struct err *e)
{
	int r = io_remove_tree_at(b->root_fd, id);

	return r < 0 ? err_set(e, r, "remove the folder of %s", id) : 0;
}
