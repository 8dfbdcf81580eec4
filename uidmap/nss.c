/* SPDX-License-Identifier: Apache-2.0
 *
 * nss - grants from a directory service, through libsubid where it is there
 *
 * libsubid loads the source's module and knows its interface. It is opened at
 * run time only, so that a machine without it needs nothing; what is used of
 * its interface is declared here for the same reason.
 */
#include "uidmap/nss.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/io.h"
#include "common/str.h"
#include "uidmap/caller.h"
#include "uidmap/idset.h"
#include "uidmap/kind.h"

/* Newest first; the calls used are the same in all of them. */
static const char *const libsubid_names[] = { "libsubid.so.5", "libsubid.so.4" };

/* As libsubid declares it. */
struct subid_range {
	unsigned long start;
	unsigned long count;
};

typedef bool subid_init_fn(const char *prog, FILE *log);
typedef int subid_ranges_fn(const char *owner, struct subid_range **ranges);

const char *nss_subid_source(const char *text, size_t *len)
{
	while (*text) {
		const char *line = text;

		text += strcspn(text, "\n");
		text += *text == '\n';
		if (strncasecmp(line, "subid:", 6) != 0)
			continue;
		line += 6;
		line += strspn(line, " \t\r");
		*len = strcspn(line, " \t\r\n");
		if (*len == 0)
			continue;
		if (*len > NSS_SOURCE_MAX || (*len == 5 && memcmp(line, "files", 5) == 0))
			return NULL;
		return line;
	}
	return NULL;
}

/* Return: 1, 0, or -errno: not to know is not the same as no. */
static int has_source(struct err *e)
{
	auto_free char *text = NULL;
	size_t len;
	int r = io_read_file_at(AT_FDCWD, "/etc/nsswitch.conf", NSSWITCH_MAX, &text, NULL);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return err_set(e, r, "read /etc/nsswitch.conf");
	return nss_subid_source(text, &len) != NULL;
}

static void *open_libsubid(void)
{
	for (size_t i = 0; i < sizeof(libsubid_names) / sizeof(*libsubid_names); i++) {
		void *lib = dlopen(libsubid_names[i], RTLD_NOW | RTLD_LOCAL);

		if (lib)
			return lib;
	}
	return NULL;
}

/* ISO C has no cast from an object pointer to a function pointer. */
static int find_function(void *lib, const char *name, void *ret_fn, size_t size)
{
	void *sym = dlsym(lib, name);

	if (!sym)
		return -ENOSYS;
	memcpy(ret_fn, &sym, size);
	return 0;
}

int nss_grants(const struct caller *caller, const struct idkind *kind, struct idset *ret,
	       struct err *e)
{
	subid_ranges_fn *get_ranges = NULL;
	subid_init_fn *init = NULL;
	struct subid_range *ranges = NULL;
	char owner[CALLER_NAME_MAX];
	void *lib;
	int n, r;

	r = has_source(e);
	if (r <= 0)
		return r;
	lib = open_libsubid();
	if (!lib)
		return 0;
	if (find_function(lib, "subid_init", &init, sizeof(init)) < 0 ||
	    find_function(lib, kind->gids ? "subid_get_gid_ranges" : "subid_get_uid_ranges",
			  &get_ranges, sizeof(get_ranges)) < 0)
		return 0;
	/* stderr is for our one line; NULL would be stderr too */
	auto_fclose FILE *quiet = fopen("/dev/null", "we");
	if (!quiet || !init(kind->prog, quiet))
		return err_msg(e, -EIO, "libsubid: cannot be set up");
	if (caller->name[0])
		(void)str_format(owner, sizeof(owner), "%s", caller->name);
	else
		(void)str_format(owner, sizeof(owner), "%" PRIu32, caller->id.uid);
	n = get_ranges(owner, &ranges);
	auto_free struct subid_range *owned = ranges;
	if (n < 0)
		return err_msg(e, -EIO, "libsubid: no answer for %s of %s", kind->subid_file,
			       owner);
	for (int i = 0; i < n; i++) {
		r = idset_add(ret, owned[i].start, owned[i].count);
		if (r < 0)
			return err_set(e, r, "libsubid");
	}
	return 1;
}
