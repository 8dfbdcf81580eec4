/* SPDX-License-Identifier: Apache-2.0
 *
 * image_opts - option rows that several image commands share
 */
#include "runner/cmd/image_opts.h"

#include <errno.h>
#include <string.h>

#include "common/err.h"
#include "common/str.h"
#include "runner/image/image.h"

void registry_opts_init(struct registry_opts *o)
{
	o->tls_verify = true;
	o->retry = -1;
}

void registry_opts_apply(const struct registry_opts *o, struct image_pull_opts *how)
{
	how->authfile = o->authfile;
	how->creds = o->creds;
	how->cert_dir = o->cert_dir;
	how->insecure_tls = !o->tls_verify;
	how->retries = o->retry;
}

int platform_opts_check(struct platform_opts *o, struct err *e)
{
	AUTO(strv_clear) struct strv parts = { 0 };

	if (!o->platform)
		return 0;
	int r = strv_split(&parts, o->platform, '/');
	if (r)
		return r;
	if (parts.n < 2 || parts.n > 3 || !*parts.v[0] || !*parts.v[1] ||
	    str_format(o->os_part, sizeof(o->os_part), "%s", parts.v[0]) < 0 ||
	    str_format(o->arch_part, sizeof(o->arch_part), "%s", parts.v[1]) < 0 ||
	    str_format(o->variant_part, sizeof(o->variant_part), "%s",
		       parts.n == 3 ? parts.v[2] : "") < 0)
		return err_msg(e, -EINVAL, "--platform %s: must be OS/ARCH or OS/ARCH/VARIANT",
			       o->platform);
	if (o->os || o->arch || o->variant)
		return err_msg(e, -EINVAL, "--platform excludes --os, --arch and --variant");
	return 0;
}

void platform_opts_apply(const struct platform_opts *o, const char **os, const char **arch,
			 const char **variant)
{
	*os = o->platform ? o->os_part : o->os;
	*arch = o->platform ? o->arch_part : o->arch;
	*variant = o->platform ? o->variant_part : o->variant;
}

const char *image_id_hex(const struct image *img)
{
	const char *hex = str_after(img->id, "sha256:");

	return hex ? hex : img->id;
}
