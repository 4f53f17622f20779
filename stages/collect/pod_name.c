#include "stages/collect/pod_name.h"

#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"

/* A generated name is at most 63 bytes: 5 random ones after a base that is cut to 58. */
enum { BASE_MAX = 58, SUFFIX = 5, HASH_MAX = 10, NUMBER_MAX = 12 };

/* What follows the workload's name: parts, each after a '-'. */
enum part { PART_NONE, PART_HASH, PART_NUMBER, PART_MAYBE_NUMBER, PART_SUFFIX, PART_ORDINAL };

struct shape {
    const char *kind;
    enum part parts[3];
};

static const struct shape shapes[] = {
    {"Deployment", {PART_HASH, PART_SUFFIX}},
    {"Rollout", {PART_HASH, PART_SUFFIX}},
    {"DeploymentConfig", {PART_NUMBER, PART_SUFFIX}},
    {"ReplicaSet", {PART_SUFFIX}},
    {"ReplicationController", {PART_SUFFIX}},
    {"DaemonSet", {PART_SUFFIX}},
    {"Job", {PART_MAYBE_NUMBER, PART_SUFFIX}}, /* an indexed job puts the index first */
    {"CronJob", {PART_NUMBER, PART_SUFFIX}},
    {"StatefulSet", {PART_ORDINAL}},
    {"Pod", {PART_NONE}},
};

static size_t span_alnum(const char *text)
{
    return strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789");
}

static size_t span_digits(const char *text)
{
    return strspn(text, "0123456789");
}

/* Length of the part at `text`, 0 when it is none. It must reach to the next '-' or the end. */
static size_t part_length(enum part part, const char *text)
{
    bool number = part == PART_NUMBER || part == PART_MAYBE_NUMBER || part == PART_ORDINAL;
    size_t length = number ? span_digits(text) : span_alnum(text);
    size_t least = part == PART_SUFFIX ? SUFFIX : 1;
    size_t most = part == PART_SUFFIX ? SUFFIX : part == PART_HASH ? HASH_MAX : NUMBER_MAX;
    bool padded = part == PART_ORDINAL && text[0] == '0' && length > 1;
    bool whole = text[length] == '-' || text[length] == '\0';
    return length >= least && length <= most && !padded && whole ? length : 0;
}

/* Whether `rest` is "-part-part" and nothing more. */
static bool parts_match(const enum part *parts, const char *rest)
{
    if (*parts == PART_NONE) {
        return *rest == '\0';
    }
    if (*rest != '-') {
        return *parts == PART_MAYBE_NUMBER && parts_match(parts + 1, rest);
    }
    size_t length = part_length(*parts, rest + 1);
    if (length > 0 && parts_match(parts + 1, rest + 1 + length)) {
        return true;
    }
    return *parts == PART_MAYBE_NUMBER && parts_match(parts + 1, rest);
}

/* A name whose base was cut lost some of its parts: then as much of it as is left decides. */
static bool cut_matches(const char *name, const char *pod)
{
    size_t length = strlen(name);
    if (strlen(pod) != BASE_MAX + SUFFIX || length + 1 + HASH_MAX + 1 <= BASE_MAX ||
        span_alnum(pod + BASE_MAX) != SUFFIX) {
        return false;
    }
    size_t compared = length < BASE_MAX ? length : BASE_MAX;
    return strncmp(pod, name, compared) == 0 && (compared == BASE_MAX || pod[compared] == '-');
}

bool pod_name_matches(const char *kind, const char *name, const char *pod)
{
    for (size_t i = 0; i < ARRAY_COUNT(shapes); i++) {
        if (strcmp(shapes[i].kind, kind) != 0) {
            continue;
        }
        const enum part *parts = shapes[i].parts;
        if (str_starts(pod, name) && parts_match(parts, pod + strlen(name))) {
            return true;
        }
        return parts[0] != PART_NONE && parts[0] != PART_ORDINAL && cut_matches(name, pod);
    }
    return false;
}
