/* SPDX-License-Identifier: Apache-2.0
 *
 * rules - the packet filter of the gateway namespace, by libnftables
 *
 * How it works: from the container, TCP that is not a bare SYN goes to the
 * sockets of this namespace, whatever its address; so do answers to sockets
 * of published UDP ports, and neighbour discovery. All else ends here: bare
 * SYNs and every other packet were seen by slirp-net on its packet socket. A
 * SYN that slirp-net has admitted it writes to lo, and only there a SYN finds
 * the listener.
 *
 * libnftables and what it needs are loaded only in the child that uses them.
 */
#include "slirp-net/rules.h"

#include <dlfcn.h>
#include <errno.h>
#include <nftables/libnftables.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIBRARY "libnftables.so.1"

static const char ruleset[] =
	"table inet slirp {\n"
	"  chain prerouting {\n"
	"    type filter hook prerouting priority mangle; policy accept;\n"
	"    iifname \"%s\" jump from_container\n"
	"    iifname \"lo\" tcp flags & (fin | syn | rst | ack) == syn"
	" meta mark set 1 tproxy to :%u\n"
	"  }\n"
	"  chain from_container {\n"
	"    meta l4proto tcp tcp flags & (fin | syn | rst | ack) != syn accept\n"
	"    meta l4proto udp socket transparent 1 accept\n"
	"    icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept\n"
	"    drop\n"
	"  }\n"
	"}\n";

/* dlsym() returns an object pointer; POSIX has it hold a function. */
#define SYMBOL(lib, name) \
	((union { void *p; __typeof__(&(name)) fn; }){ .p = dlsym((lib), #name) }.fn)

static int load(const char *text)
{
	void *lib = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	__typeof__(&nft_ctx_new) ctx_new;
	__typeof__(&nft_run_cmd_from_buffer) run;
	__typeof__(&nft_ctx_buffer_error) buffer_error;
	struct nft_ctx *ctx;

	if (!lib)
		return -EOPNOTSUPP;
	ctx_new = SYMBOL(lib, nft_ctx_new);
	run = SYMBOL(lib, nft_run_cmd_from_buffer);
	buffer_error = SYMBOL(lib, nft_ctx_buffer_error);
	if (!ctx_new || !run || !buffer_error)
		return -EOPNOTSUPP;
	ctx = ctx_new(NFT_CTX_DEFAULT);
	if (!ctx)
		return -ENOMEM;
	(void)buffer_error(ctx);
	return run(ctx, text) == 0 ? 0 : -EOPNOTSUPP;
}

int rules_start(const char *link, uint16_t port, pid_t *ret, struct err *e)
{
	char text[sizeof(ruleset) + 64];
	pid_t pid;

	(void)snprintf(text, sizeof(text), ruleset, link, port);
	pid = fork();
	if (pid < 0)
		return err_set(e, -errno, "fork");
	if (pid == 0)
		_exit(load(text) < 0 ? 1 : 0);
	*ret = pid;
	return 0;
}

int rules_wait(pid_t pid, struct err *e)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return err_set(e, -errno, "wait for the packet filter");
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		return err_msg(e, -EOPNOTSUPP,
			       "the packet filter (nftables with tproxy) cannot be loaded");
	return 0;
}
