/* SPDX-License-Identifier: Apache-2.0
 *
 * newuidmap - write the uid map of a user namespace, or both maps
 */
#include "uidmap/kind.h"
#include "uidmap/mapper.h"

int main(int argc, char **argv)
{
	return mapper_main(&kind_uid, &kind_gid, argc, argv);
}
