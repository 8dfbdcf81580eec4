/* SPDX-License-Identifier: Apache-2.0
 *
 * conf - what the command line asked for, and the addresses that follow
 */
#include "slirp-net/conf.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <libslirp.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "common/num.h"
#include "common/opt.h"
#include "common/spin.h"
#include "slirp-net/egress.h"
#include "slirp-net/member.h"
#include "slirp-net/stack.h"


struct opts {
	struct conf conf;
	bool help, version;
};

/* clang-format off */
static const struct opt rows[] = {
	OPT_BOOL('c', "configure", struct opts, conf.configure,
		 "bring the interface up, with addresses and routes"),
	OPT_INT('e', "exit-fd", struct opts, conf.exit_fd, "FD",
		"leave when the other end of this descriptor closes"),
	OPT_INT('r', "ready-fd", struct opts, conf.ready_fd, "FD",
		"write one byte here when everything answers"),
	OPT_INT('m', "mtu", struct opts, conf.mtu, "MTU",
		"MTU of the interface (default 1500, 576 to 65521)"),
	OPT_BOOL('6', "enable-ipv6", struct opts, conf.enable_ipv6,
		 "IPv6 inside as well (fd00::/64)"),
	OPT_STR('a', "api-socket", struct opts, conf.api_socket, "PATH",
		"control socket: one JSON request per connection"),
	OPT_STR(0, "cidr", struct opts, conf.cidr, "CIDR",
		"IPv4 network inside (default 10.0.2.0/24)"),
	OPT_BOOL(0, "disable-host-loopback", struct opts, conf.disable_host_loopback,
		 "refuse connections to 127.0.0.1 of the host by the gateway's address"),
	OPT_STR(0, "netns-type", struct opts, conf.netns_type, "TYPE",
		"what the first operand is: pid (default), path, or socket"),
	OPT_STR(0, "userns-path", struct opts, conf.userns_path, "PATH",
		"user namespace to join first"),
	OPT_BOOL(0, "enable-sandbox", struct opts, conf.enable_sandbox,
		 "fail where the file system cannot be left behind (else a warning)"),
	OPT_BOOL(0, "enable-seccomp", struct opts, conf.enable_seccomp,
		 "fail where system calls cannot be limited (else a warning)"),
	OPT_STR(0, "outbound-addr", struct opts, conf.outbound_addr, "IPv4|INTERFACE",
		"address that IPv4 connections leave from"),
	OPT_STR(0, "outbound-addr6", struct opts, conf.outbound_addr6, "IPv6|INTERFACE",
		"address that IPv6 connections leave from"),
	OPT_BOOL(0, "disable-dns", struct opts, conf.disable_dns,
		 "no resolver at 10.0.2.3"),
	OPT_STR(0, "macaddress", struct opts, conf.macaddress, "MAC",
		"MAC address of the interface (only with --configure)"),
	OPT_STR(0, "target-type", struct opts, conf.target_type, "TYPE",
		"netns (default); bess is not supported"),
	OPT_LIST(0, "publish", struct opts, conf.publish, "[HOST_IP:]HOST_PORT:PORT[/udp]",
		 "publish a port or a range of ports of the container; repeatable"),
	OPT_LIST(0, "egress", struct opts, conf.egress, "allow=WHERE[:PORT]|deny",
		 "allow connections only to where rules say; repeatable"),
	OPT_STR(0, "flow-log", struct opts, conf.flow_log, "FILE",
		"append a JSON line for each connection, its end, and each refusal"),
	OPT_BOOL(0, "random-ula", struct opts, conf.random_ula,
		 "a random IPv6 prefix (fdxx:…::/64) instead of fd00::/64"),
	OPT_BOOL(0, "no-splice", struct opts, conf.no_splice,
		 "TCP through libslirp: slower, with its connect semantics"),
	OPT_BOOL(0, "no-tun", struct opts, conf.no_tun, "do without /dev/net/tun"),
	OPT_INT(0, "busy-poll", struct opts, conf.busy_poll, "USEC",
		"poll so long before sleeping, where that pays (default 50, 0 to 1000)"),
	OPT_BOOL(0, "shared", struct opts, conf.shared,
		 "further namespaces may be attached by the control socket"),
	OPT_LIST(0, "name", struct opts, conf.names, "NAME",
		 "with --shared: what the resolver calls the container; repeatable"),
	OPT_BOOL('h', "help", struct opts, help, "show this help and exit"),
	OPT_BOOL('v', "version", struct opts, version, "show the version and exit"),
	OPT_BOOL(0, "debug", struct opts, conf.debug, "say what is done"),
	OPT_END,
};
/* clang-format on */

static void print_help(void)
{
	printf("Usage: slirp-net [OPTION]... PID|PATH [TAPNAME]\n"
	       "User-mode networking for a network namespace, without privilege.\n\n");
	opt_help(rows, stdout);
}

static void print_version(void)
{
	printf("slirp-net version %s\n", VERSION);
	printf("libslirp: %s\n", stack_version());
	printf("SLIRP_CONFIG_VERSION_MAX: %d\n", SLIRP_CONFIG_VERSION_MAX);
}

int conf_cidr(const char *text, struct addrs *ret, struct err *e)
{
	struct addrs a = *ret;
	const char *slash = strchr(text, '/');
	char host[INET_ADDRSTRLEN];
	struct in_addr addr;
	uint32_t bits, net, mask;

	if (!slash || slash - text >= (ptrdiff_t)sizeof(host) || num_u32(slash + 1, &bits) < 0)
		return err_msg(e, -EINVAL, "invalid CIDR: %s", text);
	memcpy(host, text, (size_t)(slash - text));
	host[slash - text] = '\0';
	if (inet_pton(AF_INET, host, &addr) != 1)
		return err_msg(e, -EINVAL, "invalid CIDR: %s", text);
	if (bits < 1 || bits > 25)
		return err_msg(e, -EINVAL, "prefix length needs to be 1-25");
	mask = 0xffffffffu << (32 - bits);
	net = ntohl(addr.s_addr) & mask;
	if (net != ntohl(addr.s_addr)) {
		addr.s_addr = htonl(net);
		return err_msg(e, -EINVAL,
			       "CIDR needs to be a network address like %s/%u, not like %s",
			       inet_ntop(AF_INET, &addr, host, sizeof(host)), bits, text);
	}
	a.prefix4 = bits;
	a.net4 = addr;
	a.mask4.s_addr = htonl(mask);
	a.host4.s_addr = htonl(net + 2);
	a.dns4.s_addr = htonl(net + 3);
	a.dhcp4.s_addr = htonl(net + 15);
	a.guest4.s_addr = htonl(net + 100);
	*ret = a;
	return 0;
}

static struct in6_addr addr6_with(const struct in6_addr *net, uint16_t last)
{
	struct in6_addr a = *net;

	a.s6_addr[14] = (uint8_t)(last >> 8);
	a.s6_addr[15] = (uint8_t)last;
	return a;
}

static int addrs6_init(struct addrs *a, bool random_ula, struct err *e)
{
	memset(&a->net6, 0, sizeof(a->net6));
	a->net6.s6_addr[0] = 0xfd;
	if (random_ula && getrandom(&a->net6.s6_addr[1], 7, 0) != 7)
		return err_set(e, -errno, "random ULA");
	a->host6 = addr6_with(&a->net6, 2);
	a->dns6 = addr6_with(&a->net6, 3);
	a->guest6 = addr6_with(&a->net6, 0x100);
	return 0;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int conf_mac(const char *text, uint8_t ret[6], struct err *e)
{
	uint8_t mac[6];

	if (strlen(text) != 17)
		return err_msg(e, -EINVAL, "'%s' is not a MAC address", text);
	for (int i = 0; i < 6; i++) {
		int hi = hex_digit(text[3 * i]), lo = hex_digit(text[3 * i + 1]);

		if (hi < 0 || lo < 0 || (i < 5 && text[3 * i + 2] != ':'))
			return err_msg(e, -EINVAL, "'%s' is not a MAC address", text);
		mac[i] = (uint8_t)(hi << 4 | lo);
	}
	if (mac[0] & 1)
		return err_msg(e, -EINVAL, "'%s' is a group address", text);
	memcpy(ret, mac, 6);
	return 0;
}

/* An address of the family, or the first such address of an interface. */
static int outbound(const char *text, int family, void *ret_addr, struct err *e)
{
	struct ifaddrs *list;

	if (inet_pton(family, text, ret_addr) == 1)
		return 0;
	if (getifaddrs(&list) < 0)
		return err_set(e, -errno, "%s", text);
	for (struct ifaddrs *i = list; i; i = i->ifa_next) {
		if (!i->ifa_addr || i->ifa_addr->sa_family != family || strcmp(i->ifa_name, text))
			continue;
		if (family == AF_INET) {
			struct sockaddr_in sin;

			memcpy(&sin, i->ifa_addr, sizeof(sin));
			memcpy(ret_addr, &sin.sin_addr, sizeof(sin.sin_addr));
		} else {
			struct sockaddr_in6 sin6;

			memcpy(&sin6, i->ifa_addr, sizeof(sin6));
			if (IN6_IS_ADDR_LINKLOCAL(&sin6.sin6_addr))
				continue;
			memcpy(ret_addr, &sin6.sin6_addr, sizeof(sin6.sin6_addr));
		}
		freeifaddrs(list);
		return 0;
	}
	freeifaddrs(list);
	return err_msg(e, -EINVAL, "%s: neither an address of this family nor an interface with one",
		       text);
}

static int check_outbound(struct conf *c, struct err *e)
{
	c->out4.sin_family = AF_INET;
	c->out6.sin6_family = AF_INET6;
	if (c->outbound_addr) {
		if (outbound(c->outbound_addr, AF_INET, &c->out4.sin_addr, e) < 0)
			return err_wrap(e, "--outbound-addr");
		c->has_out4 = true;
	}
	if (c->outbound_addr6) {
		if (outbound(c->outbound_addr6, AF_INET6, &c->out6.sin6_addr, e) < 0)
			return err_wrap(e, "--outbound-addr6");
		c->has_out6 = true;
	}
	return 0;
}

static int check_ports(struct conf *c, struct err *e)
{
	if (!c->publish.n)
		return 0;
	if (c->publish.n > CONF_PUBLISH_MAX)
		return err_msg(e, -E2BIG, "--publish: more than %d of them", CONF_PUBLISH_MAX);
	c->ports = calloc(c->publish.n, sizeof(*c->ports));
	if (!c->ports)
		return err_set(e, -ENOMEM, "--publish");
	for (size_t i = 0; i < c->publish.n; i++) {
		if (portspec_parse(c->publish.v[i], &c->ports[i], e) < 0)
			return err_wrap(e, "--publish %s", c->publish.v[i]);
	}
	c->n_ports = c->publish.n;
	return 0;
}

static int check_target(struct conf *c, const char *operand, struct err *e)
{
	if (c->target_type && strcmp(c->target_type, "bess") == 0)
		return err_msg(e, -EINVAL, "--target-type: bess: not supported by this program");
	if (c->target_type && strcmp(c->target_type, "netns") != 0)
		return err_msg(e, -EINVAL, "--target-type: '%s' is not netns", c->target_type);
	if (!c->netns_type || strcmp(c->netns_type, "pid") == 0) {
		int32_t pid;

		if (num_i32(operand, &pid) < 0 || pid <= 0)
			return err_msg(e, -EINVAL, "PID must be a positive integer, not '%s'",
				       operand);
		c->target_pid = pid;
		return 0;
	}
	if (strcmp(c->netns_type, "socket") == 0) {
		int32_t fd;

		if (num_i32(operand, &fd) < 0 || fd < 0)
			return err_msg(e, -EINVAL, "FD must be a descriptor, not '%s'", operand);
		c->netns_sock = fd;
		return 0;
	}
	if (strcmp(c->netns_type, "path") != 0)
		return err_msg(e, -EINVAL, "--netns-type: '%s' is none of pid, path and socket",
			       c->netns_type);
	c->netns_path = operand;
	return 0;
}

static int check_egress(const struct conf *c, struct err *e)
{
	for (size_t i = 0; i < c->egress.n; i++) {
		struct egress_rule rule;

		if (egress_rule_parse(c->egress.v[i], &rule, e) < 0)
			return err_wrap(e, "--egress");
	}
	return 0;
}

static int check_link(struct conf *c, struct err *e)
{
	if (c->mtu < CONF_MTU_MIN || c->mtu > CONF_MTU_MAX)
		return err_msg(e, -EINVAL, "--mtu: %d is not between %d and %d", c->mtu,
			       CONF_MTU_MIN, CONF_MTU_MAX);
	if (c->busy_poll < 0 || c->busy_poll > SPIN_MAX_US)
		return err_msg(e, -EINVAL, "--busy-poll: %d is not between 0 and %d", c->busy_poll,
			       SPIN_MAX_US);
	if (c->enable_ipv6 && c->mtu < 1280)
		return err_msg(e, -EINVAL, "--mtu: IPv6 needs at least 1280");
	if (c->macaddress) {
		if (!c->configure)
			return err_msg(e, -EINVAL, "--macaddress: needs --configure");
		if (conf_mac(c->macaddress, c->mac, e) < 0)
			return err_wrap(e, "--macaddress");
		c->has_mac = true;
	}
	if (!*c->tapname || strlen(c->tapname) >= IFNAMSIZ)
		return err_msg(e, -EINVAL, "'%s' is not an interface name", c->tapname);
	return 0;
}

static int check_shared(struct conf *c, struct err *e)
{
	if (!c->shared)
		return c->names.n ? err_msg(e, -EINVAL, "--name: needs --shared") : 0;
	if (!c->configure || !c->api_socket)
		return err_msg(e, -EINVAL, "--shared: needs --configure and --api-socket");
	if (c->no_splice)
		return err_msg(e, -EINVAL, "--shared: not with --no-splice");
	for (size_t i = 0; i < c->names.n; i++) {
		if (!member_name_ok(c->names.v[i]))
			return err_msg(e, -EINVAL, "--name: '%s' is not a host name",
				       c->names.v[i]);
	}
	if (c->names.n > MEMBER_NAMES_MAX)
		return err_msg(e, -E2BIG, "--name: more than %d of them", MEMBER_NAMES_MAX);
	/* its port is told which one to expect */
	if (!c->has_mac && member_random_mac(c->mac) < 0)
		return err_set(e, -errno, "--shared");
	c->has_mac = true;
	return 0;
}

static int conf_check(struct conf *c, int n_operands, char **operands, struct err *e)
{
	int r;

	if (n_operands < 1)
		return err_msg(e, -EINVAL, "which namespace? PID or PATH is missing");
	if (n_operands > 2)
		return err_msg(e, -EINVAL, "too many arguments: %s", operands[2]);
	c->tapname = n_operands > 1 ? operands[1] : "tap0";
	if (c->exit_fd < -1 || c->ready_fd < -1)
		return err_msg(e, -EINVAL, "a descriptor is not negative");
	r = check_target(c, operands[0], e);
	if (r < 0)
		return r;
	r = conf_cidr(c->cidr ? c->cidr : "10.0.2.0/24", &c->addrs, e);
	if (r < 0)
		return err_wrap(e, "--cidr");
	if (c->api_socket && strlen(c->api_socket) >= CONF_SOCKET_MAX)
		return err_msg(e, -ENAMETOOLONG, "--api-socket: %s: path is too long",
			       c->api_socket);
	r = addrs6_init(&c->addrs, c->random_ula, e);
	if (r < 0)
		return r;
	r = check_link(c, e);
	if (r < 0)
		return r;
	r = check_shared(c, e);
	if (r < 0)
		return r;
	r = check_outbound(c, e);
	if (r < 0)
		return r;
	r = check_egress(c, e);
	if (r < 0)
		return r;
	return check_ports(c, e);
}

int conf_parse(struct conf *conf, int argc, char **argv, struct err *e)
{
	struct opts o = { .conf = { .exit_fd = -1, .ready_fd = -1, .mtu = CONF_MTU_DEFAULT,
				   .busy_poll = SPIN_DEFAULT_US, .netns_sock = -1 } };
	int first, end, r;

	r = opt_parse(rows, argc, argv, 0, &o, &first, &end, e);
	*conf = o.conf;
	if (r < 0)
		return r;
	if (o.help || o.version) {
		if (o.help)
			print_help();
		else
			print_version();
		return 1;
	}
	return conf_check(conf, end - first, argv + first, e);
}

void conf_clear(struct conf *conf)
{
	strv_clear(&conf->publish);
	strv_clear(&conf->egress);
	strv_clear(&conf->names);
	free(conf->ports);
	conf->ports = NULL;
	conf->n_ports = 0;
}
