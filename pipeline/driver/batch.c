#include "pipeline/driver/batch.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/log.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/cli/stage.h"
#include "pipeline/driver/line.h"
#include "pipeline/driver/view.h"
#include "pipeline/driver/words.h"
#include "pipeline/io/fs.h"
#include "pipeline/io/proc.h"
#include "pipeline/run/ledger_batch.h"

enum { PARALLEL_MAX = 16 };

/* One run of the batch. */
struct part {
    int64_t run;
    char *cluster;
    bool waits;    /* to be taken through the line */
    int exit_code; /* of its process; 0 where there was none */
    struct err failure; /* it could not be started */
};

/* The runs, and who works on them. */
struct batch {
    struct session *session;
    char *name;
    struct part *parts;
    size_t count;
    size_t next; /* the first that nobody looked at yet */
    pthread_mutex_t lock; /* of `next` */
};

bool batch_wanted(const struct session *session)
{
    return json_array_size(config_value(session->file, "clusters")) > 0 && !options_typed(session->options, OPT_CLUSTER);
}

/* What is about one cluster would be taken for all of them. */
static int check_options(const struct session *session, struct err *err)
{
    static const enum option_id of_one[] = {OPT_PROMETHEUS, OPT_OFFLINE, OPT_KUBECONFIG, OPT_CONTEXT};
    for (size_t i = 0; i < ARRAY_COUNT(of_one); i++) {
        if (options_typed(session->options, of_one[i])) {
            err_set(err, ERR_USAGE, "--%s is about one cluster, and the configuration has several", option_table()[of_one[i]].long_name);
            return err_hint(err, "name one: --cluster NAME; or give the key in its entry of `clusters`");
        }
    }
    if (options_operands(session->options) > 0) {
        err_set(err, ERR_USAGE, "\"%s\" is a path of one cluster, and the configuration has several", options_operand(session->options, 0));
        return err_hint(err, "name one: --cluster NAME; or give `manifests` in its entry of `clusters`");
    }
    return 0;
}

static int parallel_of(const struct session *session, size_t *out, struct err *err)
{
    int64_t wanted = options_integer(session->options, OPT_PARALLEL_CLUSTERS, NULL);
    if (wanted < 1 || wanted > PARALLEL_MAX) {
        return err_set(err, ERR_USAGE, "--parallel-clusters must be between 1 and %d", PARALLEL_MAX);
    }
    *out = (size_t)wanted;
    return 0;
}

/* The file's own cluster is run where it has an entry. */
static void mention_top(const struct session *session)
{
    const char *own = config_string(session->file, "cluster");
    const json_t *clusters = config_value(session->file, "clusters");
    for (size_t i = 0; i < json_array_size(clusters); i++) {
        if (own == NULL || str_equal(json_string_or_null(json_array_get(clusters, i), "cluster"), own)) {
            return;
        }
    }
    log_warn("%s calls its own cluster %s, which has no entry in `clusters` and is not run: tare run --cluster %s does that",
             config_path(session->file), own, own);
}

/* What each cluster's run is made from. New array. */
static int plan_runs(struct session *session, json_t **out, struct err *err)
{
    const json_t *clusters = config_value(session->file, "clusters");
    json_t *runs = json_array();
    int failed = 0;
    for (size_t i = 0; i < json_array_size(clusters) && !failed; i++) {
        json_t *settings = NULL;
        const char *cluster = json_string_or_null(json_array_get(clusters, i), "cluster");
        session_follow(session, cluster);
        failed = line_settings(session, NULL, &settings, err);
        if (!failed) {
            json_array_append_new(runs, json_pack("{s:o, s:s, s:o}", "cluster", json_string_safe(cluster), "target",
                                                  options_string(session->options, OPT_TARGET), "settings", settings));
        }
    }
    session_follow(session, NULL);
    if (failed) {
        json_decref(runs);
        return -1;
    }
    *out = runs;
    return 0;
}

static void batch_release(struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        free(batch->parts[i].cluster);
    }
    free(batch->parts);
    free(batch->name);
}

/* The words of the process that takes a run through the line: this invocation's own, and the run. */
static struct words run_words(const struct session *session, int64_t run)
{
    struct words words = {0};
    words_add(&words, xstrdup("tare"));
    words_add(&words, xstrdup("run"));
    words_add(&words, xstrdup("--resume"));
    words_add(&words, xstrdup("--format=json"));
    if (session->config_file != NULL) {
        words_add(&words, xasprintf("--config=%s", config_path(session->file)));
    }
    words_add_all(&words, options_forward(session->options, FOR_RUN, true));
    words_add(&words, xasprintf("%" PRId64, run));
    words_add(&words, NULL);
    return words;
}

static void run_part(const struct batch *batch, struct part *part)
{
    const struct session *session = batch->session;
    bool json = str_equal(options_string(session->options, OPT_LOG_FORMAT), "json");
    struct words words = run_words(session, part->run);
    char *path = fs_join(session->bin_directory, "tare");
    char *head = json ? NULL : xasprintf("[%s] ", part->cluster);
    if (head != NULL) {
        str_mask_controls(head);
    }
    struct proc proc = {.path = path, .argv = words.items, .stdin_fd = -1, .stdout_fd = -1, .stderr_head = head};
    if (proc_run(&proc, &part->exit_code, &part->failure)) {
        part->exit_code = (int)part->failure.class;
    }
    free(head);
    free(path);
    words_release(&words);
}

/* Takes one waiting run after the other until there is none. */
static void *worker(void *context)
{
    struct batch *batch = context;
    for (;;) {
        pthread_mutex_lock(&batch->lock);
        while (batch->next < batch->count && !batch->parts[batch->next].waits) {
            batch->next++;
        }
        struct part *part = batch->next < batch->count ? &batch->parts[batch->next++] : NULL;
        pthread_mutex_unlock(&batch->lock);
        if (part == NULL) {
            return NULL;
        }
        run_part(batch, part);
    }
}

static void run_parts(struct batch *batch, size_t parallel)
{
    pthread_t threads[PARALLEL_MAX];
    size_t started = 0;
    pthread_mutex_init(&batch->lock, NULL);
    while (started < parallel && started < batch->count && pthread_create(&threads[started], NULL, worker, batch) == 0) {
        started++;
    }
    if (started == 0) {
        worker(batch); /* no thread is to be had: one after the other then */
    }
    for (size_t i = 0; i < started; i++) {
        pthread_join(threads[i], NULL);
    }
    pthread_mutex_destroy(&batch->lock);
}

/* The exit code of a batch by those of its runs; `open` of them have something to approve or to apply. */
static int exit_code(const int *codes, size_t count, size_t open)
{
    bool blocked = false;
    for (size_t i = 0; i < count; i++) {
        if (codes[i] != 0 && codes[i] != ERR_REFUSED) {
            return err_meaning(codes[i]) != NULL ? codes[i] : codes[i] > 128 ? ERR_TEMPFAIL : ERR_SOFTWARE;
        }
        blocked = blocked || codes[i] == ERR_REFUSED;
    }
    return blocked && open == 0 ? ERR_REFUSED : 0;
}

/* Says which runs did not end well, and with what. */
static void judge(struct batch *batch, size_t open)
{
    int *codes = xcalloc_array(batch->count, sizeof *codes);
    struct buf which;
    buf_init(&which, 512);
    size_t bad = 0;
    for (size_t i = 0; i < batch->count; i++) {
        codes[i] = batch->parts[i].exit_code;
        if (codes[i] != 0) {
            buf_printf(&which, "%s%s (run %" PRId64 ", exit %d)", bad == 0 ? "" : ", ", batch->parts[i].cluster, batch->parts[i].run,
                       codes[i]);
            bad++;
        }
    }
    int code = exit_code(codes, batch->count, open);
    if (code != 0) {
        err_set(&batch->session->verdict, (enum err_class)code, "of the %zu runs of batch %s, %zu did not end well: %s", batch->count,
                batch->name, bad, buf_str(&which));
        err_hint(&batch->session->verdict, "tare status --batch %s", batch->name);
    }
    buf_release(&which);
    free(codes);
}

/* Whether a plan of this state still has something to approve or to apply, or had. */
static bool is_open(enum ledger_state state)
{
    return state != LEDGER_UNCHANGED && state != LEDGER_FAILED && state != LEDGER_SUPERSEDED;
}

static int tell_part(struct session *session, const struct part *part, json_t *list, bool *open, struct err *err)
{
    struct ledger_run run;
    if (part->failure.class != ERR_NONE) {
        log_err(&part->failure);
    }
    if (ledger_run_get(session->ledger, part->run, &session->arena, &run, err)) {
        return -1;
    }
    session_follow(session, run.cluster);
    *open = is_open(run.state);
    if (list == NULL) {
        printf("\ncluster %s\n", part->cluster);
        return view_run(session, &run, err);
    }
    json_t *object;
    if (view_run_object(session, &run, &object, err)) {
        return -1;
    }
    json_object_set_new(object, "exit", json_integer(part->exit_code));
    json_array_append_new(list, object);
    return 0;
}

/* Prints what became of every run, and decides the exit code. */
static int conclude(struct batch *batch, bool json, struct err *err)
{
    struct session *session = batch->session;
    json_t *list = json ? json_array() : NULL;
    size_t open = 0;
    int failed = 0;
    if (!json) {
        printf("batch %s: %zu run%s\n", batch->name, batch->count, batch->count == 1 ? "" : "s");
    }
    for (size_t i = 0; i < batch->count && !failed; i++) {
        bool is_one = false;
        failed = tell_part(session, &batch->parts[i], list, &is_one, err);
        open += is_one;
    }
    session_follow(session, NULL);
    if (!failed && json) {
        json_t *out = json_pack("{s:s, s:O}", "batch", batch->name, "runs", list);
        char *text = json_text(out);
        puts(text);
        free(text);
        json_decref(out);
    } else if (!failed) {
        printf("\ntogether:\n  tare status --batch %s\n  tare report --batch %s\n", batch->name, batch->name);
    }
    json_decref(list);
    judge(batch, open);
    return failed;
}

static int go(struct batch *batch, size_t parallel, struct err *err)
{
    bool json;
    if (session_json(batch->session, &json, err)) {
        return -1;
    }
    fflush(stdout);
    run_parts(batch, parallel);
    return conclude(batch, json, err);
}

static int begin(struct session *session, struct batch *batch, struct err *err)
{
    json_t *runs = NULL;
    json_t *made = NULL;
    char started[RFC3339_MAX];
    int64_t start;
    if (plan_runs(session, &runs, err)) {
        return -1;
    }
    const char *created = clock_is_set(&start) ? time_format(start, started) : NULL;
    int failed = ledger_batch_begin(session->ledger, tare_version(), runs, created, session->schedule, &made, err);
    if (!failed) {
        const json_t *ids = json_object_get(made, "runs");
        batch->session = session;
        batch->name = xstrdup(json_string_or_null(made, "batch"));
        batch->count = json_array_size(ids);
        batch->parts = xcalloc_array(batch->count, sizeof *batch->parts);
        for (size_t i = 0; i < batch->count; i++) {
            batch->parts[i] = (struct part){.run = json_integer_value(json_array_get(ids, i)),
                                            .cluster = xstrdup(json_string_or_null(json_array_get(runs, i), "cluster")),
                                            .waits = true};
        }
    }
    json_decref(runs);
    json_decref(made);
    return failed;
}

int batch_start(struct session *session, struct err *err)
{
    struct batch batch = {0};
    size_t parallel = 1;
    if (check_options(session, err) || parallel_of(session, &parallel, err)) {
        return -1;
    }
    mention_top(session);
    if (begin(session, &batch, err)) {
        return -1;
    }
    log_info("batch %s: %zu runs; if this is ended, tare run --resume --batch %s goes on with them", batch.name, batch.count, batch.name);
    int failed = go(&batch, parallel, err);
    batch_release(&batch);
    return failed;
}

/* The runs that count for the batch: what a rerun took the place of is nobody's any more. */
static void take_parts(struct batch *batch, const json_t *runs)
{
    size_t index;
    json_t *run;
    batch->parts = xcalloc_array(json_array_size(runs), sizeof *batch->parts);
    json_array_foreach(runs, index, run)
    {
        if (json_is_integer(json_object_get(run, "later"))) {
            continue;
        }
        batch->parts[batch->count++] = (struct part){.run = json_int_or(run, "run", 0),
                                                     .cluster = xstrdup(json_string_or_null(run, "cluster")),
                                                     .waits = str_equal(json_string_or_null(run, "state"), "running")};
    }
}

int batch_resume(struct session *session, const char *name, struct err *err)
{
    struct batch batch = {.session = session};
    json_t *there;
    size_t parallel = 1;
    if (session_operands(session, 0, 0, "tare run --resume --batch NAME", err) || parallel_of(session, &parallel, err) ||
        ledger_batch_get(session->ledger, name, &there, err)) {
        return -1;
    }
    batch.name = xstrdup(json_string_or_null(there, "batch"));
    take_parts(&batch, json_object_get(there, "runs"));
    json_decref(there);
    int failed = go(&batch, parallel, err);
    batch_release(&batch);
    return failed;
}
