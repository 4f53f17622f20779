#ifndef TARE_COLLECT_POD_NAME_H
#define TARE_COLLECT_POD_NAME_H

/* How Kubernetes names the pods of each kind, for servers without kube-state-metrics. */

#include <stdbool.h>

/* Whether `pod` is named like a pod of the workload. `web` does not take the pods of `web-api`. */
bool pod_name_matches(const char *kind, const char *name, const char *pod);

#endif
