#include "watch.h"

#include <stdio.h>
#include <stdlib.h>

#include "buf.h"
#include "codec.h"
#include "health.h"
#include "link.h"

#define LOOK_MS  10000
#define ASK_MS   5000
#define MINUTE   60000000000ull
#define MAX_WATCHED 80

struct watched {
	struct watch *w;
	char *url;
	bool asking;
};

struct watch {
	struct loop *loop;
	struct loop_timer *timer;
	struct watched watched[MAX_WATCHED];
	struct health_process health[MAX_WATCHED];
	size_t n;
	uint64_t reported;
	void (*tell)(void *arg, const struct engine_health *h);
	void *arg;
};

static void on_answer(void *arg, const struct g_answer *a, struct codec_reader *r)
{
	struct watched *one = arg;
	struct health_process *h = &one->w->health[one - one->w->watched];
	struct r_process p;
	struct r_metric m;
	char name[64];
	one->asking = false;
	if (!a || a->status != 200 || codec_peek(r) != R_PROCESS || codec_read(r, &p) != 1)
		return;
	health_answer(h, mono_ns(), &p.process);
	while (codec_peek(r) == R_METRIC && codec_read(r, &m) == 1) {
		snprintf(name, sizeof name, "%.*s", (int)m.metric.name.len, str_ptr(r->base, m.metric.name));
		health_metric(h, name, m.metric.value);
	}
	health_answer_end(h);
}

static void on_timer(void *arg)
{
	struct watch *w = arg;
	struct r_status q = { .hello = { .metrics = true } };
	uint64_t now = mono_ns();
	for (size_t i = 0; i < w->n; i++) {
		struct watched *one = &w->watched[i];
		if (!one->asking)
			one->asking = link_ask(w->loop, one->url, R_STATUS, &q, NULL, ASK_MS, on_answer, one) == 0;
	}
	if (now - w->reported < MINUTE)
		return;
	struct engine_health out[HEALTH_KINDS];
	w->reported = now;
	health_report(w->health, w->n, now, out);
	for (unsigned i = 0; i < HEALTH_KINDS; i++)
		w->tell(w->arg, &out[i]);
}

static void add(struct watch *w, const struct topo *t, const char *process, const char *instance)
{
	if (w->n == MAX_WATCHED)
		return;
	struct health_process *h = &w->health[w->n];
	w->watched[w->n++] = (struct watched){ .w = w, .url = topo_url(t, process, instance) };
	snprintf(h->name, sizeof h->name, "%s%s%s", process, instance ? "/" : "", instance ? instance : "");
	h->heard = mono_ns();
}

struct watch *watch_new(struct loop *l, const struct topo *t, void (*tell)(void *arg, const struct engine_health *h), void *arg)
{
	static const char *const others[] = { "classify", "alertd", "notify", "apid" };
	struct watch *w = xcalloc(1, sizeof *w);
	w->loop = l;
	w->tell = tell;
	w->arg = arg;
	w->reported = mono_ns();
	for (size_t i = 0; i < t->n_sensors; i++)
		add(w, t, "capture", t->sensors[i].name);
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		add(w, t, others[i], NULL);
	w->timer = loop_add_timer(l, on_timer, w);
	loop_set_timer(w->timer, LOOK_MS, LOOK_MS);
	return w;
}
