#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "loop.h"

struct fixture {
	struct loop *l;
	int pipe[2], other[2];
	struct loop_fd *fd, *fd2;
	struct loop_timer *timer, *timer2;
	struct loop_idle *idle;
	int calls, calls2;
	char log[64];
};

static int setup(void **state)
{
	static struct fixture x;
	x = (struct fixture){ .l = loop_new() };
	assert_int_equal(pipe(x.pipe), 0);
	assert_int_equal(pipe(x.other), 0);
	*state = &x;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *x = *state;
	loop_del_fd(x->fd);
	loop_del_fd(x->fd2);
	loop_free(x->l);
	for (int i = 0; i < 2; i++) {
		close(x->pipe[i]);
		close(x->other[i]);
	}
	return 0;
}

static void note(struct fixture *x, char c)
{
	size_t n = strlen(x->log);
	if (n < sizeof x->log - 1)
		x->log[n] = c;
}

/* Nothing may hang a test: a loop that should have ended is ended with code 99. */
static void on_late(void *arg)
{
	loop_stop(((struct fixture *)arg)->l, 99);
}

static int run(struct fixture *x)
{
	struct loop_timer *late = loop_add_timer(x->l, on_late, x);
	loop_set_timer(late, 60000, 0);
	int code = loop_run(x->l);
	loop_del_timer(late);
	return code;
}

static void on_read(void *arg, uint32_t events)
{
	struct fixture *x = arg;
	char c;
	assert_true(events & EPOLLIN);
	assert_int_equal(read(x->pipe[0], &c, 1), 1);
	note(x, c);
	if (++x->calls == 3)
		loop_stop(x->l, 7);
}

static void test_fd(void **state)
{
	struct fixture *x = *state;
	x->fd = loop_add_fd(x->l, x->pipe[0], EPOLLIN, on_read, x);
	assert_int_equal(write(x->pipe[1], "abc", 3), 3);
	assert_int_equal(run(x), 7);
	assert_string_equal(x->log, "abc"); /* level-triggered: one byte a turn */
	assert_true(loop_turns(x->l) >= 3);
}

/* Both are ready in one turn; the first that is called deletes the other, which must not be called any more. */
static void on_first(void *arg, uint32_t events)
{
	(void)events;
	struct fixture *x = arg;
	x->calls++;
	loop_del_fd(x->fd);
	loop_del_fd(x->fd2);
	loop_del_fd(x->fd2);
	loop_set_timer(x->timer, 20, 0);
}

static void on_stop(void *arg)
{
	loop_stop(((struct fixture *)arg)->l, 1);
}

static void test_delete_in_callback(void **state)
{
	struct fixture *x = *state;
	struct loop_fd *a = x->fd = loop_add_fd(x->l, x->pipe[0], EPOLLIN, on_first, x);
	struct loop_fd *b = x->fd2 = loop_add_fd(x->l, x->other[0], EPOLLIN, on_first, x);
	assert_ptr_not_equal(a, b);
	x->timer = loop_add_timer(x->l, on_stop, x);
	assert_int_equal(write(x->pipe[1], "x", 1), 1);
	assert_int_equal(write(x->other[1], "x", 1), 1);
	assert_int_equal(run(x), 1);
	assert_int_equal(x->calls, 1);
	x->fd = x->fd2 = NULL;
}

static void on_write(void *arg, uint32_t events)
{
	struct fixture *x = arg;
	assert_true(events & EPOLLOUT);
	if (++x->calls == 1) {
		loop_mod_fd(x->fd, 0);
		loop_set_timer(x->timer, 20, 0);
	}
}

static void test_modify(void **state)
{
	struct fixture *x = *state;
	x->timer = loop_add_timer(x->l, on_stop, x);
	x->fd = loop_add_fd(x->l, x->pipe[1], EPOLLOUT, on_write, x);
	assert_int_equal(run(x), 1);
	assert_int_equal(x->calls, 1);
}

/* -- timers -- */

static void on_a(void *arg)
{
	note(arg, 'a');
}

static void on_b(void *arg)
{
	note(arg, 'b');
}

static void test_timer_order(void **state)
{
	struct fixture *x = *state;
	struct loop_timer *a = loop_add_timer(x->l, on_a, x), *b = loop_add_timer(x->l, on_b, x);
	struct loop_timer *never = loop_add_timer(x->l, on_late, x), *end = loop_add_timer(x->l, on_stop, x);
	uint64_t began;
	do { /* again if the machine let us wait for so long that they would be due in another order */
		began = mono_ns();
		loop_set_timer(a, 40, 0);
		loop_set_timer(b, 10, 0); /* set later, due earlier */
		loop_set_timer(never, 20, 0);
		loop_stop_timer(never);
		loop_set_timer(end, 60, 0);
	} while (mono_ns() - began > 20 * 1000000ull);
	assert_int_equal(run(x), 1);
	assert_string_equal(x->log, "ba");
	assert_true(mono_ns() - began >= 60 * 1000000ull);
}

static void on_period(void *arg)
{
	struct fixture *x = arg;
	note(x, 'p');
	if (++x->calls == 4)
		loop_stop(x->l, 2);
}

static void test_period(void **state)
{
	struct fixture *x = *state;
	x->timer = loop_add_timer(x->l, on_period, x);
	loop_set_timer(x->timer, 5, 5);
	assert_int_equal(run(x), 2);
	assert_string_equal(x->log, "pppp");
}

static void on_suicide(void *arg)
{
	struct fixture *x = arg;
	x->calls++;
	loop_del_timer(x->timer);  /* itself */
	loop_del_timer(x->timer2); /* one that is due in this turn too, or was just called */
	x->timer = loop_add_timer(x->l, on_stop, x);
	loop_set_timer(x->timer, 10, 0);
}

static void test_timer_delete(void **state)
{
	struct fixture *x = *state;
	x->timer = loop_add_timer(x->l, on_suicide, x);
	x->timer2 = loop_add_timer(x->l, on_b, x);
	loop_set_timer(x->timer, 5, 5);
	loop_set_timer(x->timer2, 200, 0);
	assert_int_equal(run(x), 1);
	assert_int_equal(x->calls, 1);
	assert_string_equal(x->log, "");
}

/* A timer set to zero comes soon, but after the callback that set it: two that set each other do not starve the rest. */
static void on_again(void *arg)
{
	struct fixture *x = arg;
	x->calls++;
	loop_set_timer(x->timer, 0, 0);
}

static void test_timer_zero(void **state)
{
	struct fixture *x = *state;
	x->timer = loop_add_timer(x->l, on_again, x);
	loop_set_timer(x->timer, 0, 0);
	x->fd = loop_add_fd(x->l, x->pipe[0], EPOLLIN, on_read, x);
	assert_int_equal(write(x->pipe[1], "abc", 3), 3);
	assert_int_equal(run(x), 7);
}

/* -- signals -- */

static void on_signal(void *arg, int signo)
{
	struct fixture *x = arg;
	note(x, signo == SIGUSR1 ? '1' : '2');
	if (++x->calls == 2)
		loop_stop(x->l, 3);
}

static void test_signals(void **state)
{
	struct fixture *x = *state;
	sigset_t set, old;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, &old);
	loop_on_signal(x->l, SIGUSR1, on_signal, x);
	loop_on_signal(x->l, SIGUSR2, on_signal, x);
	kill(getpid(), SIGUSR1);
	kill(getpid(), SIGUSR2);
	assert_int_equal(run(x), 3);
	assert_string_equal(x->log, "12");
	sigprocmask(SIG_SETMASK, &old, NULL);
}

/* -- idle work -- */

static bool on_idle(void *arg)
{
	struct fixture *x = arg;
	if (++x->calls2 == 1000)
		loop_set_timer(x->timer, 10, 0);
	return x->calls2 < 1000;
}

/* Idle work goes on until it says it is done, and other events are served in between. */
static void test_idle(void **state)
{
	struct fixture *x = *state;
	x->timer = loop_add_timer(x->l, on_stop, x);
	x->idle = loop_add_idle(x->l, on_idle, x);
	x->fd = loop_add_fd(x->l, x->pipe[0], EPOLLIN, on_read, x);
	assert_int_equal(write(x->pipe[1], "ab", 2), 2);
	assert_int_equal(run(x), 1);
	assert_int_equal(x->calls2, 1000);
	assert_string_equal(x->log, "ab");
	loop_wake_idle(x->idle);
	loop_set_timer(x->timer, 10, 0);
	assert_int_equal(run(x), 1);
	assert_int_equal(x->calls2, 1001);
}

static bool on_idle_wake(void *arg)
{
	struct fixture *x = arg;
	if (++x->calls == 5)
		loop_stop(x->l, 4);
	else
		loop_wake_idle(x->idle); /* finds more to do while it is called */
	return false;
}

static void test_idle_wakes_itself(void **state)
{
	struct fixture *x = *state;
	x->idle = loop_add_idle(x->l, on_idle_wake, x);
	assert_int_equal(run(x), 4);
	assert_int_equal(x->calls, 5);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_fd),	      T(test_delete_in_callback), T(test_modify),  T(test_timer_order),
		T(test_period),	      T(test_timer_delete),	  T(test_timer_zero), T(test_signals),
		T(test_idle),	      T(test_idle_wakes_itself),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
