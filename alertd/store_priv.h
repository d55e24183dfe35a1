/* What the files of the SQLite store share. */
#ifndef WEIR_STORE_PRIV_H
#define WEIR_STORE_PRIV_H

#include <dirent.h>

#include "columns.h"
#include "store.h"

struct store {
	struct store_conf conf;
	sqlite3 *alerts, *flows;
	sqlite3_stmt *put_alert, *put_delivery, *put_flow;
	struct column *alert_cols, *flow_cols;
	unsigned n_alert_cols, n_flow_cols;
	uint64_t flows_start, id;
	char error[1024];
};

int store_fail(struct store *s, sqlite3 *db, const char *what);
sqlite3 *store_open_db(struct store *s, const char *path, bool writer);
/* Names of the flow files, oldest first, as scandir gives them. */
int store_flow_files(const struct store *s, struct dirent ***names);

#endif
