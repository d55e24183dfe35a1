/*
 * without CALL... -- PROGRAM ARGUMENT...: runs a program as on a kernel that lacks these system calls. For tests; link with
 * -lseccomp.
 */
#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	int i = 1;
	for (; i < argc && strcmp(argv[i], "--") != 0; i++) {
		int nr = seccomp_syscall_resolve_name(argv[i]);
		if (nr == __NR_SCMP_ERROR || seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), nr, 0) < 0) {
			fprintf(stderr, "without: %s: no such call\n", argv[i]);
			return 2;
		}
	}
	if (i + 1 >= argc || seccomp_load(ctx) < 0) {
		perror("without");
		return 2;
	}
	execvp(argv[i + 1], argv + i + 1);
	perror(argv[i + 1]);
	return 2;
}
