#include "stages/common/judge/quota.h"

#include <stdlib.h>

#include "pipeline/base/mem.h"

uint32_t quota_workload(struct quota *quota, const char *cluster, const char *namespace)
{
    if (quota->names == NULL) {
        quota->names = json_object();
    }
    /* No name of a cluster has a line break in it that could be taken for this one. */
    char *name = xasprintf("%s\n%s", cluster == NULL ? "" : cluster, namespace);
    int64_t place = json_int_or(quota->names, name, -1);
    if (place < 0) {
        place = (int64_t)quota->space_count;
        GROW(quota->spaces, quota->space_capacity, quota->space_count + 1);
        quota->spaces[quota->space_count++] = (struct quota_space){0};
        json_object_set_new(quota->names, name, json_integer(place));
    }
    free(name);
    quota->spaces[place].workloads++;
    return (uint32_t)place;
}

void quota_add(struct quota *quota, size_t index, uint32_t space, enum risk risk, int64_t saving_microusd)
{
    GROW(quota->items, quota->capacity, quota->count + 1);
    quota->items[quota->count++] = (struct quota_item){index, saving_microusd, space, risk, QUOTA_KEPT};
}

static int by_worth(const void *a, const void *b)
{
    const struct quota_item *x = a;
    const struct quota_item *y = b;
    if (x->risk != y->risk) {
        return x->risk < y->risk ? -1 : 1;
    }
    if (x->saving_microusd != y->saving_microusd) {
        return x->saving_microusd > y->saving_microusd ? -1 : 1;
    }
    return x->index < y->index ? -1 : x->index > y->index;
}

static int by_index(const void *a, const void *b)
{
    const struct quota_item *x = a;
    const struct quota_item *y = b;
    return x->index < y->index ? -1 : x->index > y->index;
}

/* What a share of a namespace's workloads comes to. */
static size_t share_of(size_t workloads, int64_t percent)
{
    if (percent < 0 || percent >= 100) {
        return workloads;
    }
    size_t share = workloads * (size_t)percent / 100;
    return share == 0 && percent > 0 ? 1 : share;
}

void quota_choose(struct quota *quota, int64_t most, int64_t percent)
{
    for (size_t i = 0; i < quota->space_count; i++) {
        quota->spaces[i].allowed = share_of(quota->spaces[i].workloads, percent);
    }
    quota->kept = 0;
    if (quota->count == 0) {
        return;
    }
    qsort(quota->items, quota->count, sizeof *quota->items, by_worth);
    for (size_t i = 0; i < quota->count; i++) {
        struct quota_item *item = &quota->items[i];
        struct quota_space *space = &quota->spaces[item->space];
        if (space->kept >= space->allowed) {
            item->fate = QUOTA_SHARE;
        } else if (most >= 0 && quota->kept >= (uint64_t)most) {
            item->fate = QUOTA_RUN;
        } else {
            space->kept++;
            quota->kept++;
        }
    }
    qsort(quota->items, quota->count, sizeof *quota->items, by_index);
}

static const struct quota_item *item_of(const struct quota *quota, size_t index)
{
    struct quota_item wanted = {.index = index};
    return quota->count == 0 ? NULL : bsearch(&wanted, quota->items, quota->count, sizeof *quota->items, by_index);
}

enum quota_fate quota_fate_of(const struct quota *quota, size_t index)
{
    const struct quota_item *item = item_of(quota, index);
    return item == NULL ? QUOTA_RUN : item->fate;
}

const struct quota_space *quota_space_of(const struct quota *quota, size_t index)
{
    const struct quota_item *item = item_of(quota, index);
    return item == NULL ? NULL : &quota->spaces[item->space];
}

void quota_release(struct quota *quota)
{
    free(quota->items);
    free(quota->spaces);
    json_decref(quota->names);
    *quota = (struct quota){0};
}
