/* SPDX-License-Identifier: Apache-2.0
 *
 * killpriv - write as somebody whose writing clears setuid bits
 */
#ifndef FUSE_OVERLAY_KILLPRIV_H
#define FUSE_OVERLAY_KILLPRIV_H

#include <stdbool.h>

/**
 * killpriv_begin() - give up CAP_FSETID in this thread for a while
 * @wanted:	false: do nothing
 *
 * Return: what killpriv_end() needs to know
 */
bool killpriv_begin(bool wanted);

/**
 * killpriv_end() - take it back; errno is left alone
 */
void killpriv_end(bool begun);

#endif
