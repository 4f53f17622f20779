#ifndef TARE_STAGES_COMMON_HEALTH_ROLLOUT_H
#define TARE_STAGES_COMMON_HEALTH_ROLLOUT_H

/* How far the rollout of a workload is, from the object alone; pure. */

#include "pipeline/base/err.h"
#include "pipeline/io/json.h"

enum rollout_state {
    ROLLOUT_COMPLETE, /* the controller has seen this generation, all replicas are updated and available, or there is none to wait for */
    ROLLOUT_UNDER_WAY,
    ROLLOUT_PAUSED,   /* spec.paused: somebody holds it */
    ROLLOUT_WAITS,    /* nothing more will happen by itself: OnDelete, partition above 0, a template of a CronJob: next pods get it */
    ROLLOUT_STUCK,    /* pods cannot be made (quota, admission). May pass when old pods end: a failure once it lasted ROLLOUT_STUCK_MS */
    ROLLOUT_FAILED    /* progress deadline exceeded, degraded: it will not get there */
};

/* For how long new pods may be refused in one piece. A quota takes ended pods off within seconds, and the controller's own tries
 * again double their distance from 5 ms on: 15 s hold eleven of them. */
enum { ROLLOUT_STUCK_MS = 15000 };

/* Judges an object (Deployment, StatefulSet, DaemonSet, ReplicaSet, ReplicationController, CronJob, Job, Pod, Argo Rollout,
 * DeploymentConfig; any other is complete once its controller has seen it). `why` receives a clause of what it waits for or why it
 * failed ("2 of 3 pods are updated"), and of what stays as it was where it is complete or waits; "" where there is nothing to say. */
enum rollout_state rollout_judge(const json_t *object, char why[ERR_MESSAGE_MAX]);

/* How many pods the object asks for: spec.replicas (1 where it is absent), a DaemonSet's desired number, a Job's parallelism; 0 for a
 * CronJob. */
int64_t rollout_replicas(const json_t *object);

#endif
