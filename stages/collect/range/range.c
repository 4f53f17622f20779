#include "stages/collect/range/range.h"

#include <stdlib.h>

#include "pipeline/base/mem.h"
#include "stages/collect/api/discover.h"
#include "stages/collect/range/event_questions.h"
#include "stages/collect/range/interval.h"
#include "stages/collect/range/reading.h"
#include "stages/collect/range/usage_questions.h"

/* How often a question is begun anew because an answer broke off in the middle. */
enum { BEGINS_MAX = 5 };

struct range_source {
    struct source base; /* first: it is what others hold */
    struct prom *prom;
    struct pace pace;
};

static int range_discover(struct source *source, const char *name, const struct window *window, struct namespace **out,
                          enum served *served, struct err *err)
{
    struct range_source *range = (struct range_source *)source;
    struct namespace *namespace;
    if (api_discover(range->prom, name, window, &namespace, served, err)) {
        return -1;
    }
    if (namespace->pod_count > 0 &&
        interval_find(range->prom, namespace, NULL, window, &namespace->interval, served, err)) {
        namespace_free(namespace);
        return -1;
    }
    *out = namespace;
    return 0;
}

/* Asks everything once. */
static int read_once(struct reading *reading, const bool *marked, struct err *err)
{
    reading->again = false;
    reading->whole = 0;
    reading->partly = 0;
    return usage_questions(reading, marked, err) || event_questions(reading, marked, err) ? -1 : 0;
}

/* Whether CPU and memory of one container in each pod, all through the window, would not fit in the store. That is asked
 * only while nothing better is known: answers that do not fit are for nothing. */
static bool is_too_much(struct range_source *range, const struct question *question, const struct store *store)
{
    int64_t interval = question->namespace->interval > 0 ? question->namespace->interval : INTERVAL_DEFAULT;
    int64_t points = (question->window->end - question->window->start) / interval * 2;
    int64_t room = (int64_t)(store->limit / sizeof(struct point));
    return question->pod_count > 1 && !atomic_load(&range->pace.answered) && (int64_t)question->pod_count > room / (points + 1);
}

static int range_read(struct source *source, const struct question *question, struct store *store, enum served *served,
                      struct err *err)
{
    struct range_source *range = (struct range_source *)source;
    struct reading reading = {.prom = range->prom, .pace = &range->pace, .question = question, .store = store};
    struct err problem = {0};
    bool *marked = NULL;
    if (is_too_much(range, question, store)) {
        *served = SERVED_TOO_MUCH;
        return err_set(err, ERR_UNAVAILABLE, "the answer about namespace %s would be too large", question->namespace->name);
    }
    if (!question->whole) {
        marked = xcalloc_array(question->namespace->pod_count, sizeof *marked);
        for (size_t i = 0; i < question->pod_count; i++) {
            marked[question->pods[i]] = true;
        }
    }
    int failed = read_once(&reading, marked, &problem);
    for (int begins = 1; failed && reading.again && begins < BEGINS_MAX; begins++) {
        store_clear(store);
        failed = read_once(&reading, marked, &problem);
    }
    free(marked);
    *served = !failed ? SERVED : reading.again ? SERVED_TOO_MUCH : reading.served;
    if (failed) {
        *err = problem;
        return -1;
    }
    atomic_store(&range->pace.answered, true);
    return 0;
}

static void range_free(struct source *source)
{
    struct range_source *range = (struct range_source *)source;
    pace_release(&range->pace);
    free(range);
}

struct source *range_new(struct prom *prom)
{
    struct range_source *range = xcalloc(sizeof *range);
    range->base = (struct source){"query-range", range_discover, range_read, range_free, prom};
    range->prom = prom;
    pace_init(&range->pace);
    return &range->base;
}
