/* TLS ClientHello (RFC 8446): what nDPI 4.2 cuts off or does not know. Pure; any bytes may come. */
#ifndef WEIR_HELLO_H
#define WEIR_HELLO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HELLO_MAX_NAME 256

struct hello {
	char sni[HELLO_MAX_NAME]; /* lower case; "" if there is none */
	bool ech;                 /* extension encrypted_client_hello, a placeholder of it too */
	bool esni;                /* its forerunner, encrypted_server_name */
};

/*
 * Reads the hello at the beginning of a client's byte stream. False if there is none; one that is cut off counts with
 * what came before.
 */
bool hello_parse(const uint8_t *p, size_t len, struct hello *h);

#endif
