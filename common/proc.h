/* SPDX-License-Identifier: Apache-2.0
 *
 * proc - processes that cannot be mistaken for another
 *
 * A pid alone names nobody: it may be reused. A record keeps the pid and the
 * process's start time (field 22 of /proc/PID/stat, clock ticks since boot).
 */
#ifndef COMMON_PROC_H
#define COMMON_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/**
 * proc_start_time() - when a process started
 * Return: 0, -ESRCH when there is none, -errno
 */
int proc_start_time(pid_t pid, uint64_t *ret);

/**
 * proc_pidfd_open() - a descriptor of exactly the process recorded
 * @start:	its start time; 0 accepts any
 * Return: pidfd, -ESRCH when it is gone or is another process, -errno
 */
int proc_pidfd_open(pid_t pid, uint64_t start);

/**
 * proc_is_alive() - does the recorded process still run (zombies do not)
 */
bool proc_is_alive(pid_t pid, uint64_t start);

/**
 * proc_is_traced() - does a debugger have us: what we execute gains no privileges then
 */
bool proc_is_traced(void);

/**
 * proc_take_children() - their ends are told to us, though our caller ignores those of his
 *
 * An ignored SIGCHLD is inherited, and nobody can be waited for then.
 */
void proc_take_children(void);

/**
 * proc_pidfd_kill() - send a signal to exactly that process
 * Return: 0, -errno
 */
int proc_pidfd_kill(int pidfd, int sig);

/**
 * proc_wait() - reap a child of ours
 * Return: its exit code, 128 + signal number, or -errno
 */
int proc_wait(pid_t pid);

/**
 * proc_stack_new() - a stack for a child that shares our memory
 * Return: its lower end, NULL with errno
 */
char *proc_stack_new(size_t size);

/**
 * proc_stack_free() - it may be in use when the child has executed or was killed
 */
void proc_stack_free(char *stack, size_t size);

/**
 * struct proc_spawn - how a helper program is started
 * @argv:	argv[0] is the path that is executed
 * @env:	environment, NULL for ours
 * @stdio:	descriptors that become 0, 1 and 2; -1 means /dev/null
 * @keep:	descriptors the child keeps under the same number, close-on-exec
 *		or not
 * @n_keep:	how many
 * @death_sig:	signal the child gets when its parent thread dies, 0 for none
 * @keep_caps:	the program has our capabilities though none of our ids is root's
 *		(as ambient ones: it should drop what it does not pass on)
 *
 * All signals are at their default and unblocked in the child.
 */
struct proc_spawn {
	char *const *argv;
	char *const *env;
	int stdio[3];
	const int *keep;
	size_t n_keep;
	int death_sig;
	bool keep_caps;
};

/**
 * proc_spawn() - start a program without a shell
 *
 * A program that cannot be executed is reported here, not by an exit code.
 * Return: pid of the child (the caller reaps it), -errno of clone or exec
 */
pid_t proc_spawn(const struct proc_spawn *how);

/**
 * proc_self_dir() - folder of the running executable
 * Return: 0, -errno
 */
int proc_self_dir(char *buf, size_t size);

/**
 * proc_find_program() - where a program of this suite is
 *
 * Looks beside the running executable, then in LIBEXECDIR, then along PATH.
 * Return: 0, -ENOENT, -ENAMETOOLONG
 */
int proc_find_program(const char *name, char *buf, size_t size);

#endif
