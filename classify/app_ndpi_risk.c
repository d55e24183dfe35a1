/*
 * Risks. nDPI 4.2 says which, not why: what raised them is told here from the metadata and the packets.
 */
#include <stdio.h>
#include <time.h>

#include "app_ndpi.h"
#include "checkdef.h"

#define MAX_VALUE 200 /* bytes of one value in an explanation */

/* -- values -- */

/* Text of the arena, in one line. */
static bool say(struct buf *b, const struct look *k, struct str s)
{
	const char *p = str_ptr(k->arena->p, s);
	size_t n = s.len;
	while (n > MAX_VALUE || (n < s.len && ((uint8_t)p[n] & 0xc0) == 0x80)) /* cut on a character */
		n--;
	for (size_t i = 0; i < n; i++)
		buf_addc(b, p[i] == '\n' ? ',' : p[i]);
	return n > 0;
}

static void say_day(struct buf *b, uint64_t ns)
{
	time_t s = (time_t)(ns / 1000000000u);
	struct tm tm;
	gmtime_r(&s, &tm);
	buf_addf(b, "%04d-%02d-%02d", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
}

static bool say_validity(struct buf *b, const struct look *k)
{
	if (!k->out->tls_not_after)
		return false;
	buf_adds(b, "valid from ");
	say_day(b, k->out->tls_not_before);
	buf_adds(b, " to ");
	say_day(b, k->out->tls_not_after);
	buf_adds(b, ", seen ");
	say_day(b, k->last_time);
	return true;
}

static bool say_mismatch(struct buf *b, const struct look *k)
{
	if (!k->out->tls_sni.len)
		return false;
	say(b, k, k->out->tls_sni);
	buf_adds(b, " is not among ");
	if (!say(b, k, k->out->tls_names) && !say(b, k, k->out->tls_subject))
		buf_adds(b, "its names");
	return true;
}

static bool say_port(struct buf *b, const struct look *k)
{
	say(b, k, k->out->master.len ? k->out->master : k->out->app);
	buf_addf(b, " between ports %u and %u", k->key->client_port, k->key->server_port);
	return true;
}

/* The last fatal alert: its name (RFC 8446 appendix B.2), or number. */
static bool say_tls_alert(struct buf *b, const struct look *k)
{
	static const char *const names[256] = {
		[10] = "unexpected_message",  [20] = "bad_record_mac",         [22] = "record_overflow",
		[40] = "handshake_failure",   [42] = "bad_certificate",        [43] = "unsupported_certificate",
		[44] = "certificate_revoked", [45] = "certificate_expired",    [46] = "certificate_unknown",
		[47] = "illegal_parameter",   [48] = "unknown_ca",             [49] = "access_denied",
		[50] = "decode_error",        [51] = "decrypt_error",          [70] = "protocol_version",
		[71] = "insufficient_security", [80] = "internal_error",       [86] = "inappropriate_fallback",
		[90] = "user_canceled",       [109] = "missing_extension",     [110] = "unsupported_extension",
		[112] = "unrecognized_name",  [113] = "bad_certificate_status_response", [115] = "unknown_psk_identity",
		[116] = "certificate_required", [120] = "no_application_protocol",
	};
	struct payload_walk w = { 0 };
	int code = -1, dir = 0;
	while (next_payload(k, &w)) {
		int c = parse_tls_alert(w.l4.p, w.l4.len);
		if (c < 0)
			continue;
		code = c;
		dir = w.h.dir;
	}
	if (code < 0)
		return false;
	buf_adds(b, dir ? "server: " : "client: ");
	if (names[code])
		buf_adds(b, names[code]);
	else
		buf_addf(b, "alert %d", code);
	return true;
}

static bool say_largest(struct buf *b, const struct look *k)
{
	struct payload_walk w = { 0 };
	size_t max = 0;
	while (next_payload(k, &w))
		max = w.l4.len > max ? w.l4.len : max;
	buf_addf(b, "%zu bytes", max);
	return max > 0;
}

/* The text of the verdict that raised a risk, or the one that may be there instead. */
static const struct {
	uint16_t first, other; /* offsets of struct str in struct g_flow_app; 0 = none */
} reasons[NDPI_MAX_RISK] = {
#define TEXT(member) offsetof(struct g_flow_app, member)
	[NDPI_URL_POSSIBLE_XSS] = { TEXT(http_url) },
	[NDPI_URL_POSSIBLE_SQL_INJECTION] = { TEXT(http_url) },
	[NDPI_URL_POSSIBLE_RCE_INJECTION] = { TEXT(http_url) },
	[NDPI_HTTP_SUSPICIOUS_URL] = { TEXT(http_url) },
	[NDPI_HTTP_SUSPICIOUS_USER_AGENT] = { TEXT(http_agent) },
	[NDPI_POSSIBLE_EXPLOIT] = { TEXT(http_agent), TEXT(http_url) },
	[NDPI_HTTP_SUSPICIOUS_CONTENT] = { TEXT(http_type), TEXT(http_url) },
	[NDPI_BINARY_APPLICATION_TRANSFER] = { TEXT(http_type), TEXT(http_url) },
	[NDPI_TLS_OBSOLETE_VERSION] = { TEXT(tls_version) },
	[NDPI_TLS_WEAK_CIPHER] = { TEXT(tls_cipher) },
	[NDPI_TLS_SELFSIGNED_CERTIFICATE] = { TEXT(tls_issuer) },
	[NDPI_TLS_UNCOMMON_ALPN] = { TEXT(tls_alpn) },
	[NDPI_TLS_NOT_CARRYING_HTTPS] = { TEXT(tls_alpn) },
	[NDPI_TLS_SUSPICIOUS_ESNI_USAGE] = { TEXT(tls_sni) },
	[NDPI_MALICIOUS_JA3] = { TEXT(tls_ja3c) },
	[NDPI_MALICIOUS_SHA1_CERTIFICATE] = { TEXT(tls_sha1) },
	[NDPI_SSH_OBSOLETE_CLIENT_VERSION_OR_CIPHER] = { TEXT(ssh_client) },
	[NDPI_SSH_OBSOLETE_SERVER_VERSION_OR_CIPHER] = { TEXT(ssh_server) },
	[NDPI_CLEAR_TEXT_CREDENTIALS] = { TEXT(user), TEXT(http_host) },
	[NDPI_SUSPICIOUS_DGA_DOMAIN] = { TEXT(host), TEXT(tls_subject) },
	[NDPI_RISKY_DOMAIN] = { TEXT(host), TEXT(tls_subject) },
	[NDPI_HTTP_NUMERIC_IP_HOST] = { TEXT(host), TEXT(tls_subject) },
	[NDPI_INVALID_CHARACTERS] = { TEXT(host), TEXT(tls_subject) },
	[NDPI_UNSAFE_PROTOCOL] = { TEXT(app) },
	[NDPI_DESKTOP_OR_FILE_SHARING_SESSION] = { TEXT(app) },
	[NDPI_SMB_INSECURE_VERSION] = { TEXT(app) },
	[NDPI_MALFORMED_PACKET] = { TEXT(app) },
#undef TEXT
};

static bool say_text(struct buf *b, const struct look *k, unsigned risk)
{
	const char *out = (const char *)k->out;
	uint16_t first = reasons[risk].first, other = reasons[risk].other;
	return (first && say(b, k, *(const struct str *)(const void *)(out + first))) ||
	       (other && say(b, k, *(const struct str *)(const void *)(out + other)));
}

/* The value that raised a risk. False if there is none to tell. */
static bool say_why(struct buf *b, const struct look *k, unsigned risk)
{
	switch (risk) {
	case NDPI_TLS_CERTIFICATE_EXPIRED:
	case NDPI_TLS_CERTIFICATE_ABOUT_TO_EXPIRE:
	case NDPI_TLS_CERT_VALIDITY_TOO_LONG:
		return say_validity(b, k);
	case NDPI_TLS_CERTIFICATE_MISMATCH:
		return say_mismatch(b, k);
	case NDPI_TLS_FATAL_ALERT:
		return say_tls_alert(b, k);
	case NDPI_KNOWN_PROTOCOL_ON_NON_STANDARD_PORT:
		return say_port(b, k);
	case NDPI_DNS_SUSPICIOUS_TRAFFIC:
		buf_addf(b, "type %u for ", k->out->dns_type);
		return say(b, k, k->out->dns_query);
	case NDPI_DNS_LARGE_PACKET:
		return say_largest(b, k);
	case NDPI_SUSPICIOUS_ENTROPY:
		buf_addf(b, "entropy %.2f", (double)k->f->entropy);
		return true;
	default:
		return say_text(b, k, risk);
	}
}

/* -- */

static const struct checkdef *risk_check(ndpi_risk risks, unsigned i)
{
	return NDPI_ISSET_BIT(risks, i) ? checkdef_risk(i) : NULL;
}

static struct str fill_keys(struct look *k, ndpi_risk risks)
{
	struct str r = { (uint32_t)k->arena->len, 0 };
	for (unsigned i = 1; i < NDPI_MAX_RISK; i++) {
		const struct checkdef *d = risk_check(risks, i);
		if (d)
			buf_addf(k->arena, "%s%s", k->arena->len > r.off ? "\n" : "", d->key);
	}
	r.len = (uint32_t)k->arena->len - r.off;
	return r;
}

static struct str fill_details(struct look *k, ndpi_risk risks)
{
	struct buf *b = &k->a->scratch; /* not the arena, whose texts are being copied */
	buf_reset(b);
	for (unsigned i = 1; i < NDPI_MAX_RISK; i++) {
		const struct checkdef *d = risk_check(risks, i);
		size_t before = b->len;
		if (!d)
			continue;
		buf_addf(b, "%s%s: ", before ? "\n" : "", d->key);
		if (!say_why(b, k, i))
			b->len = before;
	}
	return str_put_raw(k->arena, b->p, b->len);
}

static bool begins_with(const struct look *k, struct str s, const char *text, size_t len)
{
	return s.len >= len && memcmp(str_ptr(k->arena->p, s), text, len) == 0;
}

/* nDPI takes the first line of SSH for the client's: where it was the server's, the old one is the other. */
static ndpi_risk mend_ssh(const struct look *k, ndpi_risk risks)
{
	const ndpi_risk both = 1ull << NDPI_SSH_OBSOLETE_CLIENT_VERSION_OR_CIPHER | 1ull << NDPI_SSH_OBSOLETE_SERVER_VERSION_OR_CIPHER;
	const struct g_flow_app *o = k->out;
	ndpi_risk ssh = risks & both;
	if (!ssh || ssh == both)
		return risks;
	const char *first = k->f->protos.ssh.client_signature;
	size_t len = strnlen(first, sizeof k->f->protos.ssh.client_signature);
	bool servers = len && begins_with(k, o->ssh_server, first, len) && !begins_with(k, o->ssh_client, first, len);
	return servers ? risks ^ both : risks;
}

void app_fill_risks(struct look *k)
{
	struct g_flow_app *o = k->out;
	ndpi_risk risks = mend_ssh(k, k->f->risk);
	if (k->f->http.url && *k->f->http.url) { /* the library leaves it to whoever calls it */
		ndpi_risk_enum r = ndpi_validate_url(k->f->http.url);
		if (r != NDPI_NO_RISK)
			NDPI_SET_BIT(risks, r);
	}
	if (!risks)
		return;
	o->risk_bits = risks;
	o->risk_score = ndpi_risk2score(risks, &o->risk_client, &o->risk_server);
	o->risks = fill_keys(k, risks);
	o->risk_details = fill_details(k, risks);
}
