/* SPDX-License-Identifier: Apache-2.0
 *
 * follow - serve on the processor that the client runs on
 */
#ifndef FUSE_OVERLAY_FOLLOW_H
#define FUSE_OVERLAY_FOLLOW_H

#include <sched.h>
#include <stdint.h>
#include <sys/types.h>

/**
 * struct follow - one serving thread's view of its clients
 * @all:	processors it may use
 * @pid:	who sent the last request
 * @requests:	since the last decision
 * @switches:	how often another process sent the next one
 * @cpu:	processor it is bound to, -1 for none
 */
struct follow {
	cpu_set_t all;
	pid_t pid;
	unsigned int requests;
	unsigned int switches;
	int cpu;
};

void follow_init(struct follow *f);

/**
 * follow_request() - a request of this process was served
 * Return: now and then 1 or 2: one client was served, or several; else 0
 */
int follow_request(struct follow *f, pid_t pid);

/**
 * follow_parse_stat() - the processor in the text of /proc/PID/stat
 * Return: number, -EINVAL
 */
int follow_parse_stat(char *text);

#endif
