/* SPDX-License-Identifier: Apache-2.0
 *
 * main - runner-oci: an OCI runtime; global options and the command's name
 */
#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>

#include "common/err.h"
#include "common/fd.h"
#include "common/log.h"
#include "common/proc.h"
#include "common/str.h"
#include "runner/oci/cli.h"

static const struct opt global[] = {
	OPT_STR(0, "root", struct cli, root, "DIR", "where containers are recorded"),
	OPT_STR(0, "log", struct cli, log, "FILE", "write errors and warnings there too"),
	OPT_STR(0, "log-format", struct cli, log_format, "text|json", "format of that file"),
	OPT_STR(0, "cgroup-manager", struct cli, cgroup_manager, "systemd|cgroupfs|disabled",
		"who makes cgroups"),
	OPT_BOOL(0, "systemd-cgroup", struct cli, systemd_cgroup, "same as --cgroup-manager=systemd"),
	OPT_STR(0, "rootless", struct cli, rootless, "true|false|auto",
		"false: limits that nobody lets us set are an error"),
	OPT_BOOL(0, "debug", struct cli, debug, "log what is done"),
	OPT_STR(0, "debug-stop", struct cli, debug_stop, "STEP", "stop at this step of a creation"),
	OPT_BOOL('v', "version", struct cli, version, "print the version"),
	OPT_BOOL('V', NULL, struct cli, version, NULL),
	OPT_BOOL('h', "help", struct cli, help, "print this"),
	OPT_END,
};

static int print_version(void)
{
	const struct scmp_version *v = seccomp_version();

	/* the words are crun's: programs that use it look for them */
	(void)printf("runner-oci version %s\nspec: " SPEC_VERSION "\nlibseccomp: %u.%u.%u\n"
		     "+SYSTEMD +SELINUX +APPARMOR +CAP +SECCOMP +EBPF\n",
		     VERSION, v->major, v->minor, v->micro);
	return 0;
}

static int open_log(const struct cli *cli, struct err *e)
{
	if (cli->log_format && !str_eq(cli->log_format, "json") && !str_eq(cli->log_format, "text"))
		return err_msg(e, -EINVAL, "--log-format: '%s' is neither text nor json",
			       cli->log_format);
	if (!cli->log || !*cli->log)
		return 0;
	int fd = open(cli->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_set(e, -errno, "--log %s", cli->log);
	log_set_fd(fd);
	if (str_eq(cli->log_format, "json"))
		log_set_format(LOG_FORMAT_JSON);
	return 0;
}

static int choose_cgroup(struct cli *cli, struct err *e)
{
	static const struct {
		const char *word;
		enum oci_cgroup_mode mode;
	} words[] = { { "systemd", OCI_CGROUP_SYSTEMD }, { "cgroupfs", OCI_CGROUP_FS },
		      { "disabled", OCI_CGROUP_DISABLED } };

	cli->cgroup = cli->systemd_cgroup ? OCI_CGROUP_SYSTEMD : OCI_CGROUP_AUTO;
	if (!cli->cgroup_manager)
		return 0;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (str_eq(words[i].word, cli->cgroup_manager)) {
			cli->cgroup = words[i].mode;
			return 0;
		}
	return err_msg(e, -EINVAL, "--cgroup-manager: '%s' is none of systemd, cgroupfs, disabled",
		       cli->cgroup_manager);
}

/* Who is no root is seen without it; the word says how bad a lost limit is, as runc has it. */
static int choose_rootless(struct cli *cli, struct err *e)
{
	cli->require_cgroup = str_eq(cli->rootless, "false");
	if (!cli->rootless || cli->require_cgroup || str_eq(cli->rootless, "true") ||
	    str_eq(cli->rootless, "auto"))
		return 0;
	return err_msg(e, -EINVAL, "--rootless: '%s' is none of true, false, auto", cli->rootless);
}

static const char *why_no_command(const char *word)
{
	/* crun and runc have these */
	static const struct {
		const char *word, *why;
	} others[] = {
		{ "checkpoint", "is not supported: containers cannot be saved" },
		{ "restore", "is not supported: containers cannot be saved" },
		{ "events", "is not supported: the container's cgroup has the numbers" },
		{ "mounts", "is not supported: mounts are made at creation only" },
	};

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (str_eq(others[i].word, word))
			return others[i].why;
	return "is no command";
}

static int run_verb(struct cli *cli, const struct verb *v, int argc, char **argv,
		    char **all, struct err *e)
{
	int r = open_log(cli, e);

	if (r == 0)
		r = choose_cgroup(cli, e);
	if (r == 0)
		r = choose_rootless(cli, e);
	if (r == 0 && v->enters)
		r = cli_seal(all, e);
	if (r == 0 && !v->no_store)
		r = store_open(cli->root, &cli->root_fd, e);
	return r < 0 ? r : v->fn(cli, argc, argv, e);
}

int main(int argc, char **argv)
{
	struct cli cli = { .root_fd = -1 };
	struct err e = { 0 };
	int first;

	(void)fd_std_open();
	proc_take_children();
	log_init("runner-oci");
	if (opt_parse(global, argc, argv, OPT_STOP_AT_OPERAND, &cli, &first, NULL, &e) < 0) {
		log_error("%s", e.msg);
		return 2;
	}
	if (cli.debug)
		log_set_level(LOG_LEVEL_DEBUG);
	if (cli.version)
		return print_version();
	if (cli.help || first >= argc) {
		cli_help(global, NULL, cli.help ? stdout : stderr);
		return cli.help ? 0 : 2;
	}
	if (str_eq(argv[first], "help")) {
		cli_help(global, first + 1 < argc ? cli_find(argv[first + 1]) : NULL, stdout);
		return 0;
	}
	const struct verb *v = cli_find(argv[first]);
	if (!v) {
		log_error("'%s' %s; see runner-oci --help", argv[first], why_no_command(argv[first]));
		return 2;
	}
	for (int i = first + 1; i < argc && !str_eq(argv[i], "--"); i++)
		if (str_eq(argv[i], "--help") || (str_eq(argv[i], "-h") && i == first + 1)) {
			cli_help(global, v, stdout);
			return 0;
		}

	int r = run_verb(&cli, v, argc - first, argv + first, argv, &e);
	if (r >= 0)
		return r;
	log_error("%s", e.msg);
	if (cli.log && *cli.log)
		(void)fprintf(stderr, "runner-oci: %s\n", e.msg);
	return r == OCI_ERR_NOT_FOUND || r == OCI_ERR_NOT_EXEC ? oci_exit_code(r) : 1;
}
