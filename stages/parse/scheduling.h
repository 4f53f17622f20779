#ifndef TARE_STAGES_PARSE_SCHEDULING_H
#define TARE_STAGES_PARSE_SCHEDULING_H

/*
 * Where a pod may run, as far as its template requires it: what a packing of pods on nodes has to keep to. Preferences
 * are left out. What is odd is left out as well, with a problem: the workload's numbers are no worse for it.
 */

#include "pipeline/io/json.h"
#include "stages/common/manifest/manifest.h"

struct scheduling {
    json_t *member; /* `scheduling` of the record, without affinity to pods; NULL: nothing is said */
    json_t *terms;  /* affinity to pods, which is put into words when all pods are known: affinity.h; NULL: none */
};

/* Reads a workload. `live`: it comes from a cluster, where a scheduler has given every Pod its node. Faults in the reader are
 * never fatal. */
void scheduling_read(struct manifest_reader *reader, const struct manifest_workload *workload, bool live,
                     struct scheduling *out);

/* Frees what it holds. */
void scheduling_release(struct scheduling *scheduling);

#endif
