/* SPDX-License-Identifier: Apache-2.0
 *
 * signals - names of signals
 */
#ifndef RUNNER_ENGINE_SIGNALS_H
#define RUNNER_ENGINE_SIGNALS_H

struct err;

/**
 * signal_parse() - "SIGTERM", "term", "15", "RTMIN+3"
 * Return: 0, -EINVAL
 */
int signal_parse(const char *text, int *ret, struct err *e);

#endif
