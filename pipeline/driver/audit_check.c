#include "pipeline/driver/audit_check.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "pipeline/base/str.h"
#include "pipeline/driver/rows.h"
#include "pipeline/run/audit_file.h"
#include "pipeline/run/ledger_trail.h"

static int wanted_anchors(const struct session *session, struct audit_anchors *out, struct err *err)
{
    for (size_t i = 0; i < options_list_count(session->options, OPT_ANCHOR); i++) {
        if (audit_anchors_add(out, options_list_item(session->options, OPT_ANCHOR, i), err)) {
            return -1;
        }
    }
    return 0;
}

/* What is found wrong first decides; the rest is seen when that is mended. */
static void wrong(struct session *session, const char *what, const char *hint)
{
    if (session->verdict.class == ERR_NONE) {
        err_set(&session->verdict, ERR_DATA, "%s", what);
        err_hint(&session->verdict, "%s", hint);
    }
}

static void anchors_hold(size_t count)
{
    printf("%zu anchor%s\n", count, count == 1 ? " holds" : "s hold");
}

static const char elsewhere[] = "keep a copy of the database as it is and ask who had superuser access to it";

/* ---- A file ---- */

static void file_text(const struct audit_verdict *verdict, const char *path)
{
    if (!verdict->intact) {
        printf("%s is broken at line %" PRId64 ": %s\n", path, verdict->line, verdict->why);
        return;
    }
    printf("%s is intact: %" PRId64 " events from %" PRId64 " on, of ledger %s\n", path, verdict->events, verdict->first, verdict->ledger);
    printf("anchor %s@%" PRId64 "\n", verdict->head.digest, verdict->head.position);
    if (verdict->anchors_held > 0) {
        anchors_hold(verdict->anchors_held);
    }
    if (verdict->anchors_before > 0) {
        printf("%zu of the anchors stand before its first event and say nothing about it\n", verdict->anchors_before);
    }
}

static json_t *file_json(const struct audit_verdict *verdict, const char *path)
{
    return json_pack("{s:s, s:b, s:I, s:I, s:I, s:I, s:s, s:s, s:I, s:I, s:s?}", "file", path, "intact", verdict->intact, "events",
                     (json_int_t)verdict->events, "first", (json_int_t)verdict->first, "line", (json_int_t)verdict->line, "broken_at",
                     (json_int_t)verdict->broken_at, "head", verdict->head.digest, "ledger", verdict->ledger, "anchors_held",
                     (json_int_t)verdict->anchors_held, "anchors_before", (json_int_t)verdict->anchors_before, "message",
                     verdict->intact ? NULL : verdict->why);
}

int audit_check_file(struct session *session, const char *path, bool json, struct err *err)
{
    struct audit_anchors anchors = {0};
    struct audit_verdict verdict;
    int failed = wanted_anchors(session, &anchors, err) || audit_file_check(path, &anchors, NULL, NULL, &verdict, err);
    audit_anchors_release(&anchors);
    if (failed) {
        return -1;
    }
    if (json) {
        rows_json(file_json(&verdict, path));
    } else {
        file_text(&verdict, path);
    }
    if (!verdict.intact) {
        err_set(&session->verdict, ERR_DATA, "the audit trail in %s is broken at line %" PRId64, path, verdict.line);
        err_hint(&session->verdict, "tare audit verify asks the ledger itself; tare audit export -o FILE makes a whole copy");
    }
    return 0;
}

/* ---- The ledger and anchors ---- */

static int check_identity(const struct audit_anchors *anchors, const char *ledger, char *why, size_t size)
{
    for (size_t i = 0; i < anchors->count; i++) {
        const struct audit_anchor *anchor = &anchors->items[i];
        if (anchor->ledger[0] != '\0' && strcmp(anchor->ledger, ledger) != 0) {
            snprintf(why, size, "the anchor of event %" PRId64 " is of ledger %s, this is ledger %s", anchor->position, anchor->ledger,
                     ledger);
            return -1;
        }
    }
    return 0;
}

/* `states` in the order of positions. Says in `why` what the first that does not hold means, "" where all do. */
static size_t judge_states(const json_t *states, int64_t head, char *why, size_t size)
{
    int64_t held_until = 0;
    size_t held = 0;
    size_t index;
    json_t *row;
    why[0] = '\0';
    json_array_foreach(states, index, row)
    {
        int64_t position = json_int_or(row, "position", 0);
        const char *state = json_string_or_null(row, "state");
        if (str_equal(state, "holds")) {
            held_until = position;
            held++;
        } else if (why[0] == '\0' && str_equal(state, "beyond")) {
            snprintf(why, size, "the trail ends with event %" PRId64 ", before the anchor of event %" PRId64 ": its end was cut off", head,
                     position);
        } else if (why[0] == '\0') {
            snprintf(why, size,
                     "event %" PRId64 " is not the one of the anchor: the trail was written anew, from an event between %" PRId64 " and it",
                     position, held_until + 1);
        }
    }
    return held;
}

/* *said is new: what came of the anchors. */
static int check_anchors(struct session *session, const struct audit_anchors *anchors, const struct audit_anchor *head, bool json,
                         json_t **said, struct err *err)
{
    char why[AUDIT_WHY];
    json_t *states = NULL;
    size_t held = 0;
    if (check_identity(anchors, head->ledger, why, sizeof why) == 0) {
        if (ledger_audit_anchors(session->ledger, anchors, &states, err)) {
            return -1;
        }
        held = judge_states(states, head->position, why, sizeof why);
    }
    json_decref(states);
    if (why[0] != '\0') {
        wrong(session, why, elsewhere);
    } else if (!json) {
        anchors_hold(held);
    }
    *said = json_pack("{s:I, s:I, s:s?}", "given", (json_int_t)anchors->count, "held", (json_int_t)held, "message",
                      why[0] == '\0' ? NULL : why);
    return 0;
}

/* ---- The ledger and an export ---- */

struct comparison {
    struct ledger *ledger;
    struct ledger_trail *trail;
    struct buf mine;
    struct buf theirs;
    int64_t compared;
    int64_t differs_at; /* 0: nowhere */
    bool ended;         /* the ledger has no such event */
};

static int compare_event(void *context, const struct audit_event *event, struct err *err)
{
    struct comparison *all = context;
    struct audit_event own;
    bool found = false;
    if (all->differs_at != 0) {
        return 0;
    }
    if (all->trail == NULL) {
        all->trail = ledger_trail_new(all->ledger, event->position - 1, INT64_MAX);
    }
    if (ledger_trail_next(all->trail, &own, &found, err)) {
        return -1;
    }
    buf_clear(&all->mine);
    buf_clear(&all->theirs);
    audit_event_line(event, &all->theirs);
    if (found) {
        audit_event_line(&own, &all->mine);
    }
    if (!found || strcmp(buf_str(&all->mine), buf_str(&all->theirs)) != 0) {
        all->differs_at = event->position;
        all->ended = !found;
    } else {
        all->compared++;
    }
    return 0;
}

static void judge_export(struct session *session, const struct comparison *all, const struct audit_verdict *verdict, const char *ledger,
                         const char *path, bool json)
{
    char why[AUDIT_WHY + 200];
    if (!verdict->intact) {
        snprintf(why, sizeof why, "%s is broken at line %" PRId64 ": %s", path, verdict->line, verdict->why);
        wrong(session, why, "tare audit verify FILE says what of it holds");
    } else if (strcmp(verdict->ledger, ledger) != 0) {
        snprintf(why, sizeof why, "%s is of ledger %s, this is ledger %s", path, verdict->ledger, ledger);
        wrong(session, why, "name the database that it was exported from: --database");
    } else if (all->differs_at != 0 && all->ended) {
        snprintf(why, sizeof why, "the ledger has no event %" PRId64 ", %s has it: the trail's end was cut off", all->differs_at, path);
        wrong(session, why, elsewhere);
    } else if (all->differs_at != 0) {
        snprintf(why, sizeof why, "event %" PRId64 " of the ledger is not the one of %s", all->differs_at, path);
        wrong(session, why, elsewhere);
    } else if (!json) {
        printf("the ledger has all %" PRId64 " events of %s\n", all->compared, path);
    }
}

static int check_export(struct session *session, const char *path, const char *ledger, bool json, json_t **said, struct err *err)
{
    struct comparison all = {.ledger = session->ledger};
    struct audit_verdict verdict;
    buf_init(&all.mine, AUDIT_LINE_MAX);
    buf_init(&all.theirs, AUDIT_LINE_MAX);
    int failed = audit_file_check(path, NULL, compare_event, &all, &verdict, err);
    if (!failed) {
        judge_export(session, &all, &verdict, ledger, path, json);
        *said = json_pack("{s:s, s:I, s:I, s:b}", "file", path, "same", (json_int_t)all.compared, "differs_at",
                          (json_int_t)all.differs_at, "intact", verdict.intact);
    }
    ledger_trail_free(all.trail);
    buf_release(&all.mine);
    buf_release(&all.theirs);
    return failed ? -1 : 0;
}

/* ---- The ledger ---- */

static void own_chain(struct session *session, const struct ledger_audit_verdict *verdict, const struct audit_anchor *head, bool json)
{
    if (!json) {
        printf("%s\n", verdict->message);
        printf("anchor %s@%" PRId64 "\n", head->digest, head->position);
    }
    if (!verdict->intact) {
        char why[AUDIT_WHY];
        snprintf(why, sizeof why, "the audit trail is broken at event %" PRId64, verdict->broken_at);
        wrong(session, why, elsewhere);
    }
}

/* The head is read first: what is added while the chain is checked is behind it. */
static int check_ledger(struct session *session, const struct audit_anchors *anchors, const char *against, bool json, struct err *err)
{
    struct audit_anchor head;
    struct ledger_audit_verdict verdict;
    json_t *anchored = NULL;
    json_t *compared = NULL;
    if (ledger_audit_anchor(session->ledger, &head, err) || ledger_audit_verify(session->ledger, &session->arena, &verdict, err)) {
        return -1;
    }
    own_chain(session, &verdict, &head, json);
    int failed = (anchors->count > 0 && check_anchors(session, anchors, &head, json, &anchored, err)) ||
                 (against != NULL && check_export(session, against, head.ledger, json, &compared, err));
    if (!failed && json) {
        json_t *all = json_pack("{s:b, s:I, s:I, s:s?, s:s?, s:s, s:I}", "intact", verdict.intact, "events", (json_int_t)verdict.events,
                                "broken_at", (json_int_t)verdict.broken_at, "head", verdict.head, "message", verdict.message, "ledger",
                                head.ledger, "position", (json_int_t)head.position);
        json_object_set_new(all, "anchors", anchored == NULL ? json_null() : json_incref(anchored));
        json_object_set_new(all, "against", compared == NULL ? json_null() : json_incref(compared));
        rows_json(all);
    }
    json_decref(anchored);
    json_decref(compared);
    return failed ? -1 : 0;
}

int audit_check_ledger(struct session *session, const char *against, bool json, struct err *err)
{
    struct audit_anchors anchors = {0};
    int failed = wanted_anchors(session, &anchors, err) || check_ledger(session, &anchors, against, json, err);
    audit_anchors_release(&anchors);
    return failed ? -1 : 0;
}
