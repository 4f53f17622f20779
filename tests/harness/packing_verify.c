#include "tests/harness/packing_verify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The pods of one node: so many of each workload. */
struct pods {
    uint32_t *workload;
    int64_t *count;
    size_t length;
};

/* What is checked. */
struct check {
    const struct fleet_place *place;
    const struct fleet_input *input;
    int64_t *placed;     /* by workload */
    int64_t *nodes_with; /* by workload */
    int64_t *used;       /* by live group */
};

static char complaint[512];

static const char *complain(const struct check *check, const char *what, uint32_t workload)
{
    snprintf(complaint, sizeof complaint, "%s: %s", workload == PACK_NONE ? "a node" : check->input->workloads[workload].name, what);
    return complaint;
}

static const struct fleet_rules *rules(const struct check *check, uint32_t workload)
{
    static const struct fleet_rules none;
    uint32_t index = check->input->workloads[workload].rules;
    return index == PACK_NONE ? &none : &check->input->rules[index];
}

static struct fleet_request request(const struct check *check, uint32_t workload)
{
    const struct fleet_workload *w = &check->input->workloads[workload];
    return check->place->after ? w->after : w->before;
}

static const char *value_of(const struct fleet_kind *kind, const char *key)
{
    for (size_t i = 0; i < kind->labels.count; i++) {
        if (!strcmp(kind->labels.items[i].key, key)) {
            return kind->labels.items[i].value;
        }
    }
    return NULL;
}

static bool requirement_met(const struct fleet_kind *kind, const struct fleet_requirement *r)
{
    const char *value = value_of(kind, r->key);
    bool among = false;
    for (size_t i = 0; value && i < r->value_count; i++) {
        among |= !strcmp(value, r->values[i]);
    }
    switch (r->operator[0]) {
    case 'I':
        return among;
    case 'N':
        return !among;
    case 'E':
        return value != NULL;
    case 'D':
        return value == NULL;
    case 'G':
        return value && strtoll(value, NULL, 10) > strtoll(r->values[0], NULL, 10);
    default:
        return value && strtoll(value, NULL, 10) < strtoll(r->values[0], NULL, 10);
    }
}

static bool labels_fit(const struct fleet_kind *kind, const struct fleet_rules *r)
{
    for (size_t i = 0; i < r->selector_count; i++) {
        const char *value = value_of(kind, r->selector[i].key);
        if (!value || strcmp(value, r->selector[i].value)) {
            return false;
        }
    }
    bool some = !r->has_affinity;
    for (size_t i = 0; i < r->affinity_count; i++) {
        bool all = r->affinity[i].count > 0;
        for (size_t j = 0; j < r->affinity[i].count; j++) {
            all &= requirement_met(kind, &r->affinity[i].items[j]);
        }
        some |= all;
    }
    return some;
}

static bool taints_fit(const struct check *check, const struct fleet_kind *kind, const struct fleet_rules *r, bool daemon)
{
    if (!check->input->live_count) {
        return true;
    }
    const struct fleet_live *live = &check->input->live[kind->source];
    for (size_t i = 0; i < live->taint_count; i++) {
        const struct fleet_taint *taint = &live->taints[i];
        bool fine = !strcmp(taint->effect, "PreferNoSchedule");
        fine |= daemon && !strncmp(taint->key, "node.kubernetes.io/", 19);
        for (size_t j = 0; j < r->toleration_count; j++) {
            const struct fleet_toleration *t = &r->tolerations[j];
            bool same = !t->key ? t->any_value : !strcmp(t->key, taint->key);
            bool value = t->any_value || !strcmp(t->value ? t->value : "", taint->value ? taint->value : "");
            fine |= same && value && (!t->effect || !strcmp(t->effect, taint->effect));
        }
        if (!fine) {
            return false;
        }
    }
    return true;
}

static bool may_run(const struct check *check, const struct fleet_kind *kind, uint32_t workload)
{
    const struct fleet_workload *w = &check->input->workloads[workload];
    bool daemon = w->daemon;
    bool there = check->input->live_count || (kind->cluster == w->cluster && (daemon || kind->source == w->pool));
    return there && labels_fit(kind, rules(check, workload)) && taints_fit(check, kind, rules(check, workload), daemon);
}

static bool names(const struct check *check, const struct fleet_company *company, uint32_t workload)
{
    for (size_t i = 0; i < company->other_count; i++) {
        if (!strcmp(company->others[i], check->input->workloads[workload].name)) {
            return true;
        }
    }
    return false;
}

static bool keeps_away(const struct check *check, uint32_t a, uint32_t b)
{
    const struct fleet_rules *r = rules(check, a);
    for (size_t i = 0; i < r->apart_count; i++) {
        if (names(check, &r->apart[i], b)) {
            return true;
        }
    }
    return false;
}

static bool share_port(const struct check *check, uint32_t a, uint32_t b)
{
    const struct fleet_rules *x = rules(check, a), *y = rules(check, b);
    for (size_t i = 0; i < x->port_count; i++) {
        for (size_t j = 0; j < y->port_count; j++) {
            if (x->ports[i] == y->ports[j]) {
                return true;
            }
        }
    }
    return false;
}

static void push(struct pods *pods, uint32_t workload, int64_t count)
{
    for (size_t i = 0; i < pods->length; i++) {
        if (pods->workload[i] == workload) {
            pods->count[i] += count;
            return;
        }
    }
    pods->workload[pods->length] = workload;
    pods->count[pods->length++] = count;
}

/* DaemonSets first, then what the plan says. */
static void list_pods(const struct check *check, const struct pack_nodes *nodes, struct pods *pods)
{
    const struct fleet_place *place = check->place;
    pods->length = 0;
    for (uint32_t i = 0; i < check->input->workload_count; i++) {
        if (check->input->workloads[i].daemon && may_run(check, &place->kinds[nodes->kind], i)) {
            push(pods, i, 1);
        }
    }
    for (uint32_t p = nodes->first; p != PACK_NONE; p = place->plan.parts[p].next) {
        uint32_t item = place->plan.parts[p].item;
        for (size_t m = place->first_member[item]; m < place->first_member[item + 1]; m++) {
            push(pods, place->members[m].workload, place->members[m].each * place->plan.parts[p].count);
        }
    }
}

static const char *check_room(const struct check *check, const struct pack_nodes *nodes, const struct pods *pods)
{
    const struct fleet_kind *kind = &check->place->kinds[nodes->kind];
    const struct pack_size *room = check->input->live_count ? &check->input->live[kind->source].type.capacity
                                                            : &check->input->sources[kind->source].type.capacity;
    long double cpu = 0, memory = 0, count = 0;
    for (size_t i = 0; i < pods->length; i++) {
        struct fleet_request asked = request(check, pods->workload[i]);
        cpu += (long double)asked.cpu * (long double)pods->count[i];
        memory += (long double)asked.memory * (long double)pods->count[i];
        count += (long double)pods->count[i];
    }
    if (cpu > (long double)room->amount[0] || memory > (long double)room->amount[1] || count > (long double)room->amount[2]) {
        return complain(check, "more is on it than it holds", PACK_NONE);
    }
    return NULL;
}

static const char *check_pair(const struct check *check, uint32_t a, uint32_t b)
{
    if (keeps_away(check, a, b) || keeps_away(check, b, a)) {
        return complain(check, "is beside whom it must not meet", a);
    }
    return share_port(check, a, b) ? complain(check, "shares a host port", a) : NULL;
}

/* Whether somebody it must be beside is here, where any of them is packed at all. */
static bool has_company(const struct check *check, const struct fleet_company *company, const struct pods *pods)
{
    bool asked = false;
    for (uint32_t i = 0; i < check->input->workload_count; i++) {
        const struct fleet_workload *w = &check->input->workloads[i];
        bool packed = !w->daemon && w->count > 0 && (check->input->live_count || w->pool != PACK_NONE);
        if (names(check, company, i) && w->daemon) {
            return true;
        }
        if (names(check, company, i) && packed) {
            asked = true;
            for (size_t j = 0; j < pods->length; j++) {
                if (pods->workload[j] == i) {
                    return true;
                }
            }
        }
    }
    return !asked;
}

static const char *check_pod(const struct check *check, const struct pods *pods, size_t at)
{
    const struct fleet_rules *r = rules(check, pods->workload[at]);
    bool alone = r->port_count > 0;
    for (size_t i = 0; i < r->apart_count; i++) {
        alone |= r->apart[i].self;
    }
    if (alone && pods->count[at] > 1) {
        return complain(check, "is twice on a node", pods->workload[at]);
    }
    for (size_t i = 0; i < at; i++) {
        const char *wrong = check_pair(check, pods->workload[at], pods->workload[i]);
        if (wrong) {
            return wrong;
        }
    }
    if (r->beside_count == 1 && !r->beside[0].self && !check->input->workloads[pods->workload[at]].daemon &&
        !has_company(check, &r->beside[0], pods)) {
        return complain(check, "is without whom it must be beside", pods->workload[at]);
    }
    return NULL;
}

static const char *check_node(const struct check *check, const struct pack_nodes *nodes, const struct pods *pods)
{
    const struct fleet_kind *kind = &check->place->kinds[nodes->kind];
    const char *wrong = check_room(check, nodes, pods);
    for (size_t i = 0; i < pods->length && !wrong; i++) {
        if (!may_run(check, kind, pods->workload[i])) {
            return complain(check, "may not run on this node", pods->workload[i]);
        }
        wrong = check_pod(check, pods, i);
    }
    return wrong;
}

/* Labels of a kind are those of the input, or more where nodes can be had at will. */
static const char *check_kind(const struct check *check, const struct fleet_kind *kind)
{
    bool live = check->input->live_count > 0;
    const struct fleet_label *labels = live ? check->input->live[kind->source].labels : check->input->sources[kind->source].labels;
    size_t count = live ? check->input->live[kind->source].label_count : check->input->sources[kind->source].label_count;
    for (size_t i = 0; i < count; i++) {
        const char *value = value_of(kind, labels[i].key);
        if (!value || strcmp(value, labels[i].value)) {
            return complain(check, "its labels are not those of its pool", PACK_NONE);
        }
    }
    for (size_t i = 0; i < kind->labels.count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (!strcmp(kind->labels.items[i].key, kind->labels.items[j].key)) {
                return complain(check, "it has two labels of one key", PACK_NONE);
            }
        }
    }
    return live && kind->labels.count != count ? complain(check, "it has labels that nobody gave it", PACK_NONE) : NULL;
}

static const char *check_nodes(struct check *check, struct pods *pods)
{
    const char *wrong = NULL;
    for (size_t i = 0; i < check->place->plan.node_count && !wrong; i++) {
        const struct pack_nodes *nodes = &check->place->plan.nodes[i];
        list_pods(check, nodes, pods);
        wrong = nodes->count < 1 ? complain(check, "it is there less than once", PACK_NONE) : check_node(check, nodes, pods);
        wrong = wrong ? wrong : check_kind(check, &check->place->kinds[nodes->kind]);
        for (size_t j = 0; j < pods->length; j++) {
            check->placed[pods->workload[j]] += pods->count[j] * nodes->count;
            check->nodes_with[pods->workload[j]] += nodes->count;
        }
        if (check->input->live_count) {
            check->used[check->place->kinds[nodes->kind].source] += nodes->count;
        }
    }
    for (size_t i = 0; i < check->input->live_count && !wrong; i++) {
        int64_t most = check->input->live[i].closed ? 0 : check->input->live[i].count;
        wrong = check->used[i] > most ? complain(check, "there are fewer of them", PACK_NONE) : NULL;
    }
    return wrong;
}

/* Every pod is placed once or listed, and what could have a node of its own is placed. */
static const char *check_pods(const struct check *check)
{
    const struct fleet_place *place = check->place;
    for (size_t i = 0; i < place->item_count; i++) {
        int64_t out = place->plan.unplaced[i];
        if (out > 0 && !check->input->live_count && fleet_item_fit(place, i) == FIT_SOMEWHERE) {
            return complain(check, "has no node, though it fits one", place->members[place->first_member[i]].workload);
        }
        for (size_t m = place->first_member[i]; m < place->first_member[i + 1]; m++) {
            check->placed[place->members[m].workload] += out * place->members[m].each;
        }
    }
    for (uint32_t i = 0; i < check->input->workload_count; i++) {
        const struct fleet_workload *w = &check->input->workloads[i];
        bool packed = !w->daemon && w->count > 0 && (check->input->live_count || w->pool != PACK_NONE);
        if (!w->daemon && check->placed[i] != (packed ? w->count : 0)) {
            return complain(check, "its pods are not all placed or listed once", i);
        }
        const struct fleet_rules *r = rules(check, i);
        for (size_t b = 0; b < r->beside_count && packed; b++) {
            if (r->beside[b].self && check->nodes_with[i] > 1) {
                return complain(check, "is on several nodes and must be on one", i);
            }
        }
    }
    return NULL;
}

const char *packing_verify(const struct fleet_place *place)
{
    size_t count = place->input->workload_count + 1;
    struct check check = {.place = place, .input = place->input};
    struct pods pods = {.workload = calloc(count, sizeof *pods.workload), .count = calloc(count, sizeof *pods.count)};
    check.placed = calloc(count, sizeof *check.placed);
    check.nodes_with = calloc(count, sizeof *check.nodes_with);
    check.used = calloc(place->input->live_count + 1, sizeof *check.used);
    const char *wrong = check_nodes(&check, &pods);
    wrong = wrong ? wrong : check_pods(&check);
    free(pods.workload);
    free(pods.count);
    free(check.placed);
    free(check.nodes_with);
    free(check.used);
    return wrong;
}
