#include "stages/gate/quota.h"

#include <stdlib.h>

#include "pipeline/base/mem.h"

void quota_add(struct quota *quota, size_t index, enum risk risk, int64_t saving_microusd)
{
    GROW(quota->items, quota->capacity, quota->count + 1);
    quota->items[quota->count++] = (struct quota_item){index, saving_microusd, risk};
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

void quota_choose(struct quota *quota, int64_t most)
{
    quota->kept = quota->count;
    if (most < 0 || (uint64_t)most >= quota->count) {
        return;
    }
    quota->kept = (size_t)most;
    qsort(quota->items, quota->count, sizeof *quota->items, by_worth);
    qsort(quota->items, quota->kept, sizeof *quota->items, by_index);
}

bool quota_keeps(const struct quota *quota, size_t index)
{
    struct quota_item wanted = {.index = index};
    return quota->kept > 0 &&
           bsearch(&wanted, quota->items, quota->kept, sizeof *quota->items, by_index) != NULL;
}

void quota_release(struct quota *quota)
{
    free(quota->items);
    *quota = (struct quota){0};
}
