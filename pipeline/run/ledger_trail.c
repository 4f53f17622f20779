#include "pipeline/run/ledger_trail.h"

#include <stdio.h>
#include <stdlib.h>

#include "pipeline/run/ledger_internal.h"

/* Events of one answer: an event is at most some 70 KiB, mostly a quarter of one. */
enum { TRAIL_PAGE = 500 };

struct ledger_trail {
    struct ledger *ledger;
    struct db_rows *page;
    size_t row;
    int64_t after;
    int64_t to;
};

static void keep_text(char *out, size_t size, const char *text)
{
    snprintf(out, size, "%s", text == NULL ? "" : text);
}

int ledger_audit_anchor(struct ledger *ledger, struct audit_anchor *out, struct err *err)
{
    struct db_rows *row = NULL;
    if (db_row(ledger->db, sql_audit_anchor, NULL, 0, &row, err)) {
        return -1;
    }
    *out = (struct audit_anchor){.position = db_rows_int(row, 0, 1, 0)};
    keep_text(out->ledger, sizeof out->ledger, db_rows_text(row, 0, 0));
    keep_text(out->digest, sizeof out->digest, db_rows_text(row, 0, 2));
    keep_text(out->at, sizeof out->at, db_rows_text(row, 0, 3));
    db_rows_free(row);
    return 0;
}

int ledger_audit_anchors(struct ledger *ledger, const struct audit_anchors *anchors, json_t **out, struct err *err)
{
    json_t *list = json_array();
    for (size_t i = 0; i < anchors->count; i++) {
        const struct audit_anchor *anchor = &anchors->items[i];
        json_array_append_new(list, json_pack("{s:I, s:s, s:s?}", "position", (json_int_t)anchor->position, "digest", anchor->digest,
                                              "at", anchor->at[0] == '\0' ? NULL : anchor->at));
    }
    char *text = json_text(list);
    int failed = ledger_json(ledger, sql_audit_anchors, PARAMS(db_text(text)), out, err);
    free(text);
    json_decref(list);
    return failed;
}

struct ledger_trail *ledger_trail_new(struct ledger *ledger, int64_t after, int64_t to)
{
    struct ledger_trail *trail = xcalloc(sizeof *trail);
    *trail = (struct ledger_trail){.ledger = ledger, .after = after, .to = to};
    return trail;
}

void ledger_trail_free(struct ledger_trail *trail)
{
    if (trail != NULL) {
        db_rows_free(trail->page);
        free(trail);
    }
}

/* Columns as in audit_page.sql. */
static void event_from_row(const struct db_rows *page, size_t row, struct audit_event *out)
{
    *out = (struct audit_event){
        .position = db_rows_int(page, row, 0, 0),
        .at = db_rows_text(page, row, 1),
        .actor = db_rows_text(page, row, 2),
        .action = db_rows_text(page, row, 3),
        .has_run = db_rows_text(page, row, 4) != NULL,
        .run = db_rows_int(page, row, 4, 0),
        .subject = db_rows_text(page, row, 5),
        .detail = db_rows_text(page, row, 6),
        .previous = db_rows_text(page, row, 7),
        .digest = db_rows_text(page, row, 8),
    };
}

int ledger_trail_next(struct ledger_trail *trail, struct audit_event *event, bool *found, struct err *err)
{
    *found = false;
    if (trail->page == NULL || (trail->row == db_rows_count(trail->page) && trail->row == TRAIL_PAGE)) {
        db_rows_free(trail->page);
        trail->page = NULL;
        trail->row = 0;
        if (db_rows(trail->ledger->db, sql_audit_page, PARAMS(db_int(trail->after), db_int(trail->to), db_int(TRAIL_PAGE)),
                    &trail->page, err)) {
            return -1;
        }
    }
    if (trail->row < db_rows_count(trail->page)) {
        event_from_row(trail->page, trail->row++, event);
        trail->after = event->position;
        *found = true;
    }
    return 0;
}
