/* SPDX-License-Identifier: Apache-2.0
 *
 * fuse-overlay - overlay file system in user space
 */
#include <errno.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <linux/securebits.h>

#include "common/fd.h"
#include "common/log.h"
#include "fuse-overlay/conf.h"
#include "fuse-overlay/serve.h"

int main(int argc, char **argv)
{
	struct conf c;
	struct err e = { 0 };

	log_init("fuse-overlay");
	if (fd_std_open() < 0)
		return 1;
	conf_init(&c);
	if (conf_parse_args(&c, argc, argv, &e) < 0) {
		log_error("%s", e.msg);
		conf_clear(&c);
		return 2;
	}
	if (c.help)
		conf_print_help();
	else if (c.version)
		(void)printf("fuse-overlay: version %s\n", VERSION);

	int r = c.help || c.version ? 0 : serve(&c, &e);
	if (r < 0)
		log_error("%s", e.msg);
	conf_clear(&c);
	return r < 0;
}
