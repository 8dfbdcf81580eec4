/* SPDX-License-Identifier: Apache-2.0
 *
 * image_opts - option rows that several image commands share
 */
#ifndef RUNNER_CMD_IMAGE_OPTS_H
#define RUNNER_CMD_IMAGE_OPTS_H

#include <stdbool.h>

#include "common/opt.h"

struct err;
struct image;
struct image_pull_opts;

/**
 * struct registry_opts - how to talk to registries
 */
struct registry_opts {
	const char *authfile;
	const char *creds;
	const char *cert_dir;
	bool tls_verify;
	int retry;
};

/**
 * struct platform_opts - which platform of a multi-arch image
 * @os_part, @arch_part, @variant_part: pieces of @platform
 */
struct platform_opts {
	const char *platform;
	const char *os;
	const char *arch;
	const char *variant;
	char os_part[32];
	char arch_part[32];
	char variant_part[32];
};

#define REGISTRY_ROWS(type, field)                                                             \
	OPT_STR(0, "authfile", type, field.authfile, "FILE", "credentials, instead of the usual files"), \
	OPT_STR(0, "creds", type, field.creds, "USER:PASSWORD", "credentials"),                \
	OPT_STR(0, "cert-dir", type, field.cert_dir, "DIR", "ca.crt, client.cert and client.key"), \
	OPT_INT(0, "retry", type, field.retry, "N", "tries after the first (3)"),              \
	OPT_BOOL(0, "tls-verify", type, field.tls_verify,                                      \
		 "=false: accept unknown certificates and plain HTTP")

#define PLATFORM_ROWS(type, field)                                                             \
	OPT_STR(0, "platform", type, field.platform, "OS/ARCH[/VARIANT]", "of a multi-arch image"), \
	OPT_STR(0, "os", type, field.os, "OS", "of a multi-arch image"),                       \
	OPT_STR(0, "arch", type, field.arch, "ARCH", "of a multi-arch image"),                 \
	OPT_STR(0, "variant", type, field.variant, "VARIANT", "of a multi-arch image")

void registry_opts_init(struct registry_opts *o);
void registry_opts_apply(const struct registry_opts *o, struct image_pull_opts *how);

/**
 * platform_opts_check() - take --platform apart
 * Return: 0, -EINVAL
 */
int platform_opts_check(struct platform_opts *o, struct err *e);
void platform_opts_apply(const struct platform_opts *o, const char **os, const char **arch,
			 const char **variant);

/**
 * image_id_hex() - an image's id as people see it: without "sha256:"
 */
const char *image_id_hex(const struct image *img);

#endif
