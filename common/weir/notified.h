/* The service manager's side of sd_notify(3): processes say that they are ready and that they are alive. */
#ifndef WEIR_NOTIFIED_H
#define WEIR_NOTIFIED_H

#include <stdbool.h>
#include <sys/types.h>

struct notified {
	pid_t pid; /* of the sender, as the kernel tells */
	bool ready, alive;
};

/* Opens the socket and puts its name into the environment of what is started from now on. The fd, or -1 with errno. */
int notified_open(void);
/* The next message. false: there is none. */
bool notified_read(int fd, struct notified *ret);

#endif
