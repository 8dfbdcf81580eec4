/* SPDX-License-Identifier: Apache-2.0
 *
 * become UID GID GID+GID… PROGRAM…: what a server does to its workers, and then
 * tries to undo: prints "back" if the kernel lets it
 */
#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	gid_t groups[64];
	size_t n = 0;

	if (argc < 5)
		return 2;
	for (char *word = strtok(argv[3], "+"); word && n < 64; word = strtok(NULL, "+"))
		groups[n++] = (gid_t)strtoul(word, NULL, 10);
	if (setgroups(n, groups) < 0 || setgid((gid_t)strtoul(argv[2], NULL, 10)) < 0 ||
	    setuid((uid_t)strtoul(argv[1], NULL, 10)) < 0) {
		printf("become: %s\n", strerror(errno));
		return 1;
	}
	if (setuid(0) == 0 || seteuid(0) == 0 || setgid(0) == 0 || setgroups(0, NULL) == 0)
		puts("back");
	fflush(stdout);
	execvp(argv[4], argv + 4);
	return 127;
}
