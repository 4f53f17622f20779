/*
 * The API half of the machine's real ends by hand. Reads commands from stdin, a line each, and prints each event as a line of JSON.
 *
 *   ask TAG METHOD PATH [TYPE BODY]                 BODY is the rest of the line
 *   observe TAG GROUP VERSION RESOURCE KIND NAMESPACE [LABELS]   GROUP "core" is the core group
 *   forget TAG
 *   wait MS [N]                                     prints what comes in that time, or until N events came
 *   sizes PARALLEL N                                at once PARALLEL of the Deployments d-0 … d-(N-1) of the namespace "bench": GET, a dry
 *                                                   run, PATCH; prints the seconds they took and how many failed
 *
 * Usage: kube_client KUBECONFIG
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "stages/common/ends/ends_api.h"

static const char *const kinds[] = {"time", "answer", "seen", "gone", "end"};

static void print_event(const struct machine_event *event)
{
    json_t *line = json_pack("{s:s, s:I, s:I, s:s, s:b, s:s, s:s}", "event", kinds[event->kind], "tag", (json_int_t)event->tag, "status",
                             (json_int_t)event->status, "request_id", event->request_id, "may_have_happened", event->may_have_happened,
                             "why", event->why.message, "hint", event->why.hint);
    json_object_set(line, "body", event->body == NULL ? json_null() : event->body);
    json_dumpf(line, stdout, JSON_COMPACT | JSON_SORT_KEYS);
    putchar('\n');
    fflush(stdout);
    json_decref(line);
}

static int wait_events(struct ends_api *ends, int64_t ms, long count, struct err *err)
{
    int64_t until = clock_monotonic_ms() + ms;
    for (struct machine_event event; count != 0; count--) {
        if (ends_api_next(ends, until, &event, err)) {
            return -1;
        }
        if (event.kind == EVENT_TIME) {
            return 0;
        }
        print_event(&event);
        json_decref(event.body);
    }
    return 0;
}

/* ---- The bench ---- */

struct bench {
    struct ends_api *ends;
    json_t *body;
    int *step; /* of each object: how many of its requests were sent */
    int count;
    int begun;
    int done;
    int failed;
};

static int next_step(struct bench *bench, int at, struct err *err)
{
    static const char *const queries[] = {"", "?fieldManager=tare&dryRun=All", "?fieldManager=tare"};
    int step = bench->step[at]++;
    if (step == 3) {
        bench->done++;
        return bench->begun < bench->count ? next_step(bench, bench->begun++, err) : 0;
    }
    char *path = xasprintf("/apis/apps/v1/namespaces/bench/deployments/d-%d%s", at, queries[step]);
    struct api_request request = {
        .method = step == 0 ? "GET" : "PATCH",
        .path = path,
        .content_type = step == 0 ? NULL : "application/strategic-merge-patch+json",
        .body = step == 0 ? NULL : bench->body,
    };
    int failed = ends_api_ask(bench->ends, (uint64_t)at, &request, err);
    free(path);
    return failed;
}

static int run_bench(struct ends_api *ends, int parallel, int count, struct err *err)
{
    struct bench bench = {.ends = ends, .count = count, .step = xcalloc_array((size_t)count, sizeof *bench.step)};
    int64_t from = clock_monotonic_ms();
    char cpu[24];
    snprintf(cpu, sizeof cpu, "%dm", 50 + (int)(from % 900));
    bench.body = json_pack("{s:{s:{s:{s:[{s:s, s:{s:{s:s}}}]}}}}", "spec", "template", "spec", "containers", "name", "app", "resources",
                           "requests", "cpu", cpu);
    int failed = 0;
    while (!failed && bench.begun < count && bench.begun < parallel) {
        failed = next_step(&bench, bench.begun++, err);
    }
    while (!failed && bench.done < count) {
        struct machine_event event;
        failed = ends_api_next(ends, clock_monotonic_ms() + 60000, &event, err);
        if (!failed && event.kind == EVENT_ANSWER) {
            if (event.status != 200) {
                fprintf(stderr, "%s\n", event.why.message);
                bench.failed++;
            }
            json_decref(event.body);
            failed = next_step(&bench, (int)event.tag, err);
        }
    }
    printf("%.3f %d\n", (double)(clock_monotonic_ms() - from) / 1000.0, bench.failed);
    json_decref(bench.body);
    free(bench.step);
    return failed;
}

/* ---- Commands ---- */

/* Cuts the next word off. NULL at the end. */
static char *word(char **line)
{
    *line += strspn(*line, " ");
    char *start = *line;
    size_t length = strcspn(start, " ");
    *line = start + length + (start[length] == ' ');
    start[length] = '\0';
    return *start == '\0' ? NULL : start;
}

static uint64_t number(char **line)
{
    const char *text = word(line);
    return text == NULL ? 0 : strtoull(text, NULL, 10);
}

static int ask(struct ends_api *ends, char *line, struct err *err)
{
    uint64_t tag = number(&line);
    struct api_request request = {.method = word(&line), .path = word(&line), .content_type = word(&line)};
    json_t *body = *line == '\0' ? NULL : json_read(line, strlen(line), "the body", err);
    request.body = body;
    int failed = ends_api_ask(ends, tag, &request, err);
    json_decref(body);
    return failed;
}

static int observe(struct ends_api *ends, char *line, struct err *err)
{
    uint64_t tag = number(&line);
    const char *group = word(&line);
    struct api_query query = {.group = str_equal(group, "core") ? "" : group};
    query.version = word(&line);
    query.resource = word(&line);
    query.kind = word(&line);
    query.namespace = word(&line);
    query.labels = word(&line);
    return ends_api_observe(ends, tag, &query, err);
}

static int command(struct ends_api *ends, char *line, struct err *err)
{
    const char *verb = word(&line);
    if (str_equal(verb, "ask")) {
        return ask(ends, line, err);
    }
    if (str_equal(verb, "observe")) {
        return observe(ends, line, err);
    }
    if (str_equal(verb, "forget")) {
        ends_api_forget(ends, number(&line));
        return 0;
    }
    if (str_equal(verb, "wait")) {
        int64_t ms = (int64_t)number(&line);
        uint64_t count = number(&line);
        return wait_events(ends, ms, count == 0 ? -1 : (long)count, err);
    }
    if (str_equal(verb, "sizes")) {
        int parallel = (int)number(&line);
        return run_bench(ends, parallel, (int)number(&line), err);
    }
    return err_set(err, ERR_USAGE, "no such command: %s", verb == NULL ? "" : verb);
}

int main(int argc, char **argv)
{
    struct kube_choice choice = {.kubeconfig = argc > 1 ? argv[1] : NULL};
    struct kube_limits limits = {.connect_timeout_seconds = 5, .timeout_seconds = argc > 2 ? atol(argv[2]) : 0};
    struct kube_access *access = NULL;
    struct kube_api *api = NULL;
    struct ends_api *ends = NULL;
    struct err err = {0};
    char line[65536];
    json_init();
    int failed = kube_access_find(&choice, &access, &err) || kube_api_new(access, &limits, &api, &err) || ends_api_new(api, &ends, &err);
    while (!failed && fgets(line, sizeof line, stdin) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        failed = command(ends, line, &err);
    }
    if (failed) {
        fprintf(stderr, "%s\n", err.message);
    }
    ends_api_free(ends);
    kube_api_free(api);
    return failed ? (int)err.class : 0;
}
