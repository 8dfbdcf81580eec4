/* SPDX-License-Identifier: Apache-2.0
 *
 * words - words of Docker and Podman that are other words here, or none
 */
#include "runner/cmd/words.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "common/err.h"
#include "common/str.h"
#include "runner/cmd/cmd.h"

/**
 * struct word - a command inside of a group
 * @word:	as typed behind the group
 * @cmd:	our command
 */
struct word {
	const char *word;
	const char *cmd;
};

static const struct word container_words[] = {
	{ "attach", "attach" },	  { "cp", "cp" }, { "create", "create" }, { "exec", "exec" },
	{ "inspect", "inspect" }, { "kill", "kill" },	  { "list", "ps" },
	{ "logs", "logs" },	  { "ls", "ps" },	  { "port", "port" },
	{ "ps", "ps" },		  { "rename", "rename" }, { "restart", "restart" },
	{ "rm", "rm" },		  { "run", "run" },	  { "start", "start" },
	{ "stop", "stop" },	  { "top", "top" },	  { "wait", "wait" },
	{ NULL, NULL },
};

static const struct word image_words[] = {
	{ "history", "history" }, { "inspect", "inspect" }, { "list", "images" }, { "load", "load" },
	{ "ls", "images" },	  { "pull", "pull" },	    { "rm", "rmi" },	  { "save", "save" },
	{ "tag", "tag" },	  { NULL, NULL },
};

static const struct word volume_words[] = {
	{ "create", "volume create" }, { "inspect", "volume inspect" }, { "list", "volume ls" },
	{ "ls", "volume ls" },	       { "rm", "volume rm" },		{ NULL, NULL },
};

static const struct word system_words[] = { { "info", "info" }, { NULL, NULL } };

static char of_container[] = "--type=container";
static char of_image[] = "--type=image";

static const struct {
	const char *name;
	const struct word *words;
	char *type;
} groups[] = {
	{ "container", container_words, of_container },
	{ "image", image_words, of_image },
	{ "system", system_words, NULL },
	{ "volume", volume_words, NULL },
};

static const char *const refused[] = {
	"auto-update", "build",	   "builder", "buildx",	 "checkpoint", "commit", "compose",
	"diff",	   "events",  "export",	 "generate",   "healthcheck", "import",
	"init",	       "kube",	   "machine", "manifest", "mount",     "network", "pause",
	"play",	       "plugin",   "pod",     "prune",	 "push",       "restore", "search",
	"secret",      "stack",	   "stats",   "swarm",	 "umount",     "unmount", "unpause",
	"unshare",     "untag",	   "update",
};

static const char *find(const struct word *words, const char *word)
{
	for (; words->word; words++)
		if (str_eq(words->word, word))
			return words->cmd;
	return NULL;
}

int words_group(int argc, char **argv, const struct cmd **ret, struct err *e)
{
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		const char *word = argc > 1 ? argv[1] : "";
		const char *cmd;

		if (!str_eq(argv[0], groups[i].name))
			continue;
		/* its usage, where the group has one */
		if (cmd_find(argv[0]) && (!*word || *word == '-'))
			return 0;
		cmd = find(groups[i].words, word);
		if (!cmd)
			return err_msg(e, -EINVAL, "%s: '%s' is not supported (for an image of that "
				       "name: runner run %s)", groups[i].name, word, groups[i].name);
		*ret = cmd_find(cmd);
		if (!groups[i].type || !str_eq(cmd, "inspect"))
			return 1;
		argv[1] = groups[i].type;
		return 0;
	}
	return 0;
}

int words_refused(const char *word, struct err *e)
{
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (str_eq(refused[i], word))
			return err_msg(e, -EOPNOTSUPP, "%s: not supported (for an image of that name: "
				       "runner run %s)", word, word);
	return 0;
}

/* A letter too many, too few, or another, or two that changed places. */
static bool one_slip(const char *a, const char *b)
{
	size_t la = strlen(a), lb = strlen(b), same = 0;

	while (a[same] && a[same] == b[same])
		same++;
	a += same;
	b += same;
	if (la == lb)
		return str_eq(a, b) || str_eq(a + 1, b + 1) ||
		       (a[0] == b[1] && a[1] == b[0] && a[1] && str_eq(a + 2, b + 2));
	return la == lb + 1 ? str_eq(a + 1, b) : la + 1 == lb && str_eq(a, b + 1);
}

const char *words_near(const char *word)
{
	for (const struct cmd *const *c = cmd_table(); *c; c++)
		if (one_slip(word, (*c)->name))
			return (*c)->name;
	return NULL;
}
