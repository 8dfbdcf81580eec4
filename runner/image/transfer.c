/* SPDX-License-Identifier: Apache-2.0
 *
 * transfer - the layers of an image, fetched and unpacked at the same time
 *
 * How it works: some threads fetch, some unpack; both take the layers in the
 * same order. A fetcher writes the blob's file and tells the layer's stream
 * how far it is; an unpacker follows in the file. Fetchers never wait for
 * unpackers, so the order makes progress certain. The first failure is kept,
 * ends every stream, and everybody comes home before the call returns.
 */
#include "runner/image/transfer.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "common/err.h"
#include "runner/image/layer.h"

#define FETCHERS_MAX 4
#define UNPACKERS_MAX 8

/**
 * struct job - one layer
 */
struct job {
	const char *blob;
	const char *diff_id;
	uint64_t size;
	bool need_blob;
	bool need_unpack;
	struct blob_stream stream;
	struct layer_info info;
};

/**
 * struct transfer - one call
 * @mutex:	guards next_*, error
 */
struct transfer {
	const struct store *st;
	const struct layer_mode *mode;
	const struct fetcher *fetcher;
	struct progress *progress;
	struct job *jobs;
	size_t n;
	pthread_mutex_t mutex;
	size_t next_fetch;
	size_t next_unpack;
	atomic_bool cancel;
	struct err error;
};

static void fail(struct transfer *t, int code, const struct err *e)
{
	pthread_mutex_lock(&t->mutex);
	if (!t->error.code && code != -ECANCELED) {
		t->error = *e;
		t->error.code = code;
	}
	atomic_store(&t->cancel, true);
	pthread_mutex_unlock(&t->mutex);
}

static struct job *next_job(struct transfer *t, bool unpack)
{
	struct job *job = NULL;
	size_t *next = unpack ? &t->next_unpack : &t->next_fetch;

	pthread_mutex_lock(&t->mutex);
	while (!job && *next < t->n) {
		struct job *j = &t->jobs[(*next)++];

		if (unpack ? j->need_unpack : j->need_blob)
			job = j;
	}
	pthread_mutex_unlock(&t->mutex);
	return job;
}

/* --- fetching ------------------------------------------------------------------------ */

static int fetch_one(struct transfer *t, void *conn, struct job *job, struct err *e)
{
	size_t i = (size_t)(job - t->jobs);
	struct fetch f = {
		.st = t->st, .digest = job->blob, .size = job->size, .cancel = &t->cancel,
		.stream = &job->stream, .progress = t->progress, .i = i,
	};

	if (atomic_load(&t->cancel))
		return -ECANCELED;
	progress_set(t->progress, i, PROGRESS_FETCHING, 0);
	int r = t->fetcher->get(t->fetcher->ctx, conn, &f, e);
	if (!r)
		progress_set(t->progress, i, job->need_unpack ? PROGRESS_UNPACKING : PROGRESS_DONE,
			     job->size);
	return r;
}

static void *fetch_thread(void *arg)
{
	struct transfer *t = arg;
	struct err e = { 0 };
	void *conn = NULL;
	int broken = t->fetcher->open ? t->fetcher->open(t->fetcher->ctx, &conn, &e) : 0;

	for (struct job *job; (job = next_job(t, false));) {
		int r = broken ? broken : fetch_one(t, conn, job, &e);

		if (r)
			fail(t, r, &e);
		blob_stream_done(&job->stream, r);
	}
	if (conn)
		t->fetcher->close(t->fetcher->ctx, conn);
	return NULL;
}

/* --- unpacking ------------------------------------------------------------------------ */

static int unpack_one(struct transfer *t, struct job *job, struct err *e)
{
	size_t i = (size_t)(job - t->jobs);
	struct source src = blob_stream_source(&job->stream);

	if (atomic_load(&t->cancel))
		return -ECANCELED;
	if (!job->need_blob) {
		auto_close int fd = blob_open(t->st, job->blob);

		if (fd < 0)
			return err_set(e, fd, "open blob %s", job->blob);
		blob_stream_feed(&job->stream, fd, job->size);
		blob_stream_done(&job->stream, 0);
		progress_set(t->progress, i, PROGRESS_UNPACKING, job->size);
	}
	int r = layer_make(t->st, t->mode, job->diff_id, &src, &job->info, e);
	return r < 0 ? r : 0;
}

static void *unpack_thread(void *arg)
{
	struct transfer *t = arg;

	for (struct job *job; (job = next_job(t, true));) {
		struct err e = { 0 };
		int r = unpack_one(t, job, &e);

		if (r)
			fail(t, r, &e);
		else
			progress_set(t->progress, (size_t)(job - t->jobs), PROGRESS_DONE,
				     job->size);
	}
	return NULL;
}

/* --- the pool --------------------------------------------------------------------------- */

static bool is_repeated(const struct record *rec, size_t i)
{
	for (size_t k = 0; k < i; k++) {
		if (str_eq(rec->layers.v[k], rec->layers.v[i]) &&
		    str_eq(rec->blobs.v[k], rec->blobs.v[i]))
			return true;
	}
	return false;
}

static void make_jobs(struct transfer *t, const struct record *rec, const uint64_t *sizes)
{
	for (size_t i = 0; i < t->n; i++) {
		struct job *j = &t->jobs[i];
		bool again = is_repeated(rec, i);

		j->blob = rec->blobs.v[i];
		j->diff_id = rec->layers.v[i];
		j->size = sizes[i];
		j->need_blob = !again && t->fetcher && !blob_have(t->st, j->blob, j->size);
		j->need_unpack = !again && t->mode &&
				 !layer_have(t->st, t->mode->key, j->diff_id, &j->info);
		blob_stream_init(&j->stream);
		progress_layer(t->progress, i, j->blob, j->size);
		if (!j->need_blob && !j->need_unpack)
			progress_set(t->progress, i, PROGRESS_HERE, j->size);
	}
}

static size_t count(const struct transfer *t, bool unpack)
{
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++)
		n += unpack ? t->jobs[i].need_unpack : t->jobs[i].need_blob;
	return n;
}

static void run_threads(struct transfer *t)
{
	pthread_t threads[FETCHERS_MAX + UNPACKERS_MAX];
	size_t n = 0;
	size_t fetchers = count(t, false);
	size_t unpackers = count(t, true);
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	size_t useful = cpus > 0 ? (size_t)cpus + 1 : 2;

	if (fetchers > FETCHERS_MAX)
		fetchers = FETCHERS_MAX;
	if (unpackers > useful)
		unpackers = useful;
	if (unpackers > UNPACKERS_MAX)
		unpackers = UNPACKERS_MAX;
	for (size_t i = 0; i < fetchers; i++)
		n += pthread_create(&threads[n], NULL, fetch_thread, t) == 0;
	/* without any thread, the caller's does the work: blobs first */
	if (fetchers && !n)
		(void)fetch_thread(t);
	size_t before = n;
	for (size_t i = 0; i < unpackers; i++)
		n += pthread_create(&threads[n], NULL, unpack_thread, t) == 0;
	if (unpackers && n == before)
		(void)unpack_thread(t);
	for (size_t i = 0; i < n; i++)
		(void)pthread_join(threads[i], NULL);
}

int transfer_layers(const struct store *st, const struct record *rec, const uint64_t *sizes,
		    const struct layer_mode *mode, const struct fetcher *fetcher,
		    struct progress *progress, uint64_t *ret_size, struct err *e)
{
	struct transfer t = {
		.st = st, .mode = mode, .fetcher = fetcher, .progress = progress,
		.n = rec->layers.n,
	};
	auto_free struct job *jobs = xcalloc(t.n ? t.n : 1, sizeof(*jobs));

	t.jobs = jobs;
	(void)pthread_mutex_init(&t.mutex, NULL);
	make_jobs(&t, rec, sizes);
	run_threads(&t);
	(void)pthread_mutex_destroy(&t.mutex);

	uint64_t total = 0;
	for (size_t i = 0; i < t.n; i++) {
		total += jobs[i].info.size;
		blob_stream_clear(&jobs[i].stream);
	}
	if (t.error.code) {
		if (e)
			*e = t.error;
		return t.error.code;
	}
	*ret_size = total;
	return 0;
}

int transfer_unpack(const struct store *st, const struct record *rec,
		    const struct layer_mode *mode, const struct image_progress *to,
		    uint64_t *ret_size, struct err *e)
{
	AUTO(progress_free) struct progress *p = progress_new(to, rec->layers.n);
	auto_free uint64_t *sizes = xcalloc(rec->layers.n + 1, sizeof(*sizes));

	for (size_t i = 0; i < rec->blobs.n; i++) {
		auto_close int fd = blob_open(st, rec->blobs.v[i]);
		off_t end = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);

		if (fd < 0 || end < 0)
			return err_set(e, fd < 0 ? fd : -errno, "open blob %s", rec->blobs.v[i]);
		sizes[i] = (uint64_t)end;
	}
	return transfer_layers(st, rec, sizes, mode, NULL, p, ret_size, e);
}
