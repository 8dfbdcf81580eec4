/* SPDX-License-Identifier: Apache-2.0
 *
 * ports - which host ports lead to a running container
 */
#ifndef RUNNER_ENGINE_PORTS_H
#define RUNNER_ENGINE_PORTS_H

struct container;
struct err;
struct network;

/**
 * ports_record() - fill state.ports with what is really bound
 *
 * "0.0.0.0:8080->80/tcp", one for each port of each range. Host ports that
 * the kernel picked are asked for at slirp-net's socket.
 * Return: 0, -errno
 */
int ports_record(struct container *c, const struct network *net, struct err *e);

#endif
