#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pricing/packing/fleet_place.h"

/*
 * Required pod affinity on a node. The pods of a workload that must be beside another's are spread over that one's pods: pods that
 * share a node by duty become one item. Somebody else's rule (an affinity to its own kind) puts all pods into one item.
 */
struct company {
    struct fleet_place *place;
    uint32_t *host;    /* by workload: whom it runs beside, or PACK_NONE */
    uint32_t *root;    /* by workload: who stands at the end of that chain */
    int64_t *occupied; /* by workload: on how many of the root's items it is */
    struct friend {
        uint32_t root;
        uint32_t workload;
    } *friends; /* who is beside somebody, sorted */
    size_t count;
};

static bool is_together(const struct fleet_rules *rules)
{
    for (size_t i = 0; rules != NULL && i < rules->beside_count; i++) {
        if (rules->beside[i].self) {
            return true;
        }
    }
    return false;
}

/* Whom the first term names that is packed; a DaemonSet is everywhere, and who is not in the inventory cannot be asked. */
static uint32_t host_of(const struct fleet_place *place, uint32_t workload)
{
    const struct fleet_rules *rules = fleet_rules_of(place->input, &place->input->workloads[workload]);
    uint32_t host = PACK_NONE;
    for (size_t i = 0; rules != NULL && i < rules->beside_count && !is_together(rules); i++) {
        for (size_t o = 0; o < rules->beside[i].other_count; o++) {
            uint32_t other = index_find(&place->names, index_key(0, rules->beside[i].others[o]), PACK_NONE);
            if (other != PACK_NONE && place->input->workloads[other].daemon) {
                return PACK_NONE;
            }
            if (other != PACK_NONE && other != workload && host == PACK_NONE &&
                fleet_is_packed(place->input, &place->input->workloads[other])) {
                host = other;
            }
        }
    }
    return host;
}

/* Follows the chain; one that bites its tail is cut where it began. */
static uint32_t find_root(struct company *company, uint32_t workload)
{
    uint32_t at = workload;
    for (size_t steps = 0; company->host[at] != PACK_NONE; steps++) {
        at = company->host[at];
        if (at == workload || steps > company->place->input->workload_count) {
            company->host[at] = PACK_NONE;
            break;
        }
    }
    return at;
}

/* On how many items it is: a chain is resolved from its root on. */
static int64_t occupy(struct company *company, uint32_t workload, int depth)
{
    const struct fleet_workload *w = &company->place->input->workloads[workload];
    int64_t own = is_together(fleet_rules_of(company->place->input, w)) ? 1 : w->count;
    if (company->occupied[workload] == 0) {
        uint32_t host = company->host[workload];
        int64_t there = host == PACK_NONE || depth == 0 ? own : occupy(company, host, depth - 1);
        company->occupied[workload] = own < there ? own : there;
    }
    return company->occupied[workload];
}

enum { CHAIN_MAX = 32 };

static int compare_friend(const void *a, const void *b)
{
    const struct friend *x = a, *y = b;
    if (x->root != y->root) {
        return x->root < y->root ? -1 : 1;
    }
    return x->workload < y->workload ? -1 : x->workload > y->workload;
}

static void company_init(struct company *company, struct fleet_place *place)
{
    size_t count = place->input->workload_count;
    *company = (struct company){.place = place};
    company->host = xcalloc_array(count + 1, sizeof *company->host);
    company->root = xcalloc_array(count + 1, sizeof *company->root);
    company->occupied = xcalloc_array(count + 1, sizeof *company->occupied);
    company->friends = xcalloc_array(count + 1, sizeof *company->friends);
    for (uint32_t i = 0; i < count; i++) {
        bool packed = fleet_is_packed(place->input, &place->input->workloads[i]);
        company->host[i] = packed ? host_of(place, i) : PACK_NONE;
    }
    for (uint32_t i = 0; i < count; i++) {
        company->root[i] = find_root(company, i);
    }
    for (uint32_t i = 0; i < count; i++) {
        company->root[i] = find_root(company, i);
        if (company->host[i] != PACK_NONE) {
            occupy(company, i, CHAIN_MAX);
            company->friends[company->count++] = (struct friend){company->root[i], i};
        }
    }
    qsort(company->friends, company->count, sizeof *company->friends, compare_friend);
}

static void company_release(struct company *company)
{
    free(company->host);
    free(company->root);
    free(company->occupied);
    free(company->friends);
}

/* How many pods of a workload are on the item at a position of its root. */
static int64_t pods_at(const struct company *company, uint32_t workload, int64_t position)
{
    int64_t count = company->place->input->workloads[workload].count;
    int64_t over = company->occupied[workload];
    return position >= over ? 0 : count / over + (position < count % over);
}

/* The next position from which on the pods of a workload are others. */
static int64_t next_change(const struct company *company, uint32_t workload, int64_t position)
{
    int64_t over = company->occupied[workload];
    int64_t extra = company->place->input->workloads[workload].count % over;
    return position < extra ? extra : position < over ? over : INT64_MAX;
}

static void begin_item(struct fleet_place *place, int64_t count)
{
    GROW(place->items, place->item_capacity, place->item_count + 1);
    GROW(place->first_member, place->first_capacity, place->item_count + 2);
    place->items[place->item_count] = (struct pack_item){.count = count, .marks = PACK_NONE};
    place->first_member[place->item_count] = place->member_count;
}

static void add_member(struct fleet_place *place, uint32_t workload, int64_t each)
{
    GROW(place->members, place->member_capacity, place->member_count + 1);
    place->members[place->member_count++] = (struct fleet_member){workload, each};
    struct pack_size size = fleet_size(place, &place->input->workloads[workload]);
    struct pack_item *item = &place->items[place->item_count];
    for (int r = 0; r < PACK_RESOURCES; r++) {
        int64_t amount = size.amount[r] > PACK_AMOUNT_MAX / each ? PACK_AMOUNT_MAX : size.amount[r] * each;
        item->size.amount[r] = place_add(item->size.amount[r], amount);
    }
}

/* A workload that is beside nobody, and those beside it: `friends` of them. */
static void add_company(struct company *company, uint32_t root, const struct friend *friends, size_t count)
{
    struct fleet_place *place = company->place;
    const struct fleet_workload *w = &place->input->workloads[root];
    bool together = is_together(fleet_rules_of(place->input, w));
    int64_t total = together ? 1 : w->count;
    for (int64_t position = 0; position < total;) {
        int64_t next = total;
        for (size_t i = 0; i < count; i++) {
            int64_t change = next_change(company, friends[i].workload, position);
            next = change < next ? change : next;
        }
        begin_item(place, next - position);
        add_member(place, root, together ? w->count : 1);
        for (size_t i = 0; i < count; i++) {
            int64_t each = pods_at(company, friends[i].workload, position);
            if (each > 0) {
                add_member(place, friends[i].workload, each);
            }
        }
        place->first_member[++place->item_count] = place->member_count;
        position = next;
    }
}

void place_items(struct fleet_place *place)
{
    struct company company;
    company_init(&company, place);
    size_t at = 0;
    GROW(place->first_member, place->first_capacity, 1);
    place->first_member[0] = 0;
    for (uint32_t i = 0; i < place->input->workload_count; i++) {
        size_t first = at;
        while (at < company.count && company.friends[at].root == i) {
            at++;
        }
        if (fleet_is_packed(place->input, &place->input->workloads[i]) && company.host[i] == PACK_NONE) {
            add_company(&company, i, company.friends + first, at - first);
        }
    }
    company_release(&company);
}
