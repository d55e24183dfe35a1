/*
 * The one event loop: epoll with file descriptors, timers (one timerfd), signals (one signalfd) and deferred
 * work. Everything a process does happens in callbacks of its loop, in one thread.
 */
#ifndef WEIR_LOOP_H
#define WEIR_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

struct loop;
struct loop_fd;
struct loop_timer;

struct loop *loop_new(void);
void loop_free(struct loop *l);
/* Runs until loop_stop. Returns the code given to loop_stop. */
int loop_run(struct loop *l);
void loop_stop(struct loop *l, int code);
/* No other loop of this process has it, also not one that is made where this one was. */
uint64_t loop_id(const struct loop *l);
/* Turns of the loop so far: a watchdog asks whether it moved. */
uint64_t loop_turns(const struct loop *l);

/* Watches fd for events (EPOLLIN | EPOLLOUT, level-triggered). Does not own the fd. */
struct loop_fd *loop_add_fd(struct loop *l, int fd, uint32_t events, void (*cb)(void *arg, uint32_t events),
			    void *arg);
void loop_mod_fd(struct loop_fd *f, uint32_t events);
void loop_del_fd(struct loop_fd *f); /* safe inside any callback */

/* A timer on the monotonic clock; not running until set. One shot unless period_ms > 0. */
struct loop_timer *loop_add_timer(struct loop *l, void (*cb)(void *arg), void *arg);
void loop_set_timer(struct loop_timer *t, uint64_t delay_ms, uint64_t period_ms);
void loop_stop_timer(struct loop_timer *t);
void loop_del_timer(struct loop_timer *t); /* safe inside any callback */

/* Calls cb in the loop when the signal comes. The caller has blocked it. */
void loop_on_signal(struct loop *l, int signo, void (*cb)(void *arg, int signo), void *arg);

/*
 * Calls cb once per turn as long as it returns true: for work that can always go on (reading a file). The loop
 * then polls without waiting. loop_wake_idle arms it again after it returned false.
 */
struct loop_idle *loop_add_idle(struct loop *l, bool (*cb)(void *arg), void *arg);
void loop_wake_idle(struct loop_idle *i);

/* Monotonic and wall-clock nanoseconds. */
uint64_t mono_ns(void);
uint64_t wall_ns(void);

#endif
