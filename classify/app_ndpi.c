/* The only file that knows nDPI (4.2, as in Debian 12 and 13). */
#include "app.h"

#include <ndpi/ndpi_api.h>
#include <ndpi/ndpi_main.h>
#include <ndpi/ndpi_typedefs.h>
#include <stdio.h>

#include "checkdef.h"
#include "codec.h"
#include "headpkt.h"
#include "log.h"
#include "parse.h"

#define MAX_TEXT 256
#define MAX_URL  2048

struct app {
	struct ndpi_detection_module_struct *ndpi;
	struct ndpi_flow_struct *flow; /* used again for every flow */
};

/* What is at hand while one HEAD is looked at. */
struct look {
	struct app *a;
	const struct g_flow_key *key;
	struct g_flow_app *out;
	struct buf *arena;
	struct ndpi_flow_struct *f;
	ndpi_protocol proto;
	uint64_t last_time;
	const void *data;
	uint32_t len;
};

struct app *app_new(void)
{
	NDPI_PROTOCOL_BITMASK all;
	struct app *a = xcalloc(1, sizeof *a);
	a->ndpi = ndpi_init_detection_module(ndpi_no_prefs);
	if (!a->ndpi) {
		log_error("nDPI does not start");
		free(a);
		return NULL;
	}
	NDPI_BITMASK_SET_ALL(all);
	ndpi_set_protocol_detection_bitmask2(a->ndpi, &all);
	ndpi_finalize_initialization(a->ndpi);
	a->flow = xcalloc(1, ndpi_detection_get_sizeof_ndpi_flow_struct());
	return a;
}

void app_free(struct app *a)
{
	if (!a)
		return;
	free(a->flow);
	ndpi_exit_detection_module(a->ndpi);
	free(a);
}

const char *app_version(void)
{
	return ndpi_revision();
}

/* -- strings -- */

static struct str put(struct look *k, const char *s, size_t max)
{
	return s ? str_put(k->arena, s, strlen(s), max) : (struct str){ 0, 0 };
}

static struct str text(struct look *k, const char *s)
{
	return put(k, s, MAX_TEXT);
}

/* Fixed arrays of the library: not always terminated. */
static struct str array(struct look *k, const char *s, size_t size)
{
	return str_put(k->arena, s, strnlen(s, size), MAX_TEXT);
}

static struct str hex(struct look *k, const uint8_t *p, size_t n)
{
	struct str s = { (uint32_t)k->arena->len, (uint32_t)(2 * n) };
	for (size_t i = 0; i < n; i++)
		buf_addf(k->arena, "%02x", p[i]);
	return s;
}

/* nDPI separates by commas, a list by newlines. */
static struct str list(struct look *k, const char *s)
{
	struct str r = put(k, s, MAX_URL);
	for (uint32_t i = 0; i < r.len; i++)
		if (k->arena->p[r.off + i] == ',')
			k->arena->p[r.off + i] = '\n';
	return r;
}

static bool any_set(const void *p, size_t n)
{
	const uint8_t *b = p;
	for (size_t i = 0; i < n; i++)
		if (b[i])
			return true;
	return false;
}

/* -- metadata by protocol -- */

static bool is(const struct look *k, uint16_t id)
{
	return k->proto.master_protocol == id || k->proto.app_protocol == id;
}

static bool is_any(const struct look *k, const uint16_t *ids)
{
	for (; *ids; ids++)
		if (is(k, *ids))
			return true;
	return false;
}

static const uint16_t tls_like[] = { NDPI_PROTOCOL_TLS,        NDPI_PROTOCOL_DTLS,       NDPI_PROTOCOL_QUIC,
				     NDPI_PROTOCOL_MAIL_SMTPS, NDPI_PROTOCOL_MAIL_IMAPS, NDPI_PROTOCOL_MAIL_POPS,
				     NDPI_PROTOCOL_DOH_DOT,    0 };
static const uint16_t login_like[] = { NDPI_PROTOCOL_FTP_CONTROL, NDPI_PROTOCOL_MAIL_POP, NDPI_PROTOCOL_MAIL_SMTP,
				       NDPI_PROTOCOL_MAIL_IMAP, 0 };
static const uint16_t http_like[] = { NDPI_PROTOCOL_HTTP, NDPI_PROTOCOL_HTTP_CONNECT, NDPI_PROTOCOL_HTTP_PROXY, 0 };

static void fill_tls(struct look *k)
{
	struct g_flow_app *o = k->out;
	struct ndpi_flow_struct *f = k->f;
	uint8_t unknown = 0;
	char version[16];
	if (f->protos.tls_quic.ssl_version) {
		o->tls_version_id = f->protos.tls_quic.ssl_version;
		o->tls_version = text(k, ndpi_ssl_version2str(version, sizeof version, o->tls_version_id, &unknown));
	}
	o->tls_sni = array(k, f->host_server_name, sizeof f->host_server_name);
	o->tls_alpn = text(k, f->protos.tls_quic.alpn);
	o->tls_versions = text(k, f->protos.tls_quic.tls_supported_versions);
	o->tls_ja3c = array(k, f->protos.tls_quic.ja3_client, sizeof f->protos.tls_quic.ja3_client);
	o->tls_ja3s = array(k, f->protos.tls_quic.ja3_server, sizeof f->protos.tls_quic.ja3_server);
	if (f->protos.tls_quic.server_cipher) {
		static const char *const strength[] = { "ok", "weak", "insecure" };
		unsigned weak = f->protos.tls_quic.server_unsafe_cipher;
		o->tls_cipher = text(k, ndpi_cipher2str(f->protos.tls_quic.server_cipher));
		o->tls_strength = text(k, strength[weak < 3 ? weak : 2]);
	}
	o->tls_issuer = text(k, f->protos.tls_quic.issuerDN);
	o->tls_subject = text(k, f->protos.tls_quic.subjectDN);
	o->tls_names = list(k, f->protos.tls_quic.server_names);
	o->tls_not_before = f->protos.tls_quic.notBefore * 1000000000ull;
	o->tls_not_after = f->protos.tls_quic.notAfter * 1000000000ull;
	if (any_set(f->protos.tls_quic.sha1_certificate_fingerprint, 20))
		o->tls_sha1 = hex(k, f->protos.tls_quic.sha1_certificate_fingerprint, 20);
	o->tls_esni = f->protos.tls_quic.encrypted_sni.esni != NULL;
}

/* The first packet from the server whose payload begins with a word. */
static const uint8_t *find_payload(const struct look *k, int dir, const char *begin, size_t *ret_len)
{
	struct headpkt h;
	uint32_t pos = 0;
	const uint8_t *ip;
	while ((ip = headpkt_next(k->data, k->len, &pos, &h)) != NULL) {
		size_t n;
		const uint8_t *p = parse_payload(ip, h.caplen, k->key->proto, &n);
		if (p && (dir < 0 || h.dir == dir) && n >= strlen(begin) && memcmp(p, begin, strlen(begin)) == 0) {
			*ret_len = n;
			return p;
		}
	}
	return NULL;
}

static struct str header(struct look *k, const uint8_t *p, size_t len, const char *name)
{
	const char *v;
	size_t n = p ? parse_header(p, len, name, &v) : 0;
	return n ? str_put(k->arena, v, n, MAX_TEXT) : (struct str){ 0, 0 };
}

static void fill_http(struct look *k)
{
	struct g_flow_app *o = k->out;
	struct ndpi_flow_struct *f = k->f;
	if (f->http.method != NDPI_HTTP_METHOD_UNKNOWN)
		o->http_method = text(k, ndpi_http_method2str(f->http.method));
	o->http_url = put(k, f->http.url, MAX_URL);
	o->http_host = array(k, f->host_server_name, sizeof f->host_server_name);
	o->http_agent = text(k, f->http.user_agent);
	o->http_status = f->http.response_status_code;
	o->http_type = text(k, f->http.content_type);
	o->http_os = text(k, f->http.detected_os);
	size_t len = 0;
	o->http_server = header(k, find_payload(k, 1, "HTTP/1.", &len), len, "Server");
}

static void take_dns(struct look *k, const struct dns_message *m)
{
	struct g_flow_app *o = k->out;
	if (!o->dns_query.len && *m->name) {
		o->dns_query = text(k, m->name);
		o->dns_type = m->type;
	}
	if (!m->reply || o->dns_reply)
		return;
	o->dns_reply = 1;
	o->dns_rcode = m->rcode;
	o->dns_ttl = m->ttl;
	o->dns_addresses.off = (uint32_t)k->arena->len;
	for (unsigned i = 0; i < m->n_addresses; i++) {
		char a[ADDR_STRLEN];
		buf_addf(k->arena, "%s%s", i ? "\n" : "", addr_str(&m->addresses[i], a));
	}
	o->dns_addresses.len = (uint32_t)k->arena->len - o->dns_addresses.off;
	if (*m->answer)
		o->mdns_answer = text(k, m->answer);
}

static void fill_dns(struct look *k)
{
	struct headpkt h;
	uint32_t pos = 0;
	const uint8_t *ip;
	while ((ip = headpkt_next(k->data, k->len, &pos, &h)) != NULL) {
		struct dns_message m;
		size_t n;
		const uint8_t *p = parse_payload(ip, h.caplen, k->key->proto, &n);
		if (p && k->key->proto == 6 && n > 2) { /* RFC 1035 4.2.2: a length before each message */
			p += 2;
			n -= 2;
		}
		if (p && parse_dns(p, n, &m))
			take_dns(k, &m);
	}
	if (!is(k, NDPI_PROTOCOL_MDNS)) {
		k->out->mdns_answer.len = 0;
		return;
	}
	k->out->mdns_name = k->out->dns_query;
}

static void fill_ssh(struct look *k)
{
	struct g_flow_app *o = k->out;
	struct ndpi_flow_struct *f = k->f;
	o->ssh_client = array(k, f->protos.ssh.client_signature, sizeof f->protos.ssh.client_signature);
	o->ssh_server = array(k, f->protos.ssh.server_signature, sizeof f->protos.ssh.server_signature);
	o->ssh_hassh_c = array(k, f->protos.ssh.hassh_client, sizeof f->protos.ssh.hassh_client);
	o->ssh_hassh_s = array(k, f->protos.ssh.hassh_server, sizeof f->protos.ssh.hassh_server);
}

static void fill_text_protocols(struct look *k)
{
	struct g_flow_app *o = k->out;
	size_t len = 0;
	const uint8_t *p;
	if (is(k, NDPI_PROTOCOL_SSDP)) {
		p = find_payload(k, -1, "", &len);
		o->ssdp_name = header(k, p, len, "SERVER");
		if (!o->ssdp_name.len)
			o->ssdp_name = header(k, p, len, "USER-AGENT");
	}
	if (is(k, NDPI_PROTOCOL_SIP)) {
		p = find_payload(k, -1, "", &len);
		o->sip_from = header(k, p, len, "From");
		o->sip_to = header(k, p, len, "To");
		o->sip_call_id = header(k, p, len, "Call-ID");
	}
	if (is(k, NDPI_PROTOCOL_SNMP) && (p = find_payload(k, -1, "", &len)) != NULL)
		o->snmp_version = (uint8_t)parse_snmp_version(p, len);
}

static void fill_metadata(struct look *k)
{
	struct g_flow_app *o = k->out;
	struct ndpi_flow_struct *f = k->f;
	o->host = array(k, f->host_server_name, sizeof f->host_server_name);
	if (is_any(k, tls_like))
		fill_tls(k);
	if (is_any(k, http_like) || f->http.url)
		fill_http(k);
	if (is(k, NDPI_PROTOCOL_DNS) || is(k, NDPI_PROTOCOL_MDNS) || is(k, NDPI_PROTOCOL_LLMNR))
		fill_dns(k);
	if (is(k, NDPI_PROTOCOL_SSH))
		fill_ssh(k);
	if (is(k, NDPI_PROTOCOL_DHCP)) {
		o->dhcp_fp = array(k, f->protos.dhcp.fingerprint, sizeof f->protos.dhcp.fingerprint);
		o->dhcp_class = array(k, f->protos.dhcp.class_ident, sizeof f->protos.dhcp.class_ident);
		o->dhcp_name = o->host;
	}
	if (is(k, NDPI_PROTOCOL_NETBIOS))
		o->netbios_name = o->host;
	if (is(k, NDPI_PROTOCOL_BITTORRENT) && !is(k, NDPI_PROTOCOL_TLS) && any_set(f->protos.bittorrent.hash, 20))
		o->bt_hash = hex(k, f->protos.bittorrent.hash, 20);
	if (is(k, NDPI_PROTOCOL_TELNET) && f->protos.telnet.username_found)
		o->user = array(k, f->protos.telnet.username, sizeof f->protos.telnet.username);
	if (is_any(k, login_like) && k->key->proto == 6) {
		o->user = array(k, f->l4.tcp.ftp_imap_pop_smtp.username, sizeof f->l4.tcp.ftp_imap_pop_smtp.username);
		o->login_failed = f->l4.tcp.ftp_imap_pop_smtp.auth_failed;
	}
	if (is(k, NDPI_PROTOCOL_KERBEROS)) {
		o->krb_host = array(k, f->protos.kerberos.hostname, sizeof f->protos.kerberos.hostname);
		o->krb_realm = array(k, f->protos.kerberos.domain, sizeof f->protos.kerberos.domain);
		o->krb_user = array(k, f->protos.kerberos.username, sizeof f->protos.kerberos.username);
	}
	if (is(k, NDPI_PROTOCOL_RTP) || is(k, NDPI_PROTOCOL_STUN))
		o->rtp_kind = array(k, f->flow_extra_info, sizeof f->flow_extra_info);
	fill_text_protocols(k);
}

/* -- risks -- */

static void detail_time(struct buf *b, uint64_t ns)
{
	time_t s = (time_t)(ns / 1000000000u);
	struct tm tm;
	gmtime_r(&s, &tm);
	buf_addf(b, "%04d-%02d-%02d", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
}

/* nDPI 4.2 says which risk, not why: the value that made it is told here. False if there is none to tell. */
static bool risk_value(const struct look *k, unsigned risk, struct buf *b)
{
	const struct g_flow_app *o = k->out;
	const struct str none = { 0, 0 };
	struct str s = none;
	switch (risk) {
	case NDPI_URL_POSSIBLE_XSS:
	case NDPI_URL_POSSIBLE_SQL_INJECTION:
	case NDPI_URL_POSSIBLE_RCE_INJECTION:
	case NDPI_HTTP_SUSPICIOUS_URL:
		s = o->http_url;
		break;
	case NDPI_HTTP_SUSPICIOUS_USER_AGENT:
	case NDPI_POSSIBLE_EXPLOIT:
		s = o->http_agent;
		break;
	case NDPI_HTTP_SUSPICIOUS_CONTENT:
	case NDPI_BINARY_APPLICATION_TRANSFER:
		s = o->http_type;
		break;
	case NDPI_TLS_OBSOLETE_VERSION:
		s = o->tls_version;
		break;
	case NDPI_TLS_WEAK_CIPHER:
		s = o->tls_cipher;
		break;
	case NDPI_TLS_SELFSIGNED_CERTIFICATE:
		s = o->tls_issuer;
		break;
	case NDPI_TLS_CERTIFICATE_MISMATCH:
		s = o->tls_names;
		break;
	case NDPI_TLS_UNCOMMON_ALPN:
		s = o->tls_alpn;
		break;
	case NDPI_MALICIOUS_JA3:
		s = o->tls_ja3c;
		break;
	case NDPI_MALICIOUS_SHA1_CERTIFICATE:
		s = o->tls_sha1;
		break;
	case NDPI_SSH_OBSOLETE_CLIENT_VERSION_OR_CIPHER:
		s = o->ssh_client;
		break;
	case NDPI_SSH_OBSOLETE_SERVER_VERSION_OR_CIPHER:
		s = o->ssh_server;
		break;
	case NDPI_CLEAR_TEXT_CREDENTIALS:
		s = o->user;
		break;
	case NDPI_SUSPICIOUS_DGA_DOMAIN:
	case NDPI_RISKY_DOMAIN:
	case NDPI_HTTP_NUMERIC_IP_HOST:
	case NDPI_INVALID_CHARACTERS:
		s = o->host;
		break;
	case NDPI_TLS_CERTIFICATE_EXPIRED:
	case NDPI_TLS_CERTIFICATE_ABOUT_TO_EXPIRE:
	case NDPI_TLS_CERT_VALIDITY_TOO_LONG:
		if (!o->tls_not_after)
			return false;
		buf_adds(b, "valid from ");
		detail_time(b, o->tls_not_before);
		buf_adds(b, " to ");
		detail_time(b, o->tls_not_after);
		return true;
	case NDPI_KNOWN_PROTOCOL_ON_NON_STANDARD_PORT:
		buf_addf(b, "port %u", k->key->server_port);
		return true;
	case NDPI_DNS_SUSPICIOUS_TRAFFIC:
		buf_addf(b, "type %u", o->dns_type);
		return true;
	default:
		break;
	}
	if (!s.len)
		return false;
	/* Text of the arena into the arena: it may move while it grows. */
	char *copy = xstrndup(k->arena->p + s.off, s.len < 200 ? s.len : 200);
	for (char *p = copy; *p; p++)
		if (*p == '\n')
			*p = ',';
	struct buf tmp = { 0 };
	struct str clean = str_put(&tmp, copy, strlen(copy), 200);
	buf_add(b, tmp.p, clean.len);
	buf_release(&tmp);
	free(copy);
	return true;
}

static void fill_risks(struct look *k)
{
	struct g_flow_app *o = k->out;
	ndpi_risk risk = k->f->risk;
	if (k->f->http.url && *k->f->http.url) { /* the library leaves it to whoever calls it */
		ndpi_risk_enum r = ndpi_validate_url(k->f->http.url);
		if (r != NDPI_NO_RISK)
			NDPI_SET_BIT(risk, r);
	}
	o->risk_bits = risk;
	if (!risk)
		return;
	uint16_t client = 0, server = 0;
	o->risk_score = ndpi_risk2score(risk, &client, &server);
	o->risk_client = client;
	o->risk_server = server;
	o->risks.off = (uint32_t)k->arena->len;
	for (unsigned i = 1; i < NDPI_MAX_RISK; i++) {
		const struct checkdef *d = NDPI_ISSET_BIT(risk, i) ? checkdef_risk(i) : NULL;
		if (d)
			buf_addf(k->arena, "%s%s", k->arena->len > o->risks.off ? "\n" : "", d->key);
	}
	o->risks.len = (uint32_t)k->arena->len - o->risks.off;
	struct buf details = { 0 };
	for (unsigned i = 1; i < NDPI_MAX_RISK; i++) {
		const struct checkdef *d = NDPI_ISSET_BIT(risk, i) ? checkdef_risk(i) : NULL;
		size_t before = details.len;
		if (!d)
			continue;
		buf_addf(&details, "%s%s: ", before ? "\n" : "", d->key);
		if (!risk_value(k, i, &details))
			details.len = before;
	}
	o->risk_details = str_put_raw(k->arena, details.p, details.len);
	buf_release(&details);
}

/* -- the library at work -- */

/*
 * Gives it packet after packet until it knows the application and wants no more; what it does not know at the end it may
 * guess from port and address.
 */
static bool detect(struct look *k)
{
	struct headpkt h;
	uint32_t pos = 0;
	const uint8_t *ip;
	while ((ip = headpkt_next(k->data, k->len, &pos, &h)) != NULL) {
		if (h.caplen < 20)
			continue;
		k->last_time = h.time;
		uint16_t len = h.caplen > UINT16_MAX ? UINT16_MAX : (uint16_t)h.caplen;
		k->proto = ndpi_detection_process_packet(k->a->ndpi, k->f, ip, len, h.time / 1000000);
		if (k->proto.app_protocol != NDPI_PROTOCOL_UNKNOWN && !ndpi_extra_dissection_possible(k->a->ndpi, k->f))
			return true;
	}
	uint8_t guessed = 0;
	k->proto = ndpi_detection_giveup(k->a->ndpi, k->f, 1, &guessed);
	return k->proto.app_protocol != NDPI_PROTOCOL_UNKNOWN || k->proto.master_protocol != NDPI_PROTOCOL_UNKNOWN;
}

static enum verdict verdict_of(ndpi_confidence_t c, bool known)
{
	if (!known)
		return VERDICT_UNKNOWN;
	switch (c) {
	case NDPI_CONFIDENCE_MATCH_BY_PORT:
	case NDPI_CONFIDENCE_MATCH_BY_IP:
		return VERDICT_GUESSED;
	default:
		return VERDICT_DPI;
	}
}

static void fill_names(struct look *k, bool known)
{
	struct g_flow_app *o = k->out;
	struct ndpi_detection_module_struct *m = k->a->ndpi;
	uint16_t app = k->proto.app_protocol, master = k->proto.master_protocol;
	if (app == NDPI_PROTOCOL_UNKNOWN) {
		app = master;
		master = NDPI_PROTOCOL_UNKNOWN;
	}
	o->app_id = app;
	o->master_id = master;
	o->app = text(k, ndpi_get_proto_name(m, app));
	if (master != NDPI_PROTOCOL_UNKNOWN && master != app)
		o->master = text(k, ndpi_get_proto_name(m, master));
	o->category_id = (uint16_t)k->proto.category;
	o->category = text(k, ndpi_category_get_name(m, k->proto.category));
	o->breed = text(k, ndpi_get_proto_breed_name(m, ndpi_get_proto_breed(m, app)));
	o->confidence = text(k, ndpi_confidence_get_name(k->f->confidence));
	o->state = (uint8_t)verdict_of(k->f->confidence, known);
}

void app_classify(struct app *a, const struct g_flow_key *key, const void *data, uint32_t len, struct g_flow_app *out,
		  struct buf *arena)
{
	struct look k = { .a = a, .key = key, .out = out, .arena = arena, .f = a->flow, .data = data, .len = len };
	memset(a->flow, 0, ndpi_detection_get_sizeof_ndpi_flow_struct());
	bool known = detect(&k);
	fill_names(&k, known);
	fill_metadata(&k);
	fill_risks(&k);
	ndpi_free_flow_data(a->flow);
}
