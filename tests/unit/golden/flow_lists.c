/* Golden tests of checks/flow_lists.c. */
#include "golden.h"

HIT(ndpi_malware_host_contacted)
{
	struct lab_flow f = lab_flow(l, 1);
	f.app.host = lab_text(&f, "a.evil.example");
	lab_run(&f);
}

MISS(ndpi_malware_host_contacted)
{
	struct lab_flow f = lab_flow(l, 1);
	f.app.host = lab_text(&f, "notevil.example");
	lab_run(&f);
}

HIT(web_mining)
{
	struct lab_flow f = lab_flow(l, 1);
	f.app.host = lab_text(&f, "xmr.pool.example");
	lab_run(&f);
}

MISS(web_mining)
{
	struct lab_flow f = lab_flow(l, 1);
	f.app.host = lab_text(&f, "pool.example.org");
	lab_run(&f);
}

HIT(blacklisted)
{
	struct lab_flow f = lab_flow(l, 1);
	f.app.host = lab_text(&f, "WORSE.example");
	lab_run(&f);
}

MISS(blacklisted)
{
	struct lab_flow f = lab_flow(l, 1);
	f.app.host = lab_text(&f, "worse.example.net");
	lab_run(&f);
}

HIT(blacklisted_client_contact)
{
	struct lab_flow f = lab_flow(l, 1);
	f.key.client = lab_addr("198.51.100.9");
	f.key.server = lab_addr("10.0.0.9");
	lab_run(&f);
}

MISS(blacklisted_client_contact)
{
	struct lab_flow f = lab_flow(l, 1);
	f.key.client = lab_addr("198.51.101.9");
	f.key.server = lab_addr("10.0.0.9");
	lab_run(&f);
}

HIT(blacklisted_server_contact)
{
	struct lab_flow f = lab_flow(l, 1);
	f.key.server = lab_addr("198.51.100.9");
	lab_run(&f);
}

MISS(blacklisted_server_contact)
{
	struct lab_flow f = lab_flow(l, 1);
	f.key.server = lab_addr("198.51.101.9");
	lab_run(&f);
}

HIT(ndpi_anonymous_subscriber)
{
	struct lab_flow f = lab_flow(l, 1);
	f.key.client = lab_addr("203.0.113.1");
	f.key.server = lab_addr("10.0.0.9");
	lab_run(&f);
}

MISS(ndpi_anonymous_subscriber)
{
	struct lab_flow f = lab_flow(l, 1);
	f.key.client = lab_addr("203.0.114.1");
	f.key.server = lab_addr("10.0.0.9");
	lab_run(&f);
}

HIT(ndpi_risky_domain)
{
	struct lab_flow f = lab_flow(l, 1);
	f.app.host = lab_text(&f, "risky.example");
	lab_run(&f);
}

MISS(ndpi_risky_domain)
{
	struct lab_flow f = lab_flow(l, 1);
	f.app.host = lab_text(&f, "briskly.example");
	lab_run(&f);
}

HIT(ndpi_malicious_fingerprint)
{
	struct lab_flow f = lab_flow(l, 1);
	lab_run(&f);
}

MISS(ndpi_malicious_fingerprint)
{
	struct lab_flow f = lab_flow(l, 1);
	f.app.tls_ja3c = lab_text(&f, "ff112233445566778899aabbccddeeff");
	lab_run(&f);
}

HIT(ndpi_malicious_sha1_certificate)
{
	struct lab_flow f = lab_flow(l, 1);
	f.app.tls_sha1 = lab_text(&f, "da39a3ee5e6b4b0d3255bfef95601890afd80709");
	lab_run(&f);
}

MISS(ndpi_malicious_sha1_certificate)
{
	struct lab_flow f = lab_flow(l, 1);
	f.app.tls_sha1 = lab_text(&f, "ea39a3ee5e6b4b0d3255bfef95601890afd80709");
	lab_run(&f);
}

static const struct golden table[] = {
    GOLDEN(ndpi_malware_host_contacted, "hosts: [evil.example]"),
    GOLDEN(web_mining, "domains: [pool.example]"),
    GOLDEN(blacklisted, "domains: [bad.example, worse.example]"),
    GOLDEN(blacklisted_client_contact, "addresses: [198.51.100.0/24]"),
    GOLDEN(blacklisted_server_contact, "addresses: [198.51.100.0/24]"),
    GOLDEN(ndpi_anonymous_subscriber, "networks: [203.0.113.0/24]"),
    GOLDEN(ndpi_risky_domain, "domains: [risky.example]"),
    GOLDEN(ndpi_malicious_fingerprint, "fingerprints: [00112233445566778899aabbccddeeff]"),
    GOLDEN(ndpi_malicious_sha1_certificate,
	   "fingerprints: [da39a3ee5e6b4b0d3255bfef95601890afd80709]"),
};
GOLDENS(flow_lists, table);
