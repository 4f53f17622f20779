#include "reports/text/insight.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "reports/explain/manifests.h"

static const struct {
    const char *name;
    const char *member;
} contenders[INSIGHT_CONTENDERS] = {{"tare", "ours"}, {"today", "today"}, {"KRR", "krr"}, {"VPA", "vpa"}};

static const struct {
    const char *member;
    const char *name;
    enum report_field field;
} resources[] = {{"cpu_millicores", "CPU", CPU_REQUEST}, {"memory_bytes", "memory", MEMORY_REQUEST}};

static double number(const json_t *object, const char *key)
{
    double value = NAN;
    return json_get_number(object, key, &value) ? value : NAN;
}

static const json_t *part_of(const struct report_row *row, const char *member)
{
    return json_object_get(json_object_get(row->record, "recommendation"), member);
}

static const char *resource_member(bool cpu)
{
    return resources[cpu ? 0 : 1].member;
}

int insight_severity(const json_t *finding)
{
    static const struct {
        const char *name;
        int rank;
    } names[] = {{"info", 0}, {"low", 1}, {"warning", 2}, {"medium", 2}, {"high", 3}, {"critical", 4}};
    const char *severity = json_string_or_null(finding, "severity");
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        if (str_equal(severity, names[i].name)) {
            return names[i].rank;
        }
    }
    return 0;
}

const json_t *insight_worst_finding(const json_t *record)
{
    const json_t *findings = json_at(record, "recommendation.findings");
    const json_t *worst = json_array_get(findings, 0);
    for (size_t i = 1; i < json_array_size(findings); i++) {
        const json_t *finding = json_array_get(findings, i);
        worst = insight_severity(finding) > insight_severity(worst) ? finding : worst;
    }
    return worst;
}

const char *insight_worst(const struct report_row *row, size_t *count)
{
    static const char *const names[] = {"info", "low", "medium", "high", "critical"};
    const json_t *findings = part_of(row, "findings");
    int worst = 0;
    for (size_t i = 0; i < json_array_size(findings); i++) {
        int severity = insight_severity(json_array_get(findings, i));
        worst = severity > worst ? severity : worst;
    }
    if (count != NULL) {
        *count = json_array_size(findings);
    }
    return json_array_size(findings) == 0 ? NULL : names[worst];
}

const char *insight_objection(const struct report_row *row, size_t index)
{
    const json_t *reasons = json_at(row->record, "gate.reasons");
    for (size_t i = 0; i < json_array_size(reasons); i++) {
        const json_t *reason = json_array_get(reasons, i);
        if (!json_bool_or(reason, "ok", false) && index-- == 0) {
            return report_message(reason);
        }
    }
    return NULL;
}

const char *insight_contender(int contender)
{
    return contenders[contender].name;
}

bool insight_verdict(const struct report_row *row, const char *container, bool cpu, int contender,
                     struct insight_verdict *out)
{
    const json_t *judged =
        json_object_get(json_object_get(part_of(row, "backtest"), "containers"), container);
    const json_t *verdict =
        json_object_get(json_object_get(judged, resource_member(cpu)), contenders[contender].member);
    *out = (struct insight_verdict){.time_above = number(verdict, "time_above"),
                                    .slack = number(verdict, "slack"),
                                    .hit = number(verdict, cpu ? "throttled" : "oom_kills")};
    return isfinite(out->time_above) || isfinite(out->slack) || isfinite(out->hit);
}

char *insight_verdict_text(const struct insight_verdict *verdict, bool cpu, char out[2 * FIGURE_MAX])
{
    char above[FIGURE_MAX];
    char slack[FIGURE_MAX];
    char hit[FIGURE_MAX];
    figure_share(verdict->time_above, above);
    figure_plain(verdict->slack, slack);
    bool known = isfinite(verdict->slack);
    if (!isfinite(verdict->hit) || verdict->hit <= 0) {
        snprintf(out, 2 * FIGURE_MAX, "%.40s \xc2\xb7 %.40s%s", above, slack, known ? "\xc3\x97" : "");
    } else if (cpu) {
        snprintf(out, 2 * FIGURE_MAX, "%.40s \xc2\xb7 %.30s%s \xc2\xb7 throttled %.20s", above, slack,
                 known ? "\xc3\x97" : "", figure_share(verdict->hit, hit));
    } else {
        snprintf(out, 2 * FIGURE_MAX, "%.40s \xc2\xb7 %.30s%s \xc2\xb7 %.20s OOM", above, slack,
                 known ? "\xc3\x97" : "", figure_plain(verdict->hit, hit));
    }
    return out;
}

void insight_backtest(const struct report_row *row, struct buf *out)
{
    const json_t *backtest = part_of(row, "backtest");
    char learned[FIGURE_MAX];
    char judged[FIGURE_MAX];
    if (isfinite(number(backtest, "judged_seconds"))) {
        buf_printf(out, "%s learned, the next %s judged",
                   figure_duration(number(backtest, "learned_seconds"), learned),
                   figure_duration(number(backtest, "judged_seconds"), judged));
    }
}

/* A crossing that lies ahead. */
static void add_crossing(const json_t *trend, const char *what, const char *container, size_t resource,
                         struct buf *out)
{
    const json_t *cross = json_object_get(json_object_get(trend, "crosses"), what);
    char amount[FIGURE_MAX];
    char per_day[FIGURE_MAX];
    char days[FIGURE_MAX];
    if (isfinite(number(cross, "days"))) {
        buf_printf(out, "%s of %s rises by %s a day and meets its %s of %s in %s days.\n",
                   resources[resource].name, container,
                   figure_measured(resources[resource].field, number(trend, "per_day"), per_day), what,
                   figure_measured(resources[resource].field, number(cross, "amount"), amount),
                   figure_plain(number(cross, "days"), days));
    }
}

void insight_outlook(const struct report_row *row, struct buf *out)
{
    const json_t *outlook = part_of(row, "outlook");
    const char *name;
    json_t *container;
    json_object_foreach(json_object_get(outlook, "containers"), name, container)
    {
        for (size_t r = 0; r < ARRAY_COUNT(resources); r++) {
            const json_t *trend = json_object_get(container, resources[r].member);
            add_crossing(trend, "request", name, r, out);
            add_crossing(trend, "limit", name, r, out);
        }
    }
    const json_t *quotas = json_object_get(outlook, "quotas");
    for (size_t i = 0; i < json_array_size(quotas); i++) {
        const json_t *quota = json_array_get(quotas, i);
        const char *quota_name = json_string_or_null(quota, "name");
        const char *resource = json_string_or_null(quota, "resource");
        char days[FIGURE_MAX];
        if (isfinite(number(quota, "days"))) {
            buf_printf(out, "The quota %s of %s is met in %s days.\n", quota_name == NULL ? "" : quota_name,
                       resource == NULL ? "" : resource, figure_plain(number(quota, "days"), days));
        }
    }
}

void insight_scaling(const struct report_row *row, struct buf *out)
{
    static const char *const lists[] = {"advice", "conflicts"};
    for (size_t k = 0; k < ARRAY_COUNT(lists); k++) {
        const json_t *list = json_object_get(part_of(row, "scaling"), lists[k]);
        for (size_t i = 0; i < json_array_size(list); i++) {
            const char *text = report_message(json_array_get(list, i));
            buf_printf(out, "%s%s\n", k == 0 ? "" : "Conflict: ", text);
        }
    }
}

const json_t *insight_forecast(const struct report_row *row, const char *container, bool cpu)
{
    const json_t *containers = json_object_get(part_of(row, "forecast"), "containers");
    const json_t *forecast = json_object_get(json_object_get(containers, container), resource_member(cpu));
    return json_is_object(forecast) ? forecast : NULL;
}

/* The largest number of a list. */
static double peak(const json_t *list)
{
    double found = NAN;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *value = json_array_get(list, i);
        found = json_is_number(value) ? fmax(found, json_number_value(value)) : found;
    }
    return found;
}

char *insight_forecast_text(const struct report_row *row, const struct report_container *container, bool cpu,
                            char out[INSIGHT_FORECAST_MAX])
{
    const json_t *forecast = insight_forecast(row, container->name, cpu);
    const json_t *values = json_object_get(forecast, "values");
    char length[FIGURE_MAX];
    char most[FIGURE_MAX];
    char band[FIGURE_MAX];
    char held[FIGURE_MAX];
    if (json_array_size(values) == 0) {
        return NULL;
    }
    enum report_field field = resources[cpu ? 0 : 1].field;
    snprintf(out, INSIGHT_FORECAST_MAX,
             "%s of %.100s, the next %s: at most %s, with the band up to %s; the band held %s in backtests.",
             resources[cpu ? 0 : 1].name, container->name,
             figure_duration((double)json_array_size(values) * number(forecast, "step_seconds"), length),
             figure_measured(field, peak(values), most),
             figure_measured(field, peak(json_object_get(forecast, "upper")), band),
             figure_share(number(forecast, "coverage"), held));
    str_trim_utf8(out);
    return out;
}

const json_t *insight_manifest(const struct report_row *row, size_t index)
{
    const json_t *manifests = json_object_get(part_of(row, "scaling"), "manifests");
    for (size_t i = 0; i < json_array_size(manifests); i++) {
        if (manifest_is_first_choice(manifests, i) && index-- == 0) {
            return json_array_get(manifests, i);
        }
    }
    return NULL;
}
