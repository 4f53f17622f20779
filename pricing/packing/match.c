#include "pricing/packing/match.h"

#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"

static const char *label_of(struct match_labels labels, const char *key)
{
    for (size_t i = 0; i < labels.count; i++) {
        if (strcmp(labels.items[i].key, key) == 0) {
            return labels.items[i].value;
        }
    }
    return NULL;
}

static bool is_among(const struct fleet_requirement *requirement, const char *value)
{
    for (size_t i = 0; i < requirement->value_count; i++) {
        if (str_equal(requirement->values[i], value)) {
            return true;
        }
    }
    return false;
}

/* Gt and Lt compare whole numbers; what is none holds for neither. */
static bool compares(const struct fleet_requirement *requirement, const char *value, bool greater)
{
    int64_t have = 0, limit = 0;
    if (value == NULL || requirement->value_count != 1 || str_int64(value, INT64_MIN, INT64_MAX, &have) ||
        str_int64(requirement->values[0], INT64_MIN, INT64_MAX, &limit)) {
        return false;
    }
    return greater ? have > limit : have < limit;
}

static bool holds(const struct fleet_requirement *requirement, struct match_labels labels)
{
    const char *value = label_of(labels, requirement->key);
    const char *how = requirement->operator;
    if (strcmp(how, "In") == 0) {
        return value != NULL && is_among(requirement, value);
    }
    if (strcmp(how, "NotIn") == 0) {
        return value == NULL || !is_among(requirement, value);
    }
    if (strcmp(how, "Exists") == 0) {
        return value != NULL;
    }
    if (strcmp(how, "DoesNotExist") == 0) {
        return value == NULL;
    }
    return (strcmp(how, "Gt") == 0 && compares(requirement, value, true)) ||
           (strcmp(how, "Lt") == 0 && compares(requirement, value, false));
}

/* A term without requirements matches no node. */
static bool term_holds(const struct fleet_term *term, struct match_labels labels)
{
    for (size_t i = 0; i < term->count; i++) {
        if (!holds(&term->items[i], labels)) {
            return false;
        }
    }
    return term->count > 0;
}

bool match_node(const struct fleet_rules *rules, struct match_labels labels)
{
    if (rules == NULL) {
        return true;
    }
    for (size_t i = 0; i < rules->selector_count; i++) {
        if (!str_equal(label_of(labels, rules->selector[i].key), rules->selector[i].value)) {
            return false;
        }
    }
    bool any = !rules->has_affinity;
    for (size_t i = 0; i < rules->affinity_count && !any; i++) {
        any = term_holds(&rules->affinity[i], labels);
    }
    return any;
}

static bool tolerates(const struct fleet_toleration *toleration, const struct fleet_taint *taint)
{
    if (toleration->effect != NULL && strcmp(toleration->effect, taint->effect) != 0) {
        return false;
    }
    if (toleration->key == NULL) {
        return toleration->any_value;
    }
    return strcmp(toleration->key, taint->key) == 0 &&
           (toleration->any_value || strcmp(toleration->value == NULL ? "" : toleration->value,
                                            taint->value == NULL ? "" : taint->value) == 0);
}

/* What the controller of DaemonSets adds to each pod. */
static bool befalls(const char *key)
{
    static const char *const keys[] = {
        "node.kubernetes.io/not-ready",     "node.kubernetes.io/unreachable",  "node.kubernetes.io/disk-pressure",
        "node.kubernetes.io/memory-pressure", "node.kubernetes.io/pid-pressure", "node.kubernetes.io/unschedulable",
    };
    for (size_t i = 0; i < ARRAY_COUNT(keys); i++) {
        if (strcmp(keys[i], key) == 0) {
            return true;
        }
    }
    return false;
}

bool match_taints(const struct fleet_rules *rules, const struct fleet_taint *taints, size_t count, bool daemon)
{
    for (size_t i = 0; i < count; i++) {
        bool keeps_off = strcmp(taints[i].effect, "PreferNoSchedule") != 0;
        bool fine = !keeps_off || (daemon && befalls(taints[i].key));
        for (size_t t = 0; rules != NULL && t < rules->toleration_count && !fine; t++) {
            fine = tolerates(&rules->tolerations[t], &taints[i]);
        }
        if (!fine) {
            return false;
        }
    }
    return true;
}

/* Labels known and wished for so far. */
struct wishing {
    struct match_labels known;
    struct fleet_label *wishes;
    int count;
};

static const char *wished(const struct wishing *wishing, const char *key)
{
    const char *known = label_of(wishing->known, key);
    return known != NULL ? known : label_of((struct match_labels){wishing->wishes, (size_t)wishing->count}, key);
}

static bool wish(struct wishing *wishing, const char *key, const char *value)
{
    const char *there = wished(wishing, key);
    if (there != NULL || wishing->count == MATCH_WISHES_MAX) {
        return there != NULL && strcmp(there, value) == 0;
    }
    wishing->wishes[wishing->count++] = (struct fleet_label){key, value};
    return true;
}

/* Adds what makes a requirement hold. */
static bool wish_requirement(struct wishing *wishing, const struct fleet_requirement *requirement)
{
    const char *there = wished(wishing, requirement->key);
    struct fleet_label one = {requirement->key, there};
    if (there != NULL) {
        return holds(requirement, (struct match_labels){&one, 1});
    }
    if (holds(requirement, (struct match_labels){0})) {
        return true;
    }
    if (strcmp(requirement->operator, "Exists") == 0) {
        return wish(wishing, requirement->key, "");
    }
    return strcmp(requirement->operator, "In") == 0 && requirement->value_count > 0 &&
           wish(wishing, requirement->key, requirement->values[0]);
}

int match_wishes(const struct fleet_rules *rules, struct match_labels known, struct fleet_label *wishes)
{
    struct wishing wishing = {known, wishes, 0};
    for (size_t i = 0; i < rules->selector_count; i++) {
        if (!wish(&wishing, rules->selector[i].key, rules->selector[i].value)) {
            return -1;
        }
    }
    if (!rules->has_affinity) {
        return wishing.count;
    }
    int before = wishing.count;
    for (size_t i = 0; i < rules->affinity_count; i++) {
        const struct fleet_term *term = &rules->affinity[i];
        bool fine = term->count > 0;
        wishing.count = before;
        for (size_t r = 0; r < term->count && fine; r++) {
            fine = wish_requirement(&wishing, &term->items[r]);
        }
        if (fine) {
            return wishing.count;
        }
    }
    return -1;
}
