/* SPDX-License-Identifier: Apache-2.0
 *
 * reference - image names as people type them, by Docker's rules
 */
#ifndef RUNNER_IMAGE_REFERENCE_H
#define RUNNER_IMAGE_REFERENCE_H

#include <stdbool.h>
#include <stddef.h>

#include "runner/image/image.h"

#define REF_NAME_MAX 255
#define REF_TAG_MAX 128
/* domain/path:tag@digest and NUL */
#define REF_STR_MAX (REF_NAME_MAX + 1 + REF_TAG_MAX + 1 + DIGEST_STR_MAX + 1)

/**
 * struct ref - a name taken apart
 * @domain:	registry, "docker.io" when none was given; may carry a port
 * @path:	repository; official images of docker.io get "library/" in front
 * @tag:	"latest" when neither tag nor digest was given, "" with a digest only
 * @digest:	"sha256:…" or ""
 * @is_short:	no registry was typed
 * @no_tag:	no tag was typed
 */
struct ref {
	char domain[REF_NAME_MAX + 1];
	char path[REF_NAME_MAX + 1];
	char tag[REF_TAG_MAX + 1];
	char digest[DIGEST_STR_MAX];
	bool is_short;
	bool no_tag;
};

/**
 * ref_parse() - text to reference; pure
 * Return: 0, -EINVAL with the reason
 */
int ref_parse(const char *text, struct ref *ret, struct err *e);

/**
 * ref_set_domain() - read a short name as if domain had been typed
 * Return: 0, -ENAMETOOLONG
 */
int ref_set_domain(struct ref *r, const char *domain);

/**
 * ref_repo() - "docker.io/library/nginx"
 * ref_canonical() - with ":tag", or "@sha256:…" when there is a digest
 * ref_familiar() - as Docker shows it: "nginx", "user/app", "localhost:5000/x"
 *
 * Return: length; the buffer is large enough for every parsed reference
 */
int ref_repo(const struct ref *r, char buf[REF_STR_MAX]);
int ref_canonical(const struct ref *r, char buf[REF_STR_MAX]);
int ref_familiar(const struct ref *r, char buf[REF_STR_MAX]);

#endif
