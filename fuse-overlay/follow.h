/* SPDX-License-Identifier: Apache-2.0
 *
 * follow - serve on the processor that the client runs on
 */
#ifndef FUSE_OVERLAY_FOLLOW_H
#define FUSE_OVERLAY_FOLLOW_H

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/**
 * struct follow - one serving thread's view of its clients
 * @all:	processors it may use
 * @pid:	who sent the last request
 * @requests:	since the last decision
 * @switches:	how often another process sent the next one
 * @bulk:	of @requests, reads of so much that the client has its own work
 * @cpu:	processor it is bound to, -1 for none
 * @client_cpu:	where the client was at the last decision, -1 when not known
 */
struct follow {
	cpu_set_t all;
	pid_t pid;
	unsigned int requests;
	unsigned int switches;
	unsigned int bulk;
	int cpu;
	int client_cpu;
};

void follow_init(struct follow *f);

/**
 * follow_request() - a request of this process was served
 * @bulk:	it moved much data, while the kernel reads ahead for the client
 * Return: now and then 1 or 2: one client was served, or several; else 0
 */
int follow_request(struct follow *f, pid_t pid, bool bulk);

/**
 * follow_parse_stat() - the processor in the text of /proc/PID/stat
 * Return: number, -EINVAL
 */
int follow_parse_stat(char *text);

#endif
