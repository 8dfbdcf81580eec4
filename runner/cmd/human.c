/* SPDX-License-Identifier: Apache-2.0
 *
 * human - ages and sizes as people read them
 */
#include "runner/cmd/human.h"

#include "common/str.h"

bool human_age(int64_t seconds, char *buf, size_t size)
{
	static const struct {
		int64_t seconds;
		const char *unit;
	} units[] = { { 31536000, "year" }, { 2592000, "month" }, { 604800, "week" }, { 86400, "day" },
		      { 3600, "hour" }, { 60, "minute" }, { 1, "second" } };

	buf[0] = '\0';
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		int64_t n = seconds / units[i].seconds;

		if (n < 1)
			continue;
		(void)str_format(buf, size, "%lld %s%s", (long long)n, units[i].unit, n > 1 ? "s" : "");
		return true;
	}
	return false;
}

void human_ago(time_t then, char *buf, size_t size)
{
	char age[32];

	if (!then)
		(void)str_format(buf, size, "unknown");
	else if (human_age((int64_t)(time(NULL) - then), age, sizeof(age)))
		(void)str_format(buf, size, "%s ago", age);
	else
		(void)str_format(buf, size, "just now");
}

void human_size(uint64_t bytes, char *buf, size_t size)
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB" };
	double n = (double)bytes;
	size_t i = 0;

	while (n >= 1000 && i + 1 < sizeof(units) / sizeof(units[0])) {
		n /= 1000;
		i++;
	}
	(void)str_format(buf, size, i && n < 100 ? "%.3g%s" : "%.0f%s", n, units[i]);
}

time_t human_rfc3339(const char *text)
{
	struct tm tm = { 0 };

	if (!text || !strptime(text, "%Y-%m-%dT%H:%M:%S", &tm))
		return 0;
	return timegm(&tm);
}
