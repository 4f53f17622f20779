#include "pipeline/driver/proposal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/quantity.h"
#include "pipeline/base/str.h"
#include "pipeline/run/reasons.h"

enum { CONTAINER_MAX = 253, NAMES_SHOWN = 400 };

/* The amounts that can be asked for: as they are typed, where they stand in a record, and as --proposal names them. */
static const struct field {
    const char *name, *section, *resource, *asked;
    bool cpu;
} fields[] = {
    {"requests.cpu", "requests", "cpu_millicores", "cpu_request_millicores", true},
    {"requests.memory", "requests", "memory_bytes", "memory_request_bytes", false},
    {"limits.cpu", "limits", "cpu_millicores", "cpu_limit_millicores", true},
    {"limits.memory", "limits", "memory_bytes", "memory_limit_bytes", false},
};

/* One word of the command line. */
struct wish {
    char container[CONTAINER_MAX + 1]; /* "": not named */
    const struct field *field;
    int64_t amount;
};

static const struct field *field_of(const char *name, size_t length)
{
    for (size_t i = 0; i < ARRAY_COUNT(fields); i++) {
        if (strlen(fields[i].name) == length && strncmp(fields[i].name, name, length) == 0) {
            return &fields[i];
        }
    }
    return NULL;
}

static int bad_word(const char *word, struct err *err)
{
    err_set(err, ERR_USAGE, "\"%s\" is not [CONTAINER.]FIELD=AMOUNT", word);
    return err_hint(err, "FIELD is requests.cpu, requests.memory, limits.cpu or limits.memory: server.requests.cpu=300m");
}

static int read_amount(const char *word, const char *text, struct wish *out, struct err *err)
{
    struct err why = {0};
    int failed = out->field->cpu ? quantity_cpu(text, strlen(text), &out->amount, &why)
                                 : quantity_memory(text, strlen(text), &out->amount, &why);
    if (failed) {
        err_set(err, ERR_USAGE, "the amount of \"%s\" cannot be read: %s", word, why.message);
    } else if (out->amount <= 0 || out->amount > INT64_C(1) << 52) {
        err_set(err, ERR_USAGE, "the amount of \"%s\" is %s", word, out->amount <= 0 ? "nothing" : "more than there can be");
    } else {
        return 0;
    }
    return err_hint(err, out->field->cpu ? "CPU is written as 300m or 1.5" : "memory is written as 512Mi or 2Gi");
}

static int read_word(const char *word, struct wish *out, struct err *err)
{
    const char *equals = strchr(word, '=');
    const char *dot = strchr(word, '.');
    *out = (struct wish){.field = equals == NULL ? NULL : field_of(word, (size_t)(equals - word))};
    if (equals != NULL && out->field == NULL && dot != NULL && dot < equals && dot > word &&
        (size_t)(dot - word) <= CONTAINER_MAX) {
        memcpy(out->container, word, (size_t)(dot - word));
        out->field = field_of(dot + 1, (size_t)(equals - dot - 1));
    }
    return out->field == NULL ? bad_word(word, err) : read_amount(word, equals + 1, out, err);
}

/* The containers that may be asked about, as people read them. New, free(). */
static char *container_names(const json_t *containers)
{
    char *text = xstrdup("");
    size_t index;
    json_t *container;
    json_array_foreach(containers, index, container)
    {
        const char *name = json_string_or_null(container, "name");
        char *longer = xasprintf("%s%s%s", text, *text == '\0' ? "" : ", ", name == NULL ? "?" : name);
        free(text);
        text = longer;
    }
    if (strlen(text) > NAMES_SHOWN) {
        text[NAMES_SHOWN] = '\0';
        str_trim_utf8(text);
    }
    str_mask_controls(text);
    return text;
}

/* The one container that runs, NULL where there are none or several. */
static const char *only_container(const json_t *containers)
{
    const char *only = NULL;
    size_t count = 0;
    size_t index;
    json_t *container;
    json_array_foreach(containers, index, container)
    {
        if (!str_equal(json_string_or_null(container, "role"), "init")) {
            only = json_string_or_null(container, "name");
            count++;
        }
    }
    return count == 1 ? only : NULL;
}

static const json_t *find_container(const json_t *containers, const char *name)
{
    size_t index;
    json_t *container;
    json_array_foreach(containers, index, container)
    {
        if (str_equal(json_string_or_null(container, "name"), name)) {
            return container;
        }
    }
    return NULL;
}

/* Finds the container that a word is about. */
static int place_wish(const json_t *workload, const char *what, struct wish *wish, struct err *err)
{
    const json_t *containers = json_object_get(workload, "containers");
    const char *only = only_container(containers);
    if (wish->container[0] == '\0' && only != NULL) {
        snprintf(wish->container, sizeof wish->container, "%s", only);
    }
    if (wish->container[0] != '\0' && find_container(containers, wish->container) != NULL) {
        return 0;
    }
    char *names = container_names(containers);
    if (wish->container[0] == '\0') {
        err_set(err, ERR_USAGE, "%s has several containers: say which one %s is for", what, wish->field->name);
    } else {
        err_set(err, ERR_USAGE, "%s has no container \"%s\"", what, wish->container);
    }
    err_hint(err, "its containers are %s", names);
    free(names);
    return -1;
}

/* The entry of a container in the proposal, made where it is not there yet. Borrowed. */
static json_t *entry_of(json_t *list, const char *container)
{
    size_t index;
    json_t *entry;
    json_array_foreach(list, index, entry)
    {
        if (str_equal(json_string_or_null(entry, "name"), container)) {
            return entry;
        }
    }
    entry = json_pack("{s:s}", "name", container);
    json_array_append_new(list, entry);
    return entry;
}

static int add_wish(json_t *list, const struct wish *wish, struct err *err)
{
    json_t *entry = entry_of(list, wish->container);
    if (json_object_get(entry, wish->field->asked) != NULL) {
        return err_set(err, ERR_USAGE, "%s of the container %s is asked for twice", wish->field->name, wish->container);
    }
    json_object_set_new(entry, wish->field->asked, json_integer(wish->amount));
    return 0;
}

int proposal_read(const struct session *session, size_t first, const json_t *workload, const char *name, const char *reason,
                  json_t **out, struct err *err)
{
    size_t count = options_operands(session->options);
    json_t *list = json_array();
    int failed = 0;
    if (count <= first) {
        err_set(err, ERR_USAGE, "nothing is proposed for %s", name);
        failed = err_hint(err, "say what to ask for: server.requests.cpu=300m");
    }
    for (size_t i = first; i < count && !failed; i++) {
        struct wish wish;
        failed = read_word(options_operand(session->options, i), &wish, err) || place_wish(workload, name, &wish, err) ||
                 add_wish(list, &wish, err);
    }
    if (failed) {
        json_decref(list);
        return -1;
    }
    *out = json_pack("{s:o, s:o, s:o}", "containers", list, "reason", json_string_safe(reason), "workload", json_string_safe(name));
    return 0;
}

/* ---- What became of it ---- */

/* New quantity of an amount, null for none. */
static json_t *quantity_new(const struct field *field, bool known, int64_t amount)
{
    char text[QUANTITY_MAX];
    return !known ? json_null() : json_string(field->cpu ? quantity_cpu_format(amount, text) : quantity_memory_format(amount, text));
}

/* What moved a wish, NULL where it came through. Borrowed. */
static const json_t *clamp_of(const json_t *record, const char *container, const struct field *field)
{
    size_t index;
    json_t *clamp;
    json_array_foreach(json_at(record, "recommendation.clamps"), index, clamp)
    {
        if (str_equal(json_string_or_null(clamp, "container"), container) &&
            str_equal(json_string_or_null(clamp, "field"), field->name)) {
            return clamp;
        }
    }
    return NULL;
}

static json_t *clamped_new(const struct field *field, const char *container, const json_t *clamp, json_t *asked, json_t *to)
{
    int64_t bound = 0;
    bool bounded = json_get_int(clamp, "bound", &bound);
    const char *by = json_string_or_null(clamp, "by");
    const char *why = by == NULL ? NULL : reason_words(by);
    json_t *out = json_object();
    json_object_set_new(out, "container", json_string_safe(container));
    json_object_set_new(out, "field", json_string(field->name));
    json_object_set(out, "asked", asked);
    json_object_set(out, "to", to);
    json_object_set_new(out, "bound", quantity_new(field, bounded, bound));
    json_object_set_new(out, "kind", json_string_safe(json_string_or_null(clamp, "kind")));
    json_object_set_new(out, "by", json_string_safe(by));
    json_object_set_new(out, "why", json_string_safe(why == NULL ? by : why));
    return out;
}

/* One amount that was asked for, into the lists. */
static void add_outcome(const json_t *record, const json_t *wish, const struct field *field, json_t *amounts, json_t *clamped)
{
    const char *container = json_string_or_null(wish, "name");
    const json_t *before = find_container(json_at(record, "workload.containers"), container);
    const json_t *advice = json_object_get(json_at(record, "recommendation.containers"), container);
    const json_t *clamp = clamp_of(record, container, field);
    int64_t from = 0;
    int64_t to = 0;
    bool had = json_get_int(json_object_get(before, field->section), field->resource, &from);
    bool has = json_get_int(json_object_get(advice, field->section), field->resource, &to) || json_get_int(clamp, "after", &to);
    json_t *asked = quantity_new(field, true, json_int_or(wish, field->asked, 0));
    json_t *left = quantity_new(field, had, from);
    json_t *right = quantity_new(field, has || had, has ? to : from);
    json_array_append_new(amounts, json_pack("{s:o, s:s, s:O, s:O, s:O}", "container", json_string_safe(container), "field", field->name,
                                             "asked", asked, "from", left, "to", right));
    if (clamp != NULL) {
        json_array_append_new(clamped, clamped_new(field, container, clamp, asked, right));
    }
    json_decref(asked);
    json_decref(left);
    json_decref(right);
}

json_t *proposal_outcome(const json_t *proposal, const json_t *record)
{
    static const char *const told[] = {"workload", "reason", "by"};
    json_t *out = json_object();
    json_t *amounts = json_array();
    json_t *clamped = json_array();
    size_t index;
    json_t *wish;
    json_array_foreach(json_object_get(proposal, "containers"), index, wish)
    {
        for (size_t f = 0; f < ARRAY_COUNT(fields); f++) {
            if (json_object_get(wish, fields[f].asked) != NULL) {
                add_outcome(record, wish, &fields[f], amounts, clamped);
            }
        }
    }
    for (size_t i = 0; i < ARRAY_COUNT(told); i++) {
        json_object_set_new(out, told[i], json_string_safe(json_string_or_null(proposal, told[i])));
    }
    json_object_set_new(out, "verdict", json_string_safe(json_string_or_null(json_object_get(record, "gate"), "verdict")));
    json_object_set_new(out, "risk", json_string_safe(json_string_or_null(json_object_get(record, "recommendation"), "risk")));
    json_object_set_new(out, "amounts", amounts);
    json_object_set_new(out, "clamped", clamped);
    return out;
}

static const char *or_none(const json_t *object, const char *key)
{
    const char *text = json_string_or_null(object, key);
    return text == NULL ? "none" : text;
}

void proposal_print(const json_t *outcome)
{
    size_t index;
    json_t *amount;
    json_array_foreach(json_object_get(outcome, "amounts"), index, amount)
    {
        const char *from = or_none(amount, "from");
        const char *to = or_none(amount, "to");
        printf("  %s %s: ", or_none(amount, "container"), or_none(amount, "field"));
        printf(str_equal(from, to) ? "stays %s" : "%s → %s", str_equal(from, to) ? to : from, to);
        puts(str_equal(to, json_string_or_null(amount, "asked")) ? ", as asked" : "");
    }
    json_array_foreach(json_object_get(outcome, "clamped"), index, amount)
    {
        printf("  moved: %s %s, %s asked, %s given: %s (%s)\n", or_none(amount, "container"), or_none(amount, "field"),
               or_none(amount, "asked"), or_none(amount, "to"), or_none(amount, "why"), or_none(amount, "by"));
    }
}
