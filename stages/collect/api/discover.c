#include "stages/collect/api/discover.h"

#include <stdlib.h>

#include "pipeline/base/buf.h"
#include "pipeline/base/mem.h"
#include "stages/collect/api/promql.h"

enum { SELECTOR_MAX = 64 * 1024, METRICS_MAX = 16 };

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

static char *make_selector(const struct prom *prom, const char *metric, bool container, const char *name)
{
    struct buf selector;
    buf_init(&selector, SELECTOR_MAX);
    buf_printf(&selector, "{__name__=\"%s\"%s", metric, container ? ",container!=\"\",container!=\"POD\"" : "");
    promql_match(&selector, "namespace", "=", name);
    buf_printf(&selector, "%s}", prom_matcher(prom));
    return buf_steal(&selector);
}

int api_discover(struct prom *prom, const char *name, const struct window *window, struct namespace **out,
                 enum served *served, struct err *err)
{
    char *selectors[METRICS_MAX];
    const char *asked[METRICS_MAX];
    const char *metric;
    bool container;
    size_t count = 0;
    struct discovery discovery = {.name = name};
    struct answer_listener listener = {.begin = begin, .series = take_series, .point = take_point, .context = &discovery};
    begin(&discovery);
    while (count < METRICS_MAX && (metric = namespace_metric(count, &container)) != NULL) {
        selectors[count] = make_selector(prom, metric, container, name);
        asked[count] = selectors[count];
        count++;
    }
    int failed = prom_series(prom, asked, count, window->start, window->end, &listener, served, err);
    for (size_t i = 0; i < count; i++) {
        free(selectors[i]);
    }
    if (failed) {
        namespace_free(discovery.namespace);
        return -1;
    }
    namespace_settle(discovery.namespace);
    *out = discovery.namespace;
    return 0;
}
