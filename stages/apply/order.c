#include "stages/apply/plan.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"

/* A file with what it is sorted by. */
struct ranked {
    enum risk set_risk;
    const char *set_path;
    const char *path;
    size_t index;
};

static int by_risk(const void *a, const void *b)
{
    const struct ranked *x = a;
    const struct ranked *y = b;
    int order = strcmp(x->set_path, y->set_path);
    if (x->set_risk != y->set_risk) {
        return x->set_risk < y->set_risk ? -1 : 1;
    }
    return order != 0 ? order : strcmp(x->path, y->path);
}

/* The file that stands for the set of `file`; the way to it is made shorter. */
static size_t set_of(struct apply_plan *plan, size_t file)
{
    while (plan->files[file].set != file) {
        plan->files[file].set = plan->files[plan->files[file].set].set;
        file = plan->files[file].set;
    }
    return file;
}

/* Two sets become one, which the file of the lesser path stands for. */
static void join(struct apply_plan *plan, size_t a, size_t b)
{
    a = set_of(plan, a);
    b = set_of(plan, b);
    if (strcmp(plan->files[a].path, plan->files[b].path) <= 0) {
        plan->files[b].set = a;
    } else {
        plan->files[a].set = b;
    }
}

/* Puts files that a pending workload spans into one set. A set is as risky as the riskiest change in it. Returns, by file, whether
 * anything is pending in it. New. */
static bool *find_sets(struct apply_plan *plan)
{
    bool *pending = xcalloc_array(plan->file_count, sizeof *pending);
    for (size_t i = 0; i < plan->file_count; i++) {
        plan->files[i].set = i;
        plan->files[i].risk = RISK_LOW;
    }
    for (size_t i = 0; i < plan->item_count; i++) {
        const struct apply_item *item = &plan->items[i];
        for (unsigned f = 0; item->fate == FATE_PENDING && f < item->file_count; f++) {
            pending[item->files[f]] = true;
            join(plan, (size_t)item->files[0], (size_t)item->files[f]);
        }
    }
    for (size_t i = 0; i < plan->item_count; i++) {
        const struct apply_item *item = &plan->items[i];
        if (item->fate == FATE_PENDING && item->file_count > 0) {
            struct apply_file *set = &plan->files[set_of(plan, (size_t)item->files[0])];
            set->risk = item->risk > set->risk ? (enum risk)item->risk : set->risk;
        }
    }
    return pending;
}

size_t *apply_plan_order(struct apply_plan *plan, size_t *count)
{
    struct ranked *ranked = xcalloc_array(plan->file_count, sizeof *ranked);
    size_t *order = xcalloc_array(plan->file_count, sizeof *order);
    bool *pending = find_sets(plan);
    *count = 0;
    for (size_t i = 0; i < plan->file_count; i++) {
        struct apply_file *file = &plan->files[i];
        file->set = set_of(plan, i);
        if (pending[i]) {
            const struct apply_file *set = &plan->files[file->set];
            ranked[(*count)++] = (struct ranked){set->risk, set->path, file->path, i};
        }
    }
    qsort(ranked, *count, sizeof *ranked, by_risk);
    for (size_t i = 0; i < *count; i++) {
        order[i] = ranked[i].index;
    }
    free(pending);
    free(ranked);
    return order;
}
