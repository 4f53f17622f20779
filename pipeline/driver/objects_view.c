#include "pipeline/driver/objects_view.h"

#include <inttypes.h>
#include <stdio.h>

#include "pipeline/base/mem.h"
#include "pipeline/driver/table.h"

/* What a row's detail says of how it ended, as a new string or null. */
static json_t *reason_of(const struct ledger_change *change)
{
    static const char *const members[] = {"conflict", "failure"};
    json_t *detail = json_loads(change->detail, 0, NULL);
    json_t *why = json_null();
    for (size_t i = 0; json_is_null(why) && i < ARRAY_COUNT(members); i++) {
        if (json_is_string(json_object_get(detail, members[i]))) {
            why = json_incref(json_object_get(detail, members[i]));
        }
    }
    json_decref(detail);
    return why;
}

int objects_json(struct session *session, int64_t run, json_t **out, struct err *err)
{
    struct ledger_changes changes = {0};
    if (ledger_changes(session->ledger, run, &session->arena, &changes, err)) {
        return -1;
    }
    *out = json_array();
    for (size_t i = 0; i < changes.count; i++) {
        const struct ledger_change *change = &changes.items[i];
        json_array_append_new(*out, json_pack("{s:o, s:s, s:s, s:o}", "object", json_string_safe(change->object), "state",
                                              ledger_change_state_name(change->state), "updated", change->updated, "why",
                                              reason_of(change)));
    }
    return 0;
}

static void print_rows(struct table *table, const struct ledger_changes *changes, bool done, int64_t limit, int64_t *shown)
{
    for (size_t i = 0; i < changes->count; i++) {
        const struct ledger_change *change = &changes->items[i];
        if ((change->state == LEDGER_CHANGE_DONE) != done || (limit > 0 && *shown >= limit)) {
            continue;
        }
        json_t *why = reason_of(change);
        table_cell(table, change->object);
        table_cell(table, ledger_change_state_name(change->state));
        table_cell(table, change->updated);
        table_cellf(table, "%.160s", json_is_string(why) ? json_string_value(why) : "-");
        json_decref(why);
        (*shown)++;
    }
}

int objects_print(struct session *session, int64_t run, int64_t limit, struct err *err)
{
    static const char *const heads[] = {"OBJECT", "STATE", "SINCE", "WHY"};
    struct ledger_changes changes = {0};
    int64_t shown = 0;
    if (ledger_changes(session->ledger, run, &session->arena, &changes, err)) {
        return -1;
    }
    if (changes.count == 0) {
        return 0;
    }
    struct table *table = table_new(ARRAY_COUNT(heads), heads);
    print_rows(table, &changes, false, limit, &shown);
    print_rows(table, &changes, true, limit, &shown);
    table_print(table, stdout);
    table_free(table);
    if ((size_t)shown < changes.count) {
        printf("… and %" PRId64 " more: --limit 0 shows all\n", (int64_t)changes.count - shown);
    }
    return 0;
}
