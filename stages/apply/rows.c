#include "stages/apply/rows.h"

#include <inttypes.h>
#include <stdlib.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/run/record.h"

enum { SHOWN = 200 };

/* A column of plan_requirement and where the gated record has it. */
static const struct {
    const char *column;
    const char *path;
    const char *absent; /* what the column holds where the record says nothing; NULL: null */
} columns[] = {
    {"verdict", "gate.verdict", NULL},
    {"required", "gate.requirement.approvals", "0"},
    {"role", "gate.requirement.role", "\"tare_approver\""},
    {"rule", "gate.requirement.rule", NULL},
    {"risk", "recommendation.risk", NULL},
    {"saving_microusd", "cost.monthly_saving_microusd", NULL},
    {"facts", "gate.facts", "{}"},
};

/* New text of a value; null and what is missing are the same. */
static char *value_text(const json_t *value, const char *absent)
{
    return value == NULL || json_is_null(value) ? xstrdup(absent == NULL ? "null" : absent) : json_text(value);
}

static int moved(const char *name, const char *column, const char *found, const char *expected, struct err *err)
{
    return err_set(err, ERR_STALE, "the plan is stale: the ledger's row of %s has the %s %.*s, the plan was made with %.*s", name,
                   column, SHOWN, found, SHOWN, expected);
}

/* One column. A row without it is of a ledger that does not keep it. */
static int compare_column(const char *name, const json_t *row, const json_t *record, size_t column, struct err *err)
{
    if (json_object_get(row, columns[column].column) == NULL) {
        return 0;
    }
    char *found = value_text(json_object_get(row, columns[column].column), columns[column].absent);
    char *expected = value_text(json_at(record, columns[column].path), columns[column].absent);
    int failed = str_equal(found, expected) ? 0 : moved(name, columns[column].column, found, expected, err);
    free(found);
    free(expected);
    return failed;
}

static int compare_row(const char *name, const struct ledger_run *run, const json_t *row, const json_t *record, struct err *err)
{
    const char *plan = json_string_or_null(row, "plan_digest");
    const char *cluster = json_string_or_null(row, "cluster");
    if (!str_equal(plan, run->plan_digest)) {
        return moved(name, "plan", plan == NULL ? "none" : plan, run->plan_digest, err);
    }
    if (!str_equal(cluster, run->cluster)) {
        return moved(name, "cluster", cluster == NULL ? "none" : cluster, run->cluster, err);
    }
    for (size_t i = 0; i < ARRAY_COUNT(columns); i++) {
        if (compare_column(name, row, record, i, err)) {
            return -1;
        }
    }
    return 0;
}

/* New object: identity → row (borrowed in it). */
static json_t *index_rows(const json_t *rows)
{
    json_t *index = json_object();
    size_t at = 0;
    json_t *row = NULL;
    json_array_foreach(rows, at, row)
    {
        struct identity identity = {NULL, json_string_or_null(row, "namespace"), json_string_or_null(row, "kind"),
                                    json_string_or_null(row, "name")};
        char *name = identity_text(&identity, "");
        json_object_set(index, name, row);
        free(name);
    }
    return index;
}

/* Two records of one identity make one row, which is that of neither: only single ones are held against it. */
struct compared {
    const struct ledger_run *run;
    const char *fallback;
    json_t *index; /* identity → row */
    json_t *seen;  /* identity → what moved, true where nothing did or there are two */
};

static int see(struct compared *compared, json_t *record, struct err *err)
{
    struct identity identity;
    struct err why = {0};
    if (record_identity(record, &identity, err)) {
        return -1;
    }
    char *name = identity_text(&identity, compared->fallback);
    const json_t *row = json_object_get(compared->index, name);
    int failed = 0;
    if (row == NULL) {
        failed = err_set(err, ERR_STALE, "the plan is stale: the ledger has no row of %s, which the plan knows", name);
    } else if (json_object_get(compared->seen, name) == NULL && compare_row(name, compared->run, row, record, &why)) {
        json_object_set_new(compared->seen, name, json_string_safe(why.message));
    } else {
        json_object_set_new(compared->seen, name, json_true());
    }
    free(name);
    return failed;
}

/* All records were seen. */
static int conclude(const struct compared *compared, struct err *err)
{
    const char *name = NULL;
    json_t *row = NULL;
    json_object_foreach(compared->index, name, row)
    {
        const json_t *seen = json_object_get(compared->seen, name);
        if (seen == NULL) {
            return err_set(err, ERR_STALE, "the plan is stale: the ledger has a row of %s, which the plan does not know", name);
        }
        if (json_is_string(seen)) {
            return err_set(err, ERR_STALE, "%s", json_string_value(seen));
        }
    }
    return 0;
}

static int read_all(struct compared *compared, struct artifact_reader *gated, struct err *err)
{
    for (;;) {
        json_t *record = NULL;
        int got = artifact_read(gated, &record, err);
        if (got <= 0) {
            return got;
        }
        int failed = record_workload(record) != NULL && see(compared, record, err);
        json_decref(record);
        if (failed) {
            return -1;
        }
    }
}

int rows_check(struct artifact_reader *gated, const struct ledger_run *run, const char *fallback, const json_t *rows,
               struct err *err)
{
    struct compared compared = {run, fallback, index_rows(rows), json_object()};
    int failed = read_all(&compared, gated, err) || conclude(&compared, err);
    json_decref(compared.index);
    json_decref(compared.seen);
    if (failed && err->class == ERR_STALE) {
        err_hint(err, "tare audit verify; judge it again: tare rerun %" PRId64 " --from gate", run->id);
    }
    return failed ? -1 : 0;
}
