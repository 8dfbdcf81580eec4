/* SPDX-License-Identifier: Apache-2.0
 *
 * calls - which handler answers which number
 */
#include <errno.h>

#include "common/idcalls.h"
#include "common/str.h"
#include "uidmap/agent/agent.h"

static const struct handlers *const files[] = {
	&ids_handlers,	&caps_handlers, &chown_handlers,    &node_handlers,
	&stat_handlers, &exec_handlers, &sockcred_handlers, &moved_handlers,
	&names_handlers, &rlimit_handlers,
};

static const struct handler *find(const char *name)
{
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		for (size_t k = 0; k < files[i]->n; k++)
			if (str_eq(files[i]->v[k].name, name))
				return &files[i]->v[k];
	return NULL;
}

int calls_init(struct agent *a, struct err *e)
{
	for (size_t i = 0; i < n_idcalls; i++) {
		const struct handler *h = find(idcalls[i].name);

		if (!h || h->nr < 0 || h->nr >= NR_MAX)
			return err_msg(e, -ENOSYS, "nobody answers %s", idcalls[i].name);
		a->by_nr[h->nr] = h;
	}
	return 0;
}
