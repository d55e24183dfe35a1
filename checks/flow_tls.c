/* TLS: what nDPI 4.2 leaves out. */
#include "flow_util.h"

/* nDPI 4.2 raises its risk for weak suites only and not for those that are worse. */
FLOW_CHECK(tls_unsafe_ciphers)
{
	char cipher[80];
	if (!flow_contains(v, v->app->tls_strength, "weak") && !flow_contains(v, v->app->tls_strength, "insecure"))
		return false;
	flow_text(cipher, sizeof cipher, v, v->app->tls_cipher);
	SAY(f, "The server chose %s", cipher);
	VALUES(f, "cipher=%s", cipher);
	return true;
}

/* Is one of the application protocols (ALPN, RFC 7301) HTTP's? "h2", "h3", "http/1.1" ... separated by commas. */
static bool offers_web(const char *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (p[i] == 'h' && (i == 0 || p[i - 1] == ',' || p[i - 1] == ';' || p[i - 1] == ' '))
			return true;
	return false;
}

FLOW_CHECK(ndpi_tls_alpn_sni_mismatch)
{
	char alpn[80];
	const struct g_flow_app *a = v->app;
	if (a->tls_sni.len || a->tls_esni || a->tls_ech || a->tls_version_id < 0x0302 ||
	    !offers_web(str_ptr(v->app_base, a->tls_alpn), a->tls_alpn.len))
		return false;
	flow_text(alpn, sizeof alpn, v, a->tls_alpn);
	SAY(f, "The client offers %s and does not say which server it wants", alpn);
	VALUES(f, "alpn=%s", alpn);
	return true;
}
