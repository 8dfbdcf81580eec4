/* SPDX-License-Identifier: Apache-2.0
 *
 * subid_source - a source of subordinate ids: everybody has 400000 to 400009
 *
 * Built as a module that libsubid loads for "subid: suite", and with LIBSUBID
 * as a libsubid that has that source alone.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

struct subid_range {
	unsigned long start;
	unsigned long count;
};

static int list(struct subid_range **ret)
{
	*ret = malloc(sizeof(**ret));
	if (!*ret)
		return -1;
	**ret = (struct subid_range){ 400000, 10 };
	return 1;
}

#ifdef LIBSUBID
bool subid_init(const char *prog, FILE *log)
{
	return prog && log;
}

int subid_get_uid_ranges(const char *owner, struct subid_range **ret)
{
	return owner ? list(ret) : -1;
}

int subid_get_gid_ranges(const char *owner, struct subid_range **ret)
{
	return owner ? list(ret) : -1;
}
#else
/* 0 is libsubid's SUBID_STATUS_SUCCESS */
int shadow_subid_has_range(const char *owner, unsigned long start, unsigned long count, int type,
			   bool *ret)
{
	(void)owner, (void)type;
	*ret = start >= 400000 && count <= 10 && start + count <= 400010;
	return 0;
}

int shadow_subid_list_owner_ranges(const char *owner, int type, struct subid_range **ret,
				   int *ret_n)
{
	(void)owner, (void)type;
	*ret_n = list(ret);
	return 0;
}

int shadow_subid_find_subid_owners(unsigned long id, int type, uid_t **ret, int *ret_n)
{
	(void)id, (void)type, (void)ret;
	*ret_n = 0;
	return 0;
}
#endif
