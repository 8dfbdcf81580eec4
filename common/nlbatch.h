/* SPDX-License-Identifier: Apache-2.0
 *
 * nlbatch - netlink messages, sent and answered together
 *
 * A start makes some 25 changes to links, routes and rules. Libraries make a
 * round trip of each, and loading them costs more than all of the changes:
 * libnl-route and libnftables were half of the time and the memory of a
 * start. So the few messages are put together here.
 */
#ifndef COMMON_NLBATCH_H
#define COMMON_NLBATCH_H

#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NLBATCH_SIZE 8192
#define NLBATCH_MAX 32

/**
 * struct nlbatch - messages to be sent
 * @n:		how many
 * @len:	bytes in @buf
 * @at:		where the last one begins
 * @full:	something did not fit
 * @buf:	them, as they go out
 */
struct nlbatch {
	unsigned int n;
	size_t len, at;
	bool full;
	_Alignas(struct nlmsghdr) uint8_t buf[NLBATCH_SIZE];
};

void nlbatch_init(struct nlbatch *b);

/**
 * nlbatch_add() - begin a message; what is put next belongs to it
 * @head:	its fixed part behind the netlink header
 *
 * Its sequence number is its place in the batch, from 1.
 */
void nlbatch_add(struct nlbatch *b, uint16_t type, uint16_t flags, const void *head, size_t size);

/**
 * nlbatch_put() - an attribute; the others are the same for common types,
 * be32 in network byte order, raw without an attribute's header
 */
void nlbatch_put(struct nlbatch *b, uint16_t type, const void *data, size_t len);
void nlbatch_put_u32(struct nlbatch *b, uint16_t type, uint32_t v);
void nlbatch_put_be32(struct nlbatch *b, uint16_t type, uint32_t v);
void nlbatch_put_raw(struct nlbatch *b, const void *data, size_t len);
void nlbatch_put_str(struct nlbatch *b, uint16_t type, const char *s);

/**
 * nlbatch_nest() / nlbatch_nest_end() - attributes inside an attribute
 * Return: for nlbatch_nest_end()
 */
size_t nlbatch_nest(struct nlbatch *b, uint16_t type);
void nlbatch_nest_end(struct nlbatch *b, size_t nest);

/**
 * nlbatch_open() - a netlink socket for the network namespace we are in
 * Return: descriptor, -errno
 */
int nlbatch_open(int protocol);

/**
 * nlbatch_run() - send all, and wait for the answer to each that asks for one
 * @ret_failed:	the place of the first that failed, from 1; 0 for all of them
 * Return: 0, -errno of the first that failed
 */
int nlbatch_run(struct nlbatch *b, int sock, unsigned int *ret_failed);

#endif
