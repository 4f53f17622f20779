#include "stages/common/ends/ends.h"

#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"
#include "stages/common/ends/ends_api.h"
#include "stages/common/ends/ends_measure.h"

/* How often it is looked whether somebody asked to end, while nothing comes. */
enum { SLICE_MS = 250 };

/* Requests to end that come closer together are one. */
enum { TWICE_SECONDS = 2 };

struct ends {
    struct machine_ends table;
    struct ends_api *api;
    struct ends_measure *measure; /* NULL: nothing is measured */
    struct ends_ledger ledger;
    int told; /* how often the machine was told to end */
};

static volatile sig_atomic_t asked_to_end;
static volatile sig_atomic_t asked_at;

/* One request may come twice at once: to a whole group of processes, and passed on by the conductor. */
static void on_signal(int number)
{
    struct timespec now = {0};
    (void)number;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (asked_to_end == 0 || (sig_atomic_t)now.tv_sec - asked_at >= TWICE_SECONDS) {
        asked_to_end++;
        asked_at = (sig_atomic_t)now.tv_sec;
    }
}

static void watch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&action.sa_mask);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
}

static int ask(void *context, uint64_t tag, const struct api_request *request, struct err *err)
{
    const struct ends *ends = context;
    return ends_api_ask(ends->api, tag, request, err);
}

static int observe(void *context, uint64_t tag, const struct api_query *query, struct err *err)
{
    const struct ends *ends = context;
    return ends_api_observe(ends->api, tag, query, err);
}

static void forget(void *context, uint64_t tag)
{
    const struct ends *ends = context;
    ends_api_forget(ends->api, tag);
}

static int64_t now(void *context)
{
    (void)context;
    return clock_monotonic_ms();
}

static int next(void *context, int64_t until, struct machine_event *out, struct err *err)
{
    struct ends *ends = context;
    for (;;) {
        if (asked_to_end > ends->told) {
            ends->told++;
            *out = (struct machine_event){.kind = EVENT_END};
            return 0;
        }
        int64_t slice = clock_monotonic_ms() + SLICE_MS;
        if (ends_api_next(ends->api, slice < until ? slice : until, out, err)) {
            return -1;
        }
        if (out->kind != EVENT_TIME || clock_monotonic_ms() >= until) {
            return 0;
        }
    }
}

static enum said permit(void *context, const struct machine_object *object, struct machine_objection *objection, struct err *err)
{
    struct ends *ends = context;
    return ends_ledger_permit(&ends->ledger, object, objection, err);
}

static enum said begin(void *context, const struct machine_object *object, const char *before, size_t size, const json_t *detail,
                       int64_t *change, struct err *err)
{
    struct ends *ends = context;
    return ends_ledger_begin(&ends->ledger, object, before, size, detail, change, err);
}

static enum said move(void *context, const struct machine_object *object, enum ledger_change_state to, const json_t *detail,
                      struct err *err)
{
    struct ends *ends = context;
    return ends_ledger_move(&ends->ledger, object, to, detail, err);
}

static enum said lock(void *context, const struct machine_object *object, struct err *err)
{
    struct ends *ends = context;
    return ends_ledger_lock(&ends->ledger, object, err);
}

static int measure(void *context, uint64_t tag, const struct machine_object *object, size_t index, struct err *err)
{
    const struct ends *ends = context;
    return ends_measure_ask(ends->measure, ends->api, tag, object, index, err);
}

int ends_new(struct stage *stage, const struct cluster *cluster, const struct ends_ledger *ledger, struct ends **out, struct err *err)
{
    struct ends *ends = xcalloc(sizeof *ends);
    ends->ledger = *ledger;
    ends->ledger.cluster_id = cluster->id;
    if (ends_api_new(cluster->api, &ends->api, err) || (ledger->permit != NULL && ends_measure_new(stage, &ends->measure, err))) {
        ends_free(ends);
        return -1;
    }
    ends->table = (struct machine_ends){
        .context = ends,
        .ask = ask,
        .observe = observe,
        .forget = forget,
        .next = next,
        .now = now,
        .permit = permit,
        .begin = begin,
        .move = move,
        .lock = lock,
        .measure = ends->measure == NULL ? NULL : measure,
    };
    watch_signals();
    *out = ends;
    return 0;
}

void ends_free(struct ends *ends)
{
    if (ends != NULL) {
        ends_api_free(ends->api);
        ends_measure_free(ends->measure);
        free(ends);
    }
}

void ends_verify(const struct ends *ends, struct machine_policy *policy)
{
    if (ends->measure != NULL) {
        policy->verify_count = ends_measure_count(ends->measure);
        policy->verify_below = ends_measure_limits(ends->measure);
    }
}

const struct machine_ends *ends_table(const struct ends *ends)
{
    return &ends->table;
}
