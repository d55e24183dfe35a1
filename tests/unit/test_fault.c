#include "fault.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* How a child ends that passes a point three times; -1 if it comes through. */
static int signal_of_child(const char *fault, const char *point, unsigned *ret_failed)
{
	int status;
	pid_t pid = fork();
	if (pid == 0) {
		unsigned failed = 0;
		setenv("WEIR_FAULT", fault, 1);
		fault_init();
		for (int i = 0; i < 3; i++) {
			FAULT(point);
			failed += FAULT_FAILS(point) && errno == ENOSPC;
		}
		_exit((int)failed);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (ret_failed)
		*ret_failed = WIFEXITED(status) ? (unsigned)WEXITSTATUS(status) : 0;
	return WIFSIGNALED(status) ? WTERMSIG(status) : -1;
}

static void test_kills(void **state)
{
	(void)state;
	assert_int_equal(signal_of_child("a.b", "a.b", NULL), SIGKILL);
	assert_int_equal(signal_of_child("x.y,a.b:3=kill", "a.b", NULL), SIGKILL);
	assert_int_equal(signal_of_child("a.b:4", "a.b", NULL), -1); /* passed only three times */
	assert_int_equal(signal_of_child("a.b", "a.c", NULL), -1);
	assert_int_equal(signal_of_child("a.b=explode", "a.b", NULL), -1);
}

static void test_fails(void **state)
{
	unsigned failed;
	(void)state;
	assert_int_equal(signal_of_child("a.b:2=enospc", "a.b", &failed), -1);
	assert_int_equal(failed, 1);
	setenv("WEIR_FAULT_TIMES", "2", 1);
	assert_int_equal(signal_of_child("a.b:2=enospc", "a.b", &failed), -1);
	assert_int_equal(failed, 2);
	assert_int_equal(signal_of_child("a.b=eio", "a.b", &failed), -1);
	assert_int_equal(failed, 0); /* it fails with another error */
	unsetenv("WEIR_FAULT_TIMES");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_kills), cmocka_unit_test(test_fails) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
