/* SPDX-License-Identifier: Apache-2.0
 *
 * auth - who we are to a registry
 *
 * How it works: the files are asked in Podman's order and Docker's follows:
 * --authfile or $REGISTRY_AUTH_FILE alone if given, else
 * $XDG_RUNTIME_DIR/containers/auth.json, $XDG_CONFIG_HOME/containers/auth.json,
 * ~/.docker/config.json (or $DOCKER_CONFIG/config.json). In each file a helper
 * named for the registry comes first, then the longest entry that names the
 * repository or a part of it, then the store of all credentials.
 */
#ifndef RUNNER_IMAGE_AUTH_H
#define RUNNER_IMAGE_AUTH_H

#include <stdbool.h>

#include "common/cleanup.h"

struct err;

#define AUTH_FILE_MAX (1u << 20)

/**
 * struct credentials - empty strings are NULL
 * @token:	an identity token instead of a password
 */
struct credentials {
	char *user;
	char *password;
	char *token;
};

void credentials_clear(struct credentials *c);
DEFINE_AUTO_CLEAR(struct credentials, credentials_clear);

/**
 * auth_parse_pair() - "user:password"
 * Return: 0, -EINVAL
 */
int auth_parse_pair(const char *text, struct credentials *ret, struct err *e);

/**
 * auth_find() - credentials for a repository
 * @authfile:	the only file to ask, or NULL
 * Return: 0 (also when there are none: then ret is empty), -errno of a file or
 * helper that cannot be used
 */
int auth_find(const char *authfile, const char *domain, const char *path,
	      struct credentials *ret, struct err *e);

/**
 * auth_save() - store (c) or remove (NULL) a registry's credentials
 * @ret_file:	the file that was written, the caller frees it; may be NULL
 * Return: 0, -ENOENT when there was nothing to remove, -errno
 */
int auth_save(const char *authfile, const char *domain, const struct credentials *c,
	      char **ret_file, struct err *e);

/**
 * auth_remove_all() - forget every registry's credentials
 */
int auth_remove_all(const char *authfile, struct err *e);

/**
 * auth_domain() - what a person calls a registry, as credentials name it:
 * without a scheme, and Docker Hub as "docker.io"
 * Return: borrowed
 */
const char *auth_domain(const char *text);

#endif
