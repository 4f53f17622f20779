#include "stages/analyze/opinion/proposal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/io/fs.h"
#include "pipeline/io/hash.h"
#include "pipeline/run/record.h"
#include "stages/analyze/opinion/answer.h"
#include "stages/analyze/opinion/clean.h"
#include "stages/analyze/opinion/schema.h"

enum { FILE_MAX = 256 * 1024, WORDS_MAX = ANSWER_REASONING_MAX };

/* More than any amount that means something; also keeps arithmetic on proposals exact in a double. */
static const json_int_t amount_most = (json_int_t)1 << 52;

/* What is asked of one container; 0: nothing of a field. */
struct wish {
    const char *container;
    double amounts[FIELDS];
};

struct proposal {
    json_t *root;
    const char *workload;
    struct wish wishes[CONTAINERS_MAX];
    size_t count;
    char reasoning[WORDS_MAX + 1];
    char digest[DIGEST_HEX];
    size_t met;          /* records of its workload */
    const char *missing; /* a container that one of them does not have */
};

static int read_wish(const json_t *entry, struct proposal *out, struct err *err)
{
    struct wish *wish = &out->wishes[out->count];
    bool any = false;
    *wish = (struct wish){.container = json_string_or_null(entry, "name")};
    if (wish->container == NULL || *wish->container == '\0') {
        return err_set(err, ERR_DATA, "a container of the proposal has no name");
    }
    for (size_t i = 0; i < out->count; i++) {
        if (str_equal(out->wishes[i].container, wish->container)) {
            return err_set(err, ERR_DATA, "the proposal names the container %.100s twice", wish->container);
        }
    }
    for (int f = 0; f < FIELDS; f++) {
        const json_t *value = json_object_get(entry, schema_field((enum field)f));
        if (value == NULL || json_is_null(value)) {
            continue;
        }
        if (!json_is_integer(value) || json_integer_value(value) <= 0 || json_integer_value(value) > amount_most) {
            return err_set(err, ERR_DATA, "%s of the container %.100s in the proposal is not a whole number above 0",
                           schema_field((enum field)f), wish->container);
        }
        wish->amounts[f] = (double)json_integer_value(value);
        any = true;
    }
    out->count++;
    return any ? 0 : err_set(err, ERR_DATA, "the proposal asks for nothing for the container %.100s", wish->container);
}

static int read_root(struct proposal *out, struct err *err)
{
    const json_t *containers = json_object_get(out->root, "containers");
    const char *reason = json_string_or_null(out->root, "reason");
    size_t index = 0;
    const json_t *entry = NULL;
    out->workload = json_string_or_null(out->root, "workload");
    if (out->workload == NULL || reason == NULL || *reason == '\0') {
        return err_set(err, ERR_DATA, "the proposal lacks its workload or its reason");
    }
    if (json_array_size(containers) == 0 || json_array_size(containers) > CONTAINERS_MAX) {
        return err_set(err, ERR_DATA, "the proposal's containers are not a list of 1 to %d", CONTAINERS_MAX);
    }
    (void)clean_copy(reason, out->reasoning, sizeof out->reasoning);
    json_array_foreach(containers, index, entry)
    {
        if (read_wish(entry, out, err)) {
            return -1;
        }
    }
    return 0;
}

int proposal_open(const char *path, struct proposal **out, struct err *err)
{
    struct buf text;
    buf_init(&text, FILE_MAX);
    struct proposal *proposal = xcalloc(sizeof *proposal);
    int failed = fs_read(path, &text, err);
    if (!failed) {
        (void)hash_bytes(buf_str(&text), text.length, proposal->digest);
        proposal->root = json_read(buf_str(&text), text.length, "the proposal", err);
        failed = proposal->root == NULL || read_root(proposal, err);
    }
    buf_release(&text);
    if (failed) {
        proposal_free(proposal);
        return -1;
    }
    *out = proposal;
    return 0;
}

void proposal_free(struct proposal *proposal)
{
    if (proposal != NULL) {
        json_decref(proposal->root);
        free(proposal);
    }
}

void proposal_settings(const struct proposal *proposal, json_t *settings)
{
    json_object_set_new(settings, "proposal_sha256", json_string(proposal->digest));
    json_object_set_new(settings, "proposal_workload", json_string_safe(proposal->workload));
}

/* What nobody asked about stays as it is. */
static void freeze(struct field_plan *field)
{
    field->movable = false;
    field->fixed = false;
    field->remove = false;
}

/* Leaves the fields of one resource that are not asked about, but for a limit that follows its request by policy. In a pod whose
 * requests are its limits either stands for both; where both are asked for, the limit counts. */
static void hold_resource(const struct plan *plan, struct container_plan *container, enum resource resource,
                          double proposals[FIELDS])
{
    enum field request = FIELD_OF(resource, false);
    enum field limit = FIELD_OF(resource, true);
    bool asks_request = isfinite(proposals[request]);
    bool asks_limit = isfinite(proposals[limit]);
    bool init = container->container->role == ROLE_INIT;
    if (plan->lock && !init && (asks_request || asks_limit)) {
        proposals[limit] = asks_limit ? proposals[limit] : proposals[request];
        return;
    }
    if (!asks_request || init) {
        freeze(&container->fields[request]);
    }
    if (init || (!asks_limit && !(asks_request && container->fields[limit].fixed)) ||
        (container->fields[limit].fixed && !asks_request)) {
        freeze(&container->fields[limit]);
    }
    container->fields[limit].remove = false;
}

/* Who asks for more than today does not get less, because the range lies below today's value, and the other way round: then the field
 * stays. Returns which end of the range keeps it there, NULL for none. */
static const char *hold_direction(struct field_plan *field, double *proposal)
{
    double today = (double)field->effective;
    const char *by = NULL;
    if (!field->movable || today <= 0 || !isfinite(*proposal)) {
        return NULL;
    }
    if (*proposal >= today && field->max < field->effective) {
        by = field->max_by;
    } else if (*proposal <= today && field->min > field->effective) {
        by = field->min_by;
    }
    *proposal = by == NULL ? *proposal : NAN;
    return by;
}

static void settle_container(const struct plan *plan, struct container_plan *container, const struct wish *wish)
{
    double proposals[FIELDS];
    const char *held[FIELDS];
    for (int f = 0; f < FIELDS; f++) {
        struct field_plan *field = &container->fields[f];
        bool asked = wish != NULL && wish->amounts[f] > 0;
        proposals[f] = asked ? wish->amounts[f] : NAN;
        field->exact = asked || plan->lock;
    }
    for (int r = 0; r < RESOURCES; r++) {
        hold_resource(plan, container, (enum resource)r, proposals);
    }
    for (int f = 0; f < FIELDS; f++) {
        held[f] = hold_direction(&container->fields[f], &proposals[f]);
    }
    container_settle(plan, container, proposals);
    for (int f = 0; f < FIELDS && wish != NULL; f++) {
        bool stays = held[f] != NULL && container->fields[f].value < 0;
        container->fields[f].moved_by = stays ? held[f] : container->fields[f].moved_by;
        container->fields[f].asked = wish->amounts[f];
        container->fields[f].by_model = wish->amounts[f] > 0 && container->fields[f].movable;
    }
}

static const struct wish *wish_of(const struct proposal *proposal, const struct container_plan *container)
{
    for (size_t i = 0; proposal != NULL && i < proposal->count; i++) {
        if (str_equal(proposal->wishes[i].container, container->container->name)) {
            return &proposal->wishes[i];
        }
    }
    return NULL;
}

/* A container that the proposal names and the workload does not have, NULL for none. */
static const char *container_missing(const struct proposal *proposal, const struct plan *plan)
{
    for (size_t i = 0; i < proposal->count; i++) {
        bool found = false;
        for (size_t k = 0; k < plan->subject->container_count; k++) {
            found = found || str_equal(proposal->wishes[i].container, plan->containers[k].container->name);
        }
        if (!found) {
            return proposal->wishes[i].container;
        }
    }
    return NULL;
}

/* Settles all containers anew; `proposal` NULL: as they are. */
static void settle(const struct proposal *proposal, struct plan *plan)
{
    for (size_t i = 0; i < plan->subject->container_count; i++) {
        settle_container(plan, &plan->containers[i], wish_of(proposal, &plan->containers[i]));
    }
    plan_finish(plan);
}

/* Relative difference of two amounts, 0 where either is not set. */
static double difference(int64_t rules, int64_t other)
{
    return rules > 0 && other > 0 ? fabs((double)other - (double)rules) / (double)rules : 0;
}

/* Settles on the proposal; the largest relative difference to the rules' numbers, of the fields it asks about. */
static double settle_asked(const struct proposal *proposal, struct plan *plan)
{
    int64_t before[CONTAINERS_MAX][FIELDS];
    double largest = 0;
    for (size_t i = 0; i < plan->subject->container_count; i++) {
        for (int f = 0; f < FIELDS; f++) {
            before[i][f] = field_after(&plan->containers[i].fields[f]);
        }
    }
    settle(proposal, plan);
    for (size_t i = 0; i < plan->subject->container_count; i++) {
        for (int f = 0; f < FIELDS; f++) {
            const struct field_plan *field = &plan->containers[i].fields[f];
            largest = field->asked > 0 ? fmax(largest, difference(before[i][f], field_after(field))) : largest;
        }
    }
    return largest;
}

void proposal_settle(struct proposal *proposal, struct plan *plan, struct opinion *opinion)
{
    struct identity identity = {.namespace = plan->subject->looked_up_in, .kind = plan->subject->kind, .name = plan->subject->name};
    char *name = identity_text(&identity, "default");
    bool meant = str_equal(name, proposal->workload);
    free(name);
    *opinion = (struct opinion){.source = "proposal", .confidence = NAN};
    if (!meant) {
        opinion->reasoning = "Not part of this proposal: it stays as it is.";
        settle(NULL, plan);
        return;
    }
    proposal->met++;
    proposal->missing = proposal->missing != NULL ? proposal->missing : container_missing(proposal, plan);
    const char *by = json_string_or_null(proposal->root, "by");
    opinion->proposed_by = by != NULL ? by : "somebody";
    opinion->reasoning = proposal->reasoning;
    opinion->disagreement = settle_asked(proposal, plan);
}

int proposal_finish(const struct proposal *proposal, struct err *err)
{
    if (proposal->met == 1 && proposal->missing == NULL) {
        return 0;
    }
    if (proposal->missing != NULL) {
        return err_set(err, ERR_DATA, "%.300s has no container %.100s, which the proposal names", proposal->workload, proposal->missing);
    }
    if (proposal->met == 0) {
        (void)err_set(err, ERR_DATA, "the artifact has no workload %.300s, which the proposal is about", proposal->workload);
    } else {
        (void)err_set(err, ERR_DATA, "the artifact has %.300s more than once, so the proposal cannot say which it is about",
                      proposal->workload);
    }
    return err_hint(err, "a proposal names one workload as NAMESPACE/KIND/NAME");
}
