/* SPDX-License-Identifier: Apache-2.0
 *
 * userns - why this host lets nobody make a user namespace, and the cure
 */
#ifndef COMMON_USERNS_H
#define COMMON_USERNS_H

/**
 * userns_advice() - the command by which an admin permits user namespaces
 * @failure: positive errno of unshare(2) or clone(2)
 *
 * Return: a line for a shell, or NULL where no switch of this host explains it
 */
const char *userns_advice(int failure);

#endif
