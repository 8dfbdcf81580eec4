/* SPDX-License-Identifier: Apache-2.0
 *
 * banned - functions that make mistakes easy do not compile here
 *
 * Forced into every source by the Makefile (-include). The replacement is
 * named in the error. System headers that use one of these names come first.
 */
#ifndef COMMON_BANNED_H
#define COMMON_BANNED_H

#include <dirent.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#undef basename

#ifdef __GNUC__
#pragma GCC poison strcpy strcat sprintf vsprintf strtok atoi atol strtol gets
#pragma GCC poison system popen tmpnam readdir_r
#endif

#endif
