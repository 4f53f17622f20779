#include "stages/collect/api/discover.h"

#include <stdlib.h>

#include "pipeline/base/buf.h"
#include "pipeline/base/mem.h"
#include "stages/collect/api/promql.h"
#include "stages/collect/store.h"

enum { SELECTOR_MAX = 64 * 1024 };

/* The namespace as this try of the question tells it. */
struct discovery {
    const char *name;
    struct namespace *namespace;
};

static void begin(void *context)
{
    struct discovery *discovery = context;
    namespace_free(discovery->namespace);
    discovery->namespace = namespace_new(discovery->name);
}

static int take_series(void *context, const struct labels *labels, struct err *err)
{
    struct discovery *discovery = context;
    return namespace_take(discovery->namespace, labels, err);
}

static int take_point(void *context, int64_t time_ms, double value, struct err *err)
{
    (void)context;
    (void)time_ms;
    (void)value;
    (void)err;
    return 0;
}

/* The selector of all metrics that tell of owners, as one: a server merges the answers of several at a cost. */
static char *select_owners(const struct prom *prom, const char *name)
{
    struct buf selector;
    const char *metric;
    bool container;
    buf_init(&selector, SELECTOR_MAX);
    buf_add_str(&selector, "{__name__=~\"");
    for (size_t n = 0, count = 0; (metric = namespace_metric(n, &container)) != NULL; n++) {
        if (!container) {
            buf_printf(&selector, "%s%s", count++ > 0 ? "|" : "", metric);
        }
    }
    buf_add_str(&selector, "\"");
    promql_match(&selector, "namespace", "=", name);
    buf_printf(&selector, "%s}", prom_matcher(prom));
    return buf_steal(&selector);
}

static char *select_containers(const struct prom *prom, enum metric metric, const char *name)
{
    struct buf selector;
    buf_init(&selector, SELECTOR_MAX);
    buf_printf(&selector, "{__name__=\"%s\",container!=\"\",container!=\"POD\"", metric_names(metric));
    promql_match(&selector, "namespace", "=", name);
    buf_printf(&selector, "%s}", prom_matcher(prom));
    return buf_steal(&selector);
}

/* Whether somebody tells who owns pods, and each of those has containers. */
static bool is_whole(const struct namespace *namespace)
{
    for (size_t i = 0; i < namespace->of_pods.count; i++) {
        if (namespace_find_pod(namespace, namespace->of_pods.items[i].object) < 0) {
            return false;
        }
    }
    return namespace->of_pods.count > 0;
}

static int ask(struct prom *prom, const struct window *window, struct discovery *discovery, enum metric metric, bool owners,
               enum served *served, struct err *err)
{
    struct answer_listener listener = {
        .begin = owners ? begin : NULL, .series = take_series, .point = take_point, .context = discovery};
    char *of_owners = select_owners(prom, discovery->name);
    char *of_containers = select_containers(prom, metric, discovery->name);
    const char *selectors[] = {of_containers, of_owners};
    int failed = prom_series(prom, selectors, owners ? 2 : 1, window->start, window->end, &listener, served, err);
    free(of_owners);
    free(of_containers);
    if (!failed) {
        namespace_settle(discovery->namespace);
    }
    return failed;
}

/* Finding the series is most of what the server has to do here, and memory mostly tells all pods: CPU is asked about only
 * where there may be others. */
int api_discover(struct prom *prom, const char *name, const struct window *window, struct namespace **out,
                 enum served *served, struct err *err)
{
    struct discovery discovery = {.name = name};
    begin(&discovery);
    int failed = ask(prom, window, &discovery, METRIC_MEMORY, true, served, err) ||
                 (!is_whole(discovery.namespace) && ask(prom, window, &discovery, METRIC_CPU, false, served, err));
    if (failed) {
        namespace_free(discovery.namespace);
        return -1;
    }
    *out = discovery.namespace;
    return 0;
}
