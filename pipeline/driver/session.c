#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "pipeline/base/str.h"
#include "pipeline/driver/command.h"
#include "pipeline/io/fs.h"
#include "pipeline/io/proc.h"

int session_load_config(struct session *session, struct err *err)
{
    const char *path = options_string(session->options, OPT_CONFIG);
    if (path == NULL && access("tare.yaml", F_OK) == 0) {
        path = "tare.yaml";
    }
    if (config_load(path, &session->file, err)) {
        return -1;
    }
    session->config = session->file;
    options_use_config(session->options, session->config);
    if (path != NULL) {
        session->config_file = realpath(path, NULL);
    }
    return 0;
}

void session_release_config(struct session *session)
{
    if (session->config != session->file) {
        config_free(session->config);
    }
    config_free(session->file);
    free(session->config_file);
    session->config = NULL;
    session->file = NULL;
    session->config_file = NULL;
}

void session_follow(struct session *session, const char *cluster)
{
    struct config *view = cluster == NULL ? NULL : config_for_cluster(session->file, cluster);
    if (session->config != session->file) {
        config_free(session->config);
    }
    session->config = view != NULL ? view : session->file;
    options_use_config(session->options, session->config);
}

int session_take_cluster(struct session *session, const char *cluster, struct err *err)
{
    if (config_check_cluster(session->file, cluster, err)) {
        return -1;
    }
    session_follow(session, cluster);
    return 0;
}

int session_run_id(const struct session *session, size_t index, int64_t *run, struct err *err)
{
    if (index >= options_operands(session->options)) {
        err_set(err, ERR_USAGE, "the number of the run is missing");
        return err_hint(err, "tare status lists the runs");
    }
    const char *text = options_operand(session->options, index);
    if (str_int64(text, 1, INT64_MAX, run)) {
        err_set(err, ERR_USAGE, "\"%s\" is not the number of a run", text);
        return err_hint(err, "tare status lists the runs");
    }
    return 0;
}

int session_operands(const struct session *session, size_t least, size_t most, const char *usage, struct err *err)
{
    size_t count = options_operands(session->options);
    if (count > most) {
        err_set(err, ERR_USAGE, "\"%s\" is one operand too many", options_operand(session->options, most));
        return err_hint(err, "usage: %s", usage);
    }
    if (count < least) {
        err_set(err, ERR_USAGE, "an operand is missing");
        return err_hint(err, "usage: %s", usage);
    }
    return 0;
}

int session_json(const struct session *session, bool *json, struct err *err)
{
    const char *format = options_string(session->options, OPT_FORMAT);
    *json = str_equal(format, "json");
    if (format == NULL || *json || str_equal(format, "table")) {
        return 0;
    }
    err_set(err, ERR_USAGE, "--format is \"%s\", it must be table or json here", format);
    return err_hint(err, "reports have more formats: tare report RUN --format markdown");
}

int session_run_beside(struct session *session, struct words *words, int in, int out, struct err *err)
{
    words_add(words, NULL);
    char *path = fs_join(session->bin_directory, words->items[0]);
    const struct proc proc = {.path = path, .argv = words->items, .stdin_fd = in, .stdout_fd = out};
    int code = 0;
    int failed = proc_run(&proc, &code, err);
    if (!failed && code != 0) {
        session->verdict.class = err_meaning(code) == NULL ? ERR_SOFTWARE : (enum err_class)code;
    }
    free(path);
    words_release(words);
    return failed;
}
