/* SPDX-License-Identifier: Apache-2.0
 *
 * login - check and keep credentials for a registry
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "common/err.h"
#include "common/io.h"
#include "common/opt.h"
#include "common/str.h"
#include "runner/cmd/cmd.h"
#include "runner/image/auth.h"
#include "runner/image/image.h"
#include "runner/image/registry.h"

#define SECRET_MAX 8192u

struct login_opts {
	const char *authfile;
	const char *cert_dir;
	const char *user;
	const char *password;
	bool password_stdin;
	bool get_login;
	bool tls_verify;
};

static const struct opt rows[] = {
	OPT_STR('u', "username", struct login_opts, user, "USER", "asked for otherwise"),
	OPT_STR('p', "password", struct login_opts, password, "PASSWORD",
		"seen in the list of processes; asked for otherwise"),
	OPT_BOOL(0, "password-stdin", struct login_opts, password_stdin,
		 "read the password from standard input"),
	OPT_BOOL(0, "get-login", struct login_opts, get_login, "print who is logged in"),
	OPT_STR(0, "authfile", struct login_opts, authfile, "FILE", "instead of the usual file"),
	OPT_STR(0, "cert-dir", struct login_opts, cert_dir, "DIR",
		"ca.crt, client.cert and client.key"),
	OPT_BOOL(0, "tls-verify", struct login_opts, tls_verify,
		 "=false: accept unknown certificates and plain HTTP"),
	OPT_END,
};

static void login_init(void *opts)
{
	struct login_opts *o = opts;

	o->tls_verify = true;
}

static char *read_line(void)
{
	char *line = NULL;
	size_t cap = 0;
	ssize_t n = getline(&line, &cap, stdin);

	if (n <= 0) {
		free(line);
		return NULL;
	}
	line[strcspn(line, "\r\n")] = '\0';
	return line;
}

/* Return: what was typed, NULL at the end of input */
static char *ask(const char *prompt, bool secret)
{
	struct termios old;
	struct termios quiet;

	fputs(prompt, stderr);
	if (!secret || tcgetattr(STDIN_FILENO, &old) < 0)
		return read_line();
	quiet = old;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	char *line = read_line();
	(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &old);
	fputc('\n', stderr);
	return line;
}

static int read_secret(const struct login_opts *o, char **ret, struct err *e)
{
	if (o->password) {
		*ret = xstrdup(o->password);
		return 0;
	}
	if (o->password_stdin) {
		int r = io_read_fd(STDIN_FILENO, SECRET_MAX, ret, NULL);

		if (r)
			return err_set(e, r, "read the password");
		(*ret)[strcspn(*ret, "\r\n")] = '\0';
		return 0;
	}
	if (!isatty(STDIN_FILENO))
		return err_msg(e, -EINVAL, "standard input is no terminal: use --password-stdin");
	*ret = ask("Password: ", true);
	return *ret ? 0 : err_msg(e, -EINVAL, "no password");
}

static int read_creds(const struct login_opts *o, struct credentials *c, struct err *e)
{
	if (o->user)
		c->user = xstrdup(o->user);
	else if (o->password_stdin || !isatty(STDIN_FILENO))
		return err_msg(e, -EINVAL, "--username is missing");
	else
		c->user = ask("Username: ", false);
	if (!c->user || !*c->user)
		return err_msg(e, -EINVAL, "no user name");
	return read_secret(o, &c->password, e);
}

static int get_login(const struct login_opts *o, const char *domain, struct err *e)
{
	AUTO(credentials_clear) struct credentials c = { 0 };
	int r = auth_find(o->authfile, domain, "", &c, e);

	if (r)
		return r;
	if (!c.user)
		return err_msg(e, -ENOENT, "'%s': not logged in", domain);
	puts(c.user);
	return 0;
}

static int login_main(struct engine *eng, void *opts, int argc, char **argv, struct err *e)
{
	const struct login_opts *o = opts;
	AUTO(credentials_clear) struct credentials c = { 0 };
	const char *domain = argc ? auth_domain(argv[0]) : "docker.io";
	struct image_pull_opts how = {
		.cert_dir = o->cert_dir, .insecure_tls = !o->tls_verify, .retries = 0,
	};
	auto_free char *file = NULL;

	(void)eng;
	if (o->get_login)
		return get_login(o, domain, e);
	if (o->password && o->password_stdin)
		return err_msg(e, -EINVAL, "--password excludes --password-stdin");
	int r = read_creds(o, &c, e);
	if (!r)
		r = registry_login(domain, &c, &how, e);
	if (!r)
		r = auth_save(o->authfile, domain, &c, &file, e);
	if (!r)
		printf("Login Succeeded: %s\n", file);
	return r;
}

const struct cmd cmd_login = {
	.name = "login",
	.fn = login_main,
	.init = login_init,
	.summary = "check and keep credentials for a registry",
	.args_help = "[REGISTRY]",
	.rows = rows,
	.opts_size = sizeof(struct login_opts),
	.min_args = 0,
	.max_args = 1,
};
