/* SPDX-License-Identifier: Apache-2.0
 *
 * run - become a command in a user namespace
 */
#ifndef UIDMAP_RUN_H
#define UIDMAP_RUN_H

struct err;
struct plan;

/**
 * run_command() - enter new user and mount namespaces, and execute a command
 * @plan:	the maps; any mode but PLAN_NONE
 * @argv:	the command, found along PATH
 * @e:		what failed
 *
 * The process stays the same one: exit status, signals and the terminal are
 * the command's own.
 *
 * Return: only on failure: -ENOENT or another errno of exec when the command
 * cannot be executed with 1 in @ret_exec, else -errno.
 * @ret_exec:	the failure is that of the command
 */
int run_command(const struct plan *plan, char *const *argv, int *ret_exec, struct err *e);

#endif
