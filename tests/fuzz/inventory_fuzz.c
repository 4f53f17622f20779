/* Manifests, all the way to their records: whatever stands in them, each record is canonical text, its places are listed as far as
 * the limits go, and what is told of affinity between pods names workloads that are there. */

#include <stdlib.h>
#include <string.h>

#include "pipeline/run/artifact.h"
#include "pipeline/run/record.h"
#include "stages/parse/affinity.h"
#include "stages/parse/join.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool condition)
{
    if (!condition) {
        abort();
    }
}

/* Whether a record's workload is the one of this name. */
static bool is_named(struct intake *intake, size_t index, const char *name, const char *namespace)
{
    struct err err = {0};
    const char *found = NULL;
    if (!intake->records.entries[index].known) {
        return false;
    }
    check(subjects_name(&intake->subjects, index, &found, &err) == 0);
    size_t length = strlen(namespace);
    return strcmp(found, name) == 0 ||
           (strncmp(found, namespace, length) == 0 && found[length] == '/' && strcmp(found + length + 1, name) == 0);
}

static void check_terms(struct intake *intake, const json_t *terms, const char *namespace)
{
    size_t index;
    json_t *term;
    check(json_array_size(terms) <= AFFINITY_TERMS_MAX);
    json_array_foreach(terms, index, term)
    {
        size_t at;
        json_t *other;
        check(json_string_or_null(term, "topology_key") != NULL && json_is_boolean(json_object_get(term, "self")));
        check(json_array_size(json_object_get(term, "others")) <= PEERS_LISTED_MAX);
        json_array_foreach(json_object_get(term, "others"), at, other)
        {
            size_t i = 0;
            while (i < intake->records.count && !is_named(intake, i, json_string_value(other), namespace)) {
                i++;
            }
            check(i < intake->records.count);
        }
    }
}

static void check_record(struct intake *intake, size_t index)
{
    struct err err = {0};
    struct shelf_item item;
    check(shelf_read(&intake->records, &intake->records.entries[index], &item, &err) == 0);
    json_t *record = json_read(item.text, item.length, "a record", &err);
    check(record != NULL);
    char *text = json_text(record);
    check(strlen(text) == item.length && memcmp(text, item.text, item.length) == 0);
    free(text);
    if (intake->records.entries[index].known) {
        check(join_workload(intake, index, record, &err) == 0);
        const json_t *workload = record_workload(record);
        const json_t *scheduling = json_object_get(workload, "scheduling");
        const char *namespace = json_string_or_null(workload, "namespace");
        namespace = namespace == NULL ? intake->namespace : namespace;
        check(scheduling == NULL || json_object_size(scheduling) > 0);
        check(json_object_size(json_object_get(scheduling, "node_selector")) <= 64);
        check_terms(intake, json_object_get(scheduling, "affinity"), namespace);
        check_terms(intake, json_object_get(scheduling, "anti_affinity"), namespace);
    }
    json_decref(record);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct yaml_limits limits = {.max_documents = 100,
                                 .max_document_bytes = 100000,
                                 .max_depth = 30,
                                 .max_nodes = 5000,
                                 .max_scalar_bytes = 10000,
                                 .max_aliases = 100,
                                 .max_merges = 1000};
    struct intake intake;
    struct intake_found found;
    struct node_wants wants = {0};
    struct err err = {0};
    struct intake_text text = {.file = "f.yaml", .length = size};
    /* the bytes end where an allocation ends, so that reading past them shows */
    char *bytes = malloc(size + 1);
    check(bytes != NULL);
    memcpy(bytes, data, size);
    text.bytes = bytes;
    check(intake_init(&intake, &err) == 0);
    intake.limits = limits;
    intake.namespace = "default";
    intake.wants = &wants;
    check(intake_text(&intake, &text, &found, &err) == 0);
    if (found.template) {
        intake_withdraw(&intake, &found);
    } else {
        intake_accept(&intake, &found);
    }
    join_ready(&intake);
    for (size_t i = 0; i < intake.records.count; i++) {
        check_record(&intake, i);
    }
    intake_release(&intake);
    node_wants_release(&wants);
    free(bytes);
    return 0;
}
