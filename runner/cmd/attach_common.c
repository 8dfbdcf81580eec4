/* SPDX-License-Identifier: Apache-2.0
 *
 * attach_common - stay with a running program
 */
#include "runner/cmd/attach_common.h"

#include <errno.h>

#include "common/err.h"
#include "common/log.h"
#include "runner/engine/client.h"
#include "runner/engine/container.h"
#include "runner/engine/start.h"

#define EXIT_KILLED 137

void attach_size(const struct container *c, struct start_opts *so)
{
	unsigned short rows, cols;

	if (!c->config.tty || client_terminal_size(&rows, &cols) < 0)
		return;
	so->rows = rows;
	so->cols = cols;
}

int attach_relay(const struct container *c, int fd, bool in, bool sig_proxy,
		 const char *detach_keys, struct err *e)
{
	struct client_opts co = { .tty = c->config.tty, .in = in, .sig_proxy = sig_proxy };
	int code, r = detach_parse(detach_keys ? detach_keys : "ctrl-p,ctrl-q", &co.detach, e);

	if (r == 0)
		r = client_run(fd, &co, &code, e);
	if (r == -ECONNRESET) {
		log_error("%.12s: %s", c->id, e->msg);
		return EXIT_KILLED;
	}
	return r < 0 ? r : code;
}
