#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <string.h>

#include "mailbox.h"

#define THREADS 4
#define CALLS   2000

static struct loop *loop;
static struct mailbox *box;
static char said[16], name[] = "abcdefx"; /* each letter says its own */

static void say(void *arg)
{
	strncat(said, arg, 1);
}

static void stop(void *arg)
{
	(void)arg;
	loop_stop(loop, 0);
}

static int begin(void **state)
{
	(void)state;
	loop = loop_new();
	box = mailbox_new(loop);
	*said = '\0';
	return 0;
}

static int end(void **state)
{
	(void)state;
	mailbox_free(box);
	loop_free(loop);
	return 0;
}

static void test_order(void **state)
{
	(void)state;
	struct letter b = { .fn = say, .arg = name + 1 }, c = { .fn = say, .arg = name + 2 }, last = { .fn = say, .arg = name + 4 };
	mailbox_post(box, say, name);
	mailbox_put(box, &b);
	mailbox_put(box, &c);
	mailbox_post(box, say, name + 3);
	mailbox_put(box, &b); /* waits already */
	mailbox_put(box, &last);
	mailbox_take_back(box, &c);
	mailbox_take_back(box, &last); /* the last one: what comes next is not lost */
	mailbox_take_back(box, &last);
	mailbox_post(box, say, name + 5);
	mailbox_post(box, stop, NULL);
	loop_run(loop);
	assert_string_equal(said, "abdf");
	mailbox_put(box, &c); /* again and again */
	mailbox_put(box, &b);
	mailbox_post(box, stop, NULL);
	loop_run(loop);
	assert_string_equal(said, "abdfcb");
	mailbox_post(box, say, name + 6); /* dropped, and no leak */
}

static unsigned called;

static void count(void *arg)
{
	(void)arg;
	if (++called == THREADS * CALLS)
		loop_stop(loop, 0);
}

static void *post(void *arg)
{
	for (unsigned i = 0; i < CALLS; i++)
		mailbox_post(box, count, arg);
	return NULL;
}

static void test_threads(void **state)
{
	(void)state;
	pthread_t threads[THREADS];
	called = 0;
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, post, NULL), 0);
	loop_run(loop); /* no wakeup is lost: all come */
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(called, THREADS * CALLS);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test_setup_teardown(test_order, begin, end),
					    cmocka_unit_test_setup_teardown(test_threads, begin, end) };
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("mailbox", tests, NULL, NULL);
}
