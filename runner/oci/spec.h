/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spec.h - the container specification in memory.
 *
 * How it works: plain structs that follow the OCI runtime-spec, filled either
 * by spec_parse() from config.json or by a caller that builds one itself
 * (start with spec_init() or spec_default()). Strings and arrays are only
 * borrowed by the structs. What spec_*() functions add lives in the spec's
 * arena and goes with spec_clear(); a caller may point at memory of its own as
 * long as that outlives the spec. Nothing here touches the system.
 */
#ifndef RUNNER_OCI_SPEC_H
#define RUNNER_OCI_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

struct err;
struct spec_arena;

/* Limits on everything that comes from outside. */
enum {
	SPEC_MAX_JSON = 16 * 1024 * 1024, /* bytes of config.json */
	SPEC_MAX_ITEMS = 65536,           /* entries of any one array */
	SPEC_MAX_STRING = 1024 * 1024,    /* bytes of any one string */
	SPEC_MAX_GIDS = 65536,            /* NGROUPS_MAX */
	SPEC_MAX_IDMAPS = 340,            /* the kernel's limit */
	SPEC_MAX_CPUS = 8192,             /* CONFIG_NR_CPUS of the largest kernels */
	SPEC_MAX_NODES = 1024,            /* MAX_NUMNODES */
	SPEC_MAX_BITS_TEXT = 4096,        /* bytes of a list of them */
};

/* A list of strings; v[n] is not required to be NULL. */
struct spec_strv {
	const char **v;
	size_t n;
};

/* An "a": "b" object. */
struct spec_kv {
	const char *key;
	const char *value;
};

/* A set of numbers, written "0-3,7"; n words, 0: absent. */
struct spec_bits {
	const unsigned long *v;
	size_t n;
};

struct spec_idmap {
	uint32_t container;
	uint32_t host;
	uint32_t size;
};

struct spec_idmaps {
	const struct spec_idmap *v;
	size_t n;
};

enum spec_ns_type {
	SPEC_NS_USER,
	SPEC_NS_PID,
	SPEC_NS_MOUNT,
	SPEC_NS_NETWORK,
	SPEC_NS_IPC,
	SPEC_NS_UTS,
	SPEC_NS_CGROUP,
	SPEC_NS_TIME,
	SPEC_NS_MAX_
};

/* One namespace: absent = the caller's own; new; or joined by path. */
struct spec_ns {
	bool set;
	const char *path; /* NULL: make a new one */
};

/*
 * A mount in order of the list. type and src may be NULL. opts are the words
 * of the OCI options array. src_fd >= 0 is a detached mount (fsmount, or
 * open_tree with OPEN_TREE_CLONE) that takes the place of type and src; it
 * stays the caller's.
 */
struct spec_mount {
	const char *dst;
	const char *src;
	const char *type;
	struct spec_strv opts;
	struct spec_idmaps uidmap;
	struct spec_idmaps gidmap;
	int src_fd;
};

struct spec_rlimit {
	int resource; /* RLIMIT_* */
	struct rlimit lim;
};

struct spec_user {
	uid_t uid;
	gid_t gid;
	mode_t umask;
	bool has_umask;
	bool keep_groups; /* leave the caller's supplementary groups alone */
	const gid_t *gids;
	size_t n_gids;
};

/* Five sets, bit n = capability n. */
struct spec_caps {
	bool set;
	uint64_t bounding;
	uint64_t effective;
	uint64_t inheritable;
	uint64_t permitted;
	uint64_t ambient;
};

struct spec_sched {
	bool set;
	int policy; /* SCHED_* */
	uint64_t flags;
	int32_t nice;
	int32_t priority;
	uint64_t runtime, deadline, period;
};

struct spec_ioprio {
	bool set;
	int class; /* IOPRIO_CLASS_* */
	int priority;
};

struct spec_process {
	struct spec_strv args;
	struct spec_strv env; /* NAME=value */
	const char *cwd;
	struct spec_user user;
	struct spec_caps caps;
	const struct spec_rlimit *rlimits;
	size_t n_rlimits;
	bool terminal;
	uint16_t rows, cols; /* 0: leave */
	bool no_new_privs;
	bool has_oom_score_adj;
	int oom_score_adj;
	const char *apparmor;
	const char *selinux;
	struct spec_sched sched;
	struct spec_ioprio ioprio;
	/* execCPUAffinity: of exec only; before and after entering the cgroup */
	bool has_affinity;
	struct spec_bits cpus_initial, cpus_final;
};

enum spec_hook_type {
	SPEC_HOOK_PRESTART,
	SPEC_HOOK_CREATE_RUNTIME,
	SPEC_HOOK_CREATE_CONTAINER,
	SPEC_HOOK_START_CONTAINER,
	SPEC_HOOK_POSTSTART,
	SPEC_HOOK_POSTSTOP,
	SPEC_HOOK_MAX_
};

struct spec_hook {
	const char *path;
	struct spec_strv args; /* with argv[0]; n = 0: the path alone */
	struct spec_strv env;
	int timeout; /* seconds, 0: none */
};

struct spec_hooks {
	const struct spec_hook *v;
	size_t n;
};

struct spec_device {
	const char *path;
	char type; /* c b u p */
	bool has_mode;
	int64_t major, minor;
	mode_t mode;
	uid_t uid;
	gid_t gid;
};

/* A row of linux.resources.devices; -1 = any. */
struct spec_dev_rule {
	bool allow;
	char type; /* a c b */
	int64_t major, minor;
	bool r, w, m;
};

struct spec_dev_weight {
	int64_t major, minor;
	uint16_t weight, leaf_weight;
	bool has_weight, has_leaf_weight;
};

struct spec_dev_rate {
	int64_t major, minor;
	uint64_t rate;
};

struct spec_dev_rates {
	const struct spec_dev_rate *v;
	size_t n;
};

struct spec_hugetlb {
	const char *page_size;
	uint64_t limit;
};

struct spec_rdma {
	const char *device;
	bool has_handles, has_objects;
	uint32_t handles, objects;
};

/* A number that may be absent. */
struct spec_opt_i64 {
	bool set;
	int64_t v;
};

struct spec_resources {
	bool set; /* anything at all asked for */
	struct spec_opt_i64 mem_limit, mem_reservation, mem_swap, mem_kernel;
	struct spec_opt_i64 mem_kernel_tcp, mem_swappiness;
	struct spec_opt_i64 mem_disable_oom, mem_use_hierarchy, mem_check_before;
	struct spec_opt_i64 cpu_shares, cpu_quota, cpu_period, cpu_burst, cpu_idle;
	struct spec_opt_i64 cpu_rt_runtime, cpu_rt_period;
	const char *cpus, *mems;
	struct spec_opt_i64 pids_limit;
	struct spec_opt_i64 blkio_weight, blkio_leaf_weight;
	const struct spec_dev_weight *blkio_devs;
	size_t n_blkio_devs;
	struct spec_dev_rates read_bps, write_bps, read_iops, write_iops;
	const struct spec_hugetlb *hugetlb;
	size_t n_hugetlb;
	const struct spec_rdma *rdma;
	size_t n_rdma;
	struct spec_opt_i64 net_classid;
	const struct spec_kv *net_prio;
	size_t n_net_prio;
	const struct spec_kv *unified;
	size_t n_unified;
	const struct spec_dev_rule *devs;
	size_t n_devs;
};

/* An argument test of a seccomp rule; op is SCMP_CMP_*. */
struct spec_seccomp_arg {
	unsigned int index;
	int op;
	uint64_t value;
	uint64_t value_two;
};

/* action is SCMP_ACT_* without data; the errno is kept apart. */
struct spec_seccomp_rule {
	struct spec_strv names;
	uint32_t action;
	bool has_errno;
	unsigned int errno_ret;
	const struct spec_seccomp_arg *args;
	size_t n_args;
};

struct spec_seccomp {
	bool set;
	uint32_t action;
	bool has_errno;
	unsigned int errno_ret;
	const uint32_t *archs; /* SCMP_ARCH_* */
	size_t n_archs;
	bool others_pass; /* calls of other architectures do not kill: never of a file */
	unsigned int flags; /* SECCOMP_FILTER_FLAG_* */
	const char *listener_path;
	const char *listener_metadata;
	const struct spec_seccomp_rule *rules;
	size_t n_rules;
};

enum spec_rootfs_propagation {
	SPEC_PROP_DEFAULT, /* rprivate */
	SPEC_PROP_SHARED,
	SPEC_PROP_SLAVE,
	SPEC_PROP_PRIVATE,
	SPEC_PROP_UNBINDABLE,
};

struct spec_time_offset {
	bool set;
	int64_t secs;
	uint32_t nanosecs;
};

/* A device of our network namespace, and its name in the container's. */
struct spec_netdev {
	const char *host, *name;
};

/* set_mempolicy(2): mode and flags as it takes them */
struct spec_mempolicy {
	bool set;
	int mode;
	struct spec_bits nodes;
};

/* The newest runtime-spec whose fields are known here. */
#define SPEC_VERSION "1.3.0"

struct spec {
	const char *oci_version;
	const char *root_path;
	bool root_readonly;
	const char *hostname;   /* NULL: leave */
	const char *domainname; /* NULL: leave */
	const struct spec_mount *mounts;
	size_t n_mounts;
	struct spec_process process;
	bool has_process;
	struct spec_hooks hooks[SPEC_HOOK_MAX_];
	const struct spec_kv *annotations;
	size_t n_annotations;

	struct spec_ns ns[SPEC_NS_MAX_];
	struct spec_idmaps uidmap, gidmap; /* of a new user namespace */
	struct spec_time_offset monotonic, boottime;
	const struct spec_device *devices;
	size_t n_devices;
	const struct spec_kv *sysctl;
	size_t n_sysctl;
	const char *cgroups_path;
	struct spec_resources res;
	enum spec_rootfs_propagation propagation;
	struct spec_seccomp seccomp;
	struct spec_strv masked;
	struct spec_strv readonly;
	const char *mount_label;
	bool has_personality;
	unsigned long personality;
	struct spec_mempolicy mempolicy;
	const struct spec_netdev *netdevs;
	size_t n_netdevs;
	const char *intel_rdt_closid;

	struct spec_strv warnings; /* things ignored, in words */
	/* made by spec_default(): a tty group that is not mapped is left out */
	bool lenient_tty_gid;

	struct spec_arena *arena;
};

/**
 * spec_init() - an empty spec: no namespace, no mount, everything absent
 * @s: to be given to spec_clear() later
 */
void spec_init(struct spec *s);

/**
 * spec_clear() - free what spec_*() functions allocated for this spec
 * @s: may be half built; left as after spec_init()
 */
void spec_clear(struct spec *s);

/**
 * spec_alloc() - zeroed memory that goes with the spec
 * @s:    owner
 * @n:    number of elements
 * @size: of one element
 *
 * Return: never NULL (out of memory ends the process)
 */
void *spec_alloc(struct spec *s, size_t n, size_t size);

/**
 * spec_strdup() - copy of a string that goes with the spec
 * @s:   owner
 * @str: NULL gives NULL
 */
const char *spec_strdup(struct spec *s, const char *str);

/**
 * spec_printf() - formatted string that goes with the spec
 * @s:   owner
 * @fmt: as printf
 */
const char *spec_printf(struct spec *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/**
 * spec_strv_add() - append a word (borrowed); the array grows in the arena
 * @s:   owner of the array
 * @l:   list
 * @str: borrowed, must outlive the spec
 */
void spec_strv_add(struct spec *s, struct spec_strv *l, const char *str);

/**
 * spec_mount_add() - append a mount
 * @s:    spec
 * @dst:  absolute path in the container (borrowed, as are the others)
 * @type: may be NULL with a bind option
 * @src:  may be NULL
 * @opts: NULL, or option words separated by commas
 *
 * Return: the new entry (src_fd = -1), valid until the next addition.
 */
struct spec_mount *spec_mount_add(struct spec *s, const char *dst, const char *type,
				  const char *src, const char *opts);

/**
 * spec_device_add() - append an entry of linux.devices
 * @s: spec
 * @d: copied (its path borrowed)
 */
void spec_device_add(struct spec *s, const struct spec_device *d);

/**
 * spec_rlimit_add() - append a limit to the process
 * @s:        spec
 * @resource: RLIMIT_*
 * @soft:     soft limit
 * @hard:     hard limit
 */
void spec_rlimit_add(struct spec *s, int resource, rlim_t soft, rlim_t hard);

/* What spec_default() shall leave out or change. */
enum spec_default_flags {
	SPEC_DEFAULT_HOST_NET = 1 << 0,  /* no network namespace; /sys is bound from the host */
	SPEC_DEFAULT_HOST_PID = 1 << 1,
	SPEC_DEFAULT_HOST_IPC = 1 << 2,
	SPEC_DEFAULT_HOST_UTS = 1 << 3,
	SPEC_DEFAULT_PRIVILEGED = 1 << 4, /* all capabilities, nothing masked, no seccomp, /sys rw */
	SPEC_DEFAULT_NO_SECCOMP = 1 << 5,
	SPEC_DEFAULT_NO_CGROUP_NS = 1 << 6, /* no cgroup namespace and no /sys/fs/cgroup mount */
};

/**
 * spec_default() - the container that Docker's users expect
 * @s:     spec_init()ed here
 * @flags: SPEC_DEFAULT_*
 *
 * Sets namespaces (mount, pid, ipc, uts, cgroup, network), the default mounts
 * (/proc /dev /dev/pts /dev/shm /dev/mqueue /sys /sys/fs/cgroup), masked and
 * read-only paths, the default capabilities in the bounding, effective and
 * permitted sets, no_new_privs = false, PATH in env, cwd "/", and asks for the
 * default seccomp profile for those capabilities (spec_seccomp_default()).
 * Devices need no entry: null zero full random urandom tty, ptmx and the usual
 * links are always made. args, root, user, hostname, rlimits are the caller's.
 */
void spec_default(struct spec *s, unsigned int flags);

/** spec_caps_default() - mask of the capabilities Docker grants by default */
uint64_t spec_caps_default(void);

/** spec_caps_all() - mask of all capabilities this kernel knows */
uint64_t spec_caps_all(void);

/**
 * spec_cap_parse() - name to number
 * @name: "CAP_NET_RAW", "net_raw", any case
 *
 * Return: the number, or -EINVAL
 */
int spec_cap_parse(const char *name);

/**
 * spec_caps_assign() - give a mask to bounding, effective and permitted
 * @p:    process
 * @mask: bits
 *
 * The inheritable and ambient sets become empty, as Docker has them. Call
 * spec_seccomp_default() again after changing capabilities.
 */
void spec_caps_assign(struct spec_process *p, uint64_t mask);

/**
 * spec_seccomp_default() - the default profile for the bounding set of @s
 * @s: seccomp is filled in
 */
void spec_seccomp_default(struct spec *s);

/**
 * spec_seccomp_parse_docker() - a profile in Docker's or in the OCI's format
 * @s:    seccomp is filled in; capabilities choose the conditional rules
 * @json: text (a file given to --security-opt seccomp=FILE)
 * @len:  its length
 * @e:    says what is wrong
 */
int spec_seccomp_parse_docker(struct spec *s, const char *json, size_t len, struct err *e);

/**
 * spec_parse() - config.json to struct spec
 * @json: text
 * @len:  its length, at most SPEC_MAX_JSON
 * @ret:  filled on success, spec_clear() later; untouched on failure
 * @e:    names the field
 *
 * Pure: looks at nothing but its arguments. A field that is unknown is
 * ignored (the OCI demands so); one that is known and cannot be honoured is
 * an error.
 */
int spec_parse(const char *json, size_t len, struct spec *ret, struct err *e);

/**
 * spec_parse_process() - a process object alone, as `exec --process` takes it
 * @s:    owner of the memory
 * @json: text
 * @len:  its length
 * @ret:  filled on success
 * @e:    names the field
 */
int spec_parse_process(struct spec *s, const char *json, size_t len, struct spec_process *ret,
		       struct err *e);

/**
 * spec_check() - rules between the fields that need no system call
 * @s: spec
 * @e: names the field
 */
int spec_check(const struct spec *s, struct err *e);

/**
 * spec_check_resources() - its part for linux.resources
 * @r: limits
 * @e: names the one that cgroup2 does not have
 */
int spec_check_resources(const struct spec_resources *r, struct err *e);

/**
 * spec_load() - read and parse a config.json
 * @dirfd: folder of @path, or AT_FDCWD
 * @path:  file
 * @ret:   as spec_parse()
 * @e:     says which file
 */
int spec_load(int dirfd, const char *path, struct spec *ret, struct err *e);

#endif
