/* SPDX-License-Identifier: Apache-2.0
 *
 * cgroup_dev - device rules as an eBPF program of the cgroup
 *
 * How it works: the last rule that matches decides, so the program tests them
 * from the last to the first: each is a few compares that jump over its
 * verdict. The kernel's argument is { u32 access << 16 | type, major, minor }.
 * What every container has (the nodes of /dev, terminals, mknod) comes before
 * the spec's own rules would deny it. Only root of the host may load programs;
 * whether rules are thereby lost is cgroup_devices_lost()'s to say: in a user
 * namespace nobody makes nodes, so most of them say nothing there.
 */
#include <errno.h>
#include <linux/bpf_common.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/str.h"
#include "runner/oci/cgroup.h"

enum {
	RULES_MAX = 512,
	INSNS_PER_RULE = 12,
	BPF_REG_0 = 0,
	BPF_REG_1 = 1,
	R_TYPE = 2,
	R_ACCESS = 3,
	R_MAJOR = 4,
	R_MINOR = 5,
};

/*
 * As much of linux/bpf.h as is used: the header itself names a function that
 * does not compile in this project.
 */
enum { BPF_ALU64 = 0x07, BPF_MOV = 0xb0, BPF_JNE = 0x50, BPF_EXIT = 0x90 };
enum { BPF_PROG_LOAD = 5, BPF_PROG_ATTACH = 8, BPF_PROG_DETACH = 9, BPF_PROG_GET_FD_BY_ID = 13,
       BPF_PROG_QUERY = 16 };
enum { BPF_PROG_TYPE_CGROUP_DEVICE = 15, BPF_CGROUP_DEVICE = 6, BPF_F_ALLOW_MULTI = 2 };
enum { BPF_DEVCG_ACC_MKNOD = 1, BPF_DEVCG_ACC_READ = 2, BPF_DEVCG_ACC_WRITE = 4 };
enum { BPF_DEVCG_DEV_BLOCK = 1, BPF_DEVCG_DEV_CHAR = 2 };

struct bpf_insn {
	uint8_t code;
	uint8_t dst_reg : 4, src_reg : 4;
	int16_t off;
	int32_t imm;
};

/* The kernel takes a shorter one than its own, the rest being zero. */
union bpf_attr {
	struct {
		uint32_t prog_type, insn_cnt;
		uint64_t insns, license;
		uint32_t log_level, log_size;
		uint64_t log_buf;
	};
	struct {
		uint32_t target_fd, attach_bpf_fd, attach_type, attach_flags;
	};
	struct {
		uint32_t target_fd, attach_type, query_flags, attach_flags;
		uint64_t prog_ids;
		uint32_t prog_cnt;
	} query;
	uint32_t prog_id;
};

#define INSN(c, d, s, o, i) \
	((struct bpf_insn){ .code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i) })

/* What containers may always do, as runc and crun allow it. */
static const struct spec_dev_rule always[] = {
	{ true, 'c', -1, -1, false, false, true },  { true, 'b', -1, -1, false, false, true },
	{ true, 'c', 1, 3, true, true, true },	    { true, 'c', 1, 5, true, true, true },
	{ true, 'c', 1, 7, true, true, true },	    { true, 'c', 1, 8, true, true, true },
	{ true, 'c', 1, 9, true, true, true },	    { true, 'c', 5, 0, true, true, true },
	{ true, 'c', 5, 1, true, true, true },	    { true, 'c', 5, 2, true, true, true },
	{ true, 'c', 136, -1, true, true, true },
};

struct prog {
	struct bpf_insn *v;
	size_t n;
};

static void emit(struct prog *p, struct bpf_insn i)
{
	p->v[p->n++] = i;
}

/* Loads type, access, major and minor into registers. */
static void emit_head(struct prog *p)
{
	emit(p, INSN(BPF_LDX | BPF_MEM | BPF_W, R_TYPE, BPF_REG_1, 0, 0));
	emit(p, INSN(BPF_ALU | BPF_AND | BPF_K, R_TYPE, 0, 0, 0xffff));
	emit(p, INSN(BPF_LDX | BPF_MEM | BPF_W, R_ACCESS, BPF_REG_1, 0, 0));
	emit(p, INSN(BPF_ALU | BPF_RSH | BPF_K, R_ACCESS, 0, 0, 16));
	emit(p, INSN(BPF_LDX | BPF_MEM | BPF_W, R_MAJOR, BPF_REG_1, 4, 0));
	emit(p, INSN(BPF_LDX | BPF_MEM | BPF_W, R_MINOR, BPF_REG_1, 8, 0));
}

/* Nothing gets past such a rule, and the kernel refuses a program of which a
 * part can never be reached. */
static bool is_for_all(const struct spec_dev_rule *r)
{
	return r->type == 'a' && r->r && r->w && r->m;
}

static void emit_rule(struct prog *p, const struct spec_dev_rule *r)
{
	size_t jumps[4], n_jumps = 0;
	int access = (r->r ? BPF_DEVCG_ACC_READ : 0) | (r->w ? BPF_DEVCG_ACC_WRITE : 0) |
		     (r->m ? BPF_DEVCG_ACC_MKNOD : 0);

	if (r->type != 'a') {
		jumps[n_jumps++] = p->n;
		emit(p, INSN(BPF_JMP | BPF_JNE | BPF_K, R_TYPE, 0, 0,
			     r->type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR));
	}
	if (access != (BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE | BPF_DEVCG_ACC_MKNOD)) {
		/* allowed only when all that is asked is granted; denied when any is */
		emit(p, INSN(BPF_ALU | BPF_MOV | BPF_X, BPF_REG_1, R_ACCESS, 0, 0));
		emit(p, INSN(BPF_ALU | BPF_AND | BPF_K, BPF_REG_1, 0, 0, access));
		jumps[n_jumps++] = p->n;
		if (r->allow)
			emit(p, INSN(BPF_JMP | BPF_JNE | BPF_X, BPF_REG_1, R_ACCESS, 0, 0));
		else
			emit(p, INSN(BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_1, 0, 0, 0));
	}
	if (r->type != 'a' && r->major >= 0) {
		jumps[n_jumps++] = p->n;
		emit(p, INSN(BPF_JMP | BPF_JNE | BPF_K, R_MAJOR, 0, 0, (int)r->major));
	}
	if (r->type != 'a' && r->minor >= 0) {
		jumps[n_jumps++] = p->n;
		emit(p, INSN(BPF_JMP | BPF_JNE | BPF_K, R_MINOR, 0, 0, (int)r->minor));
	}
	emit(p, INSN(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, r->allow));
	emit(p, INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0));
	for (size_t i = 0; i < n_jumps; i++)
		p->v[jumps[i]].off = (short)(p->n - jumps[i] - 1);
}

/* The verdict of the last rule that matches, as the program would give it. */
static bool is_allowed(const struct spec_resources *r, const struct spec_device *d)
{
	for (size_t i = r->n_devs; i-- > 0;) {
		const struct spec_dev_rule *rule = &r->devs[i];

		if (rule->type != 'a' &&
		    (rule->type != d->type || (rule->major >= 0 && rule->major != d->major) ||
		     (rule->minor >= 0 && rule->minor != d->minor)))
			continue;
		/* a node that cannot be both read and written is not all there */
		if (rule->allow ? rule->r && rule->w : rule->r || rule->w)
			return rule->allow;
	}
	return true;
}

bool cgroup_devices_lost(const struct spec_resources *r, const struct spec_device *nodes,
			 size_t n_nodes, bool can_mknod)
{
	for (size_t i = r->n_devs; i-- > 0;) {
		const struct spec_dev_rule *rule = &r->devs[i];

		if (!rule->allow && (can_mknod || (!is_for_all(rule) && (rule->r || rule->w))))
			return true;
		if (is_for_all(rule))
			break;
	}
	for (size_t i = 0; i < n_nodes; i++)
		if (nodes[i].type != 'p' && !is_allowed(r, &nodes[i]))
			return true;
	return false;
}

static long bpf(int cmd, union bpf_attr *attr)
{
	return syscall(SYS_bpf, cmd, attr, sizeof(*attr));
}

static int load(const struct prog *p, int *ret_fd)
{
	static const char license[] = "Apache-2.0";
	union bpf_attr a = { 0 };

	a.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
	a.insns = (uint64_t)(uintptr_t)p->v;
	a.insn_cnt = (uint32_t)p->n;
	a.license = (uint64_t)(uintptr_t)license;
	long fd = bpf(BPF_PROG_LOAD, &a);
	if (fd < 0)
		return -errno;
	*ret_fd = (int)fd;
	return 0;
}

/* Programs of an earlier call go after the new one is there. */
static int attach(int dir, int prog)
{
	union bpf_attr q = { 0 };
	uint32_t ids[64];

	q.query.target_fd = (uint32_t)dir;
	q.query.attach_type = BPF_CGROUP_DEVICE;
	q.query.prog_cnt = 64;
	q.query.prog_ids = (uint64_t)(uintptr_t)ids;
	uint32_t old = bpf(BPF_PROG_QUERY, &q) < 0 ? 0 : q.query.prog_cnt;

	union bpf_attr a = { 0 };
	a.target_fd = (uint32_t)dir;
	a.attach_bpf_fd = (uint32_t)prog;
	a.attach_type = BPF_CGROUP_DEVICE;
	a.attach_flags = BPF_F_ALLOW_MULTI;
	if (bpf(BPF_PROG_ATTACH, &a) < 0)
		return -errno;
	for (uint32_t i = 0; i < old; i++) {
		union bpf_attr g = { 0 };

		g.prog_id = ids[i];
		auto_close int fd = (int)bpf(BPF_PROG_GET_FD_BY_ID, &g);
		union bpf_attr d = { 0 };
		d.target_fd = (uint32_t)dir;
		d.attach_bpf_fd = (uint32_t)fd;
		d.attach_type = BPF_CGROUP_DEVICE;
		if (fd >= 0)
			(void)bpf(BPF_PROG_DETACH, &d);
	}
	return 0;
}

int cgroup_devices_apply(int dir, const struct spec_resources *r, struct err *e)
{
	size_t n_always = sizeof(always) / sizeof(always[0]);
	auto_close int fd = -1;

	if (r->n_devs == 0)
		return 0;
	if (r->n_devs > RULES_MAX)
		return err_msg(e, -E2BIG, "linux.resources.devices: more than %d rules", RULES_MAX);

	auto_free struct bpf_insn *v =
		xcalloc((r->n_devs + n_always + 1) * INSNS_PER_RULE, sizeof(*v));
	struct prog p = { v, 0 };
	emit_head(&p);
	/* what comes before a rule for everything counts no more; the rule itself
	 * is the default, so that ours survive the "deny all" of every spec */
	size_t first = 0;
	bool verdict = true;
	for (size_t i = 0; i < r->n_devs; i++)
		if (is_for_all(&r->devs[i])) {
			first = i + 1;
			verdict = r->devs[i].allow;
		}
	for (size_t i = r->n_devs; i-- > first;)
		emit_rule(&p, &r->devs[i]);
	for (size_t i = 0; i < n_always; i++)
		emit_rule(&p, &always[i]);
	emit(&p, INSN(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, verdict));
	emit(&p, INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0));

	int ret = load(&p, &fd);
	if (ret == 0)
		ret = attach(dir, fd);
	return ret < 0 ? err_set(e, ret, "linux.resources.devices: attach the rules") : 0;
}
