#include "loop.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "buf.h"
#include "io.h"
#include "log.h"

#define MAX_EVENTS 64

struct loop_fd {
	struct loop *loop;
	struct loop_fd *next_dead;
	void (*cb)(void *arg, uint32_t events);
	void *arg;
	int fd;
	bool dead;
};

struct loop_timer {
	struct loop *loop;
	struct loop_timer *next;
	void (*cb)(void *arg);
	void *arg;
	uint64_t at;     /* mono ns, 0 = not running */
	uint64_t period; /* ns */
	bool dead;
};

struct loop_idle {
	struct loop_idle *next;
	bool (*cb)(void *arg);
	void *arg;
	bool armed;
};

struct signal_cb {
	void (*cb)(void *arg, int signo);
	void *arg;
};

struct loop {
	int ep, timer_fd, signal_fd;
	uint64_t timer_armed; /* what timer_fd is set to */
	uint64_t turns, id;
	bool stopped;
	int code;
	struct loop_timer *timers;
	struct loop_idle *idles;
	struct loop_fd *own[2]; /* of the timer and the signal fd */
	struct loop_fd *dead; /* freed after the turn: the events at hand may still name them */
	sigset_t mask;
	struct signal_cb signals[_NSIG];
};

uint64_t mono_ns(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

uint64_t wall_ns(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* -- file descriptors -- */

struct loop_fd *loop_add_fd(struct loop *l, int fd, uint32_t events, void (*cb)(void *arg, uint32_t events),
			    void *arg)
{
	struct loop_fd *f = xcalloc(1, sizeof *f);
	*f = (struct loop_fd){ .loop = l, .cb = cb, .arg = arg, .fd = fd };
	struct epoll_event ev = { .events = events, .data.ptr = f };
	if (epoll_ctl(l->ep, EPOLL_CTL_ADD, fd, &ev) < 0)
		fatal("epoll_ctl");
	return f;
}

void loop_mod_fd(struct loop_fd *f, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = f };
	if (epoll_ctl(f->loop->ep, EPOLL_CTL_MOD, f->fd, &ev) < 0)
		fatal("epoll_ctl");
}

void loop_del_fd(struct loop_fd *f)
{
	if (!f || f->dead)
		return;
	epoll_ctl(f->loop->ep, EPOLL_CTL_DEL, f->fd, NULL);
	f->dead = true;
	f->next_dead = f->loop->dead;
	f->loop->dead = f;
}

static void free_dead_fds(struct loop *l)
{
	while (l->dead) {
		struct loop_fd *f = l->dead;
		l->dead = f->next_dead;
		free(f);
	}
}

/* -- timers: a handful per process, so a list is enough -- */

struct loop_timer *loop_add_timer(struct loop *l, void (*cb)(void *arg), void *arg)
{
	struct loop_timer *t = xcalloc(1, sizeof *t);
	*t = (struct loop_timer){ .loop = l, .cb = cb, .arg = arg, .next = l->timers };
	l->timers = t;
	return t;
}

static void arm(struct loop *l, uint64_t at)
{
	struct itimerspec its = { .it_value = { (time_t)(at / 1000000000u), (long)(at % 1000000000u) } };
	if (l->timer_armed == at)
		return;
	l->timer_armed = at;
	if (timerfd_settime(l->timer_fd, TFD_TIMER_ABSTIME, &its, NULL) < 0)
		fatal("timerfd_settime");
}

void loop_set_timer(struct loop_timer *t, uint64_t delay_ms, uint64_t period_ms)
{
	t->at = mono_ns() + (delay_ms ? delay_ms : 1) * 1000000u;
	t->period = period_ms * 1000000u;
	if (!t->loop->timer_armed || t->at < t->loop->timer_armed)
		arm(t->loop, t->at);
}

void loop_stop_timer(struct loop_timer *t)
{
	t->at = 0;
}

void loop_del_timer(struct loop_timer *t)
{
	if (t) {
		t->at = 0;
		t->dead = true;
	}
}

static void on_timer(void *arg, uint32_t events)
{
	(void)events;
	struct loop *l = arg;
	uint64_t n;
	if (io_read(l->timer_fd, &n, sizeof n) < 0 && errno != EAGAIN)
		log_warn("timerfd");
	uint64_t now = mono_ns(), next = 0;
	/* A callback may add timers at the front of the list: they are seen in the second pass only. */
	for (struct loop_timer *t = l->timers; t; t = t->next) {
		if (t->dead || !t->at || t->at > now)
			continue;
		t->at = t->period ? now + t->period : 0;
		t->cb(t->arg);
	}
	for (struct loop_timer **p = &l->timers; *p;) {
		struct loop_timer *t = *p;
		if (t->dead) {
			*p = t->next;
			free(t);
			continue;
		}
		if (t->at && (!next || t->at < next))
			next = t->at;
		p = &t->next;
	}
	arm(l, next);
}

/* -- signals -- */

static void on_signal_fd(void *arg, uint32_t events)
{
	(void)events;
	struct loop *l = arg;
	struct signalfd_siginfo si;
	while (read(l->signal_fd, &si, sizeof si) == sizeof si) {
		struct signal_cb *s = &l->signals[si.ssi_signo];
		if (s->cb)
			s->cb(s->arg, (int)si.ssi_signo);
	}
}

void loop_on_signal(struct loop *l, int signo, void (*cb)(void *arg, int signo), void *arg)
{
	bool first = l->signal_fd < 0;
	sigaddset(&l->mask, signo);
	l->signals[signo] = (struct signal_cb){ cb, arg };
	l->signal_fd = signalfd(l->signal_fd, &l->mask, SFD_NONBLOCK | SFD_CLOEXEC);
	if (l->signal_fd < 0)
		fatal("signalfd");
	if (first)
		l->own[1] = loop_add_fd(l, l->signal_fd, EPOLLIN, on_signal_fd, l);
}

/* -- idle work -- */

struct loop_idle *loop_add_idle(struct loop *l, bool (*cb)(void *arg), void *arg)
{
	struct loop_idle *i = xcalloc(1, sizeof *i);
	*i = (struct loop_idle){ .cb = cb, .arg = arg, .armed = true, .next = l->idles };
	l->idles = i;
	return i;
}

void loop_wake_idle(struct loop_idle *i)
{
	i->armed = true;
}

static bool run_idles(struct loop *l)
{
	bool more = false;
	for (struct loop_idle *i = l->idles; i; i = i->next)
		if (i->armed) {
			i->armed = false; /* before the call: the callback may wake itself */
			if (i->cb(i->arg))
				i->armed = true;
			more |= i->armed;
		}
	return more;
}

static bool any_idle(const struct loop *l)
{
	for (const struct loop_idle *i = l->idles; i; i = i->next)
		if (i->armed)
			return true;
	return false;
}

/* -- the loop -- */

struct loop *loop_new(void)
{
	static uint64_t last;
	struct loop *l = xcalloc(1, sizeof *l);
	l->id = __atomic_add_fetch(&last, 1, __ATOMIC_RELAXED);
	l->signal_fd = -1;
	sigemptyset(&l->mask);
	l->ep = epoll_create1(EPOLL_CLOEXEC);
	l->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (l->ep < 0 || l->timer_fd < 0)
		fatal("loop");
	l->own[0] = loop_add_fd(l, l->timer_fd, EPOLLIN, on_timer, l);
	return l;
}

void loop_free(struct loop *l)
{
	if (!l)
		return;
	free_dead_fds(l);
	free(l->own[0]);
	free(l->own[1]);
	while (l->timers) {
		struct loop_timer *t = l->timers;
		l->timers = t->next;
		free(t);
	}
	while (l->idles) {
		struct loop_idle *i = l->idles;
		l->idles = i->next;
		free(i);
	}
	close(l->timer_fd);
	if (l->signal_fd >= 0)
		close(l->signal_fd);
	close(l->ep);
	free(l);
}

static void turn(struct loop *l, int timeout)
{
	struct epoll_event ev[MAX_EVENTS];
	int n = epoll_wait(l->ep, ev, MAX_EVENTS, timeout);
	if (n < 0 && errno != EINTR)
		fatal("epoll_wait");
	l->turns++;
	for (int i = 0; i < n && !l->stopped; i++) { /* who stopped it may have freed what the others need */
		struct loop_fd *f = ev[i].data.ptr;
		if (!f->dead)
			f->cb(f->arg, ev[i].events);
	}
	free_dead_fds(l);
}

int loop_run(struct loop *l)
{
	l->stopped = false;
	while (!l->stopped) {
		turn(l, any_idle(l) ? 0 : -1);
		if (!l->stopped)
			run_idles(l);
	}
	return l->code;
}

void loop_stop(struct loop *l, int code)
{
	l->stopped = true;
	l->code = code;
}

uint64_t loop_id(const struct loop *l)
{
	return l->id;
}

uint64_t loop_turns(const struct loop *l)
{
	return l->turns;
}
