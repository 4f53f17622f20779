#ifndef TARE_COLLECT_POLICIES_H
#define TARE_COLLECT_POLICIES_H

/* The queries of scaling policies (scaling.policies of the configuration): one number each at the end of the window, for the
 * workloads that a policy is about. */

#include <stdint.h>

#include "pipeline/base/buf.h"
#include "pipeline/base/err.h"
#include "pipeline/io/json.h"
#include "stages/collect/source.h"

/* What stands for the names in a query. */
struct policy_names {
    const char *namespace, *workload;
    const char *cluster; /* value of the label that tells clusters apart on the server, NULL where there is none */
};

/* Puts names into a query: $namespace, $workload, $cluster. Names with other characters than those of Kubernetes' own are
 * refused, so that none can end a string, whatever quotes or expression it stands in; so is an unknown $name, and a query that
 * does not name the cluster where the server holds several. ERR_DATA. */
int policy_query_text(const char *query, const struct policy_names *names, struct buf *out, struct err *err);

/* Asks the queries of all `policies` (an array of the configuration, NULL for none) that are about a record with usage, and
 * sets usage.policies.NAME {value,query,reason}. What gives no single number has the value null and a reason; where that is
 * not for want of a server, also the problem `policy-query`. Threads may ask, each about records of its own. */
void policies_ask(const json_t *policies, struct source *source, const char *fallback, int64_t end, json_t *record);

#endif
