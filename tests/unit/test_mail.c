/* Logins to mail servers: which were refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "classify/mail.h"

static void test_refused(void **state)
{
	(void)state;
	static const struct {
		enum mail_kind kind;
		bool failed;
		const char *said[8]; /* server and client in turn */
	} rows[] = {
		{ MAIL_POP, true, { "+OK hello\r\n", "USER a\r\n", "+OK\r\n", "PASS b\r\n", "-ERR no\r\n" } },
		{ MAIL_POP, false, { "+OK hello\r\n", "USER a\r\n", "+OK\r\n", "PASS b\r\n", "+OK\r\n", "RETR 9\r\n", "-ERR none\r\n" } },
		{ MAIL_POP, true, { "+OK\r\n", "AUTH PLAIN\r\n", "+ \r\n", "AGEAYg==\r\n", "-ERR no\r\n" } },
		{ MAIL_POP, true, { "+OK\r\n", "PASS b\r\n", "-ERR\r\n", "PASS c\r\n", "+OK\r\n" } }, /* once is enough */
		{ MAIL_IMAP, true, { "* OK\r\n", "a1 login x y\r\n", "* note\r\na1 NO wrong\r\n" } },
		{ MAIL_IMAP, false, { "* OK\r\n", "a1 LOGIN x y\r\n", "a1 OK\r\n", "a2 SELECT z\r\n", "a2 NO none\r\n" } },
		{ MAIL_IMAP, false, { "* OK\r\n", "a1 LOGIN x y\r\n", "a11 NO other\r\n" } },
		{ MAIL_IMAP, true, { "* OK\r\n", "t AUTHENTICATE PLAIN\r\n", "+ \r\n", "AGEAYg==\r\n", "t NO\r\n" } },
		{ MAIL_SMTP, true, { "220\r\n", "EHLO x\r\n", "250\r\n", "AUTH LOGIN\r\n", "334 x\r\n", "eA==\r\n", "535 5.7.8\r\n" } },
		{ MAIL_SMTP, false, { "220\r\n", "AUTH PLAIN AGEAYg==\r\n", "235\r\n", "MAIL FROM:<x>\r\n", "535 odd\r\n" } },
		{ MAIL_SMTP, false, { "535\r\n", "QUIT\r\n", "535\r\n" } },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct mail m = { .kind = rows[i].kind };
		for (size_t n = 0; n < 8 && rows[i].said[n]; n++)
			mail_feed(&m, n % 2 == 0, (const uint8_t *)rows[i].said[n], strlen(rows[i].said[n]));
		if (m.failed != rows[i].failed)
			fail_msg("row %zu", i);
	}
}

/* A tag as long as there is room for, longer, and none. */
static void test_tags(void **state)
{
	(void)state;
	for (size_t n = 0; n <= MAIL_MAX_TAG + 1; n++) {
		struct mail m = { .kind = MAIL_IMAP };
		char *line = malloc(n + 16);
		memset(line, 'x', n);
		memcpy(line + n, " LOGIN a b", 10);
		mail_feed(&m, false, (const uint8_t *)line, n + 10);
		memcpy(line + n, " NO", 3);
		mail_feed(&m, true, (const uint8_t *)line, n + 3);
		free(line);
		assert_int_equal(m.failed, n > 0 && n < MAIL_MAX_TAG);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_refused), cmocka_unit_test(test_tags) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
