#include "pipeline/driver/notify.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/log.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/cli/receivers.h"
#include "pipeline/driver/notify_exec.h"

/* How long a delivery stays for what is to be tried again, when it is ended whatever it does, and how many there are at once. */
enum { STAY_SECONDS = 600, END_SECONDS = 900, EVENTS_MAX = 2, DELIVERIES_MAX = 8 };

/* What is told of a run in this state after this command; returns how many. A run whose every change was blocked counts as refused, an
 * apply or rollback that was left halfway as critical. */
static size_t events_of(const struct ledger_run *run, const char *command, const struct totals *totals, const char *events[EVENTS_MAX])
{
    size_t count = 0;
    if (strcmp(command, "run") == 0) {
        if (run->state == LEDGER_AWAITING_APPROVAL) {
            events[count++] = "awaiting-approval";
        } else if (run->state == LEDGER_FAILED && run->plan_digest != NULL) {
            events[count++] = "refused";
        }
        if (totals->critical > 0) {
            events[count++] = "critical";
        }
        return count;
    }
    if (run->state == LEDGER_APPLIED) {
        events[count++] = "applied";
    } else if (run->state == LEDGER_REFUSED) {
        events[count++] = "refused";
    } else if (run->state == LEDGER_ROLLED_BACK) {
        events[count++] = "rolled-back";
    } else if (run->state == LEDGER_FAILED) {
        events[count++] = "critical";
    }
    return count;
}

static int put_event(struct session *session, const struct receivers *receivers, const struct ledger_run *run, const char *event,
                     const json_t *facts, struct err *err)
{
    int64_t count = 0;
    json_t *names = json_array();
    for (size_t i = 0; i < receivers->count; i++) {
        if (receiver_wants(&receivers->items[i], event)) {
            json_array_append_new(names, json_string(receivers->items[i].name));
        }
    }
    int failed = json_array_size(names) > 0 && ledger_notify_put(session->ledger, run->id, event, names, facts, &count, err);
    json_decref(names);
    return failed ? -1 : 0;
}

static int put_events(struct session *session, const struct receivers *receivers, const struct ledger_run *run, const char *command,
                      struct err *err)
{
    json_t *rows;
    const char *events[EVENTS_MAX];
    if (ledger_results_get(session->ledger, run->id, &rows, err)) {
        return -1;
    }
    struct totals totals = totals_of(rows);
    size_t count = events_of(run, command, &totals, events);
    int failed = 0;
    for (size_t i = 0; i < count && !failed; i++) {
        json_t *facts = notify_facts(run, events[i], command, &totals, rows);
        failed = put_event(session, receivers, run, events[i], facts, err);
        json_decref(facts);
    }
    json_decref(rows);
    return failed;
}

/* A delivery to one receiver (NULL: to all of them), where something waits for it, be it of an earlier run. */
static int start_delivery(struct session *session, const json_t *names, const char *only, struct err *err)
{
    int64_t wait;
    if (ledger_notify_next(session->ledger, names, &wait, err)) {
        return -1;
    }
    if (wait < 0) {
        return 0;
    }
    char *stay = xasprintf("--wait=%ds", STAY_SECONDS);
    char *receiver = only == NULL ? NULL : xasprintf("--receiver=%s", only);
    const char *const words[] = {stay, receiver, NULL};
    int failed = notify_detach(session, words, END_SECONDS, err);
    free(receiver);
    free(stay);
    return failed;
}

/* One that hangs must not keep the others from being told: each has a delivery of its own, unless there are very many. */
static int start_deliveries(struct session *session, const struct receivers *receivers, struct err *err)
{
    int failed = 0;
    json_t *all = json_array();
    for (size_t i = 0; i < receivers->count && !failed; i++) {
        const char *name = receivers->items[i].name;
        json_array_append_new(all, json_string(name));
        if (receivers->count <= DELIVERIES_MAX) {
            json_t *one = json_pack("[s]", name);
            failed = start_delivery(session, one, name, err);
            json_decref(one);
        }
    }
    if (!failed && receivers->count > DELIVERIES_MAX) {
        failed = start_delivery(session, all, NULL, err);
    }
    json_decref(all);
    return failed;
}

void notify_tell(struct session *session, const struct ledger_run *run, const char *command)
{
    struct receivers receivers;
    struct err err = {0};
    int failed = receivers_load(session->config, &receivers, &err);
    if (!failed && receivers.count > 0) {
        failed = put_events(session, &receivers, run, command, &err) || start_deliveries(session, &receivers, &err);
    }
    receivers_release(&receivers);
    if (failed) {
        log_warn("run %" PRId64 " stands, but nobody is told of it: %s", run->id, err.message);
    }
}

static void warn_of_missing(const struct receiver *receiver)
{
    const char *const files[] = {receiver->url_file, receiver->secret_file, receiver->template_file};
    for (size_t i = 0; i < ARRAY_COUNT(files); i++) {
        if (files[i] != NULL && access(files[i], R_OK) != 0) {
            log_warn("%s will not be told of anything: %s cannot be read (tare notify test %s tries it)", receiver->name, files[i],
                     receiver->name);
        }
    }
}

int notify_check_config(struct session *session, struct err *err)
{
    struct receivers receivers;
    int failed = receivers_load(session->config, &receivers, err);
    for (size_t i = 0; i < receivers.count && !failed; i++) {
        warn_of_missing(&receivers.items[i]);
    }
    receivers_release(&receivers);
    return failed;
}

int notify_check_files(struct session *session, struct buf *found, struct err *err)
{
    size_t count = json_array_size(config_value(session->config, "notify"));
    if (count == 0) {
        return buf_printf(found, "nobody is told of runs");
    }
    struct buf said;
    int code = 0;
    const char *const words[] = {"--check", "--quiet", NULL};
    buf_init(&said, ERR_MESSAGE_MAX - 1);
    int failed = notify_capture(session, words, &said, &code, err);
    if (!failed && (code != 0 || said.length > 0)) {
        failed = err_set(err, code == 0 ? ERR_CONFIG : (enum err_class)code, "%.*s", (int)strcspn(buf_str(&said), "\n"), buf_str(&said));
        err_hint(err, "tare notify test tries all receivers");
    }
    buf_release(&said);
    buf_printf(found, "%zu receivers, their files can be used", count);
    return failed;
}

void notify_mention(struct session *session)
{
    int64_t count = 0;
    struct err ignored = {0};
    if (ledger_notify_given_up(session->ledger, &count, &ignored) == 0 && count > 0) {
        log_warn("%" PRId64 " notification%s of the last week could not be sent: tare notify list", count, count == 1 ? "" : "s");
    }
}
