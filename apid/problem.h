/* Errors as RFC 9457 problem details. */
#ifndef WEIR_PROBLEM_H
#define WEIR_PROBLEM_H

#include "http.h"
#include "route.h"

/* Answers a request with a problem. e: which parameter was wrong and how, or NULL. */
void request_problem(struct request *r, unsigned status, const char *detail, const struct param_error *e);

#endif
