/* Golden tests of checks/flow_tls.c. */
#include "golden.h"

HIT(ndpi_tls_alpn_sni_mismatch)
{
	struct lab_flow f = lab_flow(l, 1);
	f.app.tls_sni.len = 0;
	lab_run(&f);
}

MISS(ndpi_tls_alpn_sni_mismatch)
{
	struct lab_flow f = lab_flow(l, 1);
	f.app.tls_sni.len = 0;
	f.app.tls_version_id = 0x0301;
	lab_run(&f);
}

HIT(tls_unsafe_ciphers)
{
	struct lab_flow f = lab_flow(l, 1);
	f.app.tls_strength = lab_text(&f, "insecure");
	lab_run(&f);
}

MISS(tls_unsafe_ciphers)
{
	struct lab_flow f = lab_flow(l, 1);
	f.app.tls_strength = lab_text(&f, "ok");
	lab_run(&f);
}

static const struct golden table[] = {
    GOLDEN(ndpi_tls_alpn_sni_mismatch, ""),
    GOLDEN(tls_unsafe_ciphers, ""),
};
GOLDENS(flow_tls, table);
