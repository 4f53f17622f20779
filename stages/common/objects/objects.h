#ifndef TARE_COMMON_OBJECTS_OBJECTS_H
#define TARE_COMMON_OBJECTS_OBJECTS_H

/*
 * New objects that a change brings: autoscalers and schedules of the scaling advice, as `change.objects[]` of a record has them:
 * {kind, api_version, namespace, name, advice, manifest, yaml}. Which kinds there are, which of them the configuration chooses,
 * and what speaks against one. Pure.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/buf.h"
#include "pipeline/base/err.h"
#include "pipeline/cli/config.h"
#include "pipeline/io/json.h"

enum { OBJECT_WHY_MAX = 400, OBJECTS_MAX = 64, OBJECTS_TEXT_MAX = 1024 * 1024 };

/* A kind that tare makes. */
struct object_kind {
    const char *kind;
    const char *api_version;
    const char *group;    /* "" is the core group */
    const char *version;
    const char *resource; /* plural, as in paths */
    const char *advice;   /* hpa, vpa, schedule, keda */
};

/* The kind of an entry of change.objects or of scaling.manifests; NULL for one that tare does not make. Borrowed, static. */
const struct object_kind *object_kind_of(const json_t *object);

/* The advice that a manifest's `option` belongs to; NULL for one that never becomes an object (people's own policies). Borrowed,
 * static. */
const char *object_advice(const char *option);

/* Whether advice excludes others of its sort: a workload gets one of hpa, keda and schedule. */
bool object_advice_excludes(const char *advice);

/* Whether apply.advice, or the override that counts for the workload, chooses this advice. `namespace` is the effective one;
 * `class` is recommendation.class, NULL unknown. */
bool object_chosen(const struct config *config, const json_t *workload, const char *namespace, const char *class, const char *advice);

/* Whether the configuration itself says anything of it, for any workload. */
bool object_choice_given(const struct config *config);

/* Whether something speaks against making this object: it is not what the advice makes of this workload, another autoscaler holds
 * the workload already, or on a cluster (`cluster`) the workload belongs to a delivery tool, which would work against it. `why`
 * receives a clause for people. */
bool object_objection(const json_t *record, const json_t *object, bool cluster, char why[OBJECT_WHY_MAX]);

/* Whose the workload is, by labels and annotations that delivery tools leave: "Argo CD", "Flux", "Helm"; NULL nobody's. Either
 * may be NULL. Borrowed, static. */
const char *object_owner(const json_t *labels, const json_t *annotations);

/* Whether a label or annotation of this name is a mark of a delivery tool. */
bool object_owner_mark(const char *name);

/* Most replicas that an object may lead to; 0 where it leaves their number alone. */
int64_t object_replicas(const json_t *object);

/* The bytes of the file of a change's objects: their YAML, parted by document markers. Added to `out`; ERR_DATA where one has no
 * text or the cap is passed. */
int objects_text(const json_t *objects, struct buf *out, struct err *err);

/* New path of that file: beside `file`, named after the workload: "deploy/tare-shop-deployment-cart.yaml"; a name that is too long
 * is cut and told apart by a digest. */
char *objects_path(const char *file, const json_t *workload);

#endif
