#include "stages/collect/collect.h"

#include <inttypes.h>
#include <stdlib.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/log.h"
#include "stages/collect/block.h"
#include "stages/collect/progress.h"

/* Records read ahead, so that those of one namespace are asked about together. */
enum { AHEAD = 512 };

struct state {
    struct sources *sources;
    struct window window;
    struct collector *collector;
    struct progress progress;
    json_t *records[AHEAD];
    size_t count;
    bool described;
};

static int set_window(struct stage *stage, struct state *state, struct err *err)
{
    bool given;
    int64_t length = options_integer(stage->options, OPT_WINDOW, NULL);
    int64_t end = options_integer(stage->options, OPT_END, &given);
    if (!given && !sources_end(state->sources, &end)) {
        end = stage->created;
    }
    if (length < WINDOW_MIN || length > WINDOW_MAX) {
        bool typed = options_given(stage->options, OPT_WINDOW);
        err_set(err, typed ? ERR_USAGE : ERR_CONFIG, "%s must be between 10 minutes and %d days",
                typed ? "--window" : "metrics.window", WINDOW_MAX / DAY);
        return err_hint(err, "7d, the default, is a good length: it holds every day of the week");
    }
    window_init(&state->window, end - length, end);
    return 0;
}

static void describe(struct stage *stage, const struct state *state)
{
    char text[RFC3339_MAX];
    json_t *settings = stage_settings(stage);
    json_object_set_new(settings, "window_seconds", json_integer(state->window.end - state->window.start));
    json_object_set_new(settings, "start", json_string(time_format(state->window.start, text)));
    json_object_set_new(settings, "end", json_string(time_format(state->window.end, text)));
    json_object_set_new(settings, "half_life_seconds", json_integer(WEIGHT_HALF_LIFE));
}

static void show(void *context)
{
    struct state *state = context;
    struct source_counts counts = sources_counts(state->sources);
    progress_show(&state->progress, collector_done(state->collector), collector_samples(state->collector), counts.bytes);
}

static int begin(struct stage *stage, struct err *err)
{
    struct state *state = stage->state;
    progress_begin(&state->progress);
    if (sources_open(stage->options, stage->config, &state->sources, err) || set_window(stage, state, err)) {
        return -1;
    }
    const char *namespace = options_string(stage->options, OPT_NAMESPACE);
    state->collector =
        collector_new(state->sources, &state->window, namespace == NULL ? "default" : namespace,
                      config_value(stage->config, "scaling.policies"), show, state);
    describe(stage, state);
    return 0;
}

static int read_ahead(struct stage *stage, struct state *state, bool *more, struct err *err)
{
    while (state->count < AHEAD) {
        int got = stage_read(stage, &state->records[state->count], err);
        if (got <= 0) {
            *more = false;
            return got;
        }
        state->count++;
        state->progress.read++;
    }
    return 0;
}

/* Without one answer from any source there is nothing to go on with. */
static int check_served(const struct state *state, struct err *err)
{
    if (!collector_asked(state->collector) || sources_counts(state->sources).served > 0) {
        return 0;
    }
    *err = *collector_problem(state->collector);
    if (err->class == ERR_NONE) {
        err_set(err, ERR_UNAVAILABLE, "%s answered nothing", sources_name(state->sources));
    }
    if (err->hint[0] == '\0') {
        err_hint(err, "see that the server runs and that --prometheus or metrics.prometheus is its address");
    }
    return -1;
}

static int write_ahead(struct stage *stage, struct state *state, struct err *err)
{
    if (!state->described) {
        /* Which source it is shows only when it is asked. */
        sources_describe(state->sources, stage_settings(stage));
        state->described = true;
    }
    int failed = 0;
    for (size_t i = 0; i < state->count; i++) {
        failed = failed || stage_write(stage, state->records[i], err);
        json_decref(state->records[i]);
    }
    state->count = 0;
    return failed ? -1 : 0;
}

static int run(struct stage *stage, struct err *err)
{
    struct state *state = stage->state;
    bool more = true;
    int failed = 0;
    while (more && !failed) {
        failed = read_ahead(stage, state, &more, err) ||
                 collector_take(state->collector, state->records, state->count, err) || check_served(state, err) ||
                 write_ahead(stage, state, err);
    }
    log_status("%s", "");
    return failed ? -1 : 0;
}

static int end(struct stage *stage, struct err *err)
{
    const struct state *state = stage->state;
    const struct err *problem = collector_problem(state->collector);
    struct source_counts counts = sources_counts(state->sources);
    double seconds = progress_seconds(&state->progress);
    (void)err;
    if (problem->class != ERR_NONE) {
        log_warn("%s did not answer everything: %s", sources_name(state->sources), problem->message);
    }
    if (collector_left_out(state->collector) > 0) {
        log_warn("%s told %" PRId64 " chunks or series of kinds that are not read (native histograms, single processors)",
                 sources_name(state->sources), collector_left_out(state->collector));
    }
    log_info("%" PRId64 " workloads, %.1f M samples, %.1f MB in %" PRId64 " requests to %s, %.1f s",
             collector_done(state->collector), (double)collector_samples(state->collector) / 1e6,
             (double)counts.bytes / 1e6, counts.requests, sources_name(state->sources), seconds);
    return 0;
}

static void release(struct stage *stage)
{
    struct state *state = stage->state;
    for (size_t i = 0; i < state->count; i++) {
        json_decref(state->records[i]);
    }
    collector_free(state->collector);
    sources_free(state->sources);
    window_release(&state->window);
}

const struct stage_spec collect_stage = {
    .name = "collect",
    .program = FOR_COLLECT,
    .summary = "adds what each workload really used, from Prometheus",
    .reads = ARTIFACT_BIT(ARTIFACT_INVENTORY),
    .writes = ARTIFACT_USAGE,
    .state_size = sizeof(struct state),
    .begin = begin,
    .run = run,
    .end = end,
    .release = release,
};
