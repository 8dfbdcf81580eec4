/* SPDX-License-Identifier: Apache-2.0
 *
 * test_nlbatch - netlink messages put together, and their answers
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/nlbatch.h"

static struct nlmsghdr header(const struct nlbatch *b, size_t at)
{
	struct nlmsghdr h;

	assert_true(at + sizeof(h) <= b->len);
	memcpy(&h, b->buf + at, sizeof(h));
	return h;
}

static void test_messages(void **state)
{
	struct nlbatch b;
	struct nlmsghdr h;
	size_t outer, inner;

	(void)state;
	nlbatch_init(&b);
	nlbatch_add(&b, 7, NLM_F_ACK, "abc", 3);
	nlbatch_put_u32(&b, 1, 5);
	outer = nlbatch_nest(&b, 2);
	inner = nlbatch_nest(&b, 3);
	nlbatch_put_str(&b, 4, "four");
	nlbatch_nest_end(&b, inner);
	nlbatch_nest_end(&b, outer);
	nlbatch_add(&b, 8, 0, "", 0);
	assert_false(b.full);
	assert_int_equal(b.n, 2);

	h = header(&b, 0);
	assert_int_equal(h.nlmsg_type, 7);
	assert_int_equal(h.nlmsg_seq, 1);
	assert_int_equal(h.nlmsg_flags, NLM_F_REQUEST | NLM_F_ACK);
	/* header, "abc" padded, a number, two nests, "four" with its end padded */
	assert_int_equal(h.nlmsg_len, 16 + 4 + 8 + 4 + 4 + 12);
	h = header(&b, h.nlmsg_len);
	assert_int_equal(h.nlmsg_type, 8);
	assert_int_equal(h.nlmsg_seq, 2);
	assert_int_equal(h.nlmsg_len, 16);
	assert_int_equal(b.len, 48 + 16);
}

static void test_full(void **state)
{
	static const char big[NLBATCH_SIZE];
	struct nlbatch b;
	unsigned int failed;

	(void)state;
	nlbatch_init(&b);
	nlbatch_add(&b, 1, 0, "", 0);
	nlbatch_put(&b, 1, big, sizeof(big));
	assert_true(b.full);
	assert_int_equal(nlbatch_run(&b, -1, &failed), -EMSGSIZE);

	nlbatch_init(&b);
	for (int i = 0; i < NLBATCH_MAX; i++)
		nlbatch_add(&b, 1, 0, "", 0);
	assert_false(b.full);
	nlbatch_add(&b, 1, 0, "", 0);
	assert_true(b.full);
}

/* Answers as the kernel gives them, from the other end of a socket. */
static int run_with_answers(struct nlbatch *b, const struct nlmsgerr *answers, size_t n,
			    unsigned int *failed)
{
	int sv[2], r;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sv), 0);
	for (size_t i = 0; i < n; i++) {
		struct {
			struct nlmsghdr h;
			struct nlmsgerr e;
		} m = { { .nlmsg_len = sizeof(m), .nlmsg_type = NLMSG_ERROR,
			  .nlmsg_seq = (uint32_t)i + 1 }, answers[i] };

		assert_int_equal(write(sv[1], &m, sizeof(m)), sizeof(m));
	}
	(void)shutdown(sv[1], SHUT_WR);
	r = nlbatch_run(b, sv[0], failed);
	(void)close(sv[0]);
	(void)close(sv[1]);
	return r;
}

static void test_answers(void **state)
{
	static const struct nlmsgerr good[2], bad[2] = { [1] = { .error = -EEXIST } };
	struct nlbatch b;
	unsigned int failed = 9;

	(void)state;
	nlbatch_init(&b);
	nlbatch_add(&b, 1, NLM_F_ACK, "", 0);
	nlbatch_add(&b, 1, 0, "", 0);
	nlbatch_add(&b, 1, NLM_F_ACK, "", 0);
	assert_int_equal(run_with_answers(&b, good, 2, &failed), 0);
	assert_int_equal(failed, 0);
	assert_int_equal(run_with_answers(&b, bad, 2, &failed), -EEXIST);
	assert_int_equal(failed, 2);
	/* the other side is gone before it has answered all */
	assert_int_equal(run_with_answers(&b, good, 1, &failed), -EBADMSG);
	assert_int_equal(failed, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
