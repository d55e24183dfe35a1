#include "spawner.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log.h"

struct spawner {
	int fd;
	pid_t pid;
	struct loop_fd *lfd;
	struct spawner_ops ops;
	void *arg;
	struct buf in, out;
	size_t sent; /* of out */
	bool dead;
};

struct spawner *spawner_start(const struct topo *t)
{
	int fds[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) < 0) {
		log_error("socketpair: %s", strerror(errno));
		return NULL;
	}
	pid_t pid = fork();
	if (pid < 0) {
		log_error("fork: %s", strerror(errno));
		close(fds[0]);
		close(fds[1]);
		return NULL;
	}
	if (pid == 0) {
		close(fds[0]);
		spawner_child(fds[1], t);
	}
	close(fds[1]);
	struct spawner *s = xcalloc(1, sizeof *s);
	s->fd = fds[0];
	s->pid = pid;
	return s;
}

static void died(struct spawner *s)
{
	int status = 0;
	if (s->dead)
		return;
	s->dead = true;
	loop_del_fd(s->lfd);
	s->lfd = NULL;
	if (waitpid(s->pid, &status, WNOHANG) == s->pid && WIFSIGNALED(status))
		log_error("the spawner (pid %d) was killed by signal %d", (int)s->pid, WTERMSIG(status));
	else
		log_error("the spawner (pid %d) is gone", (int)s->pid);
	s->ops.died(s->arg);
}

static void write_out(struct spawner *s)
{
	while (s->sent < s->out.len) {
		ssize_t n = send(s->fd, s->out.p + s->sent, s->out.len - s->sent, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN) {
			died(s);
			return;
		}
		if (n < 0)
			break;
		s->sent += (size_t)n;
	}
	if (s->sent == s->out.len) {
		s->sent = 0;
		buf_reset(&s->out);
	}
	loop_mod_fd(s->lfd, EPOLLIN | (s->out.len ? EPOLLOUT : 0));
}

static void take_reports(struct spawner *s)
{
	size_t pos = 0;
	struct spawn_report rep;
	while (s->in.len - pos >= sizeof rep) {
		memcpy(&rep, s->in.p + pos, sizeof rep);
		if (rep.len > SPAWN_OUTPUT || rep.end > SPAWN_REFUSED) {
			log_error("the spawner talks nonsense");
			died(s);
			return;
		}
		if (s->in.len - pos - sizeof rep < rep.len)
			break;
		struct spawn_result r = { rep.job, (enum spawn_end)rep.end, rep.code, s->in.p + pos + sizeof rep, rep.len };
		pos += sizeof rep + rep.len;
		s->ops.done(s->arg, &r);
	}
	memmove(s->in.p, s->in.p + pos, s->in.len - pos);
	s->in.len -= pos;
}

static void on_socket(void *arg, uint32_t events)
{
	struct spawner *s = arg;
	if (events & EPOLLOUT)
		write_out(s);
	if (s->dead || !(events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		return;
	buf_reserve(&s->in, 65536);
	ssize_t n = read(s->fd, s->in.p + s->in.len, 65536);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		died(s);
		return;
	}
	s->in.len += (size_t)n;
	take_reports(s);
}

void spawner_attach(struct spawner *s, struct loop *l, const struct spawner_ops *ops, void *arg)
{
	s->ops = *ops;
	s->arg = arg;
	s->lfd = loop_add_fd(l, s->fd, EPOLLIN, on_socket, s);
}

int spawner_run(struct spawner *s, uint32_t job, unsigned n, const char *env, size_t env_len, const char *doc,
		size_t doc_len)
{
	struct spawn_order o = { job, n, (uint32_t)env_len, (uint32_t)doc_len };
	if (s->dead || env_len > SPAWN_MAX_ENV || doc_len > SPAWN_MAX_DOC)
		return -1;
	bool idle = s->out.len == 0;
	buf_add(&s->out, &o, sizeof o);
	buf_add(&s->out, env, env_len);
	buf_add(&s->out, doc, doc_len);
	/* Written when the loop finds the socket writable: not here, so that a failure is not told inside this call. */
	if (idle)
		loop_mod_fd(s->lfd, EPOLLIN | EPOLLOUT);
	return 0;
}

void spawner_free(struct spawner *s)
{
	if (!s)
		return;
	loop_del_fd(s->lfd);
	close(s->fd);
	buf_release(&s->in);
	buf_release(&s->out);
	free(s);
}
