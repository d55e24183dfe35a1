#include "filter.h"

#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>

#include "decode.h"
#include "log.h"

#define MAX_LINKTYPES 64

struct filter {
	char *expression;
	struct {
		uint16_t linktype;
		bool good;
		struct bpf_program program;
	} compiled[MAX_LINKTYPES];
	unsigned n;
};

/* In files raw IP is 101, for libpcap on Linux it is 12; the other types that are decoded are the same. */
static int dlt_of(uint16_t linktype)
{
	return linktype == 101 ? DLT_RAW : linktype;
}

static bool compile(const char *expression, uint16_t linktype, struct bpf_program *program, struct buf *err)
{
	pcap_t *p = pcap_open_dead(dlt_of(linktype), 262144);
	if (!p)
		return false;
	bool good = pcap_compile(p, program, expression, 1, PCAP_NETMASK_UNKNOWN) == 0;
	if (!good && err)
		buf_adds(err, pcap_geterr(p));
	pcap_close(p);
	return good;
}

bool filter_good(const char *expression, struct buf *why)
{
	struct bpf_program program;
	struct buf ethernet = { 0 };
	bool good = compile(expression, DLT_EN10MB, &program, &ethernet) || compile(expression, 101, &program, NULL);
	if (good)
		pcap_freecode(&program);
	else
		buf_add(why, ethernet.p, ethernet.len);
	buf_release(&ethernet);
	return good;
}

static void add_linktype(struct filter *f, uint16_t linktype)
{
	f->compiled[f->n].linktype = linktype;
	f->compiled[f->n].good = compile(f->expression, linktype, &f->compiled[f->n].program, NULL);
	f->n++;
}

struct filter *filter_new(const char *expression, struct buf *err)
{
	struct buf why = { 0 };
	bool good = filter_good(expression, &why);
	if (!good)
		buf_addf(err, "filter '%s': %s", expression, buf_cstr(&why));
	buf_release(&why);
	if (!good)
		return NULL;
	struct filter *f = xcalloc(1, sizeof *f);
	f->expression = xstrdup(expression);
	for (size_t i = 0; i < DECODE_LINKTYPES; i++)
		add_linktype(f, decode_linktypes[i]);
	return f;
}

void filter_free(struct filter *f)
{
	if (!f)
		return;
	for (unsigned i = 0; i < f->n; i++)
		if (f->compiled[i].good)
			pcap_freecode(&f->compiled[i].program);
	free(f->expression);
	free(f);
}

bool filter_match(struct filter *f, const struct packet *p)
{
	unsigned i = 0;
	while (i < f->n && f->compiled[i].linktype != p->linktype)
		i++;
	if (i == f->n) {
		if (f->n == MAX_LINKTYPES)
			return false;
		add_linktype(f, p->linktype);
	}
	if (!f->compiled[i].good)
		return false;
	struct pcap_pkthdr h = { .caplen = p->caplen, .len = p->len };
	return pcap_offline_filter(&f->compiled[i].program, &h, p->data) != 0;
}
