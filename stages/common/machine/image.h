#ifndef TARE_STAGES_COMMON_MACHINE_IMAGE_H
#define TARE_STAGES_COMMON_MACHINE_IMAGE_H

/*
 * What an object asks for, as an API server gives it: its containers' resources, its pod template. Compared with what a plan was
 * made from, and with what stood there at another time; pure. A map of resources is {container name: resources, or null where the
 * container has no such member}; names are unique among all containers of a pod.
 */

#include <stdbool.h>

#include "pipeline/base/err.h"
#include "pipeline/io/hash.h"
#include "pipeline/io/json.h"

/* The pod's spec in an object of this kind of workload, NULL where it has none. Borrowed. */
json_t *image_pod_spec(const char *kind, const json_t *object);

/* The container of this name, init containers included; NULL where there is none. *list (may be NULL) receives the list it is in, *at
 * its place there. Borrowed. */
json_t *image_container(const json_t *pod_spec, const char *name, const char **list, size_t *at);

/* New map of resources of all containers. */
json_t *image_resources(const char *kind, const json_t *object);

/* Whether two maps say the same: absent, null and {} are one. Both as an API server gives them, byte by byte. */
bool image_same(const json_t *a, const json_t *b);

/* What differs between two maps that are not the same: "requests.cpu of container server is 250m, not 500m". `what` is of at least
 * ERR_MESSAGE_MAX bytes. */
void image_difference(const json_t *now, const json_t *then, char what[ERR_MESSAGE_MAX]);

enum { IMAGE_EDITOR_MAX = 200 };

/* Who wrote resources of an object since tare did, by its metadata.managedFields: " (kubectl-set at 2026-11-23T10:00:00Z)", "" where
 * that does not stand there (who takes something away leaves no trace). */
void image_editor(const json_t *object, char by[IMAGE_EDITOR_MAX]);

/* Compares an object with the record's `workload.live`: uid, containers, requests and limits. ERR_STALE naming `name`, what moved and
 * both values. */
int image_as_planned(const json_t *record, const char *name, const json_t *object, struct err *err);

/* The map that edits (`change.edits`) make of another one. New. */
json_t *image_edited(const json_t *was, const json_t *edits);

/* Whether an answer's map has the amounts of the expected one, however they are spelled. `what` as in image_difference. */
bool image_amounts(const json_t *answer, const json_t *expected, char what[ERR_MESSAGE_MAX]);

/* Digest of the pod template without its containers' resources. */
void image_template(const char *kind, const json_t *object, char digest[DIGEST_HEX]);

/* Whether the template of `after` is that of `before` but for resources of containers and members that were added. `what` (of
 * ERR_MESSAGE_MAX bytes) receives the path of what was added first, "" where nothing was; or of what was changed. */
bool image_kept(const char *kind, const json_t *before, const json_t *after, char what[ERR_MESSAGE_MAX]);

#endif
