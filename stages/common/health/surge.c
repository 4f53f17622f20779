#include "stages/common/health/surge.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/str.h"
#include "stages/common/health/rollout.h"

enum { QUARTER = 25, PODS_MAX = 1000000 };

/* An integer or a percentage; `percent` where it is absent. */
static int64_t count_of(const json_t *value, int64_t percent, int64_t replicas, bool up)
{
    const char *text = json_string_value(value);
    if (json_is_integer(value)) {
        int64_t count = json_integer_value(value);
        return count < 0 ? 0 : count < PODS_MAX ? count : PODS_MAX;
    }
    if (text != NULL) {
        char digits[16] = "";
        size_t length = strlen(text);
        if (length > 1 && length < sizeof digits && text[length - 1] == '%') {
            memcpy(digits, text, length - 1);
            (void)str_int64(digits, 0, 1000, &percent);
        }
    }
    return (replicas * percent + (up ? 99 : 0)) / 100;
}

/* `rolling` has maxSurge and maxUnavailable. */
static void rolls(const json_t *rolling, struct surge *out)
{
    out->surge = count_of(json_object_get(rolling, "maxSurge"), QUARTER, out->replicas, true);
    out->unavailable = count_of(json_object_get(rolling, "maxUnavailable"), QUARTER, out->replicas, false);
    if (out->surge == 0 && out->unavailable == 0) {
        out->unavailable = 1;
    }
}

static void one_by_one(const json_t *rolling, struct surge *out)
{
    const json_t *unavailable = json_object_get(rolling, "maxUnavailable");
    int64_t missing = unavailable == NULL ? 1 : count_of(unavailable, 0, out->replicas, true);
    out->unavailable = missing > 1 ? missing : 1;
}

void surge_read(const json_t *object, struct surge *out)
{
    const char *kind = json_string_or_null(object, "kind");
    int64_t replicas = rollout_replicas(object);
    const json_t *strategy = json_at(object, "spec.strategy");
    *out = (struct surge){.replicas = replicas < 0 ? 0 : replicas < PODS_MAX ? replicas : PODS_MAX};
    if (str_equal(kind, "DaemonSet")) {
        const json_t *rolling = json_at(object, "spec.updateStrategy.rollingUpdate");
        out->per_node = true;
        out->surge = count_of(json_object_get(rolling, "maxSurge"), 0, out->replicas, true);
    } else if (str_equal(kind, "CronJob") || str_equal(kind, "Job")) {
        out->replicas = 1;
        out->surge = 1;
    } else if (str_equal(json_string_or_null(strategy, "type"), "Recreate")) {
        out->unavailable = out->replicas;
    } else if (str_equal(kind, "Deployment")) {
        rolls(json_object_get(strategy, "rollingUpdate"), out);
    } else if (str_equal(kind, "DeploymentConfig")) {
        rolls(json_object_get(strategy, "rollingParams"), out);
    } else if (str_equal(kind, "Rollout") && json_object_get(strategy, "blueGreen") != NULL) {
        out->surge = out->replicas;
    } else if (str_equal(kind, "Rollout")) {
        rolls(json_object_get(strategy, "canary"), out);
    } else {
        one_by_one(json_at(object, "spec.updateStrategy.rollingUpdate"), out);
    }
}
