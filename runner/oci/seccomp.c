/* SPDX-License-Identifier: Apache-2.0
 *
 * seccomp - a profile as the kernel takes it
 *
 * How it works: libseccomp compiles the rules. In front of its program goes a
 * prologue of ours for calls of the machine's own architecture that are newer
 * than the library: those the profile names get their action by number, and
 * the rest ENOSYS where the profile would say ERRNO. "Not permitted" for a
 * call that a C library tries first would break it; "not implemented" makes
 * it fall back. The whole is made shorter (bpf.c). Loading is a single call in
 * the child, of bytes made before.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/io.h"
#include "common/str.h"
#include "runner/oci/bpf.h"
#include "runner/oci/oci.h"
#include "runner/oci/spec.h"

#ifndef SCMP_FLTATR_CTL_WAITKILL
#define SCMP_NO_WAITKILL 1
#endif

enum {
	NEW_MAX = 64,
	FIRST_NEW = 449,  /* numbers are the same on all architectures from here */
	KNOWN_LAST = 470, /* calls above this we know nothing of */
	BPF_MAX = 4096,	  /* the kernel's BPF_MAXINSNS */
	PROFILE_ERRNO_MAX = 4095,
};

/* Calls that libseccomp 2.5 may not know by name. */
static const struct {
	const char *name;
	unsigned int nr;
} newer[] = {
	{ "futex_waitv", 449 },		{ "set_mempolicy_home_node", 450 },
	{ "cachestat", 451 },		{ "fchmodat2", 452 },
	{ "map_shadow_stack", 453 },	{ "futex_wake", 454 },
	{ "futex_wait", 455 },		{ "futex_requeue", 456 },
	{ "statmount", 457 },		{ "listmount", 458 },
	{ "lsm_get_self_attr", 459 },	{ "lsm_set_self_attr", 460 },
	{ "lsm_list_modules", 461 },	{ "mseal", 462 },
	{ "setxattrat", 463 },		{ "getxattrat", 464 },
	{ "listxattrat", 465 },		{ "removexattrat", 466 },
	{ "open_tree_attr", 467 },	{ "file_getattr", 468 },
	{ "file_setattr", 469 },	{ "listns", 470 },
};

struct prologue_row {
	unsigned int nr;
	uint32_t ret;
};

struct prologue {
	struct prologue_row row[NEW_MAX];
	size_t n;
};

static void release_ctx(scmp_filter_ctx *ctx)
{
	if (*ctx)
		seccomp_release(*ctx);
}

void oci_bpf_clear(struct oci_bpf *b)
{
	free(b->insns);
	*b = (struct oci_bpf){ 0 };
}

/* Action with the errno put in. */
static uint32_t action_of(uint32_t action, bool has_errno, unsigned int nr)
{
	if (action == SCMP_ACT_ERRNO(0))
		return SCMP_ACT_ERRNO(has_errno ? nr : EPERM);
	if (action == SCMP_ACT_TRACE(0))
		return SCMP_ACT_TRACE(has_errno ? nr : EPERM);
	return action;
}

static int newer_number(const char *name)
{
	for (size_t i = 0; i < sizeof(newer) / sizeof(newer[0]); i++)
		if (strcmp(newer[i].name, name) == 0)
			return (int)newer[i].nr;
	return -ENOENT;
}

static void prologue_add(struct prologue *p, unsigned int nr, uint32_t action)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->row[i].nr == nr)
			return;
	if (p->n < NEW_MAX)
		p->row[p->n++] = (struct prologue_row){ nr, action };
}

static int add_one(scmp_filter_ctx ctx, uint32_t action, int nr, const char *name,
		   const struct scmp_arg_cmp *args, unsigned int n, struct err *e)
{
	int r = seccomp_rule_add_array(ctx, action, nr, n, args);

	/* -EEXIST: said before; -EDOM, -EFAULT: not a call of this architecture */
	if (r < 0 && r != -EEXIST && r != -EDOM && r != -EFAULT)
		return err_set(e, r, "seccomp: %s", name);
	return 0;
}

/* Is one argument tested twice? Then the tests are alternatives. */
static bool repeats(const struct spec_seccomp_rule *r)
{
	unsigned int seen = 0;

	for (size_t i = 0; i < r->n_args; i++) {
		if (seen & 1U << r->args[i].index)
			return true;
		seen |= 1U << r->args[i].index;
	}
	return false;
}

static struct scmp_arg_cmp cmp_of(const struct spec_seccomp_arg *a)
{
	struct scmp_arg_cmp c = { .arg = a->index, .op = (enum scmp_compare)a->op };

	c.datum_a = a->value;
	/* a masked test has the mask first */
	c.datum_b = a->value_two;
	return c;
}

static int add_call(scmp_filter_ctx ctx, const struct spec_seccomp_rule *r, uint32_t action,
		    const char *name, struct prologue *p, struct err *e)
{
	int nr = seccomp_syscall_resolve_name(name);

	if (nr == __NR_SCMP_ERROR) {
		int number = newer_number(name);

		/* a name nobody knows cannot be called either */
		if (number >= 0 && r->n_args == 0)
			prologue_add(p, (unsigned int)number, action);
		return 0;
	}
	if (r->n_args == 0)
		return add_one(ctx, action, nr, name, NULL, 0, e);

	struct scmp_arg_cmp cmp[6];
	bool alternatives = repeats(r);
	for (size_t i = 0; i < r->n_args; i++) {
		cmp[alternatives ? 0 : i] = cmp_of(&r->args[i]);
		if (!alternatives)
			continue;
		int ret = add_one(ctx, action, nr, name, cmp, 1, e);
		if (ret < 0)
			return ret;
	}
	return alternatives ? 0 : add_one(ctx, action, nr, name, cmp, (unsigned int)r->n_args, e);
}

static int add_rules(scmp_filter_ctx ctx, const struct spec_seccomp *sc, struct prologue *p,
		     struct err *e)
{
	uint32_t def = action_of(sc->action, sc->has_errno, sc->errno_ret);

	for (size_t i = 0; i < sc->n_rules; i++) {
		const struct spec_seccomp_rule *r = &sc->rules[i];
		uint32_t action = action_of(r->action, r->has_errno, r->errno_ret);

		if (action == def)
			continue; /* says nothing new; the library refuses it */
		for (size_t k = 0; k < r->names.n; k++) {
			int ret = add_call(ctx, r, action, r->names.v[k], p, e);
			if (ret < 0)
				return ret;
		}
	}
	return 0;
}

static int add_archs(scmp_filter_ctx ctx, const struct spec_seccomp *sc, struct err *e)
{
	for (size_t i = 0; i < sc->n_archs; i++) {
		int r = seccomp_arch_add(ctx, sc->archs[i]);

		if (r < 0 && r != -EEXIST)
			return err_set(e, r, "seccomp: architecture %#x", sc->archs[i]);
	}
	return 0;
}

static uint32_t kernel_ret(uint32_t action)
{
	return action; /* SCMP_ACT_* are the kernel's SECCOMP_RET_* with data */
}

#if defined(__x86_64__)
#define OWN_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OWN_ARCH AUDIT_ARCH_AARCH64
#endif

/* Writes the prologue to @out, returns its length in instructions. */
static size_t make_prologue(const struct spec_seccomp *sc, const struct prologue *p,
			    struct sock_filter *out)
{
#ifndef OWN_ARCH
	(void)sc, (void)p, (void)out;
	return 0;
#else
	bool enosys = sc->action == SCMP_ACT_ERRNO(0);
	size_t n = 0;

	if (p->n == 0 && !enosys)
		return 0;

	/* jumps over the whole prologue are filled in when its end is known */
	out[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
						offsetof(struct seccomp_data, arch));
	out[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OWN_ARCH, 0, 0);
	out[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
						offsetof(struct seccomp_data, nr));
	out[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, FIRST_NEW, 0, 0);
	for (size_t i = 0; i < p->n; i++) {
		out[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, p->row[i].nr, 0, 1);
		out[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, kernel_ret(p->row[i].ret));
	}
	if (enosys) {
		/* x32 numbers have bit 30 and are the library's to judge */
		out[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 2, 0);
		out[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, KNOWN_LAST, 0, 1);
		out[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS);
	}
	out[1].jf = (uint8_t)(n - 2);
	out[3].jf = (uint8_t)(n - 4);
	return n;
#endif
}

_Static_assert(4 + 2 * NEW_MAX + 3 < 255, "a jump over the prologue fits in eight bits");

static int export_filter(scmp_filter_ctx ctx, const struct spec_seccomp *sc,
			 const struct prologue *p, struct oci_bpf *ret, struct err *e)
{
	auto_close int fd = memfd_create("seccomp", MFD_CLOEXEC);
	if (fd < 0)
		return err_set(e, -errno, "seccomp: memfd");

	int r = seccomp_export_bpf(ctx, fd);
	if (r < 0)
		return err_set(e, r, "seccomp: export");

	struct stat st;
	if (fstat(fd, &st) < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return err_set(e, -errno, "seccomp: memfd");

	struct sock_filter head[4 + 2 * NEW_MAX + 3];
	size_t head_bytes = make_prologue(sc, p, head) * sizeof(head[0]);
	size_t bytes = head_bytes + (size_t)st.st_size;
	if (bytes > BPF_MAX * sizeof(struct sock_filter))
		return err_msg(e, -E2BIG, "seccomp: the profile makes more than %d instructions",
			       BPF_MAX);

	auto_free struct sock_filter *insns = xcalloc(1, bytes);
	memcpy(insns, head, head_bytes);
	ssize_t got = io_read_all(fd, (char *)insns + head_bytes, (size_t)st.st_size);
	if (got != st.st_size)
		return err_set(e, got < 0 ? (int)got : -EIO, "seccomp: read back");

	/* 1,250 instructions of the default profile become 310 */
	bytes = bpf_shrink(insns, bytes / sizeof(*insns)) * sizeof(*insns);
	*ret = (struct oci_bpf){ .insns = take_ptr(insns), .bytes = bytes, .flags = sc->flags };
	return 0;
}

int oci_seccomp_compile(const struct spec_seccomp *sc, struct oci_bpf *ret, struct err *e)
{
	if (!sc->set) {
		*ret = (struct oci_bpf){ 0 };
		return 0;
	}

	uint32_t def = action_of(sc->action, sc->has_errno, sc->errno_ret);
	__attribute__((cleanup(release_ctx))) scmp_filter_ctx ctx = seccomp_init(def);
	if (!ctx)
		return err_msg(e, -EINVAL, "seccomp: the library refuses default action %#x", def);

	/* we load the filter ourselves; a binary tree keeps the walk short */
	(void)seccomp_attr_set(ctx, SCMP_FLTATR_CTL_NNP, 0);
	(void)seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);

	if (sc->others_pass)
		(void)seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ALLOW);

	struct prologue p = { .n = 0 };
	int r = add_archs(ctx, sc, e);
	if (r < 0)
		return r;
	r = add_rules(ctx, sc, &p, e);
	if (r < 0)
		return r;
	return export_filter(ctx, sc, &p, ret, e);
}

/* Two FNV-1a runs with different starts: names a cache file, guards nothing. */
struct key {
	uint64_t a, b;
};

static void key_add(struct key *k, const void *data, size_t len)
{
	const unsigned char *p = data;

	for (size_t i = 0; i < len; i++) {
		k->a = (k->a ^ p[i]) * UINT64_C(0x100000001b3);
		k->b = (k->b ^ (p[i] + i)) * UINT64_C(0x100000001b3);
	}
}

static void key_u64(struct key *k, uint64_t v)
{
	key_add(k, &v, sizeof(v));
}

void oci_seccomp_key(const struct spec_seccomp *sc, char ret[33])
{
	struct key k = { UINT64_C(0xcbf29ce484222325), UINT64_C(0x84222325cbf29ce4) };
	const struct scmp_version *v = seccomp_version();

	key_u64(&k, (uint64_t)v->major << 32 | (uint64_t)v->minor << 16 | v->micro);
	key_u64(&k, KNOWN_LAST << 8 | 3); /* of our prologue and bpf.c; count up when they change */
	key_u64(&k, sc->action);
	key_u64(&k, (uint64_t)sc->has_errno << 32 | sc->errno_ret);
	key_u64(&k, (uint64_t)sc->others_pass << 32 | sc->flags);
	for (size_t i = 0; i < sc->n_archs; i++)
		key_u64(&k, sc->archs[i]);
	for (size_t i = 0; i < sc->n_rules; i++) {
		const struct spec_seccomp_rule *r = &sc->rules[i];

		key_u64(&k, (uint64_t)r->action << 32 | (uint64_t)r->has_errno << 16 | r->errno_ret);
		for (size_t j = 0; j < r->names.n; j++)
			key_add(&k, r->names.v[j], strlen(r->names.v[j]) + 1);
		for (size_t j = 0; j < r->n_args; j++) {
			key_u64(&k, (uint64_t)r->args[j].index << 32 | (unsigned int)r->args[j].op);
			key_u64(&k, r->args[j].value);
			key_u64(&k, r->args[j].value_two);
		}
	}
	(void)snprintf(ret, 33, "%016llx%016llx", (unsigned long long)k.a, (unsigned long long)k.b);
}
