#include "reports/explain/sections.h"

#include <inttypes.h>
#include <math.h>

#include "pipeline/base/str.h"
#include "reports/explain/page.h"

static void window_lines(const struct explain *explain, const json_t *usage, struct buf *out)
{
    const json_t *window = json_object_get(usage, "window");
    const json_t *settings = json_at(explain->header, "settings.collect");
    char start[FIGURE_MAX];
    char end[FIGURE_MAX];
    char length[FIGURE_MAX];
    char rate[FIGURE_MAX];
    char interval[FIGURE_MAX];
    page_line(out, 2, "window", "%s to %s UTC (%s)", figure_instant(window, "start", start),
              figure_instant(window, "end", end), figure_duration(page_number(window, "seconds"), length));
    page_line(out, 2, "source", "%s%s%s%s%s", page_string(usage, "source"),
              page_string(settings, "prometheus")[0] == '\0' ? "" : " from ",
              page_string(settings, "prometheus"),
              page_string(usage, "matched_by")[0] == '\0' ? "" : ", pods found by ",
              page_string(usage, "matched_by"));
    double seconds = page_number(usage, "rate_window_seconds");
    if (isfinite(seconds)) {
        page_line(out, 2, "rate", "scraped every %s; a CPU sample is the rate over the %s before it",
                  figure_duration(page_number(usage, "interval_seconds"), interval),
                  figure_duration(seconds, rate));
    }
}

static void pod_lines(const json_t *usage, struct buf *out)
{
    char mean[FIGURE_MAX];
    char most[FIGURE_MAX];
    char median[FIGURE_MAX];
    char pods[FIGURE_MAX];
    char coverage[FIGURE_MAX];
    char known[FIGURE_MAX];
    char first[FIGURE_MAX];
    page_line(out, 2, "pods", "%s seen; %s at once in the median, %s in the mean over the window, %s at most",
              figure_plain(page_number(usage, "pods"), pods),
              figure_plain(page_number(usage, "replicas"), median),
              figure_plain(page_number(usage, "replicas_mean"), mean),
              figure_plain(page_number(usage, "replicas_max"), most));
    page_line(out, 2, "coverage",
              "some pod reported in %s of the window's 5-minute steps; known for %s, since %s",
              figure_share(page_number(usage, "coverage"), coverage),
              figure_duration(page_number(usage, "history_seconds"), known),
              figure_instant(usage, "first_seen", first));
}

/* The half-life of the weights: of the first container that tells, else of the collection. */
static void weight_line(const struct explain *explain, struct buf *out)
{
    double half_life = page_number(json_at(explain->header, "settings.collect"), "half_life_seconds");
    const char *name;
    json_t *container;
    json_object_foreach(json_object_get(explain->recommendation, "containers"), name, container)
    {
        double own = page_number(json_object_get(container, "samples"), "half_life_seconds");
        half_life = isfinite(own) ? own : half_life;
    }
    char text[FIGURE_MAX];
    if (isfinite(half_life)) {
        page_line(out, 2, "weights",
                  "in weighted figures a sample counts half after %s, a quarter after twice that; each pod's "
                  "first 3 minutes "
                  "are left out "
                  "of them",
                  figure_duration(half_life, text));
    }
}

static void history_line(const struct explain *explain, struct buf *out)
{
    const json_t *settings = json_at(explain->header, "settings.analyze");
    const char *history = json_string_or_null(settings, "history_sha256");
    if (settings == NULL) {
        return;
    }
    page_line(out, 2, "made by", "rules version %" PRId64 ", policy %.12s, %s%.12s",
              json_int_or(settings, "rules_version", 0), page_string(settings, "policy_sha256"),
              history == NULL ? "without what earlier runs learned" : "history of earlier runs ",
              history == NULL ? "" : history);
}

void explain_samples(const struct explain *explain, struct buf *out)
{
    const json_t *usage = json_object_get(explain->row.record, "usage");
    page_heading(out, "SAMPLES");
    if (!json_is_object(usage)) {
        page_line(out, 2, "", "no usage is known of it");
        return;
    }
    window_lines(explain, usage, out);
    pod_lines(usage, out);
    weight_line(explain, out);
    history_line(explain, out);
}
