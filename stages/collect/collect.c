#include "stages/collect/collect.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/log.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "stages/collect/grid.h"
#include "stages/collect/group.h"

/* Records read ahead, so that those of one namespace are asked about together, and namespaces that are
 * remembered. */
enum { AHEAD = 128, NAMESPACES_KEPT = 64, WINDOW_MIN = 600, WINDOW_MAX = 92 * DAY };

struct state {
    struct prom *prom;
    int64_t start;
    int64_t end;
    const char *fallback; /* namespace of records that name none */
    struct namespace *known[NAMESPACES_KEPT];
    size_t next_known;
    bool asked;
    struct err last; /* the last problem */
};

/* Records read ahead, in order; notes among them. */
struct ahead {
    json_t *records[AHEAD];
    const char *namespaces[AHEAD]; /* borrowed; NULL for a note or one that is done */
    size_t count;
};

static int check_source(const struct stage *stage, struct err *err)
{
    if (str_equal(options_string(stage->options, OPT_SOURCE), "remote-read")) {
        err_set(err, ERR_USAGE, "--source remote-read is not available in this version");
        return err_hint(err, "use --source query-range, or auto");
    }
    return 0;
}

static int set_window(struct stage *stage, struct state *state, struct err *err)
{
    bool given;
    int64_t window = options_integer(stage->options, OPT_WINDOW, NULL);
    state->end = options_integer(stage->options, OPT_END, &given);
    if (!given) {
        state->end = stage->created;
    }
    if (window < WINDOW_MIN || window > WINDOW_MAX) {
        bool typed = options_given(stage->options, OPT_WINDOW);
        err_set(err, typed ? ERR_USAGE : ERR_CONFIG, "%s must be between 10 minutes and %d days",
                typed ? "--window" : "metrics.window", WINDOW_MAX / DAY);
        return err_hint(err, "7d, the default, is a good length: it holds every day of the week");
    }
    state->start = state->end - window;
    return 0;
}

static void describe(struct stage *stage, const struct state *state)
{
    char text[RFC3339_MAX];
    json_t *settings = stage_settings(stage);
    json_object_set_new(settings, "source", json_string("query-range"));
    json_object_set_new(settings, "prometheus", json_string_safe(prom_name(state->prom)));
    json_object_set_new(settings, "window_seconds", json_integer(state->end - state->start));
    json_object_set_new(settings, "start", json_string(time_format(state->start, text)));
    json_object_set_new(settings, "end", json_string(time_format(state->end, text)));
    json_object_set_new(settings, "half_life_seconds", json_integer(WEIGHT_HALF_LIFE));
}

static int begin(struct stage *stage, struct err *err)
{
    struct state *state = stage->state;
    if (check_source(stage, err) || set_window(stage, state, err) ||
        prom_new(stage->options, stage->config, &state->prom, err)) {
        return -1;
    }
    const char *namespace = options_string(stage->options, OPT_NAMESPACE);
    state->fallback = namespace == NULL ? "default" : namespace;
    describe(stage, state);
    return 0;
}

static int read_ahead(struct stage *stage, struct ahead *ahead, bool *more, struct err *err)
{
    const struct state *state = stage->state;
    ahead->count = 0;
    while (ahead->count < AHEAD) {
        json_t *record;
        int got = stage_read(stage, &record, err);
        if (got <= 0) {
            *more = false;
            return got;
        }
        ahead->records[ahead->count] = record;
        ahead->namespaces[ahead->count] = NULL;
        if (record_workload(record) != NULL) {
            const char *namespace = json_string_or_null(record_workload(record), "namespace");
            ahead->namespaces[ahead->count] = namespace == NULL ? state->fallback : namespace;
        }
        ahead->count++;
    }
    return 0;
}

static struct namespace *recall(const struct state *state, const char *name)
{
    for (size_t i = 0; i < NAMESPACES_KEPT; i++) {
        if (state->known[i] != NULL && strcmp(state->known[i]->name, name) == 0) {
            return state->known[i];
        }
    }
    return NULL;
}

/* What is known of a namespace, asked once while it is remembered. NULL with *err. */
static struct namespace *find_namespace(struct state *state, const char *name, struct err *err)
{
    struct namespace *namespace = recall(state, name);
    if (namespace != NULL) {
        return namespace;
    }
    if (namespace_discover(state->prom, name, state->start, state->end, &namespace, err)) {
        return NULL;
    }
    namespace_free(state->known[state->next_known]);
    state->known[state->next_known] = namespace;
    state->next_known = (state->next_known + 1) % NAMESPACES_KEPT;
    return namespace;
}

/* The failure of a server that served nothing at all. */
static int unserved(const struct err *why, struct err *err)
{
    *err = *why;
    if (err->hint[0] == '\0') {
        err_hint(err, "see that the server runs and that --prometheus or metrics.prometheus is its address");
    }
    return -1;
}

/* All records read ahead that are of one namespace. */
static int collect_namespace(struct state *state, const char *name, json_t *const *records, size_t count,
                             struct err *err)
{
    struct err problem = {0};
    state->asked = true;
    struct namespace *namespace = find_namespace(state, name, &problem);
    if (namespace != NULL) {
        return group_collect(state->prom, namespace, records, count, state->start, state->end, &state->last,
                             err);
    }
    state->last = problem;
    if (prom_served(state->prom) == 0 && prom_last(state->prom) == PROM_SILENT) {
        return unserved(&problem, err);
    }
    for (size_t i = 0; i < count; i++) {
        group_fail(records[i], &problem);
    }
    return 0;
}

static int collect_ahead(struct state *state, struct ahead *ahead, struct err *err)
{
    for (size_t i = 0; i < ahead->count; i++) {
        json_t *records[AHEAD];
        size_t count = 0;
        const char *name = ahead->namespaces[i];
        for (size_t j = i; name != NULL && j < ahead->count; j++) {
            if (ahead->namespaces[j] != NULL && strcmp(ahead->namespaces[j], name) == 0) {
                records[count++] = ahead->records[j];
                ahead->namespaces[j] = j == i ? name : NULL;
            }
        }
        if (count > 0 && collect_namespace(state, name, records, count, err)) {
            return -1;
        }
    }
    return 0;
}

static int write_ahead(struct stage *stage, const struct ahead *ahead, struct err *err)
{
    for (size_t i = 0; i < ahead->count; i++) {
        if (stage_write(stage, ahead->records[i], err)) {
            return -1;
        }
    }
    return 0;
}

/* A server that answered nothing leaves nothing to go on with. */
static int check_served(const struct state *state, struct err *err)
{
    if (state->asked && prom_served(state->prom) == 0) {
        return unserved(&state->last, err);
    }
    return 0;
}

static int run(struct stage *stage, struct err *err)
{
    struct state *state = stage->state;
    bool more = true;
    int failed = 0;
    while (more && !failed) {
        struct ahead ahead;
        failed = read_ahead(stage, &ahead, &more, err) || collect_ahead(state, &ahead, err) ||
                 write_ahead(stage, &ahead, err);
        for (size_t i = 0; i < ahead.count; i++) {
            json_decref(ahead.records[i]);
        }
    }
    return failed || check_served(state, err) ? -1 : 0;
}

static int end(struct stage *stage, struct err *err)
{
    const struct state *state = stage->state;
    (void)err;
    if (state->last.class != ERR_NONE) {
        log_warn("%s did not answer everything: %s", prom_name(state->prom), state->last.message);
    }
    log_info("%" PRId64 " requests to %s, %" PRId64 " samples, %.1f MB received", prom_requests(state->prom),
             prom_name(state->prom), prom_samples(state->prom), (double)prom_bytes(state->prom) / 1e6);
    return 0;
}

static void release(struct stage *stage)
{
    struct state *state = stage->state;
    for (size_t i = 0; i < NAMESPACES_KEPT; i++) {
        namespace_free(state->known[i]);
    }
    prom_free(state->prom);
}

const struct stage_spec collect_stage = {
    .name = "collect",
    .program = FOR_COLLECT,
    .summary = "adds what each workload really used, from Prometheus",
    .reads = ARTIFACT_BIT(ARTIFACT_INVENTORY),
    .writes = ARTIFACT_USAGE,
    .state_size = sizeof(struct state),
    .begin = begin,
    .run = run,
    .end = end,
    .release = release,
};
