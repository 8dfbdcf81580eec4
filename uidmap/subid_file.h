/* SPDX-License-Identifier: Apache-2.0
 *
 * subid_file - read a whole file of grants
 */
#ifndef UIDMAP_SUBID_FILE_H
#define UIDMAP_SUBID_FILE_H

struct err;
struct subid_sink;

/**
 * subid_file_read() - give every grant of a file to a sink
 * @path:	the file; one that is missing grants nothing
 * @sink:	who gets the grants
 * @e:		what could not be read
 *
 * Uses constant memory, whatever the size of the file.
 *
 * Return: 0, -errno, or what the sink returned to stop.
 */
int subid_file_read(const char *path, const struct subid_sink *sink, struct err *e);

#endif
