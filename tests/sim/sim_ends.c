#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "tests/sim/sim.h"

enum { STEPS_MAX = 200000, IDLE_MAX = 2000 };

/* ---- The process ---- */

void sim_step(struct sim *sim)
{
    sim->steps++;
    if (sim->alive && sim->kill_at != 0 && sim->steps >= sim->kill_at) {
        sim->kill_at = 0;
        sim_trace(sim, "KILLED");
        longjmp(sim->killed, 1);
    }
    if (sim->alive && (sim->steps > STEPS_MAX || sim->failure != NULL)) {
        if (sim->failure == NULL) {
            sim_broken(sim, "the machine does not come to an end (%d calls)", STEPS_MAX);
        }
        longjmp(sim->killed, 2);
    }
}

static void drop_inbox(struct sim *sim)
{
    for (size_t i = 0; i < sim->inbox_count; i++) {
        json_decref(sim->inbox[i].body);
    }
    sim->inbox_count = 0;
}

static void drop_watch(struct sim_watch *watch)
{
    for (size_t i = 0; i < watch->seen_count; i++) {
        json_decref(watch->last[i]);
    }
    free(watch->last);
    free(watch->seen);
    watch->last = NULL;
    watch->seen = NULL;
    watch->seen_count = 0;
    watch->seen_capacity = 0;
    watch->used = false;
}

void sim_process_ends(struct sim *sim)
{
    sim->alive = false;
    sim->life++;
    sim->ledger_lost = false;
    sim->ended_at = -1;
    sim->end_told = -1;
    memset(sim->locks, 0, sizeof sim->locks);
    drop_inbox(sim);
    for (size_t i = 0; i < sim->watch_count; i++) {
        if (sim->watches[i]->used) {
            drop_watch(sim->watches[i]);
        }
    }
}

/* ---- What the machine is told ---- */

static void tell(struct sim *sim, const struct machine_event *event)
{
    GROW(sim->inbox, sim->inbox_capacity, sim->inbox_count + 1);
    sim->inbox[sim->inbox_count++] = *event;
}

void sim_term(struct sim *sim, uint64_t life, uint64_t unused)
{
    (void)unused;
    if (sim->alive && sim->life == life) {
        struct machine_event event = {.kind = EVENT_END};
        sim_trace(sim, "TERM");
        sim->ended_at = sim->clock;
        tell(sim, &event);
    }
}

static bool away(const struct sim *sim)
{
    return sim->clock >= sim->outage_from && sim->clock < sim->outage_to;
}

/* ---- Requests ---- */

static void free_call(struct sim_call *call)
{
    call->used = false;
    free(call->path);
    free(call->content_type);
    json_decref(call->body);
    json_decref(call->answer);
    call->path = NULL;
    call->content_type = NULL;
    call->body = NULL;
    call->answer = NULL;
}

static struct sim_call *call_of(struct sim *sim, uint64_t id)
{
    for (size_t i = 0; i < sim->call_count; i++) {
        if (sim->calls[i]->used && sim->calls[i]->id == id) {
            return sim->calls[i];
        }
    }
    return NULL;
}

static bool is_write(const struct sim_call *call)
{
    return !str_equal(call->method, "GET") && strstr(call->path, "dryRun=All") == NULL;
}

static void tell_answer(struct sim *sim, struct sim_call *call, long status, bool may_have_happened, const char *why)
{
    struct machine_event event = {.kind = EVENT_ANSWER, .tag = call->tag, .status = status, .may_have_happened = may_have_happened};
    if (call->life != sim->life || !sim->alive || call->answered) {
        return;
    }
    call->answered = true;
    if (why == NULL) {
        event.body = json_deep_copy(call->answer);
        why = json_string_or_null(call->answer, "message");
    }
    if (status < 200 || status > 299) {
        enum err_class class = status >= 400 && status < 500 ? ERR_REFUSED : ERR_UNAVAILABLE;
        err_set(&event.why, class, "%s %s: %s", call->method, call->path, why == NULL ? "no" : why);
    }
    snprintf(event.request_id, sizeof event.request_id, "r%" PRIu64, call->id);
    sim_trace(sim, "answer %s %s: %ld%s%s", call->method, call->path, status, status < 300 ? "" : " ",
              status < 300 && status > 0 ? "" : event.why.message);
    tell(sim, &event);
}

static void time_out(struct sim *sim, uint64_t id, uint64_t unused)
{
    struct sim_call *call = call_of(sim, id);
    (void)unused;
    if (call != NULL) {
        bool gateway = call->lost_after && sim_chance(sim, 40);
        tell_answer(sim, call, gateway ? 504 : 0, is_write(call), "the answer was cut");
        free_call(call);
    }
}

/* The client gives up; the request is still on its way. */
static void cut(struct sim *sim, uint64_t id, uint64_t unused)
{
    struct sim_call *call = call_of(sim, id);
    (void)unused;
    if (call != NULL) {
        tell_answer(sim, call, 0, true, "the answer was cut");
    }
}

static void deliver_answer(struct sim *sim, uint64_t id, uint64_t unused)
{
    struct sim_call *call = call_of(sim, id);
    (void)unused;
    if (call != NULL) {
        tell_answer(sim, call, call->status, false, NULL);
        free_call(call);
    }
}

static void arrive(struct sim *sim, uint64_t id, uint64_t second)
{
    struct sim_call *call = call_of(sim, id);
    if (call == NULL) {
        return;
    }
    /* What makes a new object has no version that could keep it from landing after it was looked for: with its sender it is gone. */
    if (str_equal(call->method, "POST") && call->life != sim->life) {
        free_call(call);
        return;
    }
    if (away(sim)) {
        tell_answer(sim, call, 0, second != 0 && is_write(call), "connection refused");
        free_call(call);
        return;
    }
    if (is_write(call) && sim->clock >= sim->half_from && sim->clock < sim->half_to) {
        bool happens = sim_chance(sim, 10); /* the store was asked, and did not say in time that it has it */
        long status = sim_chance(sim, 75) ? 500 : 503;
        if (happens) {
            sim_serve(sim, call);
        }
        tell_answer(sim, call, status, happens, "failed calling webhook");
        free_call(call);
        return;
    }
    sim_serve(sim, call);
    if (is_write(call)) {
        sim_trace(sim, "served %s %s%s: %ld", call->method, call->path, second != 0 ? " (again)" : "", call->status);
    }
    if (call->twice && second == 0) {
        sim_at(sim, sim->clock + sim_between(sim, 0, 400), arrive, id, 1);
    } else if (call->lost_after) {
        sim_at(sim, sim->clock + sim_between(sim, 10, 30000), time_out, id, 0);
    } else {
        sim_at(sim, sim->clock + sim_between(sim, 1, sim->weather.slow && sim_chance(sim, 20) ? 6000 : 15), deliver_answer, id, 0);
    }
}

/* Decides what becomes of a request on its way. Who asks again what is safe to ask twice is below the machine: such answers rarely miss. */
static void send_call(struct sim *sim, struct sim_call *call)
{
    int64_t reach = sim->clock + sim_between(sim, 1, sim->weather.slow && sim_chance(sim, 20) ? 4000 : 15);
    bool write = is_write(call);
    if (away(sim)) {
        call->lost_before = true;
        sim_at(sim, sim->clock + sim_between(sim, 5, 1500), arrive, call->id, 0);
        return;
    }
    if (sim->weather.lossy) {
        call->lost_before = sim_chance(sim, write ? 8 : 1);
        call->lost_after = !call->lost_before && sim_chance(sim, write ? 10 : 1);
        call->twice = write && !call->lost_before && sim_chance(sim, 6);
    }
    /* What makes a new object has no version that could keep it from landing late. */
    if (sim->weather.lossy && write && !call->lost_before && !str_equal(call->method, "POST") && sim_chance(sim, 6)) {
        sim_at(sim, sim->clock + sim_between(sim, 50, 1000), cut, call->id, 0);
        reach += sim_between(sim, 100, 12000);
        if (sim->kill_at != 0 && sim_chance(sim, 30)) {
            sim->kill_at = sim->steps + 1 + sim_random(sim, 4);
        }
    }
    if (call->lost_before) {
        sim_at(sim, sim->clock + sim_between(sim, 100, 30000), time_out, call->id, 0);
    } else {
        sim_at(sim, reach, arrive, call->id, 0);
    }
}

static struct sim_call *new_call(struct sim *sim)
{
    for (size_t i = 0; i < sim->call_count; i++) {
        if (!sim->calls[i]->used) {
            memset(sim->calls[i], 0, sizeof *sim->calls[i]);
            return sim->calls[i];
        }
    }
    GROW(sim->calls, sim->call_capacity, sim->call_count + 1);
    sim->calls[sim->call_count] = xcalloc(sizeof(struct sim_call));
    return sim->calls[sim->call_count++];
}

static int ask(void *context, uint64_t tag, const struct api_request *request, struct err *err)
{
    struct sim *sim = context;
    (void)err;
    sim_step(sim);
    struct sim_call *call = new_call(sim);
    call->used = true;
    call->tag = tag;
    call->id = ++sim->asked;
    call->life = sim->life;
    snprintf(call->method, sizeof call->method, "%s", request->method);
    call->path = xstrdup(request->path);
    call->content_type = xstrdup_null(request->content_type);
    call->body = json_deep_copy(request->body);
    int item = sim_item_of_call(sim, call);
    call->row_there = item >= 0 && sim->rows[item].there;
    call->row = item >= 0 ? sim->rows[item].state : LEDGER_CHANGE_PLANNED;
    sim_trace(sim, "ask %s %s", call->method, call->path);
    if (item >= 0 && !sim->undoing) {
        sim_check_started(sim, item);
    }
    if (is_write(call)) {
        sim_check_asked(sim, call);
        if (item >= 0) {
            sim_people_race(sim, item);
        }
    }
    send_call(sim, call);
    sim_step(sim);
    return 0;
}

/* ---- Watches ---- */

static bool watched(const struct sim_watch *watch, const struct sim_object *object)
{
    return str_equal(watch->resource, object->resource) && str_equal(watch->group, object->group) &&
           (*watch->namespace == '\0' || str_equal(watch->namespace, object->namespace)) && sim_labelled(object->value, watch->labels);
}

static struct sim_watch *watch_of(struct sim *sim, uint64_t id)
{
    for (size_t i = 0; i < sim->watch_count; i++) {
        if (sim->watches[i]->used && sim->watches[i]->id == id) {
            return sim->watches[i];
        }
    }
    return NULL;
}

static void tell_object(struct sim *sim, const struct sim_watch *watch, enum machine_event_kind kind, const json_t *value)
{
    struct machine_event event = {.kind = kind, .tag = watch->tag, .status = 200, .body = json_deep_copy(value)};
    sim_trace(sim, "%s %s/%s %s", kind == EVENT_GONE ? "gone" : "seen", watch->resource,
              json_string_or_null(json_object_get(value, "metadata"), "name"),
              json_string_or_null(json_object_get(value, "metadata"), "resourceVersion"));
    tell(sim, &event);
}

static void keep_seen(struct sim_watch *watch, const struct sim_object *object, size_t at)
{
    if (at == watch->seen_count) {
        size_t capacity = watch->seen_capacity;
        GROW(watch->seen, watch->seen_capacity, watch->seen_count + 1);
        watch->last = capacity == watch->seen_capacity ? watch->last
                                                       : xrealloc_array(watch->last, watch->seen_capacity, sizeof *watch->last);
        watch->seen_count++;
        watch->last[at] = NULL;
    }
    json_decref(watch->last[at]);
    watch->last[at] = json_incref(object->value);
    watch->seen[at] = (struct sim_seen){object->id, sim_version(object->value)};
}

static void tell_gone(struct sim *sim, struct sim_watch *watch)
{
    for (size_t i = 0; i < watch->seen_count;) {
        if (sim_find_id(sim, watch->seen[i].id) != NULL) {
            i++;
            continue;
        }
        tell_object(sim, watch, EVENT_GONE, watch->last[i]);
        json_decref(watch->last[i]);
        watch->seen_count--;
        watch->seen[i] = watch->seen[watch->seen_count];
        watch->last[i] = watch->last[watch->seen_count];
    }
}

static void deliver_seen(struct sim *sim, uint64_t id, uint64_t unused)
{
    struct sim_watch *watch = watch_of(sim, id);
    (void)unused;
    if (watch == NULL) {
        return;
    }
    if (away(sim)) {
        watch->fresh = true;
        int64_t back = sim->outage_to == INT64_MAX ? sim->clock + 5000 : sim->outage_to;
        sim_at(sim, back + sim_between(sim, 10, 3000), deliver_seen, id, 0);
        return;
    }
    watch->due = false;
    tell_gone(sim, watch);
    for (size_t i = 0; i < sim->object_count; i++) {
        const struct sim_object *object = sim->objects[i];
        size_t at = 0;
        while (at < watch->seen_count && watch->seen[at].id != object->id) {
            at++;
        }
        if (watched(watch, object) &&
            (watch->fresh || at == watch->seen_count || watch->seen[at].version != sim_version(object->value))) {
            tell_object(sim, watch, EVENT_SEEN, object->value);
            keep_seen(watch, object, at);
        }
    }
    watch->fresh = false;
}

static void watch_due(struct sim *sim, struct sim_watch *watch)
{
    bool gap = sim->weather.gaps && sim_chance(sim, 4);
    watch->fresh |= gap && sim_chance(sim, 50);
    if (!watch->due) {
        watch->due = true;
        sim_at(sim, sim->clock + sim_between(sim, 1, gap ? 15000 : 40), deliver_seen, watch->id, 0);
    }
}

void sim_watch_wake(struct sim *sim, const struct sim_object *object)
{
    for (size_t i = 0; i < sim->watch_count; i++) {
        if (sim->watches[i]->used && watched(sim->watches[i], object)) {
            watch_due(sim, sim->watches[i]);
        }
    }
}

static struct sim_watch *new_watch(struct sim *sim)
{
    for (size_t i = 0; i < sim->watch_count; i++) {
        if (!sim->watches[i]->used) {
            memset(sim->watches[i], 0, sizeof *sim->watches[i]);
            return sim->watches[i];
        }
    }
    GROW(sim->watches, sim->watch_capacity, sim->watch_count + 1);
    sim->watches[sim->watch_count] = xcalloc(sizeof(struct sim_watch));
    return sim->watches[sim->watch_count++];
}

static int observe(void *context, uint64_t tag, const struct api_query *query, struct err *err)
{
    struct sim *sim = context;
    (void)err;
    sim_step(sim);
    struct sim_watch *watch = new_watch(sim);
    watch->used = true;
    watch->fresh = true;
    watch->tag = tag;
    watch->id = ++sim->asked;
    snprintf(watch->group, sizeof watch->group, "%s", query->group);
    snprintf(watch->resource, sizeof watch->resource, "%s", query->resource);
    snprintf(watch->namespace, sizeof watch->namespace, "%s", query->namespace == NULL ? "" : query->namespace);
    snprintf(watch->labels, sizeof watch->labels, "%s", query->labels == NULL ? "" : query->labels);
    sim_trace(sim, "observe %s in %s %s", watch->resource, watch->namespace, watch->labels);
    watch_due(sim, watch);
    return 0;
}

static void forget(void *context, uint64_t tag)
{
    struct sim *sim = context;
    sim_step(sim);
    for (size_t i = 0; i < sim->watch_count; i++) {
        if (sim->watches[i]->used && sim->watches[i]->tag == tag) {
            drop_watch(sim->watches[i]);
        }
    }
    size_t kept = 0;
    for (size_t i = 0; i < sim->inbox_count; i++) {
        const struct machine_event *event = &sim->inbox[i];
        if ((event->kind == EVENT_SEEN || event->kind == EVENT_GONE) && event->tag == tag) {
            json_decref(event->body);
        } else {
            sim->inbox[kept++] = *event;
        }
    }
    sim->inbox_count = kept;
}

/* ---- Waiting ---- */

static int next(void *context, int64_t until, struct machine_event *out, struct err *err)
{
    struct sim *sim = context;
    int64_t asked_at = sim->clock;
    sim_step(sim);
    memset(out, 0, sizeof *out);
    if (until == INT64_MAX && sim->timer_count == 0 && sim->inbox_count == 0) {
        sim_broken(sim, "the machine waits for what never comes");
        sim_step(sim);
    }
    while (sim->inbox_count == 0 && sim_advance(sim, until)) {
    }
    sim->control = sim->clock;
    if (sim->clock >= sim->dead_from && sim->clock - sim->dead_from > 60000) {
        return err_set(err, ERR_UNAVAILABLE, "the API server cannot be reached");
    }
    if (sim->inbox_count == 0) {
        sim->idle = sim->clock == asked_at ? sim->idle + 1 : 0;
        if (sim->idle > IDLE_MAX) {
            sim_broken(sim, "the machine spins: %d times no time to wait", IDLE_MAX);
        }
        out->kind = EVENT_TIME;
    } else {
        *out = sim->inbox[0];
        memmove(sim->inbox, sim->inbox + 1, --sim->inbox_count * sizeof *sim->inbox);
        if (out->kind == EVENT_END) {
            sim->end_told = sim->clock;
        }
    }
    sim_step(sim);
    return 0;
}

static int64_t now(void *context)
{
    const struct sim *sim = context;
    return sim->clock;
}

static void measured(struct sim *sim, uint64_t id, uint64_t bad)
{
    struct sim_call *call = call_of(sim, id);
    if (call != NULL) {
        call->status = 200;
        call->answer = json_pack("{s:f}", "value", bad != 0 ? 9.0 : 0.001);
        tell_answer(sim, call, 200, false, NULL);
        free_call(call);
    }
}

static int measure(void *context, uint64_t tag, const struct machine_object *object, size_t index, struct err *err)
{
    struct sim *sim = context;
    int item = sim_item_named(sim, object->name);
    (void)err;
    sim_step(sim);
    struct sim_call *call = new_call(sim);
    call->used = true;
    call->tag = tag;
    call->id = ++sim->asked;
    call->life = sim->life;
    snprintf(call->method, sizeof call->method, "query");
    call->path = xasprintf("%zu of %s", index, object->name);
    bool bad = item >= 0 && sim->items[item].measures_bad && sim->items[item].forward > sim->items[item].back;
    sim_at(sim, sim->clock + sim_between(sim, 5, 2000), measured, call->id, bad);
    return 0;
}

void sim_ends(struct sim *sim, struct machine_ends *out)
{
    *out = (struct machine_ends){.context = sim, .ask = ask, .observe = observe, .forget = forget, .next = next, .now = now,
                                 .permit = sim_permit, .begin = sim_begin, .move = sim_move, .lock = sim_lock,
                                 .measure = sim->policy.verify_count > 0 ? measure : NULL};
}
