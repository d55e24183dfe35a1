#include "store.h"

#include "codec.h"

const char *const store_kinds[KEPT_KINDS] = { [KEPT_ALERTS] = "alerts",       [KEPT_FLOWS] = "flows",
					      [KEPT_MINUTES] = "series.1m",   [KEPT_5MINUTES] = "series.5m",
					      [KEPT_HOURS] = "series.1h",     [KEPT_DAYS] = "series.1d",
					      [KEPT_QUARANTINE] = "quarantine" };

static struct str put(struct buf *b, const char *s)
{
	return str_put_raw(b, s, strlen(s));
}

void store_put_metric(struct buf *out, const char *name, const char *label, const char *unit, bool counter, double value)
{
	struct buf strs = { 0 };
	struct r_metric m = { .metric = { .counter = counter, .value = value } };
	m.metric.process = put(&strs, "alertd");
	m.metric.name = put(&strs, name);
	m.metric.label = put(&strs, label);
	m.metric.unit = put(&strs, unit);
	codec_pack(out, R_METRIC, &m, strs.p);
	buf_release(&strs);
}
