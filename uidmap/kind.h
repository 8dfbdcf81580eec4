/* SPDX-License-Identifier: Apache-2.0
 *
 * kind - what tells the user id program from the group id program
 */
#ifndef UIDMAP_KIND_H
#define UIDMAP_KIND_H

#include <stdbool.h>

/**
 * struct idkind - one of the two mappings a user namespace has
 * @prog:	name of the program, first word of its messages
 * @noun:	"uid" or "gid", as shadow's messages say it
 * @target_words: how shadow's tool of this name calls its target; scripts
 *		(and shadow's own tests) look for the words
 * @map_file:	file of the target's /proc directory that takes the map
 * @subid_file:	file of the grants
 * @cap:	the one capability the program keeps
 * @cap_name:	its name
 * @gids:	group ids: setgroups has to be settled before the map
 */
struct idkind {
	const char *prog;
	const char *noun;
	const char *target_words;
	const char *map_file;
	const char *subid_file;
	int cap;
	const char *cap_name;
	bool gids;
};

extern const struct idkind kind_uid;
extern const struct idkind kind_gid;

#endif
