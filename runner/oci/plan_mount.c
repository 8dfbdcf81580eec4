/* SPDX-License-Identifier: Apache-2.0
 *
 * plan_mount - what a mount of the spec means on this host
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/vfs.h>

#include "common/err.h"
#include "common/num.h"
#include "common/str.h"
#include "runner/oci/ns.h"
#include "runner/oci/plan.h"

/* A data word "key=value" or "flag" for fsconfig. */
static void add_data(struct plan *p, struct plan_mount *m, const char *word)
{
	const char *eq = strchr(word, '=');
	size_t n = m->n_data++;

	m->data[n * 2] = eq ? spec_printf(&p->mem, "%.*s", (int)(eq - word), word) : word;
	m->data[n * 2 + 1] = eq ? eq + 1 : NULL;
}

/* Can this gid own the terminals? A user namespace of one id has no tty group. */
static bool gid_is_mapped(const struct plan *p, const char *text)
{
	uint32_t gid;

	if (num_u32(text, &gid) < 0)
		return true; /* the kernel shall say what is wrong with it */
	if (!p->new_user)
		return ns_gid_is_mapped(gid);
	for (size_t i = 0; i < p->gidmap.n; i++) {
		const struct spec_idmap *m = &p->gidmap.v[i];

		if (gid >= m->container && gid - m->container < m->size)
			return true;
	}
	return false;
}

static int parse_words(struct plan *p, const struct spec_mount *s, struct plan_mount *m,
		       struct err *e)
{
	bool devpts = s->type && strcmp(s->type, "devpts") == 0;

	m->data = spec_alloc(&p->mem, (s->opts.n + 3) * 2, sizeof(*m->data));
	for (size_t i = 0; i < s->opts.n; i++) {
		const char *word = s->opts.v[i];
		const char *sb;

		if (mountflags_add(&m->f, word, &sb)) {
			if (sb)
				add_data(p, m, sb);
			continue;
		}
		const char *map = str_after(word, "idmap=");
		if (!map && (map = str_after(word, "ridmap=")))
			m->f.idmap_rec = true;
		if (map) {
			m->f.idmap = true;
			int r = plan_idmap_word(p, map, &m->uidmap, &m->gidmap, e);
			if (r < 0)
				return err_wrap(e, "mounts: %s", s->dst);
			continue;
		}
		const char *gid = devpts ? str_after(word, "gid=") : NULL;
		if (gid && p->s->lenient_tty_gid && !gid_is_mapped(p, gid))
			continue;
		add_data(p, m, word);
	}
	if (m->f.tmpcopyup && (!s->type || strcmp(s->type, "tmpfs") != 0))
		return err_msg(e, -EINVAL, "mounts: %s: tmpcopyup is for tmpfs only", s->dst);
	return 0;
}

int plan_open_bind(struct plan_mount *m)
{
	unsigned int flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;

	if (m->f.bind_rec)
		flags |= AT_RECURSIVE;
	if (m->f.src_nofollow || m->f.copy_symlink)
		flags |= AT_SYMLINK_NOFOLLOW;
	int fd = open_tree(AT_FDCWD, m->src, flags);
	if (fd < 0 && errno == EINVAL && !m->f.bind_rec) {
		/* mounts below it are locked to it in a user namespace: they come
		 * along, under the same restrictions */
		fd = open_tree(AT_FDCWD, m->src, flags | AT_RECURSIVE);
		if (fd < 0)
			return -EINVAL;
		m->f.rset |= m->f.set;
	}
	return fd < 0 ? -errno : fd;
}

int plan_apply_idmap(const struct plan_mount *m, int fd, struct err *e)
{
	struct mount_attr a = { .attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)m->idmap_fd };
	unsigned int flags = AT_EMPTY_PATH | (m->f.idmap_rec ? AT_RECURSIVE : 0U);

	if (mount_setattr(fd, "", flags, &a, sizeof(a)) < 0)
		return err_set(e, -errno, "idmap");
	return 0;
}

/* Which view of cgroups this host can give. */
static void choose_cgroup(struct plan *p, struct plan_mount *m)
{
	struct statfs fs;
	bool unified = statfs("/sys/fs/cgroup", &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC;

	if (unified && (p->clone & CLONE_NEWCGROUP)) {
		m->kind = PLAN_FS;
		m->type = "cgroup2";
		m->fallback = "/sys/fs/cgroup";
		return;
	}
	/* v1, hybrid, or the caller's own view: what the host shows, never writable */
	m->kind = PLAN_BIND;
	m->src = unified && p->c && p->c->cgroup[0] ? p->c->cgroup : "/sys/fs/cgroup";
	m->f.bind = m->f.bind_rec = true;
	m->n_data = 0;
	if (!unified)
		m->f.rset |= MOUNT_ATTR_RDONLY;
}

/* Words of mount(8) that stand for a file system's own flag. */
static bool is_fs_word(const char *word)
{
	struct mountflags unused = { 0 };
	const char *sb;

	return mountflags_add(&unused, word, &sb) && sb;
}

static bool is_tmpfs_word(const char *key)
{
	return str_eq(key, "mode") || str_eq(key, "size");
}

static int parse_bind(struct plan *p, const struct spec_mount *s, struct plan_mount *m,
		      struct err *e)
{
	m->kind = PLAN_BIND;
	if (!s->src || !*s->src)
		return err_msg(e, -EINVAL, "mounts: %s: a bind mount needs a source", s->dst);
	if (s->src[0] == '/' || !p->o->bundle)
		m->src = s->src;
	else
		m->src = spec_printf(&p->mem, "%s/%s", p->o->bundle, s->src);
	/*
	 * The kernel looks at no data of a bind, and runc and crun drop all of it
	 * unseen. Here it is refused, be it a misspelt "ro" or a context= that
	 * would be thought to hold. Told only: the flags of mount(8) for a whole
	 * file system, and mode= and size=, which the validation suite of the OCI
	 * gives to every mount.
	 */
	for (size_t i = 0; i < m->n_data; i++)
		if (m->data[i * 2 + 1] ? !is_tmpfs_word(m->data[i * 2]) : !is_fs_word(m->data[i * 2]))
			return err_msg(e, -EINVAL, "mounts: %s: '%s' is no option of a bind mount",
				       s->dst, m->data[i * 2]);
	for (size_t i = 0; i < m->n_data && p->o->warn; i++) {
		struct err line;

		(void)err_msg(&line, 0, "mounts: %s: option '%s' means nothing for a bind mount", s->dst,
			      m->data[i * 2]);
		p->o->warn(p->o->warn_ctx, line.msg);
	}
	m->n_data = 0;
	return 0;
}

/* proc, sysfs and cgroup label their files themselves; mqueue refuses a context. */
static bool takes_label(const char *type)
{
	return str_eq(type, "tmpfs") || str_eq(type, "devpts") || str_eq(type, "ramfs");
}

static void parse_fs(const struct plan *p, const struct spec_mount *s, struct plan_mount *m)
{
	m->kind = PLAN_FS;
	m->type = s->type;
	m->src = s->src ? s->src : s->type;
	m->real_dir = strcmp(s->type, "proc") == 0 || strcmp(s->type, "sysfs") == 0;
	m->late_ro = strcmp(s->dst, "/dev") == 0 && (m->f.set & MOUNT_ATTR_RDONLY);
	if (m->late_ro)
		m->f.set &= ~(uint64_t)MOUNT_ATTR_RDONLY;

	if (p->mount_label && takes_label(s->type)) {
		m->data[m->n_data * 2] = "context";
		m->data[m->n_data++ * 2 + 1] = p->mount_label;
	}

	/* of another user namespace's network or ipc: only what it shows already */
	if (strcmp(s->type, "sysfs") == 0)
		m->fallback = "/sys";
	else if (strcmp(s->type, "mqueue") == 0)
		m->fallback = "/dev/mqueue";
	else if (strcmp(s->type, "proc") == 0 && !p->s->ns[SPEC_NS_PID].set)
		m->fallback = "/proc";
}

int plan_mount_parse(struct plan *p, const struct spec_mount *s, struct plan_mount *ret,
		     struct err *e)
{
	struct plan_mount m = { .fd = -1, .idmap_fd = -1, .dst = s->dst };

	if (!s->dst || !*s->dst)
		return err_msg(e, -EINVAL, "mounts: destination is missing");

	int r = parse_words(p, s, &m, e);
	if (r < 0)
		return r;

	if (s->src_fd >= 0) {
		m.kind = PLAN_FD;
		m.fd = s->src_fd;
	} else if (m.f.remount) {
		m.kind = PLAN_REMOUNT;
	} else if (m.f.bind || (s->type && strcmp(s->type, "bind") == 0)) {
		r = parse_bind(p, s, &m, e);
		if (r < 0)
			return r;
	} else if (s->type && (strcmp(s->type, "cgroup") == 0 || strcmp(s->type, "cgroup2") == 0)) {
		choose_cgroup(p, &m);
	} else if (s->type && *s->type && strcmp(s->type, "none") != 0) {
		parse_fs(p, s, &m);
	} else {
		return err_msg(e, -EINVAL, "mounts: %s: neither a type nor a bind option", s->dst);
	}
	if (m.f.idmap || s->uidmap.n || s->gidmap.n) {
		const struct spec_idmaps *u = m.uidmap.n ? &m.uidmap : &s->uidmap;
		const struct spec_idmaps *g = m.gidmap.n ? &m.gidmap : &s->gidmap;

		r = ns_idmap_open(u->n ? u : &p->s->uidmap, g->n ? g : &p->s->gidmap, &m.idmap_fd, e);
		if (r < 0)
			return err_wrap(e, "mounts: %s: id mapping", s->dst);
	}
	*ret = m;
	return 0;
}
