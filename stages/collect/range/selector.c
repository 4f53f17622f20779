#include "stages/collect/range/selector.h"

#include <string.h>

#include "stages/collect/api/promql.h"

static void add_pods(struct buf *out, const struct namespace *namespace, const bool *marked)
{
    struct buf pattern;
    buf_init(&pattern, QUERY_MAX);
    for (size_t i = 0; i < namespace->pod_count; i++) {
        if (marked[i]) {
            buf_add_str(&pattern, pattern.length > 0 ? "|" : "");
            promql_literal(&pattern, namespace->pods[i].name);
        }
    }
    promql_match(out, "pod", "=~", buf_str(&pattern));
    out->overflow = out->overflow || pattern.overflow;
    buf_release(&pattern);
}

void selector_add(struct buf *out, const struct prom *prom, const struct namespace *namespace, const bool *marked,
                  const char *metric, const char *extra)
{
    buf_printf(out, "{__name__%s\"%s\",container!=\"\",container!=\"POD\"", strchr(metric, '|') == NULL ? "=" : "=~", metric);
    promql_match(out, "namespace", "=", namespace->name);
    if (marked != NULL) {
        add_pods(out, namespace, marked);
    }
    buf_printf(out, "%s%s}", extra, prom_matcher(prom));
}
