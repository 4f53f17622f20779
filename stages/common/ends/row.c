#include "stages/common/ends/row.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "pipeline/base/str.h"

enum { BEFORE_MAX = 16 * 1024 * 1024, PARALLEL_MAX = 64 };

int row_take(struct ledger *ledger, const struct ledger_change *row, struct arena *arena, json_t *kept, struct machine_object *object,
             struct err *err)
{
    struct buf before;
    buf_init(&before, BEFORE_MAX);
    if (ledger_change_before(ledger, row->id, &before, err)) {
        buf_release(&before);
        return -1;
    }
    json_t *detail = json_loads(row->detail, 0, NULL);
    json_array_append_new(kept, detail == NULL ? json_object() : detail);
    object->detail = json_array_get(kept, json_array_size(kept) - 1);
    object->before = arena_strndup(arena, buf_str(&before), before.length);
    object->before_size = before.length;
    object->change = row->id;
    object->state = row->state;
    buf_release(&before);
    return 0;
}

int row_unmoved(struct ledger *ledger, int64_t run, const struct ledger_changes *then, struct err *err)
{
    struct arena arena;
    struct ledger_changes now = {0};
    arena_init(&arena);
    int failed = ledger_changes(ledger, run, &arena, &now, err);
    bool same = now.count == then->count;
    for (size_t i = 0; !failed && same && i < now.count; i++) {
        same = now.items[i].id == then->items[i].id && now.items[i].state == then->items[i].state;
    }
    arena_release(&arena);
    if (failed || same) {
        return failed ? -1 : 0;
    }
    err_set(err, ERR_TEMPFAIL, "another tare went on with run %" PRId64 " while this one began", run);
    return err_hint(err, "run the same command again");
}

static enum machine_failure failure_policy(const struct config *config)
{
    const char *name = config_string(config, "apply.on_failure");
    return str_equal(name, "stop")              ? MACHINE_STOP
           : str_equal(name, "rollback-object") ? MACHINE_UNDO_OBJECT
                                                : MACHINE_UNDO_RUN;
}

/* A whole number of the configuration between two others. */
static int whole(const struct config *config, const char *key, int64_t least, int64_t most, size_t *out, struct err *err)
{
    int64_t value = config_integer(config, key, least);
    if (value < least || value > most) {
        return config_error(config, err, key, "%lld is not between %lld and %lld", (long long)value, (long long)least, (long long)most);
    }
    *out = (size_t)value;
    return 0;
}

int row_policy(struct stage *stage, struct machine_policy *out, struct err *err)
{
    const struct config *config = stage->config;
    *out = (struct machine_policy){
        .canary_namespace = config_flag(config, "apply.canary_namespace"),
        .on_failure = failure_policy(config),
        .wait = !options_flag(stage->options, OPT_NO_WAIT),
        .rehearse = options_flag(stage->options, OPT_DRY_RUN),
        .in_place = config_flag(config, "apply.in_place_resize"),
        .rollout_timeout = config_integer(config, "apply.rollout_timeout", 600) * 1000,
        .settle = config_integer(config, "apply.settle", 120) * 1000,
        .room_check = 1,
    };
    return whole(config, "apply.parallel", 1, PARALLEL_MAX, &out->parallel, err) ||
                   whole(config, "apply.canary", 0, INT32_MAX, &out->canary, err) ||
                   whole(config, "apply.failure_budget", 0, INT32_MAX, &out->failure_budget, err)
               ? -1
               : 0;
}

void row_words(const struct machine_object *object, const char *fallback, char detail[ERR_MESSAGE_MAX])
{
    const char *said = object->why.message[0] == '\0' ? fallback : object->why.message;
    size_t name = strlen(object->name);
    if (strncmp(said, object->name, name) == 0 && said[name] == ' ') {
        said += name + 1;
    } else if (strncmp(said, object->name, name) == 0 && said[name] == ':') {
        said += name + 2;
    }
    snprintf(detail, ERR_MESSAGE_MAX, "%.700s%s%.250s", said, object->note[0] == '\0' ? "" : "; ", object->note);
}
