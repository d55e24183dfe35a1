/*
 * Metadata of a flow: what nDPI 4.2 found, and what it cuts off or does not hand out but the head packets contain. User
 * names are taken, passwords never.
 */
#include <netinet/in.h>
#include <strings.h>

#include "app_ndpi.h"
#include "dhcp.h"
#include "dns.h"
#include "hello.h"
#include "mail.h"
#include "telnet.h"

/* Longest name that nDPI keeps; of a longer one it keeps the end. */
#define NDPI_NAME_MAX (sizeof(((struct ndpi_flow_struct *)NULL)->host_server_name) - 1)
/* Bytes of a client's TLS hello that are put together. */
#define MAX_STREAM 16384

static const uint16_t tls_like[] = { NDPI_PROTOCOL_TLS,        NDPI_PROTOCOL_DTLS,       NDPI_PROTOCOL_QUIC,
				     NDPI_PROTOCOL_MAIL_SMTPS, NDPI_PROTOCOL_MAIL_IMAPS, NDPI_PROTOCOL_MAIL_POPS, 0 };
static const uint16_t http_like[] = { NDPI_PROTOCOL_HTTP, NDPI_PROTOCOL_HTTP_CONNECT, NDPI_PROTOCOL_HTTP_PROXY, 0 };
static const uint16_t dns_like[] = { NDPI_PROTOCOL_DNS, NDPI_PROTOCOL_MDNS, NDPI_PROTOCOL_LLMNR, 0 };
static const uint16_t login_like[] = { NDPI_PROTOCOL_FTP_CONTROL, NDPI_PROTOCOL_MAIL_POP, NDPI_PROTOCOL_MAIL_SMTP,
				       NDPI_PROTOCOL_MAIL_IMAP, 0 };

static bool is_any(const struct look *k, const uint16_t *ids)
{
	for (; *ids; ids++)
		if (look_is(k, *ids))
			return true;
	return false;
}

/* Detected, not guessed: what this protocol left in the union can be read. */
static bool detected(const struct look *k, uint16_t id)
{
	for (unsigned i = 0; i < NDPI_PROTOCOL_SIZE; i++)
		if (k->detected[i] == id)
			return true;
	return false;
}

/* -- strings -- */

static struct str url(struct look *k, const char *s)
{
	return s ? str_put(k->arena, s, strlen(s), MAX_URL) : (struct str){ 0, 0 };
}

/* Arrays of a fixed size in the library are not always terminated. */
#define ARRAY(k, a) str_put((k)->arena, (a), strnlen((a), sizeof(a)), MAX_TEXT)

static struct str hex(struct look *k, const uint8_t *p, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	struct str s = { (uint32_t)k->arena->len, (uint32_t)(2 * n) };
	for (size_t i = 0; i < n; i++) {
		buf_addc(k->arena, digits[p[i] >> 4]);
		buf_addc(k->arena, digits[p[i] & 15]);
	}
	return s;
}

static struct str lower(struct look *k, struct str s)
{
	for (char *p = k->arena->p + s.off, *end = p + s.len; p < end; p++)
		*p = (char)(*p >= 'A' && *p <= 'Z' ? *p + 32 : *p);
	return s;
}

/* nDPI separates by commas, a list by newlines. */
static struct str list(struct look *k, const char *s)
{
	struct str r = url(k, s);
	for (uint32_t i = 0; i < r.len; i++)
		if (k->arena->p[r.off + i] == ',')
			k->arena->p[r.off + i] = '\n';
	return r;
}

static bool any_set(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i])
			return true;
	return false;
}

/* -- the packets themselves -- */

/* The first payload that begins with these words; any if begin is "". */
static bool find_payload(const struct look *k, const char *begin, struct payload *ret)
{
	struct payload_walk w = { 0 };
	size_t n = strlen(begin);
	while (next_payload(k, &w)) {
		if (w.l4.len < n || memcmp(w.l4.p, begin, n) != 0)
			continue;
		*ret = w.l4;
		return true;
	}
	return false;
}

/* Value of the first of these headers that the text has. names ends with NULL. */
static struct str header(struct look *k, const struct payload *l4, const char *const *names)
{
	for (; *names; names++) {
		const char *v;
		size_t n = parse_header(l4->p, l4->len, *names, &v);
		if (n)
			return str_put(k->arena, v, n, MAX_TEXT);
	}
	return (struct str){ 0, 0 };
}

/* Of a name longer than it has room for, nDPI keeps the end: is this the whole one? */
static bool is_whole(const struct look *k, const char *full, size_t len)
{
	const char *end = k->f->host_server_name;
	size_t n = strnlen(end, sizeof k->f->host_server_name);
	return n == NDPI_NAME_MAX && len > n && strncasecmp(full + len - n, end, n) == 0;
}

/* -- TLS and QUIC -- */

/* The client's bytes in order, as far as they are there without a hole. */
static size_t client_stream(const struct look *k, uint8_t out[static MAX_STREAM])
{
	struct payload_walk w = { 0 };
	uint32_t next = 0;
	size_t n = 0;
	while (n < MAX_STREAM && next_payload(k, &w)) {
		if (w.h.dir != 0 || (n && w.l4.seq != next))
			continue;
		size_t copy = w.l4.len < MAX_STREAM - n ? w.l4.len : MAX_STREAM - n;
		memcpy(out + n, w.l4.p, copy);
		n += copy;
		next = w.l4.seq + (uint32_t)w.l4.len;
	}
	return n;
}

static void fill_hello(struct look *k)
{
	uint8_t stream[MAX_STREAM];
	struct hello h;
	if (!hello_parse(stream, client_stream(k, stream), &h))
		return;
	k->out->tls_ech = h.ech;
	k->out->tls_esni = h.esni;
	if (is_whole(k, h.sni, strlen(h.sni)))
		k->out->tls_sni = k->out->host = text(k, h.sni);
}

static void fill_certificate(struct look *k)
{
	struct g_flow_app *o = k->out;
	const struct ndpi_flow_struct *f = k->f;
	o->tls_issuer = text(k, f->protos.tls_quic.issuerDN);
	o->tls_subject = text(k, f->protos.tls_quic.subjectDN);
	o->tls_names = list(k, f->protos.tls_quic.server_names);
	o->tls_not_before = f->protos.tls_quic.notBefore * 1000000000ull;
	o->tls_not_after = f->protos.tls_quic.notAfter * 1000000000ull;
	if (any_set(f->protos.tls_quic.sha1_certificate_fingerprint, 20))
		o->tls_sha1 = hex(k, f->protos.tls_quic.sha1_certificate_fingerprint, 20);
}

static void fill_tls(struct look *k)
{
	static const char *const strength[] = { "ok", "weak", "insecure" };
	struct g_flow_app *o = k->out;
	struct ndpi_flow_struct *f = k->f;
	uint8_t unknown = 0;
	char version[16];
	if (f->protos.tls_quic.ssl_version) {
		o->tls_version_id = f->protos.tls_quic.ssl_version;
		o->tls_version = text(k, ndpi_ssl_version2str(version, sizeof version, o->tls_version_id, &unknown));
	}
	o->tls_sni = o->host;
	o->tls_alpn = text(k, f->protos.tls_quic.alpn);
	o->tls_versions = text(k, f->protos.tls_quic.tls_supported_versions);
	o->tls_ja3c = ARRAY(k, f->protos.tls_quic.ja3_client);
	o->tls_ja3s = ARRAY(k, f->protos.tls_quic.ja3_server);
	if (f->protos.tls_quic.server_cipher) {
		unsigned weak = f->protos.tls_quic.server_unsafe_cipher;
		o->tls_cipher = text(k, ndpi_cipher2str(f->protos.tls_quic.server_cipher));
		o->tls_strength = text(k, strength[weak < 3 ? weak : 2]);
	}
	fill_certificate(k);
	if (k->key->proto == IPPROTO_TCP)
		fill_hello(k);
}

static void fill_quic(struct look *k)
{
	struct payload_walk w = { 0 };
	char last[QUIC_VERSION_LEN] = "";
	while (next_payload(k, &w)) {
		char v[QUIC_VERSION_LEN];
		if (parse_quic_version(w.l4.p, w.l4.len, v))
			memcpy(last, v, sizeof last); /* the last one: what both agreed on */
	}
	k->out->quic_version = text(k, last);
}

/* -- HTTP -- */

/* Length of the address at the front of a Host header, with its brackets (RFC 3986, 3.2.2); 0 if there is none. */
static size_t bracketed(const char *v, size_t n)
{
	const char *end = n && *v == '[' ? memchr(v, ']', n) : NULL;
	return end ? (size_t)(end - v) + 1 : 0;
}

static void fill_http(struct look *k)
{
	static const char *const server[] = { "Server", NULL };
	struct g_flow_app *o = k->out;
	struct ndpi_flow_struct *f = k->f;
	struct payload l4;
	const char *method = f->http.method == NDPI_HTTP_METHOD_UNKNOWN ? "" : ndpi_http_method2str(f->http.method);
	o->http_method = text(k, method);
	o->http_url = url(k, f->http.url);
	o->http_status = f->http.response_status_code;
	o->http_type = text(k, f->http.content_type);
	/* nDPI keeps the end of a long name, and cuts an IPv6 address at its first colon. */
	bool is_literal = *f->host_server_name == '[';
	if ((o->host.len == NDPI_NAME_MAX || is_literal) && find_payload(k, method, &l4)) {
		const char *v = NULL;
		size_t n = parse_header(l4.p, l4.len, "Host", &v);
		if (is_literal)
			n = bracketed(v, n);
		if (n && (is_literal || is_whole(k, v, n)))
			o->host = str_put(k->arena, v, n, MAX_TEXT);
	}
	o->http_host = o->host;
	if (find_payload(k, "HTTP/1.", &l4))
		o->http_server = header(k, &l4, server);
}

/* -- names -- */

static struct str dns_addresses(struct look *k, const struct dns_message *m)
{
	struct str r = { (uint32_t)k->arena->len, 0 };
	for (unsigned i = 0; i < m->n_addresses; i++) {
		char a[ADDR_STRLEN];
		buf_addf(k->arena, "%s%s", i ? "\n" : "", addr_str(&m->addresses[i], a));
	}
	r.len = (uint32_t)k->arena->len - r.off;
	return r;
}

struct dns_seen {
	bool query, reply;
	uint16_t id;
};

/* The flow's first question, and the answer to it: many may share the ports. */
static void take_dns(struct look *k, struct dns_seen *seen, const struct dns_message *m)
{
	struct g_flow_app *o = k->out;
	if (seen->reply || (seen->query && (!m->reply || (m->id != seen->id && !look_is(k, NDPI_PROTOCOL_MDNS)))))
		return;
	if (!seen->query) {
		o->dns_query = text(k, m->name);
		o->dns_type = m->type;
		seen->query = true;
		seen->id = m->id;
	}
	if (!m->reply)
		return;
	seen->reply = true;
	o->dns_reply = 1;
	o->dns_rcode = m->rcode;
	o->dns_ttl = m->ttl;
	o->dns_addresses = dns_addresses(k, m);
	if (look_is(k, NDPI_PROTOCOL_MDNS))
		o->mdns_answer = text(k, m->answer);
}

static void fill_dns(struct look *k)
{
	struct payload_walk w = { 0 };
	struct dns_seen seen = { 0 };
	while (!seen.reply && next_payload(k, &w)) {
		struct dns_message m;
		size_t prefix = k->key->proto == IPPROTO_TCP ? 2 : 0; /* a length before each message (RFC 1035 4.2.2) */
		if (w.l4.len > prefix && dns_parse(w.l4.p + prefix, w.l4.len - prefix, &m))
			take_dns(k, &seen, &m);
	}
	if (look_is(k, NDPI_PROTOCOL_MDNS))
		k->out->mdns_name = k->out->dns_query;
	else if (is_whole(k, str_ptr(k->arena->p, k->out->dns_query), k->out->dns_query.len))
		k->out->host = k->out->dns_query;
}

static void fill_ssdp(struct look *k)
{
	static const char *const names[] = { "SERVER", "USER-AGENT", "ST", "NT", NULL };
	struct payload l4;
	if (find_payload(k, "", &l4))
		k->out->ssdp_name = header(k, &l4, names);
}

/* -- the rest -- */

/* The client's options; nDPI 4.2 loses some when they are at the end of the packet. */
static void fill_dhcp(struct look *k)
{
	struct g_flow_app *o = k->out;
	struct payload_walk w = { 0 };
	struct dhcp_message m;
	while (next_payload(k, &w)) {
		if (!dhcp_parse(w.l4.p, w.l4.len, &m) || !m.request)
			continue;
		o->dhcp_fp.off = (uint32_t)k->arena->len;
		for (uint8_t i = 0; i < m.n_wanted; i++)
			buf_addf(k->arena, i ? ",%u" : "%u", m.wanted[i]);
		o->dhcp_fp.len = (uint32_t)k->arena->len - o->dhcp_fp.off;
		o->dhcp_class = str_put(k->arena, m.class, m.n_class, MAX_TEXT);
		o->dhcp_name = str_put(k->arena, m.name, m.n_name, MAX_TEXT);
		return;
	}
}

/* Lines that each side begins with (RFC 4253 4.2). nDPI takes the first one for the client's, which is often the server's. */
static void fill_ssh_banners(struct look *k)
{
	struct g_flow_app *o = k->out;
	struct payload_walk w = { 0 };
	while (next_payload(k, &w)) {
		struct str *to = w.h.dir ? &o->ssh_server : &o->ssh_client;
		size_t n = 0;
		if (to->len || w.l4.len < 4 || memcmp(w.l4.p, "SSH-", 4) != 0)
			continue;
		while (n < w.l4.len && w.l4.p[n] >= ' ' && w.l4.p[n] < 127)
			n++;
		*to = str_put(k->arena, (const char *)w.l4.p, n, MAX_TEXT);
	}
}

static void fill_ssh(struct look *k)
{
	struct g_flow_app *o = k->out;
	const struct ndpi_flow_struct *f = k->f;
	o->ssh_hassh_c = lower(k, ARRAY(k, f->protos.ssh.hassh_client));
	o->ssh_hassh_s = lower(k, ARRAY(k, f->protos.ssh.hassh_server));
}

static void fill_sip(struct look *k)
{
	static const char *const from[] = { "From", "f", NULL }, *const to[] = { "To", "t", NULL };
	static const char *const call[] = { "Call-ID", "i", NULL };
	struct payload_walk w = { 0 };
	while (!k->out->sip_call_id.len && next_payload(k, &w)) {
		k->out->sip_call_id = header(k, &w.l4, call);
		if (!k->out->sip_call_id.len)
			continue;
		k->out->sip_from = header(k, &w.l4, from);
		k->out->sip_to = header(k, &w.l4, to);
	}
}

static void fill_media(struct look *k)
{
	struct payload_walk w = { 0 };
	const char *kind = NULL;
	while (!kind && next_payload(k, &w)) {
		kind = parse_rtp_kind(w.l4.p, w.l4.len);
		if (!kind)
			kind = parse_stun_kind(w.l4.p, w.l4.len);
	}
	k->out->rtp_kind = text(k, kind);
}

/* nDPI 4.2 goes on into the bytes behind the name. */
static void fill_telnet(struct look *k)
{
	struct payload_walk w = { 0 };
	struct telnet t = { 0 };
	while (next_payload(k, &w))
		telnet_feed(&t, w.h.dir, w.l4.p, w.l4.len);
	if (t.done)
		k->out->user = text(k, t.user);
	k->out->login_failed = t.failed;
}

/* nDPI 4.2 does not look at the answers. */
static bool mail_refused(const struct look *k)
{
	enum mail_kind kind = look_is(k, NDPI_PROTOCOL_MAIL_POP)    ? MAIL_POP
			      : look_is(k, NDPI_PROTOCOL_MAIL_IMAP) ? MAIL_IMAP
								    : MAIL_SMTP;
	struct mail m = { .kind = kind };
	struct payload_walk w = { 0 };
	while (next_payload(k, &w))
		mail_feed(&m, w.h.dir, w.l4.p, w.l4.len);
	return m.failed;
}

static void fill_login(struct look *k)
{
	const struct ndpi_flow_struct *f = k->f;
	if (is_any(k, login_like) && k->key->proto == IPPROTO_TCP) {
		k->out->user = ARRAY(k, f->l4.tcp.ftp_imap_pop_smtp.username);
		k->out->login_failed = look_is(k, NDPI_PROTOCOL_FTP_CONTROL) ? f->l4.tcp.ftp_imap_pop_smtp.auth_failed : mail_refused(k);
	} else if (look_is(k, NDPI_PROTOCOL_TELNET)) {
		fill_telnet(k);
	}
}

static void fill_union(struct look *k)
{
	struct g_flow_app *o = k->out;
	const struct ndpi_flow_struct *f = k->f;
	if (detected(k, NDPI_PROTOCOL_SSH))
		fill_ssh(k);
	if (detected(k, NDPI_PROTOCOL_BITTORRENT) && !look_is(k, NDPI_PROTOCOL_TLS) &&
	    any_set(f->protos.bittorrent.hash, sizeof f->protos.bittorrent.hash))
		o->bt_hash = hex(k, f->protos.bittorrent.hash, sizeof f->protos.bittorrent.hash);
	if (detected(k, NDPI_PROTOCOL_KERBEROS)) {
		o->krb_host = ARRAY(k, f->protos.kerberos.hostname);
		o->krb_realm = ARRAY(k, f->protos.kerberos.domain);
		o->krb_user = ARRAY(k, f->protos.kerberos.username);
	}
}

/* Has the union what TLS leaves there? A hello that was read but did not suffice to detect it counts. */
static bool has_tls(const struct look *k)
{
	for (const uint16_t *id = tls_like; *id; id++)
		if (detected(k, *id))
			return true;
	return k->detected[0] == NDPI_PROTOCOL_UNKNOWN && k->detected[1] == NDPI_PROTOCOL_UNKNOWN && is_any(k, tls_like) &&
	       k->f->protos.tls_quic.hello_processed;
}

void app_fill_metadata(struct look *k)
{
	struct g_flow_app *o = k->out;
	struct payload l4;
	o->host = ARRAY(k, k->f->host_server_name);
	if (has_tls(k))
		fill_tls(k);
	else
		fill_union(k);
	if (look_is(k, NDPI_PROTOCOL_QUIC))
		fill_quic(k);
	if (is_any(k, http_like) || k->f->http.url)
		fill_http(k);
	o->http_agent = text(k, k->f->http.user_agent); /* QUIC has it too */
	o->http_os = text(k, k->f->http.detected_os);
	if (is_any(k, dns_like))
		fill_dns(k);
	if (look_is(k, NDPI_PROTOCOL_SSH))
		fill_ssh_banners(k);
	if (look_is(k, NDPI_PROTOCOL_DHCP))
		fill_dhcp(k);
	if (look_is(k, NDPI_PROTOCOL_NETBIOS))
		o->netbios_name = o->host;
	if (look_is(k, NDPI_PROTOCOL_SSDP))
		fill_ssdp(k);
	if (look_is(k, NDPI_PROTOCOL_SIP))
		fill_sip(k);
	if (look_is(k, NDPI_PROTOCOL_RTP) || look_is(k, NDPI_PROTOCOL_STUN))
		fill_media(k);
	if (look_is(k, NDPI_PROTOCOL_SNMP) && find_payload(k, "", &l4))
		o->snmp_version = (uint8_t)parse_snmp_version(l4.p, l4.len);
	fill_login(k);
}
