/* SPDX-License-Identifier: Apache-2.0
 *
 * spec - memory of a specification and the lists in it
 *
 * How it works: an arena of chunks, freed together. A list that grows is
 * copied to twice its size; the old copy stays until spec_clear(), which is
 * cheaper than tracking it for the few dozen entries a container has.
 */
#include "runner/oci/spec.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/str.h"

enum { CHUNK_MIN = 16 * 1024, ALIGN = 16 };

struct chunk {
	struct chunk *next;
	size_t used, size;
	_Alignas(16) char data[];
};

struct spec_arena {
	struct chunk *head;
};

void spec_init(struct spec *s)
{
	*s = (struct spec){ 0 };
	s->arena = xcalloc(1, sizeof(*s->arena));
}

void spec_clear(struct spec *s)
{
	if (s->arena) {
		for (struct chunk *c = s->arena->head, *next; c; c = next) {
			next = c->next;
			free(c);
		}
		free(s->arena);
	}
	*s = (struct spec){ 0 };
}

void *spec_alloc(struct spec *s, size_t n, size_t size)
{
	size_t want;

	if (__builtin_mul_overflow(n, size, &want) || want > SIZE_MAX / 4)
		return xcalloc(SIZE_MAX, 1); /* ends the program with its message */
	want = (want + ALIGN - 1) & ~(size_t)(ALIGN - 1);

	struct chunk *c = s->arena->head;
	if (!c || c->size - c->used < want) {
		size_t cap = want > CHUNK_MIN ? want : CHUNK_MIN;

		c = xcalloc(1, sizeof(*c) + cap);
		c->size = cap;
		c->next = s->arena->head;
		s->arena->head = c;
	}

	void *p = c->data + c->used;
	c->used += want;
	return p;
}

const char *spec_strdup(struct spec *s, const char *str)
{
	if (!str)
		return NULL;

	size_t len = strlen(str) + 1;
	char *p = spec_alloc(s, len, 1);
	memcpy(p, str, len);
	return p;
}

const char *spec_printf(struct spec *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		n = 0;

	char *p = spec_alloc(s, (size_t)n + 1, 1);
	va_start(ap, fmt);
	(void)vsnprintf(p, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return p;
}

/*
 * Room for one more element. Capacities are powers of two from 8, so the
 * count alone tells when the array is full; a list that was not built here
 * (a caller's own array) is copied at the first addition that hits one.
 */
static void *grow(struct spec *s, const void *v, size_t n, size_t size)
{
	if (n && (n < 8 || (n & (n - 1))))
		return NULL;

	char *p = spec_alloc(s, n ? n * 2 : 8, size);
	if (n)
		memcpy(p, v, n * size);
	return p;
}

void spec_strv_add(struct spec *s, struct spec_strv *l, const char *str)
{
	const char **v = grow(s, l->v, l->n, sizeof(*v));

	if (v)
		l->v = v;
	l->v[l->n++] = str;
}

static void add_options(struct spec *s, struct spec_strv *l, const char *opts)
{
	while (opts && *opts) {
		size_t len = strcspn(opts, ",");

		if (len)
			spec_strv_add(s, l, spec_printf(s, "%.*s", (int)len, opts));
		opts += len;
		opts += *opts == ',';
	}
}

struct spec_mount *spec_mount_add(struct spec *s, const char *dst, const char *type,
				  const char *src, const char *opts)
{
	struct spec_mount *v = grow(s, s->mounts, s->n_mounts, sizeof(*v));

	if (v)
		s->mounts = v;

	/* the array is ours; const only keeps readers honest */
	struct spec_mount *m = (struct spec_mount *)(uintptr_t)&s->mounts[s->n_mounts++];
	*m = (struct spec_mount){ .dst = dst, .src = src, .type = type, .src_fd = -1 };
	add_options(s, &m->opts, opts);
	return m;
}

void spec_device_add(struct spec *s, const struct spec_device *d)
{
	struct spec_device *v = grow(s, s->devices, s->n_devices, sizeof(*v));

	if (v)
		s->devices = v;
	*(struct spec_device *)(uintptr_t)&s->devices[s->n_devices++] = *d;
}

void spec_rlimit_add(struct spec *s, int resource, rlim_t soft, rlim_t hard)
{
	struct spec_process *p = &s->process;
	struct spec_rlimit *v = grow(s, p->rlimits, p->n_rlimits, sizeof(*v));

	if (v)
		p->rlimits = v;
	*(struct spec_rlimit *)(uintptr_t)&p->rlimits[p->n_rlimits++] =
		(struct spec_rlimit){ resource, { soft, hard } };
}

static void default_mounts(struct spec *s, unsigned int flags)
{
	const char *sys = flags & SPEC_DEFAULT_PRIVILEGED ? "nosuid,noexec,nodev" :
							    "nosuid,noexec,nodev,ro";
	const char *sys_bind = flags & SPEC_DEFAULT_PRIVILEGED ? "rbind,nosuid,noexec,nodev" :
								 "rbind,nosuid,noexec,nodev,rro";

	(void)spec_mount_add(s, "/proc", "proc", "proc", "nosuid,noexec,nodev");
	(void)spec_mount_add(s, "/dev", "tmpfs", "tmpfs", "nosuid,noexec,strictatime,mode=755,size=65536k");
	(void)spec_mount_add(s, "/dev/pts", "devpts", "devpts",
			     "nosuid,noexec,newinstance,ptmxmode=0666,mode=0620,gid=5");
	(void)spec_mount_add(s, "/dev/shm", "tmpfs", "shm", "nosuid,noexec,nodev,mode=1777,size=65536k");
	(void)spec_mount_add(s, "/dev/mqueue", "mqueue", "mqueue", "nosuid,noexec,nodev");
	if (flags & SPEC_DEFAULT_HOST_NET)
		(void)spec_mount_add(s, "/sys", "none", "/sys", sys_bind);
	else
		(void)spec_mount_add(s, "/sys", "sysfs", "sysfs", sys);
	if (!(flags & SPEC_DEFAULT_NO_CGROUP_NS))
		(void)spec_mount_add(s, "/sys/fs/cgroup", "cgroup", "cgroup", sys);
}

/* What Docker hides: files that leak or change the host's state. */
static const char *const masked[] = {
	"/proc/asound",	      "/proc/acpi",	   "/proc/interrupts",	"/proc/kcore",
	"/proc/keys",	      "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats",
	"/proc/sched_debug",  "/proc/scsi",	   "/sys/firmware",	"/sys/devices/virtual/powercap",
};

static const char *const readonly[] = {
	"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger",
};

void spec_default(struct spec *s, unsigned int flags)
{
	spec_init(s);
	s->oci_version = SPEC_VERSION;
	s->has_process = true;
	s->lenient_tty_gid = true;
	s->process.cwd = "/";
	spec_strv_add(s, &s->process.env,
		      "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");

	s->ns[SPEC_NS_MOUNT].set = true;
	s->ns[SPEC_NS_PID].set = !(flags & SPEC_DEFAULT_HOST_PID);
	s->ns[SPEC_NS_IPC].set = !(flags & SPEC_DEFAULT_HOST_IPC);
	s->ns[SPEC_NS_UTS].set = !(flags & SPEC_DEFAULT_HOST_UTS);
	s->ns[SPEC_NS_NETWORK].set = !(flags & SPEC_DEFAULT_HOST_NET);
	s->ns[SPEC_NS_CGROUP].set = !(flags & SPEC_DEFAULT_NO_CGROUP_NS);
	default_mounts(s, flags);

	bool privileged = flags & SPEC_DEFAULT_PRIVILEGED;
	spec_caps_assign(&s->process, privileged ? spec_caps_all() : spec_caps_default());
	if (!privileged) {
		for (size_t i = 0; i < sizeof(masked) / sizeof(masked[0]); i++)
			spec_strv_add(s, &s->masked, masked[i]);
		for (size_t i = 0; i < sizeof(readonly) / sizeof(readonly[0]); i++)
			spec_strv_add(s, &s->readonly, readonly[i]);
	}
	if (!privileged && !(flags & SPEC_DEFAULT_NO_SECCOMP))
		spec_seccomp_default(s);
}

