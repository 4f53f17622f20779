#include "stages/analyze/opinion/answer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/str.h"
#include "stages/analyze/opinion/clean.h"
#include "stages/analyze/opinion/names.h"
#include "stages/analyze/opinion/schema.h"
#include "stages/analyze/subject/class.h"

/* More than any amount that means something; also keeps arithmetic on proposals exact in a double. */
static const double amount_most = 0x1p52;

bool answer_may_set(const struct field_plan *field)
{
    return field->movable && !field->fixed;
}

/* Whether an object has exactly these members. */
static int check_members(const json_t *object, const char *what, const char *const *names, size_t count,
                         struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        if (!json_object_get(object, names[i])) {
            return err_set(err, ERR_DATA, "%s has no member %s", what, names[i]);
        }
    }
    if (json_object_size(object) != count) {
        return err_set(err, ERR_DATA, "%s has members beside those of the schema", what);
    }
    return 0;
}

/* Position of the judged container with this name, -1 when there is none. */
static int container_index(const struct plan *plan, const char *name)
{
    char own[CONTAINER_NAME_MAX];
    for (size_t i = 0; name && i < plan->subject->container_count; i++) {
        if (plan->containers[i].judged && str_equal(container_name(plan->containers[i].container, own), name)) {
            return (int)i;
        }
    }
    return -1;
}

/* One amount: a whole number from 0 to amount_most, however it is written (300, 300.0, 3e2); 0 leaves the field. */
static int read_amount(const json_t *entry, enum field field, double *out, struct err *err)
{
    const json_t *value = json_object_get(entry, schema_field(field));
    if (!json_is_number(value)) {
        return err_set(err, ERR_DATA, "%s is not a number", schema_field(field));
    }
    double amount = json_number_value(value);
    if (!(amount >= 0) || amount > amount_most) {
        return err_set(err, ERR_DATA, "%s is out of range", schema_field(field));
    }
    if (amount > floor(amount)) {
        return err_set(err, ERR_DATA, "%s is not a whole number", schema_field(field));
    }
    *out = amount > 0 ? amount : NAN;
    return 0;
}

static int read_container(const json_t *entry, const struct plan *plan, struct answer *out, bool *seen,
                          struct err *err)
{
    static const char *const members[] = {"name", "cpu_request_millicores", "memory_request_bytes",
                                          "cpu_limit_millicores", "memory_limit_bytes"};
    if (!json_is_object(entry)) {
        return err_set(err, ERR_DATA, "an entry of containers is not an object");
    }
    if (check_members(entry, "an entry of containers", members, 5, err)) {
        return -1;
    }
    int index = container_index(plan, json_string_or_null(entry, "name"));
    if (index < 0) {
        return err_set(err, ERR_DATA, "containers names one that the workload does not have");
    }
    if (seen[index]) {
        return err_set(err, ERR_DATA, "containers names one twice");
    }
    seen[index] = true;
    for (int f = 0; f < FIELDS; f++) {
        if (read_amount(entry, (enum field)f, &out->proposals[index][f], err)) {
            return -1;
        }
    }
    return 0;
}

static int read_containers(const json_t *list, const struct plan *plan, struct arena *arena,
                           struct answer *out, struct err *err)
{
    size_t count = plan->subject->container_count;
    bool *seen = arena_alloc_array(arena, count + 1, sizeof *seen);
    size_t index;
    json_t *entry;
    if (!json_is_array(list) || json_array_size(list) > CONTAINERS_MAX) {
        return err_set(err, ERR_DATA, "containers is not a list of at most %d entries", CONTAINERS_MAX);
    }
    out->proposals = arena_alloc_array(arena, count + 1, sizeof *out->proposals);
    for (size_t i = 0; i < count; i++) {
        for (int f = 0; f < FIELDS; f++) {
            out->proposals[i][f] = NAN;
        }
    }
    json_array_foreach(list, index, entry)
    {
        if (read_container(entry, plan, out, seen, err)) {
            return -1;
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (plan->containers[i].judged && !seen[i]) {
            return err_set(err, ERR_DATA, "containers leaves one of the workload's containers out");
        }
    }
    return 0;
}

/* The text members: the workload's own name, a known class, reasons cut to a length without control bytes. */
static int read_texts(const json_t *answer, const struct plan *plan, struct answer *out, struct err *err)
{
    char name[EVIDENCE_NAME_MAX];
    const char *reasoning = json_string_or_null(answer, "reasoning");
    if (!str_equal(json_string_or_null(answer, "workload"), evidence_name(plan->subject, name))) {
        return err_set(err, ERR_DATA, "workload is not the one that was asked about");
    }
    out->class_name = class_name_of(json_string_or_null(answer, "class"));
    if (!out->class_name) {
        return err_set(err, ERR_DATA, "class is none of the schema's");
    }
    clean_copy(reasoning, out->reasoning, sizeof out->reasoning);
    if (out->reasoning[strspn(out->reasoning, " ?")] == '\0') {
        return err_set(err, ERR_DATA, "reasoning is empty or no text");
    }
    return 0;
}

/* Thousandths are enough, and come back the same from text. */
static int read_confidence(const json_t *answer, double *out, struct err *err)
{
    double value;
    if (!json_get_number(answer, "confidence", &value) || !(value >= 0) || !(value <= 1)) {
        return err_set(err, ERR_DATA, "confidence is not a number from 0 to 1");
    }
    *out = floor(value * 1000 + 0.5) / 1000;
    return 0;
}

int answer_take(const json_t *value, const struct plan *plan, struct arena *arena, struct answer *out, struct err *err)
{
    static const char *const members[] = {"workload", "class", "confidence", "reasoning", "containers"};
    *out = (struct answer){.class_name = NULL};
    if (!json_is_object(value)) {
        return err_set(err, ERR_DATA, "the answer is not a JSON object");
    }
    if (check_members(value, "the answer", members, 5, err) || read_confidence(value, &out->confidence, err) ||
        read_texts(value, plan, out, err)) {
        return -1;
    }
    return read_containers(json_object_get(value, "containers"), plan, arena, out, err);
}

int answer_read(const char *text, const struct plan *plan, struct arena *arena, struct answer *out, struct err *err)
{
    *out = (struct answer){.class_name = NULL};
    json_t *value = json_read(text, strlen(text), "the answer", err);
    if (!value) {
        return -1;
    }
    int status = answer_take(value, plan, arena, out, err);
    json_decref(value);
    return status;
}

/* New entry of `containers` with the proposals of one container. */
static json_t *proposals_new(const struct container_plan *container, const double proposals[FIELDS])
{
    json_t *out = json_object();
    char name[CONTAINER_NAME_MAX];
    json_object_set_new(out, "name", json_string_safe(container_name(container->container, name)));
    for (int f = 0; f < FIELDS; f++) {
        double amount = isnan(proposals[f]) ? 0 : proposals[f];
        json_object_set_new(out, schema_field((enum field)f), json_integer((json_int_t)amount));
    }
    return out;
}

const char *answer_text(const struct answer *answer, const struct plan *plan, struct arena *arena)
{
    char name[EVIDENCE_NAME_MAX];
    json_t *out = json_object();
    json_t *containers = json_array();
    for (size_t i = 0; i < plan->subject->container_count; i++) {
        if (plan->containers[i].judged) {
            json_array_append_new(containers, proposals_new(&plan->containers[i], answer->proposals[i]));
        }
    }
    json_object_set_new(out, "workload", json_string(evidence_name(plan->subject, name)));
    json_object_set_new(out, "class", json_string(answer->class_name));
    json_object_set_new(out, "confidence", json_real(answer->confidence));
    json_object_set_new(out, "reasoning", json_string(answer->reasoning));
    json_object_set_new(out, "containers", containers);
    char *text = json_text(out);
    const char *kept = arena_strdup(arena, text);
    free(text);
    json_decref(out);
    return kept;
}

bool answer_may_move(const struct plan *plan)
{
    for (size_t i = 0; i < plan->subject->container_count; i++) {
        for (int f = 0; f < FIELDS; f++) {
            if (plan->containers[i].judged && answer_may_set(&plan->containers[i].fields[f])) {
                return true;
            }
        }
    }
    return false;
}
