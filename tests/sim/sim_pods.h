#ifndef TARE_TESTS_SIM_SIM_PODS_H
#define TARE_TESTS_SIM_SIM_PODS_H

/* Pods of the simulated cluster: made by controllers, they start, fail, are resized. */

#include "tests/sim/sim.h"

/* Whether `object` is owned by `owner`. */
bool sim_owned(const struct sim_object *object, const struct sim_object *owner);

/* ownerReferences that name `owner`. New. */
json_t *sim_owner_list(const struct sim_object *owner);

/* The workload of a pod or ReplicaSet, NULL where there is none. */
struct sim_object *sim_pod_of(struct sim *sim, const struct sim_object *object);

/* The revision of a template. */
void sim_template_hash(const json_t *template, char out[32]);

/* What goes wrong with pods of this template (a workload, or a pod) of a workload. */
enum sim_trouble sim_trouble_of(const struct sim *sim, const struct sim_object *workload, const json_t *value);

bool sim_pod_ready(const json_t *pod);

/* A pod of `workload`, owned by `owner` (itself or a ReplicaSet), which starts after a while. `name` NULL: one of chance. */
void sim_pod_make(struct sim *sim, const struct sim_object *workload, const struct sim_object *owner, const char *name);

/* The pod runs now, whatever is planned for it. */
void sim_pod_run(struct sim *sim, struct sim_object *pod);

/* The pod's containers run with what its spec says, after a while. */
void sim_pod_resized(struct sim *sim, const struct sim_object *pod);

#endif
