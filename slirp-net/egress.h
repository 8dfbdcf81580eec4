/* SPDX-License-Identifier: Apache-2.0
 *
 * egress - where the container may connect to
 */
#ifndef SLIRP_NET_EGRESS_H
#define SLIRP_NET_EGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "slirp-net/addr.h"

#define EGRESS_RULES_MAX 1024
#define EGRESS_NAME_MAX 254
#define EGRESS_PINS_MAX 16384
#define EGRESS_PIN_BUCKETS 4096
/* an address is good for its time to live, and for what was just resolved */
#define EGRESS_PIN_LEAST_S 60
#define EGRESS_PIN_MOST_S 86400

/**
 * struct egress_rule - one allowed place
 * @name:	lower case, "*" in front for any name below; "" for an address
 * @net:	network address when there is no name; the port is unused
 * @prefix:	its length
 * @first, @last: ports; 0 to 65535 when none was given
 * @proto:	IPPROTO_TCP or IPPROTO_UDP, 0 for both
 */
struct egress_rule {
	char name[EGRESS_NAME_MAX];
	union addr net;
	unsigned int prefix;
	uint16_t first, last;
	int proto;
};

/**
 * struct egress_pin - an address that our DNS gave for a name
 * @addr:	without port
 * @until_ms:	when it ends
 * @name:	the name that was asked for
 * @next:	in the bucket
 * @older, @newer: by age
 */
struct egress_pin {
	union addr addr;
	int64_t until_ms;
	struct egress_pin *next, *older, *newer;
	char name[EGRESS_NAME_MAX];
};

/**
 * struct egress - the rules and what is known about names
 * @on:		everything else is forbidden
 * @track:	remember names of addresses even without rules
 * @rules:	allowed places
 * @n_rules:	how many
 * @buckets:	pins by address
 * @oldest, @newest: pins by age
 * @n_pins:	how many
 */
struct egress {
	bool on, track;
	struct egress_rule *rules;
	size_t n_rules;
	struct egress_pin *buckets[EGRESS_PIN_BUCKETS];
	struct egress_pin *oldest, *newest;
	size_t n_pins;
};

/**
 * egress_rule_parse() - "allow=WHERE[:PORT[-PORT]][/tcp|/udp]", or "deny" for
 * a rule that allows nothing; pure
 *
 * WHERE is a name, *.NAME, an IPv4 address or network, or an IPv6 one in
 * brackets.
 * Return: 1 for a rule, 0 for "deny", -EINVAL with the reason in @e
 */
int egress_rule_parse(const char *text, struct egress_rule *ret, struct err *e);

/**
 * egress_set() - replace all rules
 * @texts:	NULL to allow everything
 * Return: 0, -errno (the old rules stay)
 */
int egress_set(struct egress *g, char *const *texts, size_t n, struct err *e);
void egress_clear(struct egress *g);

/**
 * egress_allows() - may the container send there
 * @proto:	IPPROTO_*; for other than TCP and UDP only rules without port
 *		count
 */
bool egress_allows(struct egress *g, int proto, const union addr *to);

/**
 * egress_allows_name() - may the container know this name's address
 */
bool egress_allows_name(const struct egress *g, const char *name);

/**
 * egress_pin() - our DNS gave this address for this name
 */
void egress_pin(struct egress *g, const char *name, const union addr *a, uint32_t ttl);

/**
 * egress_name_of() - the name an address was given for last
 * Return: borrowed until the next call into this module; NULL if unknown
 */
const char *egress_name_of(struct egress *g, const union addr *a);

#endif
