/* SPDX-License-Identifier: Apache-2.0
 *
 * verb_state - state, list and ps
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/log.h"
#include "common/proc.h"
#include "runner/oci/cli.h"

static json_t *to_json(const struct box *b, enum store_status status)
{
	const struct record *r = &b->rec;
	bool alive = status != STORE_STOPPED && status != STORE_CREATING;
	json_t *o = json_object();

	(void)json_object_set_new(o, "ociVersion", json_string(SPEC_VERSION));
	(void)json_object_set_new(o, "id", json_string(r->id));
	(void)json_object_set_new(o, "pid", json_integer(alive ? r->pid : 0));
	(void)json_object_set_new(o, "status", json_string(store_status_name(status)));
	(void)json_object_set_new(o, "bundle", json_string(*r->bundle ? r->bundle : "/"));
	(void)json_object_set_new(o, "rootfs", json_string(r->rootfs));
	(void)json_object_set_new(o, "created", json_string(r->created));
	if (*r->scope)
		(void)json_object_set_new(o, "systemd-scope", json_string(r->scope));

	struct passwd *pw = getpwuid(r->owner);
	(void)json_object_set_new(o, "owner", json_string(pw ? pw->pw_name : ""));
	return o;
}

static int print_json(json_t *o, struct err *e)
{
	int r = json_dumpf(o, stdout, JSON_INDENT(2));

	json_decref(o);
	if (r < 0 || printf("\n") < 0 || fflush(stdout) != 0)
		return err_set(e, -EIO, "write to stdout");
	return 0;
}

static int state_main(struct cli *cli, int argc, char **argv, struct err *e)
{
	struct box b;
	struct spec s;
	char **args;

	int r = cli_operands(&verb_state, argc, argv, NULL, 1, 1, 0, &args, e);
	if (r < 0)
		return r;
	r = box_open(cli->root_fd, args[0], /*lock*/ false, &b, e);
	if (r < 0)
		return r;
	json_t *o = to_json(&b, box_status(&b));
	if (box_spec(&b, &s, NULL) == 0) {
		json_t *a = json_object();

		for (size_t i = 0; i < s.n_annotations; i++)
			(void)json_object_set_new(a, s.annotations[i].key,
						  json_string(s.annotations[i].value));
		if (s.n_annotations)
			(void)json_object_set(o, "annotations", a);
		json_decref(a);
		spec_clear(&s);
	}
	r = print_json(o, e);
	box_close(&b);
	return r;
}

struct list {
	const char *format;
	bool quiet;
};

static const struct opt list_rows[] = {
	OPT_STR('f', "format", struct list, format, "table|json", "how to print"),
	OPT_BOOL('q', "quiet", struct list, quiet, "names only"),
	OPT_END,
};

static int add_container(struct cli *cli, const struct list *l, const char *id, json_t *all)
{
	struct box b;
	struct err why;

	if (l->quiet)
		return printf("%s\n", id);
	if (box_open(cli->root_fd, id, /*lock*/ false, &b, &why) < 0) {
		/* gone since we read the folder, or not a container */
		if (why.code != -ENOENT)
			log_warn("%s", why.msg);
		return 0;
	}
	json_t *o = to_json(&b, box_status(&b));
	box_close(&b);
	if (l->format && strcmp(l->format, "json") == 0)
		return json_array_append_new(all, o);
	(void)printf("%-20s %-8d %-9s %-40s %-31s %s\n", json_string_value(json_object_get(o, "id")),
		     (int)json_integer_value(json_object_get(o, "pid")),
		     json_string_value(json_object_get(o, "status")),
		     json_string_value(json_object_get(o, "bundle")),
		     json_string_value(json_object_get(o, "created")),
		     json_string_value(json_object_get(o, "owner")));
	json_decref(o);
	return 0;
}

static int check_format(const char *format, struct err *e)
{
	if (format && strcmp(format, "json") != 0 && strcmp(format, "table") != 0)
		return err_msg(e, -EINVAL, "--format: '%s' is neither table nor json", format);
	return 0;
}

static int list_main(struct cli *cli, int argc, char **argv, struct err *e)
{
	struct list l = { 0 };
	char **args;

	int r = cli_operands(&verb_list, argc, argv, &l, 0, 0, 0, &args, e);
	if (r == 0)
		r = check_format(l.format, e);
	if (r < 0)
		return r;
	auto_dir DIR *d = fdopendir(take_fd(&cli->root_fd));
	if (!d)
		return err_set(e, -errno, "read the state folder");
	cli->root_fd = dirfd(d);

	json_t *all = json_array();
	bool json = l.format && strcmp(l.format, "json") == 0;
	if (!l.quiet && !json)
		(void)printf("%-20s %-8s %-9s %-40s %-31s %s\n", "NAME", "PID", "STATUS", "BUNDLE",
			     "CREATED", "OWNER");
	for (struct dirent *ent; (ent = readdir(d));)
		if (ent->d_name[0] != '.' && ent->d_type == DT_DIR)
			(void)add_container(cli, &l, ent->d_name, all);
	if (json)
		return print_json(all, e);
	json_decref(all);
	return 0;
}

static const struct opt ps_rows[] = {
	OPT_STR('f', "format", struct list, format, "table|json", "how to print"),
	OPT_END,
};

/* The table is ps(1)'s: nobody else knows all that people ask it for. */
static int ps_table(const pid_t *pids, size_t n, int argc, char **argv, struct err *e)
{
	static char name[] = "ps", full[] = "-ef";
	AUTO(strv_clear) struct strv words = { 0 };
	char line[4096];
	int fds[2];

	(void)strv_add(&words, "/bin/ps");
	if (argc == 0)
		(void)strv_add(&words, full);
	for (int i = 0; i < argc; i++)
		(void)strv_add(&words, argv[i]);
	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_set(e, -errno, "pipe");
	auto_fclose FILE *in = fdopen(fds[0], "r");
	struct proc_spawn how = { .argv = words.v, .stdio = { -1, fds[1], 2 } };
	pid_t child = proc_spawn(&how);
	(void)close(fds[1]);
	if (child < 0 || !in)
		return err_set(e, child < 0 ? child : -ENOMEM, "%s", name);

	int column = -1;
	while (fgets(line, sizeof(line), in)) {
		char copy[4096], *save = NULL;
		int at = 0;

		(void)snprintf(copy, sizeof(copy), "%s", line);
		for (char *w = strtok_r(copy, " \t\n", &save); w; w = strtok_r(NULL, " \t\n", &save)) {
			if (column < 0 && strcmp(w, "PID") == 0) {
				column = at;
				(void)fputs(line, stdout);
				break;
			}
			bool ours = false;
			for (size_t i = 0; column == at && i < n; i++) {
				char text[16];

				(void)snprintf(text, sizeof(text), "%d", pids[i]);
				ours |= strcmp(text, w) == 0;
			}
			if (ours)
				(void)fputs(line, stdout);
			at++;
		}
	}
	int code = proc_wait(child);
	return code == 0 ? 0 : err_msg(e, -EIO, "ps: exit code %d", code);
}

static int ps_main(struct cli *cli, int argc, char **argv, struct err *e)
{
	struct list l = { 0 };
	struct box b;
	char **args;
	auto_free pid_t *pids = NULL;
	size_t n = 0;

	int count = cli_operands(&verb_ps, argc, argv, &l, 1, -1, OPT_STOP_AT_OPERAND, &args, e);
	if (count < 0)
		return count;
	/* `ps ID --format json` is written too */
	for (int i = 1; i + 1 < count; i++)
		if (strcmp(args[i], "--format") == 0 || strcmp(args[i], "-f") == 0) {
			l.format = args[i + 1];
			count = i;
		}
	int r = check_format(l.format, e);
	if (r == 0)
		r = box_open(cli->root_fd, args[0], /*lock*/ false, &b, e);
	if (r < 0)
		return r;
	r = box_require(&b, STORE_BIT(STORE_CREATED) | STORE_BIT(STORE_RUNNING) |
				    STORE_BIT(STORE_PAUSED), e);
	if (r == 0)
		r = cli_pids(&b, &pids, &n, e);
	box_close(&b);
	if (r < 0)
		return r;
	if (l.format && strcmp(l.format, "json") == 0) {
		json_t *a = json_array();

		for (size_t i = 0; i < n; i++)
			(void)json_array_append_new(a, json_integer(pids[i]));
		return print_json(a, e);
	}
	return ps_table(pids, n, count - 1, args + 1, e);
}

const struct verb verb_state = {
	.name = "state", .operands = "CONTAINER", .summary = "print a container's state",
	.fn = state_main,
};
const struct verb verb_list = {
	.name = "list", .operands = "", .summary = "print all containers", .rows = list_rows,
	.fn = list_main,
};
const struct verb verb_ps = {
	.name = "ps", .operands = "CONTAINER [PS-OPTIONS]", .summary = "print a container's processes",
	.rows = ps_rows, .fn = ps_main,
};
