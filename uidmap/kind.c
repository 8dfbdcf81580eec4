/* SPDX-License-Identifier: Apache-2.0
 *
 * kind - the two mappings of a user namespace, as data
 */
#include "uidmap/kind.h"

#include <linux/capability.h>

const struct idkind kind_uid = {
	.prog = "newuidmap",
	.noun = "uid",
	.target_words = "Target process",
	.map_file = "uid_map",
	.subid_file = "/etc/subuid",
	.cap = CAP_SETUID,
	.cap_name = "cap_setuid",
	.gids = false,
};

const struct idkind kind_gid = {
	.prog = "newgidmap",
	.noun = "gid",
	.target_words = "Target",
	.map_file = "gid_map",
	.subid_file = "/etc/subgid",
	.cap = CAP_SETGID,
	.cap_name = "cap_setgid",
	.gids = true,
};
