#include "stages/common/machine/rest.h"

#include "pipeline/base/str.h"
#include "stages/common/health/rollout.h"

int rest_check(const char *name, const json_t *object, struct err *err)
{
    char text[ERR_MESSAGE_MAX] = "";
    enum rollout_state state = rollout_judge(object, text);
    if (state == ROLLOUT_COMPLETE || state == ROLLOUT_WAITS) {
        return 0;
    }
    err_set(err, ERR_REFUSED, "%s is not touched: %s%s%.600s", name,
            state == ROLLOUT_PAUSED   ? "it is paused"
            : state == ROLLOUT_FAILED ? "its last rollout failed"
                                      : "it is in the middle of a rollout",
            *text == '\0' ? "" : ": ", text);
    return err_hint(err, state == ROLLOUT_PAUSED ? "resume it first" : "wait until it is complete, then apply again");
}

bool rest_replaces_pods(const json_t *object)
{
    const char *kind = json_string_or_null(object, "kind");
    const json_t *strategy = json_at(object, "spec.updateStrategy");
    bool stays = str_equal(kind, "ReplicaSet") || str_equal(kind, "ReplicationController");
    return !stays && !str_equal(json_string_or_null(strategy, "type"), "OnDelete") &&
           json_int_or(json_object_get(strategy, "rollingUpdate"), "partition", 0) == 0;
}
