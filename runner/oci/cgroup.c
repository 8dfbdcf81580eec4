/* SPDX-License-Identifier: Apache-2.0
 *
 * cgroup - the ladder of cgroup managers
 */
#include "runner/oci/cgroup.h"

#include <errno.h>

#include "common/err.h"
#include "runner/oci/plan.h"

static int none_prepare(struct plan *p, struct err *e)
{
	(void)p;
	(void)e;
	return 0;
}

static int none_attach(struct plan *p, pid_t pid, struct err *e)
{
	(void)p;
	(void)pid;
	(void)e;
	return 0;
}

const struct cgroup_ops cgroup_none = { "disabled", none_prepare, none_attach };

int cgroup_prepare(struct plan *p, const struct cgroup_ops **ret, struct err *e)
{
	*ret = &cgroup_none;
	return (*ret)->prepare(p, e);
}
