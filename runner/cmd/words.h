/* SPDX-License-Identifier: Apache-2.0
 *
 * words - words of Docker and Podman that are other words here, or none
 */
#ifndef RUNNER_CMD_WORDS_H
#define RUNNER_CMD_WORDS_H

struct cmd;
struct err;

/**
 * words_group() - "container ls", "image rm": the command behind a group's word
 * @argv:	from the first operand on; "image inspect" becomes
 *		"image --type=image"
 * @ret:	our command; not touched when argv[0] is no group
 *
 * Return: how many words stand in front of the command's argv[0]; -EINVAL for
 * a word that the group does not have here
 */
int words_group(int argc, char **argv, const struct cmd **ret, struct err *e);

/**
 * words_refused() - a command of Docker or Podman that does not exist here
 *
 * Else "runner build ." would look for an image of that name.
 * Return: 0, -EOPNOTSUPP when it is one
 */
int words_refused(const char *word, struct err *e);

/**
 * words_near() - the command that somebody meant who made one slip, or NULL
 */
const char *words_near(const char *word);

#endif
