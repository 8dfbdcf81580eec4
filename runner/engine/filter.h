/* SPDX-License-Identifier: Apache-2.0
 *
 * filter - compiled seccomp filters, kept between starts
 */
#ifndef RUNNER_ENGINE_FILTER_H
#define RUNNER_ENGINE_FILTER_H

struct engine;
struct err;
struct oci_bpf;
struct spec_seccomp;

/**
 * filter_get() - the filter of a profile, compiled at most once per boot
 * @ret:	free with oci_bpf_clear()
 * Return: 0, -errno
 */
int filter_get(const struct engine *eng, const struct spec_seccomp *sc, struct oci_bpf *ret,
	       struct err *e);

#endif
