#include "mailbox.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "buf.h"
#include "io.h"
#include "log.h"

struct mailbox {
	pthread_mutex_t lock;
	struct letter *first, **last;
	int fd;
	struct loop_fd *lfd;
};

/* Its owner may be gone when it has been called: *ret is what it says. False if there is none. */
static bool take(struct mailbox *m, struct letter *ret)
{
	pthread_mutex_lock(&m->lock);
	struct letter *l = m->first;
	if (l) {
		m->first = l->next;
		if (!m->first)
			m->last = &m->first;
		l->waiting = false;
		*ret = *l;
	}
	pthread_mutex_unlock(&m->lock);
	if (l && ret->own)
		free(l);
	return l != NULL;
}

static void on_event(void *arg, uint32_t events)
{
	struct mailbox *m = arg;
	struct letter l;
	uint64_t n;
	(void)events;
	if (io_read(m->fd, &n, sizeof n) < 0 && errno != EAGAIN)
		log_warn("mailbox: read");
	while (take(m, &l))
		l.fn(l.arg);
}

struct mailbox *mailbox_new(struct loop *l)
{
	struct mailbox *m = xcalloc(1, sizeof *m);
	pthread_mutex_init(&m->lock, NULL);
	m->last = &m->first;
	m->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (m->fd < 0)
		fatal("eventfd");
	m->lfd = loop_add_fd(l, m->fd, EPOLLIN, on_event, m);
	return m;
}

void mailbox_free(struct mailbox *m)
{
	struct letter l;
	if (!m)
		return;
	loop_del_fd(m->lfd);
	while (take(m, &l))
		;
	close(m->fd);
	pthread_mutex_destroy(&m->lock);
	free(m);
}

void mailbox_put(struct mailbox *m, struct letter *l)
{
	uint64_t one = 1;
	pthread_mutex_lock(&m->lock);
	bool alone = !m->first; /* else the loop has been woken, and takes all there is */
	if (!l->waiting) {
		l->waiting = true;
		l->next = NULL;
		*m->last = l;
		m->last = &l->next;
	}
	pthread_mutex_unlock(&m->lock);
	if (alone && io_write(m->fd, &one, sizeof one) < 0 && errno != EAGAIN)
		log_warn("mailbox: write");
}

void mailbox_post(struct mailbox *m, void (*fn)(void *arg), void *arg)
{
	struct letter *l = xcalloc(1, sizeof *l);
	*l = (struct letter){ .fn = fn, .arg = arg, .own = true };
	mailbox_put(m, l);
}

void mailbox_take_back(struct mailbox *m, struct letter *l)
{
	pthread_mutex_lock(&m->lock);
	for (struct letter **p = &m->first; *p; p = &(*p)->next)
		if (*p == l) {
			*p = l->next;
			if (!*p)
				m->last = p;
			break;
		}
	l->waiting = false;
	pthread_mutex_unlock(&m->lock);
}
