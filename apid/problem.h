/* Errors as RFC 9457 problem details. */
#ifndef WEIR_PROBLEM_H
#define WEIR_PROBLEM_H

#include "http.h"

/* param and reason: which parameter was wrong and how; both may be NULL. */
void request_problem(struct request *r, unsigned status, const char *detail, const char *param, const char *reason);

#endif
