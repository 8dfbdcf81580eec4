/* SPDX-License-Identifier: Apache-2.0
 *
 * limits - --memory and its kin, as numbers
 */
#ifndef RUNNER_CMD_LIMITS_H
#define RUNNER_CMD_LIMITS_H

struct container_config;
struct create_opts;
struct err;

/**
 * limits_set() - check the options of limits, put them into a configuration
 * @cfg: NULL to check only
 *
 * Return: 0, -EINVAL with the option named
 */
int limits_set(const struct create_opts *o, struct container_config *cfg, struct err *e);

#endif
