/* SPDX-License-Identifier: Apache-2.0
 *
 * newgidmap - write the gid map of a user namespace
 */
#include "uidmap/kind.h"
#include "uidmap/mapper.h"

int main(int argc, char **argv)
{
	return mapper_main(&kind_gid, /* second */ NULL, argc, argv);
}
