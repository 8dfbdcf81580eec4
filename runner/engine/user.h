/* SPDX-License-Identifier: Apache-2.0
 *
 * user - "name:group" of a container to numbers, from the container's files
 */
#ifndef RUNNER_ENGINE_USER_H
#define RUNNER_ENGINE_USER_H

#include <stddef.h>
#include <sys/types.h>

struct err;

#define USER_GROUPS_MAX 256

/**
 * struct user - who the program runs as
 * @uid, @gid:	numbers
 * @gids:	more groups: those that /etc/group lists for the name
 * @n_gids:	how many
 * @home:	from /etc/passwd, "/" when there is none
 * @name:	from /etc/passwd, "" when there is none
 */
struct user {
	uid_t uid;
	gid_t gid;
	gid_t gids[USER_GROUPS_MAX];
	size_t n_gids;
	char home[1024];
	char name[64];
};

/**
 * user_parse() - look a specification up in the texts of passwd and group; pure
 * @spec:	"", "name", "uid", and either with ":group" or ":gid"
 * @passwd:	text of /etc/passwd, may be NULL
 * @group:	text of /etc/group, may be NULL
 * Return: 0, -ENOENT when a name is not there
 */
int user_parse(const char *spec, const char *passwd, const char *group, struct user *ret,
	       struct err *e);

/**
 * user_add_group() - one more group by name or number
 * Return: 0, -ENOENT, -E2BIG
 */
int user_add_group(struct user *u, const char *name, const char *group, struct err *e);

/**
 * user_resolve() - as user_parse(), with the files below a root folder
 * @groups:	names or numbers of more groups ("keep-groups" is skipped)
 */
int user_resolve(int rootfs_fd, const char *spec, char *const *groups, struct user *ret,
		 struct err *e);

#endif
