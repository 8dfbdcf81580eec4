/* SPDX-License-Identifier: Apache-2.0
 * fuzz: slirp-net
 *
 * fuzz_api - requests on the control socket; every one has an answer
 */
#include <stdint.h>
#include <stdlib.h>

#include "slirp-net/net.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int no_port(struct net *net, struct fwd *f)
{
	(void)net;
	if (!addr_port(&f->host))
		addr_set_port(&f->host, 40000);
	return 0;
}

static const struct fwd_ops no_ops = { .add = no_port, .remove = no_port, .any_family = true };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct net net;
	struct err e;
	char *answer;

	if (!net.fwds.ops) {
		fwd_init(&net.fwds, &no_ops);
		net.flow_log = -1;
		net.conf.shared = true;
		net.conf.tapname = "tap0";
		if (conf_cidr("10.0.2.0/24", &net.conf.addrs, &e) < 0)
			__builtin_trap();
	}
	answer = api_answer(&net, (const char *)data, size);
	if (!answer)
		__builtin_trap();
	free(answer);
	fwd_clear(&net);
	egress_clear(&net.egress);
	net.egress.on = false;
	return 0;
}
