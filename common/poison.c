#include "poison.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "buf.h"
#include "log.h"

#define MAGIC   0x31306e6f73696f70ull /* "poison01" */
#define TICKS   4                     /* of the timer that a hung record lives through */
#define ALTSTACK (64u << 10)          /* a crash may be for lack of stack */

struct mark {
	uint64_t epoch, seq;
	uint32_t what, times; /* enum poison_verdict */
	char stream[48], name[48];
};

struct word {
	uint64_t magic;
	uint32_t next, pad; /* mark to be written when all are taken */
	struct mark marks[POISON_MARKS];
};

struct poison {
	struct word *word;
	unsigned n_marks; /* from lives before: most often none. Who adds one dies */
	pthread_t thread; /* whose work is watched */
	uint64_t watchdog;
	timer_t timer;
	const char *stream, *name; /* what is worked on */
	uint64_t epoch, seq;
	struct mark *again; /* the mark that this record has */
	volatile sig_atomic_t active, ticking, same;
	volatile uint64_t serial, seen; /* pieces of work */
};

static struct poison *guard;

/* -- in signal handlers: no allocation, no lock -- */

static bool same_text(const char *kept, const char *text)
{
	return strncmp(kept, text, sizeof((struct mark *)NULL)->stream - 1) == 0;
}

static struct mark *find(const struct poison *p, const char *stream, uint64_t epoch, uint64_t seq, const char *name)
{
	for (struct mark *m = p->word->marks; m < p->word->marks + p->n_marks; m++)
		if (m->times && m->seq == seq && m->epoch == epoch && same_text(m->stream, stream) && same_text(m->name, name))
			return m;
	return NULL;
}

static void set_mark(struct poison *p, enum poison_verdict what)
{
	struct mark *m = find(p, p->stream, p->epoch, p->seq, p->name);
	if (!m) {
		m = &p->word->marks[p->word->next];
		p->word->next = (p->word->next + 1) % POISON_MARKS;
		memset(m, 0, sizeof *m);
		m->epoch = p->epoch;
		m->seq = p->seq;
		strncpy(m->stream, p->stream, sizeof m->stream - 1);
		strncpy(m->name, p->name, sizeof m->name - 1);
	}
	m->what = what;
	m->times++;
}

static void die(int signo)
{
	signal(signo, SIG_DFL);
	raise(signo);
}

static void on_crash(int signo, siginfo_t *info, void *context)
{
	struct poison *p = guard;
	bool ours = info->si_code > 0 || info->si_pid == getpid(); /* not sent by somebody else */
	(void)context;
	if (p && p->active && ours && pthread_equal(pthread_self(), p->thread)) {
		p->active = 0;
		set_mark(p, POISON_CRASHED);
	}
	die(signo);
}

static void set_timer(struct poison *p, uint64_t ns)
{
	struct timespec t = { (time_t)(ns / 1000000000u), (long)(ns % 1000000000u) };
	timer_settime(p->timer, 0, &(struct itimerspec){ t, t }, NULL);
	p->ticking = ns != 0;
}

static void on_tick(int signo)
{
	struct poison *p = guard;
	int saved = errno;
	(void)signo;
	if (p->seen != p->serial) {
		p->seen = p->serial;
		p->same = 0;
	} else if (++p->same >= TICKS && p->active) {
		p->active = 0;
		set_mark(p, POISON_TIMED_OUT);
		die(SIGABRT);
	} else if (!p->active) {
		set_timer(p, 0); /* nothing to do: no need to wake up */
	}
	errno = saved;
}

/* -- */

static void install(struct poison *p)
{
	static const int crashes[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };
	struct sigaction sa = { .sa_sigaction = on_crash, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER };
	stack_t stack = { .ss_sp = xmalloc(ALTSTACK), .ss_size = ALTSTACK };
	sigaltstack(&stack, NULL);
	for (unsigned i = 0; i < sizeof crashes / sizeof *crashes; i++)
		sigaction(crashes[i], &sa, NULL);
	struct sigaction tick = { .sa_handler = on_tick, .sa_flags = SA_RESTART | SA_ONSTACK };
	sigaction(SIGALRM, &tick, NULL);
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM };
	if (timer_create(CLOCK_MONOTONIC, &ev, &p->timer) < 0)
		fatal("timer_create");
}

struct poison *poison_open(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	void *m = MAP_FAILED;
	if (fd >= 0 && ftruncate(fd, sizeof(struct word)) == 0)
		m = mmap(NULL, sizeof(struct word), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (m == MAP_FAILED)
		log_warn("%s: %s: records that crash cannot be told", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	if (m == MAP_FAILED)
		return NULL;
	struct poison *p = xcalloc(1, sizeof *p);
	p->word = m;
	if (p->word->magic != MAGIC || p->word->next >= POISON_MARKS) {
		memset(p->word, 0, sizeof *p->word);
		p->word->magic = MAGIC;
	}
	for (unsigned i = 0; i < POISON_MARKS; i++) {
		struct mark *k = &p->word->marks[i];
		k->stream[sizeof k->stream - 1] = k->name[sizeof k->name - 1] = '\0';
		if (!k->times)
			continue;
		p->n_marks = i + 1;
		log_info("record %llu of %s %s%s%s %u times", (unsigned long long)k->seq, k->stream,
			 k->what == POISON_TIMED_OUT ? "took too long" : "crashed", *k->name ? " in " : "", k->name, k->times);
	}
	p->thread = pthread_self();
	guard = p;
	install(p);
	return p;
}

void poison_watchdog(struct poison *p, uint64_t ns)
{
	if (p)
		p->watchdog = ns;
}

/* Only this thread may take the signal: those that began earlier, or begin later, have it blocked. */
static void start_ticking(struct poison *p)
{
	sigset_t alarm;
	sigemptyset(&alarm);
	sigaddset(&alarm, SIGALRM);
	p->same = 0;
	set_timer(p, p->watchdog / TICKS);
	pthread_sigmask(SIG_UNBLOCK, &alarm, NULL);
}

void poison_enter(struct poison *p, const char *stream, uint64_t epoch, uint64_t seq, const char *name)
{
	if (!p)
		return;
	p->stream = stream;
	p->name = name;
	p->epoch = epoch;
	p->seq = seq;
	p->again = find(p, stream, epoch, seq, name);
	p->serial++;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	p->active = 1;
	if (!p->ticking && p->watchdog)
		start_ticking(p);
}

void poison_leave(struct poison *p)
{
	if (!p)
		return;
	p->active = 0;
	if (p->again)
		p->again->times = 0;
}

enum poison_verdict poison_ask(const struct poison *p, const char *stream, uint64_t epoch, uint64_t seq, const char *name)
{
	const struct mark *m = p ? find(p, stream, epoch, seq, name) : NULL;
	if (!m)
		return POISON_NONE;
	return m->times > 1 ? (enum poison_verdict)m->what : POISON_ONCE;
}

unsigned poison_count(const struct poison *p, const char *name)
{
	unsigned n = 0;
	for (unsigned i = 0; p && i < POISON_MARKS; i++)
		n += p->word->marks[i].times > 1 && same_text(p->word->marks[i].name, name);
	return n;
}
