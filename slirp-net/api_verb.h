/* SPDX-License-Identifier: Apache-2.0
 *
 * api_verb - what the verbs of the control socket share
 */
#ifndef SLIRP_NET_API_VERB_H
#define SLIRP_NET_API_VERB_H

#include <jansson.h>

struct net;

/**
 * api_bad_request() - the answer that says no
 * @verb:	may be NULL
 */
json_t *api_bad_request(const char *verb, const char *what);

/* The verbs of api_member.c. */
json_t *api_attach(struct net *net, const json_t *args);
json_t *api_detach(struct net *net, const json_t *args);
json_t *api_list_namespaces(struct net *net, const json_t *args);

#endif
