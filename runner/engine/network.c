/* SPDX-License-Identifier: Apache-2.0
 *
 * network - the table of network modes
 */
#include "runner/engine/network.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "common/err.h"
#include "common/proc.h"
#include "common/str.h"
#include "runner/engine/container.h"
#include "runner/engine/engine.h"

static const struct netmode netmode_none = { .name = "none" };
static const struct netmode netmode_host = { .name = "host", .host_net = true };

static const struct {
	const char *name;
	const struct netmode *mode;
} modes[] = {
	{ "private", &netmode_private },
	{ "none", &netmode_none },
	{ "host", &netmode_host },
	/* What Podman's users type for the same thing. */
	{ "slirp4netns", &netmode_private },
	{ "default", &netmode_private },
};

const struct netmode *netmode_find(const char *name)
{
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (str_eq(modes[i].name, name))
			return modes[i].mode;
	return NULL;
}

static void close_one(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

bool network_wants_netns(const struct container *c)
{
	const struct netmode *mode = netmode_find(c->config.network ? c->config.network : "private");

	/* The user namespace that a container with one id may get inside ours
	 * has to own the network: sysfs is mounted there. slirp-net's never is. */
	return mode && !mode->host_net && (mode->start || c->eng->ids == ENGINE_IDS_RANGE);
}

bool network_wants_bare(const struct container *c)
{
	const struct netmode *mode = netmode_find(c->config.network ? c->config.network : "private");

	return network_wants_netns(c) && !mode->start;
}

void network_init(struct network *n)
{
	*n = (struct network){ .netns_fd = -1, .netns_sock = -1, .ready_fd = -1, .exit_fd = -1,
			       .words_fd = -1 };
}

int network_choose(struct network *n, const struct container *c, struct err *e)
{
	n->mode = netmode_find(c->config.network ? c->config.network : "private");
	if (!n->mode)
		return err_msg(e, -EINVAL, "network '%s' is not known", c->config.network);
	n->rung = n->mode->rung ? n->mode->rung : n->mode->name;
	return 0;
}

int network_start(struct network *n, struct container *c, struct err *e)
{
	return n->mode->start ? n->mode->start(n, c, e) : 0;
}

int network_join(struct network *n, struct container *c, int netns_fd_take, struct err *e)
{
	n->netns_fd = netns_fd_take;
	return n->mode->join ? n->mode->join(n, c, e) : 0;
}

int network_wait(struct network *n, struct container *c, struct err *e)
{
	return n->mode->wait ? n->mode->wait(n, c, e) : 0;
}

void network_release(struct network *n)
{
	close_one(&n->exit_fd);
	close_one(&n->netns_sock);
	close_one(&n->netns_fd);
	if (n->helper > 0)
		(void)proc_wait(n->helper);
	n->helper = 0;
	close_one(&n->ready_fd);
	close_one(&n->words_fd);
}

int network_words(struct network *n, char *buf, size_t size)
{
	ssize_t got = n->words_fd < 0 ? 0 : read(n->words_fd, buf, size - 1);

	if (got <= 0) {
		buf[0] = '\0';
		return 0;
	}
	buf[got] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	return (int)strlen(buf);
}
