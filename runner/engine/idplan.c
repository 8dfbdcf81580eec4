/* SPDX-License-Identifier: Apache-2.0
 *
 * idplan - ask `uidmap plan`, and remember what it said
 *
 * The answer takes several processes to find (it is found by trying), so it
 * is kept in RUNROOT/idplan behind a line that names all that it depends on:
 * the files that grant ids, the helper programs, and the hour, for grants
 * that come over the network. A plan that turned out wrong is forgotten.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/io.h"
#include "common/log.h"
#include "common/proc.h"
#include "common/str.h"
#include "runner/engine/engine.h"
#include "runner/engine/rootless.h"

#define CACHE "idplan"
#define PLAN_MAX 65536

void id_plan_clear(struct id_plan *plan)
{
	free(plan->uid);
	free(plan->gid);
	free(plan->newuidmap);
	free(plan->newgidmap);
	*plan = (struct id_plan){ 0 };
}

static int get_u32(const json_t *obj, const char *key, uint32_t *ret)
{
	const json_t *v = json_object_get(obj, key);
	json_int_t i = json_integer_value(v);

	if (!json_is_integer(v) || i < 0 || i > UINT32_MAX)
		return -EINVAL;
	*ret = (uint32_t)i;
	return 0;
}

static int parse_map(const json_t *list, struct id_range **ret, size_t *ret_n)
{
	size_t n = json_array_size(list);
	struct id_range *map;

	if (n < 1 || n > ID_RANGES_MAX)
		return -EINVAL;
	map = xcalloc(n, sizeof(*map));
	for (size_t i = 0; i < n; i++) {
		const json_t *item = json_array_get(list, i);

		if (get_u32(item, "inside", &map[i].inside) < 0 ||
		    get_u32(item, "outside", &map[i].outside) < 0 ||
		    get_u32(item, "count", &map[i].count) < 0 || map[i].count == 0) {
			free(map);
			return -EINVAL;
		}
	}
	*ret = map;
	*ret_n = n;
	return 0;
}

static int parse_root(const json_t *root, struct id_plan *plan, struct err *e)
{
	const char *mode = json_string_value(json_object_get(root, "mode"));
	const char *u = json_string_value(json_object_get(root, "newuidmap"));
	const char *g = json_string_value(json_object_get(root, "newgidmap"));

	if (json_integer_value(json_object_get(root, "version")) != 1 || !mode)
		return err_msg(e, -EINVAL, "uidmap plan: not an answer of version 1");
	if (str_eq(mode, "none")) {
		const json_t *why = json_array_get(json_object_get(root, "missing"), 0);
		const char *text = json_string_value(json_object_get(why, "why"));
		const char *line = json_string_value(json_object_get(why, "line"));

		if (text && line && *line)
			return err_msg(e, -EPERM, "user namespace: %s: an admin can: %s", text, line);
		return err_msg(e, -EPERM, "user namespace: %s",
			       text ? text : "the kernel refuses to make one");
	}
	if (parse_map(json_object_get(root, "uid_map"), &plan->uid, &plan->n_uid) < 0 ||
	    parse_map(json_object_get(root, "gid_map"), &plan->gid, &plan->n_gid) < 0)
		return err_msg(e, -EINVAL, "uidmap plan: its maps make no sense");
	if (str_eq(mode, "range")) {
		if (!u || !g)
			return err_msg(e, -EINVAL, "uidmap plan: a range without helpers");
		plan->newuidmap = xstrdup(u);
		plan->newgidmap = xstrdup(g);
		plan->together = json_is_true(json_object_get(root, "together"));
	}
	return 0;
}

int id_plan_parse(const char *text, size_t len, struct id_plan *ret, struct err *e)
{
	struct id_plan plan = { 0 };
	json_error_t why;
	json_t *root = json_loadb(text, len, 0, &why);
	int r;

	if (!root)
		return err_msg(e, -EINVAL, "uidmap plan: %s", why.text);
	r = parse_root(root, &plan, e);
	json_decref(root);
	if (r < 0) {
		id_plan_clear(&plan);
		return r;
	}
	*ret = plan;
	return 0;
}

static void add_file(struct strbuf *key, const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		(void)strbuf_addf(key, " -");
	else
		(void)strbuf_addf(key, " %llx.%lld.%lld", (unsigned long long)st.st_ino,
				  (long long)st.st_mtim.tv_sec, (long long)st.st_ctim.tv_nsec);
}

static void make_key(const struct engine *eng, struct strbuf *key)
{
	static const char *const files[] = { "/etc/subuid", "/etc/subgid", "/etc/nsswitch.conf",
					     "/usr/bin/newuidmap", "/usr/bin/newgidmap" };
	static const char *const ours[] = { "uidmap", "newuidmap", "newgidmap" };
	char dir[4096], path[4200];

	/* under no_new_privs no helper gains anything: that answer is for its like only */
	(void)strbuf_addf(key, "%u:%u:%d:%lld", (unsigned int)eng->uid, (unsigned int)eng->gid,
			  prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), (long long)(time(NULL) / 3600));
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		add_file(key, files[i]);
	if (proc_self_dir(dir, sizeof(dir)) == 0)
		for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
			if (str_format(path, sizeof(path), "%s/%s", dir, ours[i]) > 0)
				add_file(key, path);
	(void)strbuf_adds(key, "\n");
}

static int ask(char **ret, size_t *ret_len, struct err *e)
{
	char program[4096];
	int out[2], r = proc_find_program("uidmap", program, sizeof(program));
	char *const argv[] = { program, (char[]){ "plan" }, (char[]){ "--json" }, NULL };
	struct proc_spawn how = { .argv = argv };
	pid_t pid;

	if (r < 0)
		return err_set(e, r, "uidmap: not beside runner, nor in " LIBEXECDIR ", nor in PATH");
	if (pipe2(out, O_CLOEXEC) < 0)
		return err_set(e, -errno, "pipe");
	how.stdio[0] = -1;
	how.stdio[1] = out[1];
	how.stdio[2] = STDERR_FILENO;
	pid = proc_spawn(&how);
	close(out[1]);
	if (pid < 0) {
		close(out[0]);
		return err_set(e, pid, "%s", program);
	}
	r = io_read_fd(out[0], PLAN_MAX, ret, ret_len);
	close(out[0]);
	(void)proc_wait(pid);
	return r < 0 ? err_set(e, r, "uidmap plan") : 0;
}

int id_plan_get(struct engine *eng, struct id_plan *ret, struct err *e)
{
	AUTO(strbuf_clear) struct strbuf key = { 0 };
	auto_free char *kept = NULL;
	auto_free char *text = NULL;
	size_t len = 0;
	int r;

	make_key(eng, &key);
	if (io_read_file_at(eng->runroot_fd, CACHE, PLAN_MAX + 4096, &kept, &len) == 0 && key.s &&
	    str_starts(kept, key.s) &&
	    id_plan_parse(kept + key.len, len - key.len, ret, NULL) == 0)
		return 0;
	r = ask(&text, &len, e);
	if (r == 0)
		r = id_plan_parse(text, len, ret, e);
	if (r < 0)
		return r;
	/* to a debugger's child no helper is of use: true now, and not the next time */
	if (!ret->newuidmap && proc_is_traced())
		return 0;
	if (strbuf_add(&key, text, len) == 0 &&
	    io_replace_file_at(eng->runroot_fd, CACHE, key.s, key.len, 0600) < 0)
		log_debug("the id plan could not be kept");
	return 0;
}

void id_plan_forget(const struct engine *eng)
{
	(void)unlinkat(eng->runroot_fd, CACHE, 0);
}
