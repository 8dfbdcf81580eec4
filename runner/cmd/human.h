/* SPDX-License-Identifier: Apache-2.0
 *
 * human - ages and sizes as people read them
 */
#ifndef RUNNER_CMD_HUMAN_H
#define RUNNER_CMD_HUMAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

/**
 * human_age() - "3 hours": the largest unit that fits, rounded down
 * Return: false for less than a second; @buf is empty then
 */
bool human_age(int64_t seconds, char *buf, size_t size);

/**
 * human_ago() - "3 hours ago", "just now", or "unknown" for a time of 0
 */
void human_ago(time_t then, char *buf, size_t size);

/**
 * human_size() - "1.23MB", in powers of 1000 as Docker shows sizes
 */
void human_size(uint64_t bytes, char *buf, size_t size);

/**
 * human_rfc3339() - the seconds of an image's time; 0 when it is none
 */
time_t human_rfc3339(const char *text);

#endif
