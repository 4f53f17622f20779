#include "stages/analyze/opinion/evidence.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "stages/analyze/opinion/clean.h"
#include "stages/analyze/opinion/evidence_container.h"
#include "stages/analyze/opinion/evidence_fit.h"
#include "stages/analyze/opinion/figure.h"
#include "stages/analyze/opinion/sealed.h"
#include "stages/analyze/subject/allowance.h"
#include "stages/analyze/subject/scalers.h"

enum {
    TEXT_MAX = 100,
    MESSAGE_MAX = 200,
    LABELS_SENT = 8,
    ANNOTATIONS_SENT = 6,
    FINDINGS_SENT = 12,
    SCALERS_SENT = 3,
    QUOTAS_SENT = 4,
    TEXT_CAP = 1024 * 1024
};

/* Labels and annotations that tools write for themselves, by the beginning of their names: they tell nothing of the program. */
static const char *const tools[] = {"kubectl.kubernetes.io/", "deployment.kubernetes.io/", "meta.helm.sh/", "helm.sh/", "checksum/",
                                    "argocd.argoproj.io/", "kustomize.toolkit.fluxcd.io/", "helm.toolkit.fluxcd.io/",
                                    "app.kubernetes.io/managed-by", "app.kubernetes.io/instance", "pod-template-hash",
                                    "controller-revision-hash", "controller-uid", "field.cattle.io/"};

static json_t *text_new(const char *text, size_t most)
{
    char copy[MESSAGE_MAX + 1];
    return json_string_safe(clean_copy(text, copy, most < sizeof copy ? most + 1 : sizeof copy));
}

static bool is_of_tool(const char *key)
{
    for (size_t i = 0; i < ARRAY_COUNT(tools); i++) {
        if (str_starts(key, tools[i])) {
            return true;
        }
    }
    return false;
}

static bool redacted(const json_t *redact, const char *field)
{
    size_t index;
    json_t *item;
    json_array_foreach(redact, index, item)
    {
        if (str_equal(json_string_value(item), field)) {
            return true;
        }
    }
    return false;
}

/* Sets a member of the workload, labels or annotations: the first `most` entries that are not of tools, unless it is withheld. */
static void put_texts(json_t *out, const char *member, const struct subject *subject, size_t most, const json_t *redact)
{
    const char *key;
    json_t *value;
    json_t *texts = json_object();
    if (!redacted(redact, member)) {
        json_object_foreach(json_object_get(subject->workload, member), key, value)
        {
            char name[TEXT_MAX + 1];
            if (json_object_size(texts) < most && json_is_string(value) && !is_of_tool(key)) {
                json_object_set_new(texts, clean_copy(key, name, sizeof name), text_new(json_string_value(value), TEXT_MAX));
            }
        }
    }
    if (json_object_size(texts) > 0) {
        json_object_set(out, member, texts);
    }
    json_decref(texts);
}

/* How urgent: findings are told from the worst on. */
static int rank(const json_t *finding)
{
    static const char *const severities[] = {"critical", "high", "medium", "low"};
    int at = 0;
    while (at < (int)ARRAY_COUNT(severities) && !str_equal(json_string_or_null(finding, "severity"), severities[at])) {
        at++;
    }
    return at;
}

/* "high oom-kills app: killed 4 times in 7 days …". */
static json_t *finding_text(const json_t *finding, size_t containers)
{
    char text[3 * MESSAGE_MAX];
    const char *container = json_string_or_null(finding, "container");
    const char *message = json_string_or_null(finding, "message");
    bool named = containers > 1 && container;
    (void)snprintf(text, sizeof text, "%.20s %.40s%s%.60s: %s", json_string_or_null(finding, "severity"),
                   json_string_or_null(finding, "code"), named ? " " : "", named ? container : "", message ? message : "");
    return text_new(text, MESSAGE_MAX);
}

static void put_findings(json_t *out, const json_t *all, size_t containers)
{
    json_t *texts = json_array();
    for (int worst = 0; worst <= 4; worst++) {
        size_t index;
        json_t *finding;
        json_array_foreach(all, index, finding)
        {
            if (rank(finding) == worst && json_array_size(texts) < FINDINGS_SENT) {
                json_array_append_new(texts, finding_text(finding, containers));
            }
        }
    }
    if (json_array_size(texts) > 0) {
        json_object_set(out, "findings", texts);
    }
    json_decref(texts);
}

/* "HorizontalPodAutoscaler web, 2 to 10 replicas, cpu 80 %". */
static json_t *scaler_text(const struct scaler *scaler)
{
    struct buf text;
    buf_init(&text, 8 * MESSAGE_MAX);
    (void)buf_printf(&text, "%.40s %.60s", scaler->kind_name, scaler->name);
    if (scaler->max >= 0) {
        (void)buf_printf(&text, ", %" PRId64 " to %" PRId64 " replicas", scaler->min < 0 ? 1 : scaler->min, scaler->max);
    }
    for (size_t m = 0; m < scaler->metric_count && m < SCALERS_SENT; m++) {
        const struct scaler_metric *metric = &scaler->metrics[m];
        if (!metric->of_resource) {
            (void)buf_add_str(&text, ", other metric");
        } else {
            (void)buf_printf(&text, ", %s %" PRId64 "%s", resource_word(metric->resource), metric->target,
                             metric->utilization ? " % of the request" : "");
        }
    }
    json_t *value = text_new(buf_str(&text), MESSAGE_MAX);
    buf_release(&text);
    return value;
}

static void put_scalers(json_t *out, const struct scalers *scalers)
{
    json_t *texts = json_array();
    for (size_t i = 0; i < scalers->count && i < SCALERS_SENT; i++) {
        json_array_append_new(texts, scaler_text(&scalers->items[i]));
    }
    if (json_array_size(texts) > 0) {
        json_object_set(out, "autoscalers", texts);
    }
    json_decref(texts);
}

/* Adds "; WORD AMOUNT" where an amount is set. */
static void add_amounts(struct buf *text, const char *word, const int64_t amounts[RESOURCES])
{
    for (int r = 0; r < RESOURCES; r++) {
        char amount[32];
        if (amounts[r] >= 0) {
            (void)buf_printf(text, ", %s %s %s", word, resource_word((enum resource)r),
                             amount_text((enum resource)r, (double)amounts[r], amount));
        }
    }
}

/* "team-limits for a container, at most memory 2Gi". */
static json_t *range_text(const struct limit_range *range)
{
    struct buf text;
    buf_init(&text, 8 * MESSAGE_MAX);
    (void)buf_printf(&text, "%.60s for a %s", range->name, range->pod ? "pod" : "container");
    add_amounts(&text, "at least", range->min);
    add_amounts(&text, "at most", range->max);
    add_amounts(&text, "default limit", range->limit);
    add_amounts(&text, "default request", range->request);
    json_t *value = text_new(buf_str(&text), MESSAGE_MAX);
    buf_release(&text);
    return value;
}

/* "team, limits memory 64Gi, of which used 60Gi". */
static json_t *quota_text(const struct quota *quota)
{
    struct buf text;
    buf_init(&text, 8 * MESSAGE_MAX);
    (void)buf_printf(&text, "%.60s", quota->name);
    add_amounts(&text, "requests", quota->hard[0]);
    add_amounts(&text, "used", quota->used[0]);
    add_amounts(&text, "limits", quota->hard[1]);
    add_amounts(&text, "used", quota->used[1]);
    json_t *value = text_new(buf_str(&text), MESSAGE_MAX);
    buf_release(&text);
    return value;
}

static void put_allowance(json_t *out, const struct allowance *allowance)
{
    json_t *ranges = json_array();
    json_t *quotas = json_array();
    for (size_t i = 0; i < allowance->range_count && i < QUOTAS_SENT; i++) {
        json_array_append_new(ranges, range_text(&allowance->ranges[i]));
    }
    for (size_t i = 0; i < allowance->quota_count && i < QUOTAS_SENT; i++) {
        json_array_append_new(quotas, quota_text(&allowance->quotas[i]));
    }
    if (json_array_size(ranges) > 0) {
        json_object_set(out, "limit_ranges", ranges);
    }
    if (json_array_size(quotas) > 0) {
        json_object_set(out, "quotas", quotas);
    }
    json_decref(ranges);
    json_decref(quotas);
}

/* What the rules' plan asks for more (or, below 0, less) over all replicas: what a unit costs is known later in the line, how many units
 * are at stake is known here. */
static void put_stake(json_t *out, const struct plan *plan)
{
    double more[RESOURCES] = {0};
    json_t *stake = json_object();
    for (size_t i = 0; i < plan->subject->container_count; i++) {
        for (int r = 0; r < RESOURCES; r++) {
            const struct field_plan *field = &plan->containers[i].fields[FIELD_OF(r, false)];
            if (field->value >= 0) {
                more[r] += (double)field->value - fmax(0, (double)field->effective);
            }
        }
    }
    for (int r = 0; r < RESOURCES; r++) {
        figure_put(stake, resource_key((enum resource)r), more[r] * subject_replicas(plan->subject), 3);
    }
    json_object_set_new(out, "rules_ask_more", stake);
}

/* The workload as a whole: what it is, and how much is known of it. */
static void put_workload(json_t *out, const struct plan *plan, const struct class *class, const json_t *redact)
{
    const struct subject *subject = plan->subject;
    char name[EVIDENCE_NAME_MAX];
    const char *schedule = json_string_or_null(subject->workload, "schedule");
    json_object_set_new(out, "workload", json_string_safe(evidence_name(subject, name)));
    json_object_set_new(out, "class_hint", json_string_safe(class->name));
    /* The reason may quote an image. */
    if (*class->reason && !redacted(redact, "image")) {
        json_object_set_new(out, "class_reason", text_new(class->reason, TEXT_MAX));
    }
    if (schedule) {
        json_object_set_new(out, "schedule", text_new(schedule, TEXT_MAX));
    }
    json_object_set_new(out, "qos_class", json_string(qos_name(subject->qos)));
    figure_put(out, "replicas", subject_replicas(subject), 3);
    figure_put(out, "history_hours", subject_history_seconds(subject) / 3600, 3);
    figure_put(out, "coverage", subject_coverage(subject), 2);
    figure_put(out, "confidence_of_rules", plan->confidence, 2);
    put_texts(out, "labels", subject, LABELS_SENT, redact);
    put_texts(out, "annotations", subject, ANNOTATIONS_SENT, redact);
}

json_t *evidence_new(const struct plan *plan, const struct class *class, const json_t *findings, const json_t *redact)
{
    const struct subject *subject = plan->subject;
    json_t *out = json_object();
    json_t *containers = json_array();
    for (size_t i = 0; i < subject->container_count; i++) {
        if (plan->containers[i].judged) {
            json_array_append_new(containers, evidence_container(&plan->containers[i], !redacted(redact, "image")));
        }
    }
    size_t count = json_array_size(containers);
    put_workload(out, plan, class, redact);
    put_findings(out, findings, subject->container_count);
    put_scalers(out, subject->scalers);
    put_allowance(out, subject->allowance);
    put_stake(out, plan);
    json_object_set_new(out, "containers", containers);
    evidence_fit(out, EVIDENCE_ONE_MAX + (count > 1 ? (count - 1) * EVIDENCE_MORE_MAX : 0));
    return out;
}

char *evidence_text_new(const json_t *evidence)
{
    struct buf out;
    buf_init(&out, TEXT_CAP);
    sealed_write(evidence, &out);
    return buf_steal(&out);
}

char *evidence_digest(const char *text, char out[DIGEST_HEX])
{
    return hash_bytes(text, strlen(text), out);
}
