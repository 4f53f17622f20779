#ifndef TARE_ANALYZE_OPINION_NAMES_H
#define TARE_ANALYZE_OPINION_NAMES_H

/* By which names workloads and containers go between us and a model. A manifest may name them anything: what is no visible text, or would
 * have to be escaped, becomes '?', and no name is longer than Kubernetes allows names to be. */

#include "stages/analyze/subject/model.h"

enum { EVIDENCE_NAME_MAX = 600, CONTAINER_NAME_MAX = 100 };

/* "NAMESPACE/KIND/NAME", by which an answer must name its workload. Returns `out`. */
char *evidence_name(const struct subject *subject, char out[EVIDENCE_NAME_MAX]);

/* By which an answer must name a container. Returns `out`. */
char *container_name(const struct container *container, char out[CONTAINER_NAME_MAX]);

#endif
