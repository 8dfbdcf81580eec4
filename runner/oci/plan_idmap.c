/* SPDX-License-Identifier: Apache-2.0
 *
 * plan_idmap - the mappings written in a mount option, as crun has them
 *
 * idmap=uids=0-1-10#10-100-5;gids=@0-1-10 : ids of the file system from 0 are
 * shown as those of the host from 1, 10 of them. With '@' the second number is
 * an id of the container, to be put through its user namespace first; '+' says
 * that it is none, which is how it is anyway.
 */
#include <errno.h>
#include <string.h>

#include "common/err.h"
#include "common/num.h"
#include "common/str.h"
#include "runner/oci/plan.h"

/* "0-1-10" */
static int parse_triple(struct plan *p, const char *text, struct spec_idmap *ret)
{
	uint32_t *field[] = { &ret->container, &ret->host, &ret->size };

	for (size_t i = 0; i < 3; i++) {
		size_t len = strcspn(text, "-");

		if (num_u32(spec_printf(&p->mem, "%.*s", (int)len, text), field[i]) < 0 ||
		    (text[len] == '-') != (i < 2))
			return -EINVAL;
		text += len + 1;
	}
	return ret->size ? 0 : -EINVAL;
}

static void make_absolute(const struct spec_idmaps *ns, struct spec_idmap *m)
{
	for (size_t i = 0; i < ns->n; i++)
		if (m->host >= ns->v[i].container && m->host - ns->v[i].container < ns->v[i].size) {
			m->host = ns->v[i].host + (m->host - ns->v[i].container);
			return;
		}
}

/* "uids=" or "gids=" and triples between '#' */
static int parse_list(struct plan *p, const char *text, const struct spec_idmaps *ns,
		      struct spec_idmaps *ret)
{
	struct spec_idmap *v = spec_alloc(&p->mem, strlen(text) / 2 + 1, sizeof(*v));
	size_t n = 0;

	for (const char *end; *text; text = *end ? end + 1 : end) {
		bool relative = *text == '@';

		end = text + strcspn(text, "#");
		text += *text == '@' || *text == '+';
		if (n == SPEC_MAX_IDMAPS ||
		    parse_triple(p, spec_printf(&p->mem, "%.*s", (int)(end - text), text), &v[n]) < 0)
			return -EINVAL;
		if (relative)
			make_absolute(ns, &v[n]);
		n++;
	}
	*ret = (struct spec_idmaps){ v, n };
	return n ? 0 : -EINVAL;
}

int plan_idmap_word(struct plan *p, const char *value, struct spec_idmaps *uids,
		    struct spec_idmaps *gids, struct err *e)
{
	for (const char *end; *value; value = *end ? end + 1 : end) {
		end = value + strcspn(value, ";");
		const char *part = spec_printf(&p->mem, "%.*s", (int)(end - value), value);
		const char *u = str_after(part, "uids="), *g = str_after(part, "gids=");
		int r = u ? parse_list(p, u, &p->uidmap, uids) :
			g ? parse_list(p, g, &p->gidmap, gids) :
			    -EINVAL;

		if (r < 0)
			return err_msg(e, r, "idmap: '%s' is not uids= or gids= with INODE-HOST-SIZE",
				       part);
	}
	return 0;
}
