/*
 * A laboratory for checks: an engine with a configuration, flows put together field by field, and a
 * list of the alerts that came out. Times are in seconds after LAB_START.
 */
#ifndef WEIR_TEST_LAB_H
#define WEIR_TEST_LAB_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checks/apps.h"
#include "checks/check.h"
#include "checks/engine.h"
#include "codec.h"

#define SEC_NS    1000000000ull
#define LAB_START (1700006400ull * SEC_NS) /* begins a day */

struct lab_alert {
	struct r_alert r;
	char key[48], who[80], message[300], values[2200], all[2200];
};

struct lab {
	struct topo *t;
	struct engine *e;
	struct lab_alert *alerts;
	size_t n;
	unsigned flows;
	struct g_sensor_count count; /* what the sensor has counted, as ticks tell it */
};

struct lab_flow {
	struct lab *l;
	double at, lasts; /* seconds */
	struct g_flow_key key;
	struct g_flow_count n;
	struct g_flow_app app;
	struct buf text; /* of app */
};

static inline void lab_copy(char *out, size_t size, const char *base, struct str s)
{
	snprintf(out, size, "%.*s", (int)s.len, base + s.off);
}

static inline void lab_on_alert(void *arg, const char *rec, size_t len)
{
	struct lab *l = arg;
	struct codec_reader r = {.base = rec, .len = len};
	l->alerts = realloc(l->alerts, (l->n + 1) * sizeof *l->alerts);
	struct lab_alert *a = &l->alerts[l->n++];
	memset(a, 0, sizeof *a);
	assert_int_equal(codec_read(&r, &a->r), 1);
	lab_copy(a->key, sizeof a->key, rec, a->r.alert.check);
	lab_copy(a->who, sizeof a->who, rec, a->r.alert.entity_val);
	lab_copy(a->message, sizeof a->message, rec, a->r.alert.message);
	lab_copy(a->values, sizeof a->values, rec, a->r.alert.values);
	lab_copy(a->all, sizeof a->all, rec, a->r.alert.others);
}

static inline void lab_on_history(void *arg, const char *rec, size_t len)
{
	(void)arg;
	(void)rec;
	(void)len;
}

/* checks: what is inside the braces of 'checks'; others are as they are by default. */
static inline void lab_open_lua(struct lab *l, const char *checks, const char *lua)
{
	static const struct engine_ops ops = {lab_on_alert, lab_on_history};
	struct buf err = {0}, text = {0};
	memset(l, 0, sizeof *l);
	buf_addf(&text,
		 "sensors: {s: {file: x}}\nlua: {%s}\nnetworks: {local: [10.0.0.0/8]}\n"
		 "limits: {hosts: 5000, flows: 5000}\nchecks: {%s}\n",
		 lua, checks);
	l->t = topo_parse("lab", text.p, text.len, &err);
	if (!l->t)
		fail_msg("%s", buf_cstr(&err));
	buf_release(&err);
	buf_release(&text);
	l->e = engine_new(l->t, &ops, l);
}

/* Without scripts. */
static inline void lab_open(struct lab *l, const char *checks)
{
	lab_open_lua(l, checks, "enabled: no");
}

static inline void lab_close(struct lab *l)
{
	engine_free(l->e);
	topo_free(l->t);
	free(l->alerts);
}

static inline uint64_t lab_time(double at)
{
	return LAB_START + (uint64_t)(at * 1e9);
}

static inline void lab_tick(struct lab *l, double at)
{
	struct r_tick t = {.tick = {.to = lab_time(at), .sensor = {0, 1}}, .n = l->count};
	engine_tick(l->e, &t, "s");
}

/* The same with what the sensor has counted so far; live. */
static inline void lab_tick_count(struct lab *l, double at, const struct g_sensor_count *n)
{
	struct r_tick t = {.tick = {.to = lab_time(at), .sensor = {0, 1}, .live = true}, .n = *n};
	engine_tick(l->e, &t, "s");
}

/* Steady for an hour and a half, then something else; one minute of slack in each five. */
static inline void lab_steady(struct lab *l, double last, void (*sample)(struct lab *l, double at, double size))
{
	for (int i = 0; i < 18; i++) {
		sample(l, i * 300 + 10, 5 + i % 2);
		lab_tick(l, (i + 1) * 300 + 1);
	}
	sample(l, 18 * 300 + 10, last);
	lab_tick(l, 19 * 300 + 1);
}

static inline struct addr lab_addr(const char *s)
{
	struct addr a = {{0}};
	assert_int_equal(addr_parse(s, strlen(s), &a), 0);
	return a;
}

static inline struct str lab_text(struct lab_flow *f, const char *s)
{
	return str_put_raw(&f->text, s, strlen(s));
}

/* An ordinary TLS connection from 10.0.0.1 to 192.0.2.7:443, at second 'at', that no check has
 * anything against. */
static inline struct lab_flow lab_flow(struct lab *l, double at)
{
	struct lab_flow f = {.l = l, .at = at, .lasts = 2};
	f.key.id = (struct id){1, ++l->flows};
	f.key.client = lab_addr("10.0.0.1");
	f.key.server = lab_addr("192.0.2.7");
	f.key.client_mac = (struct mac){{2, 0, 0, 0, 0, 1}};
	f.key.server_mac = (struct mac){{2, 0, 0, 0, 0, 254}};
	f.key.client_port = 40000;
	f.key.server_port = 443;
	f.key.proto = 6;
	f.key.ip_version = 4;
	f.n = (struct g_flow_count){.tcp_state = TS_CLOSED,
				    .client_packets = 20,
				    .server_packets = 20,
				    .client_bytes = 4000,
				    .server_bytes = 20000,
				    .client_payload = 3000,
				    .server_payload = 19000,
				    .client_syns = 1,
				    .client_flags = 0x1b,
				    .server_flags = 0x1b,
				    .end_reason = END_FIN};
	f.app = (struct g_flow_app){.n = 1,
				    .final = true,
				    .state = VERDICT_DPI,
				    .app_id = APP_TLS,
				    .tls_version_id = 0x0304};
	f.app.app = lab_text(&f, "TLS");
	f.app.master = lab_text(&f, "TLS");
	f.app.category = lab_text(&f, "Web");
	f.app.breed = lab_text(&f, "Safe");
	f.app.host = f.app.tls_sni = lab_text(&f, "www.example.org");
	f.app.tls_alpn = lab_text(&f, "h2,http/1.1");
	f.app.tls_ja3c = lab_text(&f, "00112233445566778899aabbccddeeff");
	return f;
}

/* One over UDP, of an application. */
static inline struct lab_flow lab_udp(struct lab *l, double at, unsigned app, unsigned port)
{
	struct lab_flow f = lab_flow(l, at);
	memset(&f.app, 0, sizeof f.app);
	f.app = (struct g_flow_app){
	    .n = 1, .final = true, .state = VERDICT_DPI, .app_id = (uint16_t)app};
	f.key.proto = 17;
	f.key.server_port = (uint16_t)port;
	f.n = (struct g_flow_count){.client_packets = 1,
				    .server_packets = 1,
				    .client_bytes = 80,
				    .server_bytes = 120,
				    .client_payload = 38,
				    .server_payload = 78,
				    .end_reason = END_IDLE};
	return f;
}

static const struct codec_places lab_not_packed;

/* The verdict as it comes from the wire: packed, read, told. Its sensor is "s". */
static inline void lab_verdict(struct lab *l, struct r_verdict *v, struct buf *text)
{
	struct buf packed = {0};
	struct r_verdict read;
	struct codec_places at;
	v->key.sensor = str_put_raw(text, "s", 1);
	codec_pack(&packed, R_VERDICT, v, text->p);
	struct codec_reader r = {.base = packed.p, .len = packed.len};
	assert_int_equal(codec_read_places(&r, &read, &at), 1);
	engine_verdict(l->e, &read, packed.p, &at);
	buf_release(&packed);
}

/* The records of the flow: its verdict, an update after 61 s if it lasts so long, its end. */
static inline void lab_run(struct lab_flow *f)
{
	struct r_verdict v = {.key = f->key, .app = f->app};
	struct r_update u;
	struct r_end end;
	v.key.first = lab_time(f->at);
	f->n.start = v.key.first;
	lab_verdict(f->l, &v, &f->text);
	f->n.last = lab_time(f->at + f->lasts);
	u = (struct r_update){.key = v.key, .n = f->n};
	u.n.end_reason = END_ACTIVE;
	if (f->lasts > 60)
		engine_update(f->l->e, &u, f->text.p, &lab_not_packed);
	end = (struct r_end){.key = v.key, .n = f->n};
	engine_end(f->l->e, &end, f->text.p, &lab_not_packed);
	buf_release(&f->text);
}

static inline bool lab_has_line(const char *list, const char *key)
{
	size_t n = strlen(key);
	for (const char *p = list; *p; p += strcspn(p, "\n"), p += *p == '\n')
		if (strncmp(p, key, n) == 0 && (p[n] == '\n' || !p[n]))
			return true;
	return false;
}

/* How many alerts of the check came, with this action; a flow's alert counts for all checks that
 * fired. */
static inline unsigned lab_count(const struct lab *l, const char *key, enum action action)
{
	unsigned n = 0;
	for (size_t i = 0; i < l->n; i++)
		n += l->alerts[i].r.alert.action == action &&
		     (strcmp(l->alerts[i].key, key) == 0 || lab_has_line(l->alerts[i].all, key));
	return n;
}

static inline bool lab_raised(const struct lab *l, const char *key)
{
	return lab_count(l, key, ACT_STORE) || lab_count(l, key, ACT_ENGAGE) ||
	       lab_count(l, key, ACT_UPDATE);
}

static inline const struct lab_alert *lab_last(const struct lab *l, const char *key)
{
	for (size_t i = l->n; i-- > 0;)
		if (strcmp(l->alerts[i].key, key) == 0)
			return &l->alerts[i];
	return NULL;
}

#endif
