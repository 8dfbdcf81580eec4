/* SPDX-License-Identifier: Apache-2.0
 *
 * conf - what the command line asked for, and the addresses that follow
 */
#ifndef SLIRP_NET_CONF_H
#define SLIRP_NET_CONF_H

#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "common/portspec.h"
#include "common/str.h"

#define CONF_MTU_DEFAULT 1500
#define CONF_MTU_MIN 576
#define CONF_MTU_MAX 65521
#define CONF_PUBLISH_MAX 1024
#define CONF_SOCKET_MAX 108

/**
 * struct addrs - the network the container sees
 * @net4:	network address, network byte order
 * @mask4:	netmask
 * @prefix4:	its length
 * @host4:	the gateway (network + 2)
 * @dns4:	the resolver (network + 3)
 * @dhcp4:	first address given by DHCP (network + 15)
 * @guest4:	the container (network + 100)
 * @net6:	IPv6 prefix of 64 bits
 * @host6:	the gateway (prefix::2)
 * @dns6:	the resolver (prefix::3)
 * @guest6:	the container (prefix::100)
 */
struct addrs {
	struct in_addr net4, mask4, host4, dns4, dhcp4, guest4;
	unsigned int prefix4;
	struct in6_addr net6, host6, dns6, guest6;
};

/**
 * struct conf - options, as parsed
 *
 * Strings are borrowed from argv. The second part is derived by
 * conf_parse() from the first.
 */
struct conf {
	bool configure, enable_ipv6, disable_host_loopback, disable_dns;
	bool enable_sandbox, enable_seccomp, no_splice, no_tun, random_ula, shared, debug;
	int exit_fd, ready_fd, mtu, busy_poll;
	const char *api_socket, *cidr, *netns_type, *userns_path, *target_type;
	const char *outbound_addr, *outbound_addr6, *macaddress, *flow_log;
	struct strv publish, egress, names;

	/* one of the three; -1: not by socket */
	const char *netns_path;
	int target_pid, netns_sock;
	const char *tapname;
	struct addrs addrs;
	uint8_t mac[6];
	bool has_mac;
	struct sockaddr_in out4;
	struct sockaddr_in6 out6;
	bool has_out4, has_out6;
	struct portspec *ports;
	size_t n_ports;
};

/**
 * conf_parse() - fill conf from argv; reads no file and opens nothing, but
 * asks for the addresses of an interface named by --outbound-addr
 *
 * Return: 0; 1 when --help or --version was asked for and printed;
 * -EINVAL with the reason in @e
 */
int conf_parse(struct conf *conf, int argc, char **argv, struct err *e);
void conf_clear(struct conf *conf);

/**
 * conf_cidr() - "10.0.2.0/24" to the addresses of a network; pure
 * Return: 0, -EINVAL
 */
int conf_cidr(const char *text, struct addrs *ret, struct err *e);

/**
 * conf_mac() - "0e:d4:18:d9:38:fb" to six bytes; pure
 * Return: 0, -EINVAL (also for a group address)
 */
int conf_mac(const char *text, uint8_t ret[6], struct err *e);

#endif
