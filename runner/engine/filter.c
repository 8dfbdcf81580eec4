/* SPDX-License-Identifier: Apache-2.0
 *
 * filter - RUNROOT/filters/KEY: flags, then instructions
 *
 * libseccomp takes milliseconds to compile the default profile; reading the
 * result takes microseconds. The folder is ours alone (see engine_open()), so
 * what is in it was written by us.
 */
#include "runner/engine/filter.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/io.h"
#include "common/log.h"
#include "common/str.h"
#include "runner/engine/engine.h"
#include "runner/oci/oci.h"

#define FILTER_MAX (1 << 20)
#define INSN_SIZE 8

static int read_kept(const struct engine *eng, const char *path, struct oci_bpf *ret)
{
	auto_free char *text = NULL;
	size_t len;
	uint32_t flags;
	void *insns;
	int r = io_read_file_at(eng->runroot_fd, path, FILTER_MAX, &text, &len);

	if (r < 0)
		return r;
	if (len <= sizeof(flags) || (len - sizeof(flags)) % INSN_SIZE)
		return -EBADMSG;
	memcpy(&flags, text, sizeof(flags));
	insns = malloc(len - sizeof(flags));
	if (!insns)
		return -ENOMEM;
	memcpy(insns, text + sizeof(flags), len - sizeof(flags));
	*ret = (struct oci_bpf){ .insns = insns, .bytes = len - sizeof(flags), .flags = flags };
	return 0;
}

static void keep(const struct engine *eng, const char *path, const struct oci_bpf *bpf)
{
	AUTO(strbuf_clear) struct strbuf b = { 0 };
	uint32_t flags = bpf->flags;

	if (strbuf_add(&b, &flags, sizeof(flags)) < 0 || strbuf_add(&b, bpf->insns, bpf->bytes) < 0)
		return;
	if (io_mkdir_p_at(eng->runroot_fd, "filters", 0700) < 0 ||
	    io_replace_file_at(eng->runroot_fd, path, b.s, b.len, 0600) < 0)
		log_debug("the seccomp filter could not be kept");
}

int filter_get(const struct engine *eng, const struct spec_seccomp *sc, struct oci_bpf *ret,
	       struct err *e)
{
	char name[33], path[64];
	int r;

	oci_seccomp_key(sc, name);
	(void)str_format(path, sizeof(path), "filters/%s", name);
	if (read_kept(eng, path, ret) == 0)
		return 0;
	r = oci_seccomp_compile(sc, ret, e);
	if (r == 0)
		keep(eng, path, ret);
	return r;
}
