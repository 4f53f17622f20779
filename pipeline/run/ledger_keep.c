#include "pipeline/run/ledger_keep.h"

#include "pipeline/run/ledger_internal.h"

static struct db_param given(bool present, int64_t value)
{
    return present ? db_int(value) : db_text(NULL);
}

int ledger_settle_due(struct ledger *ledger, struct err *err)
{
    return db_none(ledger->db, sql_settle_due, NULL, 0, err);
}

int ledger_prune_plan(struct ledger *ledger, const struct ledger_prune *what, json_t **out, struct err *err)
{
    return ledger_json(ledger, sql_prune_plan,
                       PARAMS(given(what->by_age, what->older_seconds), given(what->by_count, what->keep),
                              given(what->images, what->images_seconds)),
                       out, err);
}

int ledger_prune_step(struct ledger *ledger, const struct ledger_prune *what, int limit, json_t **out, struct err *err)
{
    return ledger_json(ledger, sql_prune_step,
                       PARAMS(given(what->by_age, what->older_seconds), given(what->by_count, what->keep),
                              given(what->images, what->images_seconds), db_int(limit)),
                       out, err);
}

int ledger_prune_counts(struct ledger *ledger, json_t **out, struct err *err)
{
    return ledger_json(ledger, sql_prune_counts, NULL, 0, out, err);
}

int ledger_size(struct ledger *ledger, json_t **out, struct err *err)
{
    return ledger_json(ledger, sql_ledger_size, NULL, 0, out, err);
}
