/* Packets from a live interface, by libpcap with TPACKET_V3. */
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hash.h"
#include "installed.h"
#include "io.h"
#include "log.h"
#include "source.h"
#include "source_live.h"

#define BLOCK_MS 20 /* the kernel hands over a block that is not full after this */

struct source_live {
	struct source base;
	pcap_t *pcap;
	char *name;
	uint16_t linktype;
	struct packet *out; /* while dispatching */
	unsigned n, max;
	uint8_t *copy;      /* of the batch: the kernel's block may be handed back before we are done */
	size_t copied, copy_max;
	struct source_stats stats;
	uint32_t last_drop, last_ifdrop;
	char error[512];
};

static struct source_live *self(struct source *s)
{
	return (struct source_live *)s;
}

static void on_packet(u_char *arg, const struct pcap_pkthdr *h, const u_char *data)
{
	struct source_live *l = (struct source_live *)arg;
	if (l->n == l->max)
		return;
	if (l->copied + h->caplen > l->copy_max) {
		size_t max = 2 * l->copy_max > l->copied + h->caplen ? 2 * l->copy_max : l->copied + h->caplen;
		uint8_t *p = xrealloc(l->copy, max);
		for (unsigned i = 0; i < l->n; i++)
			l->out[i].data = p + (l->out[i].data - l->copy);
		l->copy = p;
		l->copy_max = max;
	}
	uint8_t *to = l->copy + l->copied;
	memcpy(to, data, h->caplen);
	l->copied += h->caplen;
	l->out[l->n++] = (struct packet){
		.time = (uint64_t)h->ts.tv_sec * 1000000000u + (uint64_t)h->ts.tv_usec, /* ns precision was asked for */
		.caplen = h->caplen,
		.len = h->len,
		.linktype = l->linktype,
		.data = to,
	};
}

static enum source_result live_read(struct source *s, struct packet *p, unsigned max, unsigned *ret_n)
{
	struct source_live *l = self(s);
	l->out = p;
	l->n = 0;
	l->max = max;
	l->copied = 0;
	int rc = pcap_dispatch(l->pcap, (int)max, on_packet, (u_char *)l);
	*ret_n = l->n;
	if (rc == PCAP_ERROR) {
		snprintf(l->error, sizeof l->error, "%s: %s", l->name, pcap_geterr(l->pcap));
		return l->n ? SOURCE_OK : SOURCE_ERROR;
	}
	return l->n ? SOURCE_OK : SOURCE_AGAIN;
}

static int live_fd(struct source *s)
{
	return pcap_get_selectable_fd(self(s)->pcap);
}

static bool live_live(struct source *s)
{
	(void)s;
	return true;
}

/* libpcap's counters are 32 bits wide and wrap. */
static void live_stats(struct source *s, struct source_stats *st)
{
	struct source_live *l = self(s);
	struct pcap_stat ps;
	if (pcap_stats(l->pcap, &ps) == 0) {
		l->stats.kernel_drops += (uint32_t)(ps.ps_drop - l->last_drop);
		l->stats.if_drops += (uint32_t)(ps.ps_ifdrop - l->last_ifdrop);
		l->last_drop = ps.ps_drop;
		l->last_ifdrop = ps.ps_ifdrop;
	}
	*st = l->stats;
}

static const char *live_error(struct source *s)
{
	return self(s)->error;
}

static uint64_t live_identity(struct source *s)
{
	(void)s;
	return hash_key_random().k0;
}

static int live_rewind(struct source *s)
{
	(void)s;
	return -1;
}

static void live_close(struct source *s)
{
	struct source_live *l = self(s);
	if (l->pcap)
		pcap_close(l->pcap);
	free(l->copy);
	free(l->name);
	free(l);
}

static void list_interfaces(struct buf *err)
{
	struct if_nameindex *list = if_nameindex();
	buf_adds(err, "; there are:");
	for (struct if_nameindex *i = list; i && i->if_index; i++)
		buf_addf(err, " %s", i->if_name);
	if_freenameindex(list);
}

static void explain(const struct source_live *l, int rc, struct buf *err)
{
	char *program = installed_program("weir-capture");
	buf_addf(err, "%s: %s", l->name, pcap_statustostr(rc));
	if (rc == PCAP_ERROR_PERM_DENIED)
		buf_addf(err, "; run as root, or give the right to the program: setcap cap_net_raw,cap_net_admin=ep %s", program);
	else if (rc == PCAP_ERROR_NO_SUCH_DEVICE)
		list_interfaces(err);
	else if (rc == PCAP_ERROR_IFACE_NOT_UP)
		buf_addf(err, "; ip link set %s up", l->name);
	else if (*pcap_geterr(l->pcap))
		buf_addf(err, ": %s", pcap_geterr(l->pcap));
	free(program);
}

/*
 * The program of the filter, kept for the next opening: a host's name in it may not be found then, when the way to who knows it
 * was this interface. A process has one. Compiled anew only if it comes back with packets of another kind.
 */
static struct {
	char *expression; /* NULL: none yet */
	int dlt;
	struct bpf_program program;
} compiled;

static int compile(pcap_t *p, const char *expression)
{
	struct bpf_program program;
	if (compiled.expression && compiled.dlt == pcap_datalink(p) && strcmp(compiled.expression, expression) == 0)
		return 0;
	if (pcap_compile(p, &program, expression, 1, PCAP_NETMASK_UNKNOWN) < 0)
		return -1;
	if (compiled.expression)
		pcap_freecode(&compiled.program);
	free(compiled.expression);
	compiled.expression = xstrdup(expression);
	compiled.dlt = pcap_datalink(p);
	compiled.program = program;
	return 0;
}

static int set_filter(struct source_live *l, const char *expression, struct buf *err)
{
	if (!expression || (compile(l->pcap, expression) == 0 && pcap_setfilter(l->pcap, &compiled.program) == 0))
		return 0;
	buf_addf(err, "filter '%s': %s", expression, pcap_geterr(l->pcap));
	return -1;
}

/* What the kernel says of an interface; 0 if there is no such thing, UINT64_MAX for -1. */
static uint64_t read_number(const char *ifname, const char *which)
{
	char path[128], text[32] = "";
	snprintf(path, sizeof path, "/sys/class/net/%s/%s", ifname, which);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	ssize_t n = io_read(fd, text, sizeof text - 1);
	close(fd);
	return n > 0 ? strtoull(text, NULL, 10) : 0;
}

/*
 * Asked for once: the driver answers under a lock of the kernel that packets must not wait for. The kernel counts in Mbit/s, and
 * -1 is a link without a speed.
 */
static uint64_t link_speed(const char *ifname)
{
	uint64_t mbit = read_number(ifname, "speed");
	return mbit < UINT32_MAX ? mbit * 125000 : 0;
}

static struct source *source_live_open(const struct topo_sensor *t, struct buf *err)
{
	static const struct source_ops ops = { live_read,     live_fd,     live_live,   live_stats, live_error,
					       live_identity, live_rewind, live_close };
	char pcap_err[PCAP_ERRBUF_SIZE] = "";
	struct source_live *l = xcalloc(1, sizeof *l);
	l->base.ops = &ops;
	l->name = xstrdup(t->inputs[0]);
	l->pcap = pcap_create(l->name, pcap_err);
	if (!l->pcap) {
		buf_addf(err, "%s: %s", l->name, pcap_err);
		goto bad;
	}
	pcap_set_snaplen(l->pcap, t->snaplen ? (int)t->snaplen : 262144);
	pcap_set_promisc(l->pcap, t->promiscuous);
	pcap_set_timeout(l->pcap, BLOCK_MS);
	pcap_set_buffer_size(l->pcap, t->buffer < INT32_MAX ? (int)t->buffer : INT32_MAX);
	pcap_set_tstamp_precision(l->pcap, PCAP_TSTAMP_PRECISION_NANO);
	int rc = pcap_activate(l->pcap);
	if (rc < 0) {
		explain(l, rc, err);
		goto bad;
	}
	if (rc > 0)
		log_warn("%s: %s", l->name, pcap_statustostr(rc));
	if (pcap_setnonblock(l->pcap, 1, pcap_err) < 0) {
		buf_addf(err, "%s: %s", l->name, pcap_err);
		goto bad;
	}
	/* "any" comes as cooked v1 unless v2, which names the interface, is asked for. */
	if (pcap_datalink(l->pcap) == DLT_LINUX_SLL)
		pcap_set_datalink(l->pcap, DLT_LINUX_SLL2);
	if (set_filter(l, t->filter, err) < 0)
		goto bad;
	int dlt = pcap_datalink(l->pcap);
	l->linktype = (uint16_t)(dlt == DLT_RAW ? 101 : dlt);
	l->copy_max = 1u << 20;
	l->copy = xmalloc(l->copy_max);
	l->stats.speed = link_speed(l->name);
	return &l->base;
bad:
	live_close(&l->base);
	return NULL;
}

struct source *source_open(const struct topo_sensor *t, struct buf *err)
{
	return t->source == SRC_INTERFACE ? source_live_open(t, err) : source_file_open(t, err);
}

static unsigned mask_bits(const uint8_t *m, unsigned n)
{
	unsigned bits = 0;
	while (bits < n * 8 && m[bits / 8] & (0x80 >> (bits % 8)))
		bits++;
	return bits;
}

static bool network_of(const struct ifaddrs *i, struct cidr *c)
{
	if (!i->ifa_addr || !i->ifa_netmask)
		return false;
	if (i->ifa_addr->sa_family == AF_INET) {
		addr_from_v4(&c->addr, &((struct sockaddr_in *)i->ifa_addr)->sin_addr);
		c->bits = (uint8_t)(96 + mask_bits((uint8_t *)&((struct sockaddr_in *)i->ifa_netmask)->sin_addr, 4));
	} else if (i->ifa_addr->sa_family == AF_INET6) {
		addr_from_v6(&c->addr, &((struct sockaddr_in6 *)i->ifa_addr)->sin6_addr);
		c->bits = (uint8_t)mask_bits((uint8_t *)&((struct sockaddr_in6 *)i->ifa_netmask)->sin6_addr, 16);
	} else {
		return false;
	}
	for (unsigned b = c->bits; b < 128; b++)
		c->addr.b[b / 8] &= (uint8_t)~(0x80 >> (b % 8));
	return true;
}

int source_live_networks(const char *ifname, struct cidr *out, int max)
{
	struct ifaddrs *list;
	int n = 0;
	if (getifaddrs(&list) < 0)
		return 0;
	for (struct ifaddrs *i = list; i && n < max; i = i->ifa_next)
		if ((strcmp(ifname, "any") == 0 || strcmp(i->ifa_name, ifname) == 0) && network_of(i, &out[n]))
			n++;
	freeifaddrs(list);
	return n;
}

uint64_t source_live_counter(const char *ifname)
{
	if (strcmp(ifname, "any") != 0)
		return read_number(ifname, "statistics/rx_packets") + read_number(ifname, "statistics/tx_packets");
	uint64_t sum = 0;
	struct if_nameindex *list = if_nameindex();
	for (struct if_nameindex *i = list; i && i->if_index; i++)
		sum += source_live_counter(i->if_name);
	if_freenameindex(list);
	return sum;
}
