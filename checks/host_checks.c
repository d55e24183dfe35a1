/* Host checks: one look a minute at the counters of a host. */
#include <stdio.h>

#include "check.h"
#include "hll.h"

/* A counter kept as attacker and as victim: the attacker's side is looked at first. */
static bool two_sided(double attacker, double victim, const struct check_conf *k, struct host_finding *f, const char *as_a,
		      const char *as_v)
{
	f->threshold = k->number[0];
	f->attacker = attacker > f->threshold;
	f->value = f->attacker ? attacker : victim;
	if (f->value <= f->threshold)
		return false;
	snprintf(f->message, sizeof f->message, f->attacker ? as_a : as_v, f->value);
	return true;
}

static bool one_sided(double value, const struct check_conf *k, struct host_finding *f, const char *text)
{
	f->attacker = true;
	f->value = value;
	f->threshold = k->number[0];
	if (value <= f->threshold)
		return false;
	snprintf(f->message, sizeof f->message, text, value);
	return true;
}

/* The formats are constants of this file, each with one %g. */
#pragma GCC diagnostic ignored "-Wformat-nonliteral"

static bool syn_scan(const struct host *h, const struct check_conf *k, struct host_finding *f)
{
	return two_sided(h->minute.syns[0], h->minute.syns[1], k, f, "The host sent %g SYNs that were not answered",
			 "The host got %g SYNs that it did not answer");
}

static bool fin_scan(const struct host *h, const struct check_conf *k, struct host_finding *f)
{
	return two_sided(h->minute.fins[0], h->minute.fins[1], k, f, "The host sent %g FINs that were not answered",
			 "The host got %g FINs that it did not answer");
}

static bool rst_scan(const struct host *h, const struct check_conf *k, struct host_finding *f)
{
	return two_sided(h->minute.rsts[0].max, h->minute.rsts[1].max, k, f, "The host sent %g resets within a second",
			 "The host got %g resets within a second");
}

static bool flow_flood(const struct host *h, const struct check_conf *k, struct host_finding *f)
{
	return two_sided(h->minute.flows[0].max, h->minute.flows[1].max, k, f, "The host opened %g flows within a second",
			 "%g flows were opened to the host within a second");
}

static bool icmp_flood(const struct host *h, const struct check_conf *k, struct host_finding *f)
{
	return two_sided(h->minute.icmp_rate[0], h->minute.icmp_rate[1], k, f, "The host sent %g ICMP packets per second",
			 "The host got %g ICMP packets per second");
}

static bool scan_detection(const struct host *h, const struct check_conf *k, struct host_finding *f)
{
	return one_sided(h->minute.incomplete, k, f, "%g flows of the host got no answer or carried nothing");
}

static bool dns_contacts(const struct host *h, const struct check_conf *k, struct host_finding *f)
{
	return !h->is_dns && one_sided(hll_count(h->dns_servers, HOST_SERVERS), k, f, "The host asked about %.0f DNS servers");
}

static bool ntp_contacts(const struct host *h, const struct check_conf *k, struct host_finding *f)
{
	return !h->is_ntp && one_sided(hll_count(h->ntp_servers, HOST_SERVERS), k, f, "The host asked about %.0f NTP servers");
}

static bool smtp_contacts(const struct host *h, const struct check_conf *k, struct host_finding *f)
{
	return !h->is_smtp &&
	       one_sided(hll_count(h->smtp_servers, HOST_SERVERS), k, f, "The host spoke to about %.0f mail servers");
}

static bool domain_names(const struct host *h, const struct check_conf *k, struct host_finding *f)
{
	return one_sided(hll_count(h->minute.names, HOST_NAMES), k, f, "The host asked for about %.0f names in a minute");
}

static bool contacts(const struct host *h, const struct check_conf *k, struct host_finding *f)
{
	return one_sided(hll_count(h->minute.contacts, HOST_CONTACTS), k, f,
			 "The host contacted about %.0f hosts in a minute");
}

static bool remote_connection(const struct host *h, const struct check_conf *k, struct host_finding *f)
{
	return one_sided(h->remote_flows, k, f, "%g remote access sessions are open");
}

static bool score_threshold(const struct host *h, const struct check_conf *k, struct host_finding *f)
{
	return two_sided(h->score[0], h->score[1], k, f, "The host's score as client is %g",
			 "The host's score as server is %g");
}

/* high_minutes is counted by the engine, which knows this check's threshold. */
static bool dangerous_host(const struct host *h, const struct check_conf *k, struct host_finding *f)
{
	f->attacker = true;
	f->value = h->high_minutes;
	f->threshold = k->number[1];
	if (f->value <= f->threshold)
		return false;
	snprintf(f->message, sizeof f->message, "The host's score has been above %g for %g minutes", k->number[0], f->value);
	return true;
}

static bool dns_traffic(const struct host *h, const struct check_conf *k, struct host_finding *f)
{
	return one_sided((double)h->minute.dns_bytes, k, f, "%.0f bytes of DNS in a minute");
}

static bool pkt_threshold(const struct host *h, const struct check_conf *k, struct host_finding *f)
{
	return one_sided((double)h->minute.packets, k, f, "%.0f packets in a minute");
}

const struct host_check host_checks[] = {
	{ "syn_scan", syn_scan },
	{ "fin_scan", fin_scan },
	{ "rst_scan", rst_scan },
	{ "flow_flood", flow_flood },
	{ "icmp_flood", icmp_flood },
	{ "scan_detection", scan_detection },
	{ "dns_contacts", dns_contacts },
	{ "ntp_contacts", ntp_contacts },
	{ "smtp_contacts", smtp_contacts },
	{ "domain_names_contacts", domain_names },
	{ "contacts", contacts },
	{ "remote_connection", remote_connection },
	{ "score_threshold", score_threshold },
	{ "dangerous_host", dangerous_host },
	{ "dns_traffic", dns_traffic },
	{ "pkt_threshold", pkt_threshold },
};
const size_t n_host_checks = sizeof host_checks / sizeof *host_checks;
