#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "poison.h"

static char path[64];

enum how { CRASH, OVERFLOW, HANG, OUTSIDE, IDLE, FINE };

static int deeper(volatile char *above, int n)
{
	volatile char here[4096];
	here[n % 4096] = above[0];
	return n < 0 ? 0 : deeper(here, n + 1) + here[1];
}

/* A process's life: works on record seq and comes to its end. Returns how it ended. */
static int live(enum how how, uint64_t seq, const char *name)
{
	pid_t pid = fork();
	if (pid == 0) {
		volatile char c = 0;
		struct poison *p = poison_open(path);
		close(STDERR_FILENO);
		poison_watchdog(p, 80000000);
		poison_enter(p, "lan", 7, seq, name);
		if (how == FINE || how == IDLE)
			poison_leave(p);
		if (how == CRASH || how == IDLE)
			raise(SIGSEGV);
		if (how == OVERFLOW)
			deeper(&c, 0);
		while (how == HANG || how == OUTSIDE)
			if (how == OUTSIDE)
				poison_enter(p, "lan", 7, seq, name); /* work goes on */
		_exit(0);
	}
	int status;
	if (how == OUTSIDE) {
		usleep(200000);
		kill(pid, SIGABRT);
	}
	waitpid(pid, &status, 0);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

/* What the next life would be told. */
static enum poison_verdict known(uint64_t seq, const char *name)
{
	int status;
	pid_t pid = fork();
	if (pid == 0)
		_exit((int)poison_ask(poison_open(path), "lan", 7, seq, name));
	waitpid(pid, &status, 0);
	return (enum poison_verdict)WEXITSTATUS(status);
}

static int setup(void **state)
{
	(void)state;
	snprintf(path, sizeof path, "/tmp/test_poison.%d", (int)getpid());
	unlink(path);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	return unlink(path);
}

static void test_twice(void **state)
{
	(void)state;
	assert_int_equal(live(CRASH, 5, ""), SIGSEGV);
	assert_int_equal(known(5, ""), POISON_ONCE);
	assert_int_equal(known(6, ""), POISON_NONE);
	live(CRASH, 5, "");
	assert_int_equal(known(5, ""), POISON_CRASHED);
	assert_int_equal(known(5, "script"), POISON_NONE);
}

static void test_hang(void **state)
{
	(void)state;
	assert_int_equal(live(HANG, 5, "a.lua"), SIGABRT);
	assert_int_equal(known(5, "a.lua"), POISON_ONCE);
	live(HANG, 5, "a.lua");
	assert_int_equal(known(5, "a.lua"), POISON_TIMED_OUT);
}

/* The handler has a stack of its own. */
static void test_stack(void **state)
{
	(void)state;
	assert_int_equal(live(OVERFLOW, 5, ""), SIGSEGV);
	assert_int_equal(known(5, ""), POISON_ONCE);
}

static void test_no_mark(void **state)
{
	(void)state;
	assert_int_equal(live(OUTSIDE, 5, ""), SIGABRT); /* sent by somebody else, with work that goes on */
	assert_int_equal(live(IDLE, 5, ""), SIGSEGV);    /* not while working */
	assert_int_equal(known(5, ""), POISON_NONE);
}

static void test_second_try_works(void **state)
{
	(void)state;
	live(CRASH, 5, "");
	assert_int_equal(live(FINE, 5, ""), 0);
	assert_int_equal(known(5, ""), POISON_NONE);
}

static void test_many(void **state)
{
	(void)state;
	for (uint64_t seq = 1; seq <= 40; seq++) {
		live(CRASH, seq, "b.lua");
		live(CRASH, seq, "b.lua");
	}
	assert_int_equal(known(40, "b.lua"), POISON_CRASHED);
	assert_int_equal(known(1, "b.lua"), POISON_NONE); /* the oldest made room */
	int status;
	pid_t pid = fork();
	if (pid == 0)
		_exit((int)poison_count(poison_open(path), "b.lua"));
	waitpid(pid, &status, 0);
	assert_int_equal(WEXITSTATUS(status), 32);
}

/* A file of another kind is begun anew. */
static void test_garbage(void **state)
{
	int fd = open(path, O_WRONLY | O_CREAT, 0600);
	char junk[6000];
	(void)state;
	memset(junk, 0xff, sizeof junk);
	assert_int_equal(write(fd, junk, sizeof junk), sizeof junk);
	close(fd);
	assert_int_equal(known(5, ""), POISON_NONE);
	live(CRASH, 5, "");
	assert_int_equal(known(5, ""), POISON_ONCE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_twice, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hang, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stack, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_mark, setup, teardown),
		cmocka_unit_test_setup_teardown(test_second_try_works, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many, setup, teardown),
		cmocka_unit_test_setup_teardown(test_garbage, setup, teardown),
	};
	return cmocka_run_group_tests_name("poison", tests, NULL, NULL);
}
