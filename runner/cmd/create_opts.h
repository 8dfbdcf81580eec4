/* SPDX-License-Identifier: Apache-2.0
 *
 * create_opts - the options that run and create share
 */
#ifndef RUNNER_CMD_CREATE_OPTS_H
#define RUNNER_CMD_CREATE_OPTS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/opt.h"
#include "common/str.h"

struct container;
struct engine;
struct err;
struct store;

/**
 * struct create_opts - as typed; strings are borrowed from argv
 *
 * Fields are named after their option.
 */
struct create_opts {
	bool detach;
	bool interactive;
	bool tty;
	bool rm;
	bool read_only;
	bool privileged;
	bool publish_all;
	bool no_hosts;
	bool quiet;
	bool sig_proxy;
	bool has_entrypoint;
	const char *name;
	const char *entrypoint;
	const char *workdir;
	const char *user;
	const char *hostname;
	const char *network;
	const char *pid;
	const char *ipc;
	const char *uts;
	const char *pull;
	const char *cidfile;
	const char *stop_signal;
	int stop_timeout;
	int oom_score_adj;
	const char *shm_size;
	const char *memory;
	const char *memory_reservation;
	const char *memory_swap;
	const char *cpus;
	const char *cpu_period;
	const char *cpu_quota;
	const char *cpu_shares;
	const char *cpuset_cpus;
	const char *cpuset_mems;
	const char *pids_limit;
	const char *log_driver;
	const char *platform;
	const char *recorded_ids;
	const char *authfile;
	const char *detach_keys;
	bool tls_verify;
	bool starts; /* at once: what it is made of may be second-hand */
	struct strv log_opt;
	struct strv publish;
	struct strv expose;
	struct strv env;
	struct strv env_file;
	struct strv label;
	struct strv label_file;
	struct strv annotation;
	struct strv volume;
	struct strv mount;
	struct strv tmpfs;
	struct strv add_host;
	struct strv dns;
	struct strv dns_search;
	struct strv dns_option;
	struct strv cap_add;
	struct strv cap_drop;
	struct strv security_opt;
	struct strv ulimit;
	struct strv group_add;
	struct strv require;
	struct strv sysctl;
	struct strv device;
};

extern const struct opt create_rows[];

void create_opts_init(void *opts);
void create_opts_clear(void *opts);

/**
 * create_opts_check() - rules between options and on single values; pure
 * Return: 0, -EINVAL with the option named
 */
int create_opts_check(const struct create_opts *o, struct err *e);

/**
 * create_container() - image, configuration, id and folders of a new container
 * @argv:	image, then the program's arguments
 * @ret:	locked, without a record on disk; see container_claim()
 *
 * Pulls the image if it has to. The image is held for the container.
 * Return: 0, -errno; on failure nothing is left
 */
int create_container(struct engine *eng, struct store *st, const struct create_opts *o,
		     int argc, char **argv, struct container **ret, struct err *e);

#endif
