#include "pipeline/cli/stage.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/buf.h"
#include "pipeline/base/clock.h"
#include "pipeline/base/log.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/cli/help.h"
#include "pipeline/io/fs.h"
#include "pipeline/run/ledger.h"
#include "pipeline/run/record.h"

const char *tare_version(void)
{
    return TARE_VERSION;
}

json_t *stage_settings(struct stage *stage)
{
    return stage->out == NULL ? NULL : json_object_get(artifact_writer_settings(stage->out), stage->spec->name);
}

/* Under the keys of one cluster the records of another would be measured, priced and judged as what they are not. */
static int check_cluster(const struct stage *stage, const json_t *record, struct err *err)
{
    const char *taken = config_cluster(stage->config);
    const char *its = json_string_or_null(record_workload(record), "cluster");
    if (taken == NULL || its == NULL || strcmp(taken, its) == 0) {
        return 0;
    }
    err_set(err, ERR_DATA, "--cluster is %s, and the artifact has records of the cluster %s", taken, its);
    return err_hint(err, "give every program of the line the same --cluster");
}

int stage_read(struct stage *stage, json_t **record, struct err *err)
{
    int got = artifact_read(stage->in, record, err);
    if (got > 0 && check_cluster(stage, *record, err)) {
        json_decref(*record);
        return -1;
    }
    return got;
}

/* With --verbose: a problem or note of this stage, with its file where the message does not name it. */
static void log_problem(const struct stage *stage, const json_t *entry)
{
    const char *message = json_string_or_null(entry, "message");
    const char *file = json_string_or_null(json_object_get(entry, "source"), "file");
    if (message != NULL && str_equal(json_string_or_null(entry, "stage"), stage->spec->name)) {
        bool named = file == NULL || strstr(message, file) != NULL;
        log_debug("%s: %s%s%s", json_string_or_null(entry, "code"), named ? "" : file, named ? "" : ": ", message);
    }
}

/* Counts the problems that this stage found. */
static void take_problems(const struct stage *stage, const json_t *record)
{
    size_t index;
    json_t *problem;
    record_count_problems(record, stage->spec->name, stage->problem_counts);
    json_array_foreach(json_object_get(record, "problems"), index, problem)
    {
        log_problem(stage, problem);
    }
    log_problem(stage, record_note(record));
}

int stage_write(struct stage *stage, const json_t *record, struct err *err)
{
    take_problems(stage, record);
    return artifact_write(stage->out, record, err);
}

int stage_write_line(struct stage *stage, const char *line, size_t length, const json_t *added, struct err *err)
{
    take_problems(stage, added);
    return artifact_write_line(stage->out, line, length, added, err);
}

/* Opens stdin; a terminal there means that somebody typed the stage alone and would wait for ever. */
static int open_input(struct stage *stage, struct err *err)
{
    if (stage->spec->reads == 0 || (stage->spec->reads_none != NULL && stage->spec->reads_none(stage->options))) {
        return 0;
    }
    if (isatty(STDIN_FILENO)) {
        err_set(err, ERR_USAGE, "tare-%s reads an artifact on standard input, which is a terminal", stage->spec->name);
        return err_hint(err, "pipe the former stage in: tare-parse deploy/ | … | tare-%s", stage->spec->name);
    }
    return artifact_reader_new(STDIN_FILENO, "standard input", stage->spec->reads, &stage->in, err);
}

/* The header carries the settings of the whole line so far, so that a plan says what it was made from. */
static void open_output(struct stage *stage)
{
    if (stage->spec->writes == ARTIFACT_NONE || (stage->spec->writes_none != NULL && stage->spec->writes_none(stage->options))) {
        return;
    }
    const json_t *former = stage->in == NULL ? NULL : json_object_get(artifact_reader_header(stage->in), "settings");
    json_t *settings = json_is_object(former) ? json_deep_copy(former) : json_object();
    json_object_set_new(settings, stage->spec->name, json_object());
    char by[64];
    snprintf(by, sizeof by, "tare-%s %s", stage->spec->name, tare_version());
    stage->out = artifact_writer_new(STDOUT_FILENO, stage->spec->writes, stage->created, by, settings);
}

/* The default pass: each workload gets the stage's member, notes go through as they are. */
static int filter(struct stage *stage, struct err *err)
{
    for (;;) {
        json_t *record;
        int got = stage_read(stage, &record, err);
        if (got <= 0) {
            return got;
        }
        int failed = record_workload(record) != NULL && stage->spec->record(stage, record, err);
        failed = failed || stage_write(stage, record, err);
        json_decref(record);
        arena_clear(&stage->arena);
        if (failed) {
            return -1;
        }
    }
}

static void summarize(const struct stage *stage)
{
    if (stage->out == NULL) {
        return;
    }
    struct buf codes;
    buf_init(&codes, 1024);
    const char *code;
    json_t *count;
    json_object_foreach(stage->problem_counts, code, count)
    {
        buf_printf(&codes, "%s%s %" JSON_INTEGER_FORMAT, codes.length == 0 ? "; " : ", ", code, json_integer_value(count));
    }
    log_line(codes.length > 0 ? LOG_WARN : LOG_INFO, "%" PRId64 " workload%s%s", artifact_writer_workloads(stage->out),
             artifact_writer_workloads(stage->out) == 1 ? "" : "s", buf_str(&codes));
    buf_release(&codes);
}

static int finish(struct stage *stage, struct err *err)
{
    if (stage->spec->end != NULL && stage->spec->end(stage, err)) {
        return -1;
    }
    if (stage->out == NULL) {
        return 0;
    }
    const char *input = stage->in == NULL ? NULL : artifact_reader_digest(stage->in);
    if (stage->in != NULL) {
        json_t *former = json_object_get(artifact_reader_trailer(stage->in), "skipped");
        json_object_update_missing(stage->skipped, former);
    }
    return artifact_finish(stage->out, input, stage->skipped, err);
}

/* Reads the configuration, as the cluster of --cluster sees it. A name that is none of its clusters is still a label for tare-parse. */
static int load_config(struct stage *stage, struct err *err)
{
    const char *cluster = options_string(stage->options, OPT_CLUSTER);
    if (config_load(options_string(stage->options, OPT_CONFIG), &stage->config, err)) {
        return -1;
    }
    struct err unknown = {0};
    if (cluster != NULL && config_take_cluster(&stage->config, cluster, &unknown) && stage->spec->program != FOR_PARSE) {
        *err = unknown;
        return -1;
    }
    return 0;
}

static int prepare(struct stage *stage, const char *program, struct err *err)
{
    if (load_config(stage, err)) {
        return -1;
    }
    options_use_config(stage->options, stage->config);
    bool given;
    stage->created = options_integer(stage->options, OPT_CREATED, &given);
    if (!given) {
        stage->created = clock_now();
    }
    if (stage->spec->operands == NULL && options_operands(stage->options) > 0) {
        err_set(err, ERR_USAGE, "%s takes no operand, but was given \"%s\"", program, options_operand(stage->options, 0));
        return err_hint(err, "%s --help says what it takes", program);
    }
    if ((stage->spec->needs & (STAGE_NEEDS_LEDGER | STAGE_MUTATES)) != 0 &&
        ledger_open_options(stage->options, program, false, &stage->ledger, err)) {
        return -1;
    }
    if (open_input(stage, err)) {
        return -1;
    }
    open_output(stage);
    return 0;
}

/* A full disk may show only when the stream is closed: a stage that printed half an artifact must not exit 0. */
static int close_output(struct err *err)
{
    if (fflush(stdout) || ferror(stdout)) {
        return err_errno(err, ERR_IO, errno, "cannot write standard output");
    }
    if (close(STDOUT_FILENO) && errno != EBADF) {
        return err_errno(err, ERR_IO, errno, "cannot write standard output");
    }
    return 0;
}

static int pass(struct stage *stage, const char *program, struct err *err)
{
    if (prepare(stage, program, err)) {
        return -1;
    }
    if (stage->spec->begin != NULL && stage->spec->begin(stage, err)) {
        return -1;
    }
    int failed = stage->spec->run != NULL ? stage->spec->run(stage, err) : filter(stage, err);
    return failed || finish(stage, err) || close_output(err) ? -1 : 0;
}

static void release(struct stage *stage)
{
    if (stage->spec->release != NULL && stage->state != NULL) {
        stage->spec->release(stage);
    }
    artifact_reader_free(stage->in);
    artifact_writer_free(stage->out);
    ledger_close(stage->ledger);
    config_free(stage->config);
    options_free(stage->options);
    arena_release(&stage->arena);
    json_decref(stage->skipped);
    json_decref(stage->problem_counts);
    free(stage->state);
}

static int run_stage(const struct stage_spec *spec, const char *program, struct options *options)
{
    struct stage stage = {
        .spec = spec,
        .options = options,
        .skipped = json_object(),
        .problem_counts = json_object(),
        .state = xcalloc(spec->state_size),
    };
    arena_init(&stage.arena);
    struct err err = {0};
    int code = 0;
    if (pass(&stage, program, &err)) {
        code = err.class == ERR_NONE ? ERR_SOFTWARE : (int)err.class;
        log_err(&err);
    } else {
        summarize(&stage);
        code = (int)stage.verdict.class;
        if (code != 0) {
            log_err(&stage.verdict);
        }
    }
    release(&stage);
    return code;
}

int stage_main(const struct stage_spec *spec, int argc, char **argv)
{
    fs_take_standard_streams();
    json_init();
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    char program[64];
    snprintf(program, sizeof program, "tare-%s", spec->name);
    log_init(program, LOG_TEXT, LOG_INFO);
    struct options *options = NULL;
    struct err err = {0};
    if (clock_init(&err) || options_parse(argc, argv, spec->program, program, &options, &err)) {
        log_err(&err);
        return (int)err.class;
    }
    help_log_init(program, options);
    if (options_flag(options, OPT_HELP) || options_flag(options, OPT_VERSION)) {
        int code = options_flag(options, OPT_HELP) ? help_stage(spec) : help_version(program);
        options_free(options);
        return code;
    }
    return run_stage(spec, program, options);
}
