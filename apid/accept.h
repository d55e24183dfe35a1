/* What a client wants of what it could get. Pure. */
#ifndef WEIR_ACCEPT_H
#define WEIR_ACCEPT_H

/*
 * How much one that a header Accept or Accept-Encoding names is wanted (RFC 9110 sections 12.4.2 and 12.5), from 0 to 1: the most, if it
 * is there more than once. 0: it is not named, by a wildcard at most, or not wanted. accept may be NULL.
 */
double accept_q(const char *accept, const char *name);

#endif
