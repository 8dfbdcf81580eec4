/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "common/num.h"
#include "fuse-overlay/dir.h"
#include "fuse-overlay/dlist.h"
#include "fuse-overlay/node.h"

#define LASTING 40
#define PASSING 1500

static char top[] = "/tmp/test-dlist.XXXXXX";
static int layers[2];
static const struct conf conf;
static struct ovl o = { .conf = &conf };
static struct dir *d;

static int setup(void **state)
{
	(void)state;
	if (!mkdtemp(top) || node_table_init(&o) < 0)
		return -1;
	d = calloc(1, sizeof(*d) + 2 * sizeof(d->src[0]));
	if (!d)
		return -1;
	d->n = 2;
	d->has_upper = true;
	o.writable = true;
	for (int i = 0; i < 2; i++) {
		char path[64];

		(void)snprintf(path, sizeof(path), "%s/%d", top, i);
		if (mkdir(path, 0700))
			return -1;
		layers[i] = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (layers[i] < 0)
			return -1;
		d->src[i].fd = layers[i];
		d->src[i].layer = (uint16_t)i;
	}
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	dlist_free(d->list);
	free(d);
	node_table_clear(&o);
	for (int i = 0; i < 2; i++) {
		char path[64];

		(void)snprintf(path, sizeof(path), "%s/%d", top, i);
		(void)close(layers[i]);
		(void)rmdir(path);
	}
	return rmdir(top);
}

/* Make or remove files a list is to show; the upper layer changes, as a mount's does. */
static void change(const char *what, int number, bool there)
{
	char name[32];

	(void)snprintf(name, sizeof(name), "%s%d", what, number);
	if (there) {
		int fd = openat(layers[0], name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

		assert_true(fd >= 0);
		(void)close(fd);
	} else {
		assert_int_equal(unlinkat(layers[0], name, 0), 0);
	}
	dir_changed(d);
}

static void pass(int round)
{
	for (int i = 0; i < PASSING; i++)
		change("passing", round * PASSING + i, true);
	assert_int_equal(dlist_refresh(&o, d), 0);
	for (int i = 0; i < PASSING; i++)
		change("passing", round * PASSING + i, false);
	assert_int_equal(dlist_refresh(&o, d), 0);
}

static uint32_t number(const struct dlist *l, const struct lowent *e)
{
	uint32_t n;

	assert_int_equal(num_u32(lowtab_name(&l->t, e) + strlen("lasting"), &n), 0);
	assert_true(n < LASTING);
	return n;
}

/* What a listing that goes on at a place shows; counts by number in seen. */
static void list_from(uint64_t place, unsigned int seen[LASTING])
{
	const struct dlist *l = d->list;
	uint64_t last = place;

	for (uint32_t i = dlist_at(l, place); i < l->t.n; i++) {
		const struct lowent *e = &l->t.ents[i];

		assert_true(dlist_place(l, i) >= last);
		last = dlist_place(l, i) + 1;
		assert_int_equal(dlist_at(l, last - 1), i);
		if (e->round == l->round && e->type != DT_WHT)
			seen[number(l, e)]++;
	}
}

static void names_that_pass_take_no_room(void **state)
{
	unsigned int seen[LASTING] = { 0 };
	uint64_t place = 0;

	(void)state;
	for (int i = 0; i < LASTING; i++)
		change("lasting", i, true);
	assert_int_equal(dlist_refresh(&o, d), 0);
	assert_false(dlist_is_empty(d->list));
	/* somebody lists half of them, then many others come and go */
	for (uint32_t i = 0; i < LASTING / 2; i++) {
		place = dlist_place(d->list, i) + 1;
		seen[number(d->list, &d->list->t.ents[i])]++;
	}
	for (int round = 0; round < 10; round++) {
		pass(round);
		assert_true(d->list->t.n < LASTING + 2 * PASSING);
		list_from(0, (unsigned int[LASTING]){ 0 });
	}
	assert_true(d->list->first >= LASTING + 9 * PASSING);
	list_from(place, seen);
	for (int i = 0; i < LASTING; i++)
		assert_int_equal(seen[i], 1);
	/* behind the end, wherever that was */
	assert_int_equal(dlist_at(d->list, UINT64_MAX), d->list->t.n);
	for (int i = 0; i < LASTING; i++)
		change("lasting", i, false);
	assert_int_equal(dlist_refresh(&o, d), 0);
	assert_true(dlist_is_empty(d->list));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(names_that_pass_take_no_room, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
