/* nDPI's numbers of applications and categories that rules name. They are fixed: nDPI only adds to them. */
#ifndef WEIR_APPS_H
#define WEIR_APPS_H

#include <stdbool.h>

#include "record.h"

enum {
	APP_SMTP = 3,
	APP_DNS = 5,
	APP_HTTP = 7,
	APP_MDNS = 8,
	APP_NTP = 9,
	APP_NETBIOS = 10,
	APP_SNMP = 14,
	APP_SYSLOG = 17,
	APP_DHCP = 18,
	APP_POPS = 23,
	APP_APPLEJUICE = 24,
	APP_DIRECTCONNECT = 25,
	APP_SMTPS = 29,
	APP_DTLS = 30,
	APP_FASTTRACK = 34,
	APP_GNUTELLA = 35,
	APP_EDONKEY = 36,
	APP_BITTORRENT = 37,
	APP_MINING = 42,
	APP_MODBUS = 44,
	APP_IMAPS = 51,
	APP_ICMP = 81,
	APP_RTP = 87,
	APP_TLS = 91,
	APP_SSH = 92,
	APP_ICMPV6 = 102,
	APP_DHCPV6 = 103,
	APP_NETFLOW = 128,
	APP_SFLOW = 129,
	APP_COLLECTD = 171,
	APP_QUIC = 188,
	APP_IEC104 = 245,
};

enum {
	CAT_ID_VPN = 2,
	CAT_ID_REMOTE_ACCESS = 12,
	CAT_ID_FILE_SHARING = 29,
	CAT_ID_MINING = 99,
	CAT_ID_MALWARE = 100,
	CAT_ID_BANNED = 102,
};

static inline bool app_is(const struct g_flow_app *a, unsigned id)
{
	return a->app_id == id || a->master_id == id;
}

/* Programs that exchange files between peers. */
static inline bool app_is_p2p(const struct g_flow_app *a)
{
	static const uint16_t p2p[] = { APP_APPLEJUICE, APP_DIRECTCONNECT, APP_FASTTRACK, APP_GNUTELLA, APP_EDONKEY,
					APP_BITTORRENT };
	for (unsigned i = 0; i < sizeof p2p / sizeof *p2p; i++)
		if (app_is(a, p2p[i]))
			return true;
	return false;
}

/* Remote access, VPN or file sharing. */
static inline bool app_is_remote_access(const struct g_flow_app *a)
{
	return a->category_id == CAT_ID_REMOTE_ACCESS || a->category_id == CAT_ID_VPN || a->category_id == CAT_ID_FILE_SHARING;
}

#endif
