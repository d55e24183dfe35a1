/*
 * Arithmetic over record fields, for custom rules: 'client.bytes + server.bytes', '8 * bytes_sent / 1M'.
 *
 *   sum     = product { ('+' | '-') product }
 *   product = factor { ('*' | '/') factor }
 *   factor  = number | field | '(' sum ')' | '-' factor
 *
 * Numbers may have K, M, G, T (powers of 1000) or Ki, Mi, Gi, Ti (of 1024) behind them. Fields are those of weir-fields(7)
 * that are numbers; times and durations count in seconds. 'bytes', 'packets' and 'duration' are the same sums and spans as
 * in the match language; 'apps.TLS' is a member of a map. Division by zero gives 0. Pure.
 */
#ifndef WEIR_EXPR_H
#define WEIR_EXPR_H

#include "match.h"
#include "record.h"

struct expr;

/* NULL after filling *e. Bounded: 1 KiB of text, 64 operands. */
struct expr *expr_parse(const char *text, enum rtype type, struct match_error *e);
void expr_free(struct expr *x);
double expr_eval(const struct expr *x, const void *rec, const char *base);
/* "1.5G" and the like; false if it is no number. */
bool expr_number(const char *s, double *ret);

#endif
