#ifndef TARE_CLI_METRICS_CLIENT_H
#define TARE_CLI_METRICS_CLIENT_H

/* A client of the metrics server that the configuration names, with its credentials. */

#include "pipeline/cli/config.h"
#include "pipeline/io/http.h"

/* What messages call it. */
#define METRICS_SERVER "the metrics server"

/* New client of `url` (NULL: none is configured, ERR_CONFIG with what to set). One request has `timeout_seconds` and `tries`. Errors of
 * http_client_new. */
int metrics_client_new(const struct config *config, const char *url, int64_t timeout_seconds, unsigned tries, struct http_client **out,
                       struct err *err);

#endif
