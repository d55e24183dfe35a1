#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "apid/answers.h"

static struct buf text(const char *s)
{
	struct buf b = { 0 };
	buf_adds(&b, s);
	return b;
}

static void keep(struct answers *a, const char *question, uint64_t revision, const char *body)
{
	struct buf q = text(question), b = text(body);
	answers_keep(a, &q, revision, &b, "on");
	buf_release(&q);
	buf_release(&b);
}

static struct answer *find(struct answers *a, const char *question)
{
	struct buf q = text(question);
	struct answer *found = answers_find(a, &q);
	buf_release(&q);
	return found;
}

static void assert_kept(struct answers *a, const char *question, uint64_t revision, const char *body)
{
	struct answer *found = find(a, question);
	assert_non_null(found);
	assert_int_equal(found->revision, revision);
	assert_string_equal(buf_cstr(&found->body), body);
	assert_string_equal(found->next, "on");
	answer_release(found);
}

static void the_last_answer_is_kept(void **state)
{
	(void)state;
	struct answers *a = answers_new();
	assert_null(find(a, "one"));
	keep(a, "one", 7, "seven");
	keep(a, "on", 8, "eight");
	assert_kept(a, "one", 7, "seven");
	assert_kept(a, "on", 8, "eight");
	keep(a, "one", 5, ""); /* a smaller number is as good: they are names */
	assert_kept(a, "one", 5, "");
	answers_free(a);
}

static void who_holds_one_has_it(void **state)
{
	(void)state;
	struct answers *a = answers_new();
	keep(a, "one", 1, "first");
	struct answer *held = find(a, "one"), *too = find(a, "one");
	keep(a, "one", 2, "second");
	answer_release(too);
	assert_int_equal(held->revision, 1);
	assert_string_equal(buf_cstr(&held->body), "first");
	assert_kept(a, "one", 2, "second");
	answers_free(a);
	assert_string_equal(buf_cstr(&held->body), "first");
	answer_release(held);
	answer_release(NULL);
}

static void they_are_bounded(void **state)
{
	(void)state;
	struct answers *a = answers_new();
	char name[16];
	for (unsigned i = 0; i < ANSWERS_MAX; i++) {
		snprintf(name, sizeof name, "%u", i);
		keep(a, name, i + 1, name);
	}
	assert_kept(a, "0", 1, "0"); /* asked for: 1 is the oldest now */
	keep(a, "more", 99, "more");
	assert_kept(a, "more", 99, "more");
	assert_kept(a, "0", 1, "0");
	assert_null(find(a, "1"));
	struct buf q = text("large"), large = { 0 };
	buf_reserve(&large, ANSWERS_MAX_BYTES + 1);
	memset(large.p, 'x', ANSWERS_MAX_BYTES + 1);
	large.len = ANSWERS_MAX_BYTES + 1;
	answers_keep(a, &q, 1, &large, "");
	assert_null(answers_find(a, &q));
	large.len--;
	answers_keep(a, &q, 1, &large, "");
	struct answer *found = answers_find(a, &q);
	assert_non_null(found);
	answer_release(found);
	buf_release(&q);
	buf_release(&large);
	answers_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_last_answer_is_kept),
		cmocka_unit_test(who_holds_one_has_it),
		cmocka_unit_test(they_are_bounded),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("answers", tests, NULL, NULL);
}
