/*
 * Loaded into each process (soak/clock.sh, proc/0068-clock.sh): the wall clock is off by as many seconds as the file $CLOCK says at
 * that moment, for the packets of an interface too.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define LEN 32

static const char *text;

/* The file is written in place. Opened before there is a sandbox. */
__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("CLOCK");
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	void *p = fd >= 0 ? mmap(NULL, LEN, PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;
	if (fd >= 0)
		close(fd);
	text = p == MAP_FAILED ? NULL : p;
}

static long off(void)
{
	return text ? strtol(text, NULL, 10) : 0;
}

int clock_gettime(clockid_t id, struct timespec *ts)
{
	static int (*real)(clockid_t, struct timespec *);
	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
	int rc = real(id, ts);
	if (rc == 0 && id == CLOCK_REALTIME)
		ts->tv_sec += off();
	return rc;
}

int gettimeofday(struct timeval *tv, void *zone)
{
	struct timespec ts;
	(void)zone;
	int rc = clock_gettime(CLOCK_REALTIME, &ts);
	*tv = (struct timeval){ ts.tv_sec, ts.tv_nsec / 1000 };
	return rc;
}

time_t time(time_t *ret)
{
	struct timespec ts;
	clock_gettime(CLOCK_REALTIME, &ts);
	if (ret)
		*ret = ts.tv_sec;
	return ts.tv_sec;
}

struct wrapped {
	pcap_handler cb;
	u_char *arg;
};

static void on_packet(u_char *arg, const struct pcap_pkthdr *h, const u_char *data)
{
	struct wrapped *w = (void *)arg;
	struct pcap_pkthdr moved = *h;
	moved.ts.tv_sec += off();
	w->cb(w->arg, &moved, data);
}

int pcap_dispatch(pcap_t *p, int n, pcap_handler cb, u_char *arg)
{
	static int (*real)(pcap_t *, int, pcap_handler, u_char *);
	struct wrapped w = { cb, arg };
	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "pcap_dispatch");
	return real(p, n, on_packet, (u_char *)&w);
}
