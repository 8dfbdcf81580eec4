/* SPDX-License-Identifier: Apache-2.0
 *
 * signals - names of signals to numbers
 */
#include "runner/engine/signals.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "common/err.h"
#include "common/num.h"

/* RTMIN+n and RTMAX-n by the kernel's numbers (34 and 64), as images use them;
 * what glibc calls SIGRTMIN is what programs in the container count from. */
static int parse_rt(const char *s, int *ret)
{
	uint32_t n = 0;
	bool from_max = strncasecmp(s, "RTMAX", 5) == 0;

	if (!from_max && strncasecmp(s, "RTMIN", 5) != 0)
		return -EINVAL;
	if (s[5] && (s[5] != (from_max ? '-' : '+') || num_u32(s + 6, &n) < 0 || n > 30))
		return -EINVAL;
	*ret = from_max ? SIGRTMAX - (int)n : SIGRTMIN + (int)n;
	return 0;
}

int signal_parse(const char *text, int *ret, struct err *e)
{
	const char *s = strncasecmp(text, "SIG", 3) == 0 ? text + 3 : text;
	uint32_t n;

	if (num_u32(text, &n) == 0 && n > 0 && n < NSIG) {
		*ret = (int)n;
		return 0;
	}
	for (int i = 1; i < NSIG; i++) {
		const char *name = sigabbrev_np(i);

		if (name && strcasecmp(name, s) == 0) {
			*ret = i;
			return 0;
		}
	}
	if (parse_rt(s, ret) == 0)
		return 0;
	return err_msg(e, -EINVAL, "'%s' is not a signal", text);
}
