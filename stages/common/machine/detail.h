#ifndef TARE_STAGES_COMMON_MACHINE_DETAIL_H
#define TARE_STAGES_COMMON_MACHINE_DETAIL_H

/*
 * What a row of the ledger says of its object (member `detail`), so that resume and rollback need nothing but the row and the live
 * object: {"action": "change"|"create", "api_version", "group", "version", "resource", "kind", "namespace", "name", "uid",
 * "cluster_id", "patch", "after", "template", "baseline", and once written: "written" (resourceVersion), "generation"; "failure"}.
 */

#include "pipeline/base/arena.h"
#include "stages/common/machine/machine.h"

/* New detail of an object that is about to be written. */
json_t *detail_new(const struct machine_object *object, const char *uid);

/* What the plan writes: the patch of the object's record, or the manifest of a new one. NULL where it is not at hand. Borrowed. */
json_t *detail_planned(const struct machine_object *object);

/* Fills group … uid, action of *object from a row's detail (borrowed by *object, as its strings are). ERR_DATA, naming `name`, where
 * it is not of an object of a cluster, or of another one than the row says. */
int detail_read(const json_t *detail, const char *name, struct machine_object *object, struct err *err);

#endif
