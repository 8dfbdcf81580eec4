/* SPDX-License-Identifier: Apache-2.0
 *
 * num - strict decimal and octal numbers
 *
 * The whole string is the number: no sign, no spaces, no prefix, no rest.
 * Each returns 0 and writes the result, or -EINVAL (not a number) or -ERANGE
 * (does not fit) and leaves the result alone.
 */
#ifndef COMMON_NUM_H
#define COMMON_NUM_H

#include <stdint.h>

int num_u16(const char *s, uint16_t *ret);
int num_u32(const char *s, uint32_t *ret);
int num_u64(const char *s, uint64_t *ret);

/**
 * num_id() - a user or group id: as num_u32(), but for the last number, which
 * means "unchanged" to the kernel: who asked for it would stay root
 */
int num_id(const char *s, uint32_t *ret);

/**
 * num_i32() - as num_u32(), with an optional leading minus
 */
int num_i32(const char *s, int32_t *ret);

/**
 * num_octal() - a file mode or umask: octal digits, at most 07777
 */
int num_octal(const char *s, uint32_t *ret);

/**
 * num_bytes() - a size with an optional suffix b, k, m, g or t (powers of
 * 1024, either case, as Docker's --memory takes them)
 */
int num_bytes(const char *s, uint64_t *ret);

#endif
