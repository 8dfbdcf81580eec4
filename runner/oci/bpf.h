/* SPDX-License-Identifier: Apache-2.0
 *
 * bpf - make a classic BPF program shorter
 */
#ifndef RUNNER_OCI_BPF_H
#define RUNNER_OCI_BPF_H

#include <stddef.h>

struct sock_filter;

/**
 * bpf_shrink() - compare ranges where a program compares number by number
 * @insns:	a program as the kernel takes it; overwritten by one that does
 *		the same
 * @n:		its length
 *
 * Pure. The kernel converts and compiles a filter at every start of a
 * container, in time proportional to its length.
 *
 * Return: the new length; @n, and nothing changed, where nothing is gained.
 */
size_t bpf_shrink(struct sock_filter *insns, size_t n);

#endif
