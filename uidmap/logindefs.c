/* SPDX-License-Identifier: Apache-2.0
 *
 * logindefs - the admin's answers to yes-or-no questions of /etc/login.defs
 */
#include "uidmap/logindefs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/io.h"

#define BLANKS " \t\r"

/* Is the word at s, up to a blank or the end of the line, this one? */
static bool word_is(const char *s, size_t len, const char *word)
{
	return strlen(word) == len && strncasecmp(s, word, len) == 0;
}

bool logindefs_text_yes(const char *text, const char *key)
{
	bool yes = false;

	while (*text) {
		const char *line = text + strspn(text, BLANKS);
		size_t key_len = strcspn(line, BLANKS "\n");

		text += strcspn(text, "\n");
		text += *text == '\n';
		if (strlen(key) != key_len || memcmp(line, key, key_len) != 0)
			continue;

		const char *value = line + key_len + strspn(line + key_len, BLANKS "\"");
		yes = word_is(value, strcspn(value, BLANKS "\"\n"), "yes");
	}
	return yes;
}

int logindefs_yes(const char *key, struct err *e)
{
	auto_free char *text = NULL;
	int r = io_read_file_at(AT_FDCWD, "/etc/login.defs", LOGINDEFS_MAX, &text, NULL);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return err_set(e, r, "read /etc/login.defs");
	return logindefs_text_yes(text, key);
}
