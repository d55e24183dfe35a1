#include "mailbox.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "buf.h"
#include "io.h"
#include "log.h"

struct letter {
	struct letter *next;
	void (*fn)(void *arg);
	void *arg;
};

struct mailbox {
	pthread_mutex_t lock;
	struct letter *first, **last;
	int fd;
	struct loop_fd *lfd;
};

static struct letter *take(struct mailbox *m)
{
	pthread_mutex_lock(&m->lock);
	struct letter *l = m->first;
	if (l) {
		m->first = l->next;
		if (!m->first)
			m->last = &m->first;
	}
	pthread_mutex_unlock(&m->lock);
	return l;
}

static void on_event(void *arg, uint32_t events)
{
	struct mailbox *m = arg;
	struct letter *l;
	uint64_t n;
	(void)events;
	if (io_read(m->fd, &n, sizeof n) < 0 && errno != EAGAIN)
		log_warn("mailbox: read");
	while ((l = take(m)) != NULL) {
		l->fn(l->arg);
		free(l);
	}
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
	struct letter *l;
	if (!m)
		return;
	loop_del_fd(m->lfd);
	while ((l = take(m)) != NULL)
		free(l);
	close(m->fd);
	pthread_mutex_destroy(&m->lock);
	free(m);
}

void mailbox_post(struct mailbox *m, void (*fn)(void *arg), void *arg)
{
	struct letter *l = xcalloc(1, sizeof *l);
	uint64_t one = 1;
	l->fn = fn;
	l->arg = arg;
	pthread_mutex_lock(&m->lock);
	bool alone = !m->first; /* else the loop has been woken, and takes all there is */
	*m->last = l;
	m->last = &l->next;
	pthread_mutex_unlock(&m->lock);
	if (alone && io_write(m->fd, &one, sizeof one) < 0 && errno != EAGAIN)
		log_warn("mailbox: write");
}
