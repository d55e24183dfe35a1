/* Errors as RFC 9457 problem details. */
#ifndef WEIR_PROBLEM_H
#define WEIR_PROBLEM_H

#include "http.h"
#include "record.h"
#include "route.h"

#define PROBLEM_PARAM "a parameter is not right" /* which, says e */

/* Answers a request with a problem. e: which parameter was wrong and how, or NULL. */
void request_problem(struct request *r, unsigned status, const char *detail, const struct param_error *e);
/* Answers with status 400: what is wrong with a parameter. Returns false. */
bool request_bad_param(struct request *r, const char *param, const char *reason);
/* Answers with what alertd has against it, in an answer whose texts are in base; NULL: it does not answer. */
void request_refused(struct request *r, const struct g_answer *a, const char *base);

#endif
