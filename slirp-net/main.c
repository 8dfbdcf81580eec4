/* SPDX-License-Identifier: Apache-2.0
 *
 * slirp-net - user-mode networking for a network namespace
 */
#include <stdio.h>

#include "common/fd.h"
#include "common/log.h"
#include "slirp-net/conf.h"
#include "slirp-net/net.h"

int main(int argc, char **argv)
{
	static struct net net;
	struct err e = { 0 };
	int r;

	log_init("slirp-net");
	(void)fd_std_open();
	r = conf_parse(&net.conf, argc, argv, &e);
	if (r > 0) {
		conf_clear(&net.conf);
		return fflush(stdout) == 0 ? 0 : 1;
	}
	if (r < 0) {
		log_error("%s", e.msg);
		conf_clear(&net.conf);
		return 2;
	}
	if (net.conf.debug)
		log_set_level(LOG_LEVEL_DEBUG);
	r = net_main(&net, &e);
	if (r < 0)
		log_error("%s", e.msg);
	conf_clear(&net.conf);
	return r < 0 ? 1 : r;
}
