/* Sensors as a resource. */
#include <stdlib.h>
#include <string.h>

#include "codec.h"
#include "list.h"
#include "sensors.h"

/* A list, or one, that is being put together. */
struct asked {
	struct list *l;
	struct live *table;
};

static struct str put(struct buf *b, const char *s)
{
	return str_put_raw(b, s, strlen(s));
}

static struct str put_inputs(struct buf *strs, char **inputs)
{
	struct buf b = { 0 };
	for (char **i = inputs; i && *i; i++)
		buf_addf(&b, "%s%s", b.len ? "\n" : "", *i);
	struct str s = str_put_raw(strs, b.p, b.len);
	buf_release(&b);
	return s;
}

static void add_sensor(struct live *table, const struct sensor_facts *f)
{
	const struct totals_sensor *s = f->totals;
	const struct totals_live *v = &s->live;
	struct traffic rate = totals_rate(s, 0);
	struct buf strs = { 0 };
	struct r_interface i = { .interface = {
		.id = f->id, .up = f->answered, .clock = f->clock, .packets = f->packets, .bytes = f->bytes, .drops = f->drops,
		.speed = f->speed,
		.byte_rate = (double)(rate.rx_bytes + rate.tx_bytes), .packet_rate = (double)(rate.rx_packets + rate.tx_packets),
		.flows = v->flows, .alerted = s->alerted[0] + s->alerted[1] + s->alerted[2], .hosts = v->hosts, .local = v->local,
		.engaged = s->engaged[0] + s->engaged[1] + s->engaged[2] } };
	i.interface.name = put(&strs, f->sensor->name);
	i.interface.source = put(&strs, f->sensor->source == SRC_INTERFACE ? "interface" : "file");
	i.interface.inputs = put_inputs(&strs, f->sensor->inputs);
	i.interface.state = put(&strs, f->state);
	live_put_named(table, f->sensor->name, strlen(f->sensor->name), &i, strs.p);
	buf_release(&strs);
}

static void on_sensor(void *arg, const struct sensor_facts *f)
{
	struct asked *a = arg;
	if (f) {
		add_sensor(a->table, f);
		return;
	}
	if (a->l->one)
		list_one(a->l, a->table, "", "id");
	else
		list_live(a->l, a->table, "id");
	live_free(a->table);
	free(a);
}

static void ask(struct list *l, size_t first, size_t n)
{
	struct asked *a = xmalloc(sizeof *a);
	*a = (struct asked){ l, live_new(R_INTERFACE, n + 1) };
	sensors_ask(l->k, first, n, on_sensor, a);
}

void get_interfaces(void *arg, struct request *r, const struct route *rt, const char *id)
{
	(void)rt, (void)id;
	struct apid *k = arg;
	struct list *l = list_read(k, r, R_INTERFACE);
	if (l)
		ask(l, 0, k->c->topo->n_sensors);
}

/* By number or by name. */
void get_interface(void *arg, struct request *r, const struct route *rt, const char *id)
{
	(void)rt;
	struct apid *k = arg;
	const struct topo *t = k->c->topo;
	char *end;
	unsigned long number = strtoul(id, &end, 10);
	size_t i = *end ? 0 : number;
	while (*end && i < t->n_sensors && strcmp(t->sensors[i].name, id) != 0)
		i++;
	struct list *l = list_new(k, r, R_INTERFACE, true);
	if (i < t->n_sensors)
		ask(l, i, 1);
	else
		list_problem(l, 404, "there is no such sensor: its number or its name is wanted", NULL);
}
