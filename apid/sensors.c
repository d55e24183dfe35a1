#include "sensors.h"

#include <stdio.h>
#include <stdlib.h>

#include "codec.h"

#define ASK_MS 1500

struct asked {
	struct apid *k;
	size_t at, end;
	void (*cb)(void *arg, const struct sensor_facts *f);
	void *arg;
};

static void ask_next(struct asked *a);

static void read_counters(struct sensor_facts *f, const struct g_answer *answer, struct codec_reader *r)
{
	static union {
		struct r_process process;
		struct r_metric metric;
	} rec;
	for (uint32_t i = 0; i < answer->count; i++) {
		enum rtype type = codec_peek(r);
		if ((type != R_PROCESS && type != R_METRIC) || codec_read(r, &rec) != 1)
			return;
		const struct g_metric *m = &rec.metric.metric;
		const struct g_process *p = &rec.process.process;
		if (type == R_PROCESS) {
			f->answered = true;
			f->drops = p->drops;
			f->clock = p->clock;
			snprintf(f->state, sizeof f->state, "%.*s", (int)p->state.len, str_ptr(r->base, p->state));
		} else if (str_eq(r->base, m->name, "packets")) {
			f->packets += (uint64_t)m->value;
		} else if (str_eq(r->base, m->name, "bytes")) {
			f->bytes += (uint64_t)m->value;
		} else if (str_eq(r->base, m->name, "speed")) {
			f->speed = (uint64_t)m->value;
		}
	}
}

static void on_capture(void *arg, const struct g_answer *answer, struct codec_reader *r)
{
	struct asked *a = arg;
	const struct topo_sensor *s = &a->k->c->topo->sensors[a->at];
	struct sensor_facts f = { .sensor = s, .id = (uint32_t)a->at, .state = "does not answer" };
	if (answer && answer->status == 200)
		read_counters(&f, answer, r);
	f.totals = totals_sensor(a->k->totals, s->name);
	a->cb(a->arg, &f);
	a->at++;
	ask_next(a);
}

static void ask_next(struct asked *a)
{
	static const struct r_status q = { .hello = { .metrics = true } };
	if (a->at == a->end) {
		a->cb(a->arg, NULL);
		free(a);
		return;
	}
	char *url = topo_url(a->k->c->topo, "capture", a->k->c->topo->sensors[a->at].name);
	if (link_ask(a->k->c->loop, url, R_STATUS, &q, NULL, ASK_MS, on_capture, a) < 0)
		on_capture(a, NULL, NULL);
	free(url);
}

void sensors_ask(struct apid *k, size_t first, size_t n, void (*cb)(void *arg, const struct sensor_facts *f), void *arg)
{
	struct asked *a = xmalloc(sizeof *a);
	*a = (struct asked){ k, first, first + n, cb, arg };
	ask_next(a);
}
