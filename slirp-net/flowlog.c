/* SPDX-License-Identifier: Apache-2.0
 *
 * flowlog - one JSON line for each thing the container's network did
 *
 * A line is written by one write(2) to a file opened for appending, so lines
 * of several writers do not mix. A full disk loses lines and nothing else.
 */
#include "slirp-net/flowlog.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "slirp-net/net.h"

/* #syscalls write clock_gettime */

#define LINE_MAX_BYTES 1024

int flowlog_open(const char *path, struct err *e)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);

	return fd < 0 ? err_set(e, -errno, "--flow-log: %s", path) : fd;
}

/* Names come from DNS queries: anything may be in them. */
static void clean(const char *in, char *out, size_t size)
{
	size_t i = 0;

	for (; *in && i + 1 < size; in++)
		out[i++] = *in < ' ' || *in > '~' || *in == '"' || *in == '\\' ? '?' : *in;
	out[i] = '\0';
}

void flowlog_write(struct net *net, const struct flow *f)
{
	char line[LINE_MAX_BYTES], guest[ADDR_TEXT_MAX], peer[ADDR_TEXT_MAX];
	char name[EGRESS_NAME_MAX] = "", stamp[32], end[160] = "";
	const char *known = f->name, *container = member_label(&net->members, f->guest);
	struct timespec ts;
	struct tm tm;
	int n;

	if (net->flow_log < 0)
		return;
	(void)clock_gettime(CLOCK_REALTIME, &ts);
	(void)gmtime_r(&ts.tv_sec, &tm);
	(void)strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &tm);
	addr_format(f->guest, guest, sizeof(guest));
	addr_format(f->peer, peer, sizeof(peer));
	if (!known && f->outbound)
		known = egress_name_of(&net->egress, f->peer);
	if (known)
		clean(known, name, sizeof(name));
	if (f->since_ms)
		(void)snprintf(end, sizeof(end),
			       ",\"bytes_out\":%llu,\"bytes_in\":%llu,\"ms\":%lld",
			       (unsigned long long)f->from_guest, (unsigned long long)f->to_guest,
			       (long long)(loop_now_ms() - f->since_ms));
	n = snprintf(line, sizeof(line),
		     "{\"time\":\"%s.%03ldZ\",\"event\":\"%s\",\"proto\":\"%s\",\"direction\":\"%s\","
		     "\"guest\":\"%s\"%s%s%s,\"peer\":\"%s\"%s%s%s%s}\n",
		     stamp, ts.tv_nsec / 1000000, f->event, f->proto, f->outbound ? "out" : "in",
		     guest, container ? ",\"container\":\"" : "", container ? container : "",
		     container ? "\"" : "", peer, known ? ",\"name\":\"" : "", name, known ? "\"" : "", end);
	if (n > 0 && (size_t)n < sizeof(line))
		(void)!write(net->flow_log, line, (size_t)n);
}
