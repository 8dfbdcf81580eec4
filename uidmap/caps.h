/* SPDX-License-Identifier: Apache-2.0
 *
 * caps - make a privileged program small before it looks at what its caller gave it
 */
#ifndef UIDMAP_CAPS_H
#define UIDMAP_CAPS_H

#include <stdbool.h>
#include <stdint.h>

struct err;

#define CAPS_BIT(cap) (UINT64_C(1) << (cap))

/**
 * caps_confine() - keep a few capabilities, dormant, and the caller's own ids
 * @keep:	CAPS_BIT() of each capability to keep, where it is there
 * @e:		which step failed
 *
 * Works for a program with file capabilities, for one that is setuid root and
 * for one without any privilege. Afterwards all ids are the caller's real
 * ones, the permitted set holds at most @keep, every other set is empty, and
 * exec gives nothing back. A caller who really is root keeps CAP_SETFCAP too:
 * the kernel asks for it where root maps its own id.
 *
 * Return: 0 or -errno.
 */
int caps_confine(uint64_t keep, struct err *e);

/**
 * caps_raise() - make one of those that caps_confine() kept effective
 * @cap:	the capability; root's CAP_SETFCAP comes with it
 *
 * Return: 0 or -errno.
 */
int caps_raise(int cap);

/**
 * caps_forgo() - give one of them up for good
 * @cap:	capability
 *
 * Return: 0 or -errno.
 */
int caps_forgo(int cap);

/**
 * caps_have() - is this capability permitted to the process?
 * @cap:	capability
 */
bool caps_have(int cap);

/**
 * process_tidy() - shut out what a caller leaves in a program's surroundings
 * @e:		which step failed
 *
 * Opens /dev/null for each of descriptors 0 to 2 that is closed, so that no
 * file opened later gets the messages; empties the environment; ignores the
 * signals that writing a message can raise; refuses limits so small that what
 * is looked up later could seem not to exist.
 *
 * Return: 0 or -errno.
 */
int process_tidy(struct err *e);

#endif
