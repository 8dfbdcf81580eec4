/* SPDX-License-Identifier: Apache-2.0
 *
 * lsm - which security modules the host has
 */
#ifndef RUNNER_OCI_LSM_H
#define RUNNER_OCI_LSM_H

#include <stdbool.h>

struct err;
struct spec_process;

/** lsm_has_selinux() - is SELinux switched on? */
bool lsm_has_selinux(void);

/** lsm_has_apparmor() - is AppArmor switched on? */
bool lsm_has_apparmor(void);

/** lsm_check() - can the labels a program asks for be given? */
int lsm_check(const struct spec_process *s, struct err *e);

#endif
