/* SPDX-License-Identifier: Apache-2.0
 *
 * create_container - options and image to a container's configuration
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/io.h"
#include "common/log.h"
#include "common/num.h"
#include "common/portspec.h"
#include "runner/cmd/create_opts.h"
#include "runner/cmd/limits.h"
#include "runner/engine/container.h"
#include "runner/engine/engine.h"
#include "runner/engine/mountspec.h"
#include "runner/engine/network.h"
#include "runner/engine/rootless.h"
#include "runner/engine/signals.h"
#include "runner/engine/specgen.h"
#include "runner/engine/start.h"
#include "runner/engine/volume.h"
#include "runner/image/image.h"
#include "runner/image/store.h"

#define LINES_MAX (1 << 20)

/* Exits for lack of memory, as every x function does. */
static void add(struct strv *l, const char *s)
{
	if (strv_add(l, s) < 0)
		(void)xcalloc(SIZE_MAX / 2, 1);
}

static void add_all(struct strv *l, const struct strv *from)
{
	for (size_t i = 0; i < from->n; i++)
		add(l, from->v[i]);
}

/* ---------------------------------------------------------------- image -- */

static int pull(struct store *st, struct engine *eng, const struct create_opts *o,
		const char *name, struct image **ret, struct err *e)
{
	AUTO(strv_clear) struct strv part = { 0 };
	struct layer_mode mode;
	struct image_pull_opts po = {
		.progress = { .fd = STDERR_FILENO, .tty = isatty(STDERR_FILENO), .quiet = o->quiet },
		.mode = &mode,
		.authfile = o->authfile,
		.insecure_tls = !o->tls_verify,
		.retries = -1,
	};

	int r = rootless_enter(eng, e);

	if (r < 0)
		return r;
	engine_layer_mode(eng, &mode);
	if (o->platform && strv_split(&part, o->platform, '/') == 0) {
		po.os = part.v[0];
		po.arch = part.n > 1 ? part.v[1] : NULL;
		po.variant = part.n > 2 ? part.v[2] : NULL;
	}
	return image_pull(st, name, &po, ret, e);
}

/* OS/ARCH[/VARIANT]; what is not asked for fits. */
static bool fits_platform(const struct image *img, const char *want)
{
	AUTO(strv_clear) struct strv part = { 0 };
	const struct image_config *ic = &img->config;

	if (!want || strv_split(&part, want, '/') < 0)
		return true;
	return str_eq(part.v[0], ic->os ? ic->os : "") &&
	       (part.n < 2 || str_eq(part.v[1], ic->architecture ? ic->architecture : "")) &&
	       (part.n < 3 || str_eq(part.v[2], ic->variant ? ic->variant : ""));
}

static int find_image(struct store *st, struct engine *eng, const struct create_opts *o,
		      const char *name, struct image **ret, struct err *e)
{
	int r;

	if (o->pull && str_eq(o->pull, "always"))
		return pull(st, eng, o, name, ret, e);
	r = image_get(st, name, ret, e);
	if (r == 0 && !fits_platform(*ret, o->platform)) {
		image_free(take_ptr(*ret));
		r = err_msg(e, -ENOENT, "the store's %s is not for %s", name, o->platform);
	}
	if (r != -ENOENT || (o->pull && str_eq(o->pull, "never")))
		return r;
	return pull(st, eng, o, name, ret, e);
}

/* -------------------------------------------------------------- program -- */

/* --entrypoint takes a word, or a JSON list of words. */
static int parse_entrypoint(const char *text, struct strv *ret, struct err *e)
{
	json_t *list, *item;
	size_t i;

	if (*text != '[') {
		if (*text)
			add(ret, text);
		return 0;
	}
	list = json_loads(text, 0, NULL);
	if (!json_is_array(list)) {
		json_decref(list);
		return err_msg(e, -EINVAL, "--entrypoint %s: neither a word nor a JSON list", text);
	}
	json_array_foreach(list, i, item)
		if (json_is_string(item))
			add(ret, json_string_value(item));
	json_decref(list);
	return 0;
}

static int set_program(struct container_config *cfg, const struct create_opts *o,
		       const struct image_config *ic, int argc, char **argv, struct err *e)
{
	int r = 0;

	if (o->has_entrypoint)
		r = parse_entrypoint(o->entrypoint, &cfg->entrypoint, e);
	else
		add_all(&cfg->entrypoint, &ic->entrypoint);
	if (argc > 1)
		for (int i = 1; i < argc; i++)
			add(&cfg->cmd, argv[i]);
	else if (!o->has_entrypoint)
		add_all(&cfg->cmd, &ic->cmd);
	add_all(&cfg->args, &cfg->entrypoint);
	add_all(&cfg->args, &cfg->cmd);
	if (r == 0 && (!cfg->args.n || !*cfg->args.v[0]))
		r = err_msg(e, -EINVAL, "%s: the image names no program, and neither did you", argv[0]);
	return r;
}

/* ---------------------------------------------------------------- lines -- */

static int each_line(const char *option, const char *path,
		     int (*fn)(struct strv *to, const char *line, struct err *e), struct strv *to,
		     struct err *e)
{
	auto_free char *text = NULL;
	unsigned int n = 0;
	int r = io_read_file_at(AT_FDCWD, path, LINES_MAX, &text, /* ret_len */ NULL);

	if (r < 0)
		return err_set(e, r, "%s %s", option, path);
	for (char *line = text, *next; line; line = next) {
		n++;
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		line += strspn(line, " \t");
		line[strcspn(line, "\r")] = '\0';
		if (*line && *line != '#' && fn(to, line, e) < 0)
			return err_wrap(e, "%s %s: line %u", option, path, n);
	}
	return 0;
}

/* NAME=VALUE, or NAME for our own variable of that name, if there is one. */
static int set_env(struct strv *env, const char *text, struct err *e)
{
	auto_free char *pair = NULL;
	const char *value;

	if (!*text || *text == '=')
		return err_msg(e, -EINVAL, "'%s': no name", text);
	if (!strchr(text, '=')) {
		value = getenv(text);
		if (!value)
			return 0;
		pair = xasprintf("%s=%s", text, value);
	}
	return strv_setenv(env, pair ? pair : text) < 0 ? err_set(e, -ENOMEM, "%s", text) : 0;
}

static int set_label(struct strv *labels, const char *text, struct err *e)
{
	auto_free char *pair = strchr(text, '=') ? xstrdup(text) : xasprintf("%s=", text);

	if (!*text || *text == '=')
		return err_msg(e, -EINVAL, "'%s': no name", text);
	return strv_setenv(labels, pair) < 0 ? err_set(e, -ENOMEM, "%s", text) : 0;
}

static int set_each(const char *option, const struct strv *from,
		    int (*fn)(struct strv *to, const char *text, struct err *e), struct strv *to,
		    struct err *e)
{
	for (size_t i = 0; i < from->n; i++)
		if (fn(to, from->v[i], e) < 0)
			return err_wrap(e, "%s", option);
	return 0;
}

static int set_lines(struct container_config *cfg, const struct create_opts *o,
		     const struct image_config *ic, struct err *e)
{
	int r = 0;

	add_all(&cfg->env, &ic->env);
	for (size_t i = 0; r == 0 && i < o->env_file.n; i++)
		r = each_line("--env-file", o->env_file.v[i], set_env, &cfg->env, e);
	if (r == 0)
		r = set_each("--env", &o->env, set_env, &cfg->env, e);
	for (size_t i = 0; r == 0 && i < ic->n_labels; i++) {
		auto_free char *pair = xasprintf("%s=%s", ic->labels[i].key, ic->labels[i].value);

		/* an image may have a label without name; it is nobody's */
		(void)set_label(&cfg->labels, pair, NULL);
		if (str_eq(pair, "org.runner.rungs=1"))
			cfg->rungs = true;
	}
	for (size_t i = 0; r == 0 && i < o->label_file.n; i++)
		r = each_line("--label-file", o->label_file.v[i], set_label, &cfg->labels, e);
	if (r == 0)
		r = set_each("--label", &o->label, set_label, &cfg->labels, e);
	if (r == 0)
		r = set_each("--annotation", &o->annotation, set_label, &cfg->annotations, e);
	return r;
}

/* --------------------------------------------------------------- mounts -- */

static int add_mount(struct container_config *cfg, struct mountspec *m, struct err *e)
{
	AUTO(strbuf_clear) struct strbuf b = { 0 };

	for (size_t i = 0; i < cfg->mounts.n; i++) {
		AUTO(mountspec_clear) struct mountspec other = { 0 };

		if (mountspec_parse(cfg->mounts.v[i], NULL, &other, NULL) == 0 &&
		    str_eq(other.dst, m->dst))
			return err_msg(e, -EINVAL, "two mounts at %s", m->dst);
	}
	if (mountspec_format(m, &b) < 0)
		return err_set(e, -ENOMEM, "mount");
	add(&cfg->mounts, b.s);
	return 0;
}

static bool has_mount(const struct container_config *cfg, const char *dst)
{
	for (size_t i = 0; i < cfg->mounts.n; i++) {
		AUTO(mountspec_clear) struct mountspec m = { 0 };

		if (mountspec_parse(cfg->mounts.v[i], NULL, &m, NULL) == 0 && str_eq(m.dst, dst))
			return true;
	}
	return false;
}

enum mount_option { BY_VOLUME, BY_MOUNT, BY_TMPFS };

static int add_mounts(struct container_config *cfg, const struct strv *list, enum mount_option how,
		      const char *cwd, struct err *e)
{
	for (size_t i = 0; i < list->n; i++) {
		AUTO(mountspec_clear) struct mountspec m = { 0 };
		int r = how == BY_VOLUME ? mountspec_parse_volume(list->v[i], cwd, &m, e) :
			how == BY_MOUNT	 ? mountspec_parse(list->v[i], cwd, &m, e) :
					   mountspec_parse_tmpfs(list->v[i], &m, e);

		if (r == 0)
			r = add_mount(cfg, &m, e);
		if (r < 0)
			return r;
	}
	return 0;
}

static int set_mounts(struct container_config *cfg, const struct create_opts *o,
		      const struct image_config *ic, struct err *e)
{
	auto_free char *cwd = getcwd(NULL, 0);
	int r = add_mounts(cfg, &o->volume, BY_VOLUME, cwd, e);

	if (r == 0)
		r = add_mounts(cfg, &o->mount, BY_MOUNT, cwd, e);
	if (r == 0)
		r = add_mounts(cfg, &o->tmpfs, BY_TMPFS, cwd, e);
	for (size_t i = 0; r == 0 && i < ic->volumes.n; i++) {
		AUTO(mountspec_clear) struct mountspec m = { .type = MOUNT_VOLUME };

		if (ic->volumes.v[i][0] != '/' || has_mount(cfg, ic->volumes.v[i]))
			continue;
		m.src = xstrdup("");
		m.dst = xstrdup(ic->volumes.v[i]);
		r = add_mount(cfg, &m, e);
	}
	return r;
}

/* ---------------------------------------------------------------- ports -- */

static void publish_exposed(struct container_config *cfg)
{
	for (size_t i = 0; i < cfg->expose.n; i++) {
		struct portspec p;
		char text[128];

		if (portspec_parse(cfg->expose.v[i], &p, NULL) < 0)
			continue;
		p.host_port = 0;
		p.count = 1;
		if (portspec_format(&p, text, sizeof(text)) > 0)
			add(&cfg->publish, text);
	}
}

/* "80", "80/udp" or "80-90": kept as single ports. */
static int expose(struct container_config *cfg, const char *text, struct err *e)
{
	size_t len = strcspn(text, "/");
	/* a range of container ports alone would have no host ports to be as many as */
	auto_free char *range = xasprintf("%.*s:%s", (int)len, text, text);
	struct portspec p;
	int r = portspec_parse(memchr(text, '-', len) ? range : text, &p, e);

	if (r < 0)
		return err_wrap(e, "--expose");
	for (unsigned int i = 0; i < p.count; i++) {
		auto_free char *port = xasprintf("%u/%s", p.guest_port + i, port_proto_name(p.proto));

		add(&cfg->expose, port);
	}
	return 0;
}

static int set_network(struct container_config *cfg, const struct create_opts *o,
		       const struct image_config *ic, struct err *e)
{
	const struct netmode *mode = netmode_find(o->network ? o->network : "private");

	cfg->network = xstrdup(mode->name);
	add_all(&cfg->expose, &ic->exposed);
	for (size_t i = 0; i < o->expose.n; i++) {
		int r = expose(cfg, o->expose.v[i], e);

		if (r < 0)
			return r;
	}
	if (mode->host_net && (o->publish.n || o->publish_all))
		log_warn("--publish does nothing with --network host: the program's ports are the host's");
	if (!mode->can_publish)
		return 0;
	for (size_t i = 0; i < o->publish.n; i++) {
		struct portspec p;
		char text[128];

		if (portspec_parse(o->publish.v[i], &p, e) < 0 ||
		    portspec_format(&p, text, sizeof(text)) < 0)
			return err_wrap(e, "--publish");
		add(&cfg->publish, text);
	}
	if (o->publish_all)
		publish_exposed(cfg);
	return 0;
}

/* --------------------------------------------------------------- config -- */

static const char *or_empty(const char *s)
{
	return s ? s : "";
}

static void set_lists(struct container_config *cfg, const struct create_opts *o)
{
	add_all(&cfg->group_add, &o->group_add);
	add_all(&cfg->require, &o->require);
	add_all(&cfg->add_host, &o->add_host);
	add_all(&cfg->dns, &o->dns);
	add_all(&cfg->dns_search, &o->dns_search);
	add_all(&cfg->dns_option, &o->dns_option);
	add_all(&cfg->devices, &o->device);
	add_all(&cfg->cap_add, &o->cap_add);
	add_all(&cfg->cap_drop, &o->cap_drop);
	add_all(&cfg->security_opt, &o->security_opt);
	add_all(&cfg->ulimit, &o->ulimit);
	add_all(&cfg->sysctl, &o->sysctl);
}

static void set_scalars(struct container_config *cfg, const struct create_opts *o,
			const struct image_config *ic)
{
	uint64_t n = 0;
	int sig = SIGTERM;

	cfg->tty = o->tty;
	cfg->open_stdin = o->interactive;
	cfg->rm = o->rm;
	cfg->read_only = o->read_only;
	cfg->privileged = o->privileged;
	cfg->no_hosts = o->no_hosts;
	cfg->publish_all = o->publish_all;
	cfg->workdir = xstrdup(o->workdir ? o->workdir : or_empty(ic->workdir));
	cfg->user = xstrdup(o->user ? o->user : or_empty(ic->user));
	cfg->recorded_ids = xstrdup(or_empty(o->recorded_ids));
	cfg->hostname = xstrdup(or_empty(o->hostname));
	cfg->pid_mode = xstrdup(or_empty(o->pid));
	cfg->ipc_mode = xstrdup(or_empty(o->ipc));
	cfg->uts_mode = xstrdup(or_empty(o->uts));
	cfg->oom_score_adj = o->oom_score_adj;
	cfg->stop_timeout = o->stop_timeout;
	if (o->stop_signal)
		(void)signal_parse(o->stop_signal, &sig, NULL);
	else if (ic->stop_signal && *ic->stop_signal)
		(void)signal_parse(ic->stop_signal, &sig, NULL);
	cfg->stop_signal = sig;
	if (o->shm_size && num_bytes(o->shm_size, &n) == 0)
		cfg->shm_size = (int64_t)n;
	cfg->log_driver = xstrdup(o->log_driver && str_eq(o->log_driver, "none") ? "none" : "k8s-file");
	for (size_t i = 0; i < o->log_opt.n; i++)
		if (num_bytes(o->log_opt.v[i] + strlen("max-size="), &n) == 0)
			cfg->log_max = (int64_t)n;
}

static int configure(struct container *c, const struct create_opts *o, const struct image *img,
		     int argc, char **argv, struct err *e)
{
	struct container_config *cfg = &c->config;
	uint64_t mask;
	int r = set_program(cfg, o, &img->config, argc, argv, e);

	if (r == 0)
		r = set_lines(cfg, o, &img->config, e);
	if (r == 0)
		r = set_mounts(cfg, o, &img->config, e);
	if (r == 0)
		r = set_network(cfg, o, &img->config, e);
	if (r < 0)
		return r;
	set_scalars(cfg, o, &img->config);
	r = limits_set(o, cfg, e);
	if (r < 0)
		return r;
	set_lists(cfg, o);
	cfg->image = xstrdup(argv[0]);
	cfg->image_id = xstrdup(img->id);
	if (o->name)
		c->name = xstrdup(o->name);
	return specgen_caps(c, &mask, e);
}

static int write_cidfile(const char *path, const char *id, struct err *e)
{
	auto_close int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	int r = fd < 0 ? -errno : io_write_all(fd, id, strlen(id));

	return r < 0 ? err_set(e, r, "--cidfile %s", path) : 0;
}

/* What is unpacked can be used by anybody; to unpack takes the ids. */
static int layers(struct container *c, struct engine *eng, struct store *st,
		  const struct image *img, struct err *e)
{
	struct layer_mode mode;
	bool native = true;
	int r;

	engine_layer_mode(eng, &mode);
	mode.have_only = !eng->entered;
	r = image_layers(st, img, &mode, &c->config.layers, &native, e);
	if (r == -EAGAIN && mode.have_only) {
		r = rootless_enter(eng, e);
		mode.have_only = false;
		if (r == 0)
			r = image_layers(st, img, &mode, &c->config.layers, &native, e);
	}
	c->config.wh_files = !native;
	return r;
}

/* From here on the container is on disk and must go when a step fails. */
static int furnish(struct container *c, struct engine *eng, struct store *st,
		   const struct create_opts *o, const struct image *img, struct err *e)
{
	int r = store_hold(st, c->id, img, e);

	if (r == 0)
		r = layers(c, eng, st, img, e);
	if (r == 0)
		r = volume_name_anonymous(c, e);
	if (r == 0 && o->cidfile)
		r = write_cidfile(o->cidfile, c->id, e);
	return r;
}

int create_container(struct engine *eng, struct store *st, const struct create_opts *o,
		     int argc, char **argv, struct container **ret, struct err *e)
{
	AUTO(container_free) struct container *c = container_new(eng);
	AUTO(image_free) struct image *img = NULL;
	int r;

	/* not after a long pull */
	if (o->cidfile && faccessat(AT_FDCWD, o->cidfile, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return err_set(e, -EEXIST, "--cidfile %s", o->cidfile);
	r = find_image(st, eng, o, argv[0], &img, e);
	if (r == 0)
		r = configure(c, o, img, argc, argv, e);
	c->reuse = o->starts;
	if (r == 0)
		r = container_claim(c, e);
	if (r < 0)
		return r;
	r = furnish(c, eng, st, o, img, e);
	if (r < 0) {
		(void)start_destroy(c, st, NULL);
		return r;
	}
	*ret = take_ptr(c);
	return 0;
}
