#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/driver/schedule.h"
#include "pipeline/driver/words.h"
#include "pipeline/io/json.h"

/* What belongs to whoever runs a schedule, or makes no sense for what is run again and again. */
static int check_words(const struct options *options, struct err *err)
{
    static const enum option_id once[] = {OPT_RESUME, OPT_FROM, OPT_SCHEDULE, OPT_NOW, OPT_END};
    int failed = 0;
    char **own = options_forward(options, FOR_RUN, true);
    if (own[0] != NULL) {
        err_set(err, ERR_USAGE, "%.*s is not kept with a schedule: it is whoever runs it that says", (int)strcspn(own[0], "="), own[0]);
        failed = err_hint(err, "give it to tare run --schedule, or set it in the environment that the timer runs in");
    }
    for (size_t i = 0; own[i] != NULL; i++) {
        free(own[i]);
    }
    free(own);
    for (size_t i = 0; i < ARRAY_COUNT(once) && !failed; i++) {
        if (options_typed(options, once[i])) {
            failed = err_set(err, ERR_USAGE, "--%s cannot be part of a schedule", option_table()[once[i]].long_name);
            err_hint(err, "a schedule keeps what every one of its runs is given");
        }
    }
    return failed;
}

/* Paths that are typed must be there now. */
static int check_paths(const struct options *options, struct err *err)
{
    for (size_t i = 0; i < options_operands(options); i++) {
        const char *path = options_operand(options, i);
        if (access(path, R_OK)) {
            err_errno(err, ERR_NOINPUT, errno, "%s cannot be read", path);
            return err_hint(err, "paths are kept as they are typed, with this folder");
        }
    }
    return 0;
}

static json_t *request_of(const struct options *options, const char *config, const char *directory)
{
    json_t *request = json_object();
    json_t *words = json_array();
    json_t *paths = json_array();
    char **typed = options_forward(options, FOR_RUN, false);
    for (size_t i = 0; typed[i] != NULL; i++) {
        json_array_append_new(words, json_string_safe(typed[i]));
        free(typed[i]);
    }
    free(typed);
    for (size_t i = 0; i < options_operands(options); i++) {
        json_array_append_new(paths, json_string_safe(options_operand(options, i)));
    }
    json_object_set_new(request, "directory", json_string_safe(directory));
    json_object_set_new(request, "config", config == NULL ? json_null() : json_string_safe(config));
    json_object_set_new(request, "words", words);
    json_object_set_new(request, "paths", paths);
    return request;
}

int schedule_request(struct session *session, char **words, size_t count, json_t **out, const char **cluster, struct err *err)
{
    char here[PATH_MAX];
    if (getcwd(here, sizeof here) == NULL) {
        return err_errno(err, ERR_NOINPUT, errno, "cannot tell the current folder");
    }
    char **argv = xcalloc_array(count + 2, sizeof *argv);
    char program[] = "tare run";
    argv[0] = program;
    for (size_t i = 0; i < count; i++) {
        argv[i + 1] = words[i];
    }
    struct session run = {.options = NULL};
    int failed = options_parse((int)count + 1, argv, FOR_RUN, program, &run.options, err) || check_words(run.options, err) ||
                 session_load_config(&run, err) || check_paths(run.options, err);
    if (!failed) {
        const char *label = options_string(run.options, OPT_CLUSTER);
        bool several = json_array_size(config_value(run.file, "clusters")) > 0 && !options_typed(run.options, OPT_CLUSTER);
        *cluster = several ? "*" : arena_strdup(&session->arena, label == NULL ? "default" : label);
        *out = request_of(run.options, run.config_file, here);
    }
    free(argv);
    session_release_config(&run);
    options_free(run.options);
    return failed ? -1 : 0;
}

static void add_strings(struct words *words, const json_t *strings)
{
    size_t index;
    json_t *text;
    json_array_foreach(strings, index, text)
    {
        words_add(words, xstrdup(json_string_value(text)));
    }
}

int schedule_check_typed(const struct session *session, struct err *err)
{
    int failed = options_operands(session->options) > 0
                     ? err_set(err, ERR_USAGE, "tare run --schedule takes no \"%s\": the schedule has its paths",
                               options_operand(session->options, 0))
                     : 0;
    char **typed = options_forward(session->options, FOR_RUN, false);
    for (size_t i = 0; typed[i] != NULL; i++) {
        bool ours = str_starts(typed[i], "--schedule=") || strcmp(typed[i], "--now") == 0;
        if (!ours && !str_starts(typed[i], "--format=") && !failed) {
            failed = err_set(err, ERR_USAGE, "tare run --schedule takes no %.*s: the schedule has its own options",
                             (int)strcspn(typed[i], "="), typed[i]);
        }
        free(typed[i]);
    }
    free(typed);
    return failed ? err_hint(err, "tare schedule set changes what a schedule's runs are given") : 0;
}

/* Into the stored folder, unless this invocation has a configuration of its own: then that and where it stands count. */
static int take_place(const struct session *session, const json_t *request, struct words *words, struct err *err)
{
    const char *config = json_string_or_null(request, "config");
    const char *directory = json_string_or_null(request, "directory");
    if (options_given(session->options, OPT_CONFIG) && session->config_file != NULL) {
        words_add(words, xasprintf("--config=%s", session->config_file));
        return 0;
    }
    if (directory != NULL && chdir(directory)) {
        err_errno(err, ERR_NOINPUT, errno, "the folder %s, from which the schedule's runs start, cannot be entered", directory);
        return err_hint(err, "set the schedule again from a folder that is there, or name a configuration with -c");
    }
    if (config != NULL) {
        words_add(words, xasprintf("--config=%s", config));
    }
    return 0;
}

/* The session of tare run with these words in the place of this one's. */
static int take_words(struct session *session, struct words *words, struct err *err)
{
    struct session fresh = {.options = NULL};
    if (options_parse((int)words->count - 1, words->items, FOR_RUN, "tare run", &fresh.options, err)) {
        return -1;
    }
    if (session_load_config(&fresh, err)) {
        session_release_config(&fresh);
        options_free(fresh.options);
        return -1;
    }
    session_release_config(session);
    options_free(session->options);
    session->options = fresh.options;
    session->config = fresh.config;
    session->file = fresh.file;
    session->config_file = fresh.config_file;
    return 0;
}

int schedule_use(struct session *session, const json_t *row, int64_t run, struct err *err)
{
    const json_t *request = json_object_get(row, "request");
    struct words words = {0};
    words_add(&words, xstrdup("tare run"));
    words_add_all(&words, options_forward(session->options, FOR_RUN, true));
    if (options_typed(session->options, OPT_FORMAT)) {
        words_add(&words, xasprintf("--format=%s", options_string(session->options, OPT_FORMAT)));
    }
    int failed = take_place(session, request, &words, err);
    if (run != 0) {
        words_add(&words, xstrdup("--resume"));
        words_add(&words, xasprintf("%" PRId64, run));
    } else {
        add_strings(&words, json_object_get(request, "words"));
        words_add(&words, xstrdup("--"));
        add_strings(&words, json_object_get(request, "paths"));
    }
    words_add(&words, NULL);
    failed = failed || take_words(session, &words, err);
    words_release(&words);
    if (!failed) {
        session->schedule = arena_strdup(&session->arena, json_string_or_null(row, "name"));
    }
    return failed ? -1 : 0;
}
