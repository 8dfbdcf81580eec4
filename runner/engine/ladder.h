/* SPDX-License-Identifier: Apache-2.0
 *
 * ladder - the rungs of each axis, and what a user refuses to go below
 */
#ifndef RUNNER_ENGINE_LADDER_H
#define RUNNER_ENGINE_LADDER_H

#include <stdbool.h>

struct container_state;
struct err;
struct strv;

/**
 * ladder_check() - is this "AXIS=RUNG" of an axis and a rung that there are; pure
 * Return: 0, -EINVAL with what there is
 */
int ladder_check(const char *require, struct err *e);

/**
 * ladder_require() - are the rungs of this start as good as was asked for; pure
 * @require:	"AXIS=RUNG" each
 * @st:		its rung_ members count
 * Return: 0, -ENOTSUP naming the first axis that is worse
 */
int ladder_require(const struct strv *require, const struct container_state *st, struct err *e);

/** ladder_requires() - is anything above the lowest rung of that axis required; pure */
bool ladder_requires(const struct strv *require, const char *axis);

#endif
