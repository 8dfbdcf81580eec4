/* SPDX-License-Identifier: Apache-2.0
 *
 * lean - a process that waits needs little memory
 */
#ifndef COMMON_LEAN_H
#define COMMON_LEAN_H

/**
 * lean_rest() - after the start: let go of program text that is not needed
 *
 * What ran once, the start and the dynamic linker's reading, stays mapped
 * and is counted as ours. Pages of files that are never written are taken out
 * of the page table, and come back from the page cache when they are used
 * again, at less than a microsecond each. Freed heap is given back, too.
 */
void lean_rest(void);

#endif
