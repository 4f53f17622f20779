#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/driver/line.h"
#include "pipeline/io/fs.h"
#include "pipeline/io/hash.h"

enum { CONFIG_MAX = 1024 * 1024 };

static json_t *take_words(char **words)
{
    json_t *list = json_array();
    for (size_t i = 0; words[i] != NULL; i++) {
        json_array_append_new(list, json_string_safe(words[i]));
        free(words[i]);
    }
    free(words);
    return list;
}

/* Name of an option word "--name=value" or "--name". */
static size_t name_length(const char *word)
{
    return strcspn(word, "=");
}

/* What was asked of one run alone. */
static bool of_one_run(const char *word)
{
    return strcmp(word, "--replay") == 0 || strcmp(word, "--estimate") == 0;
}

/* Words of an earlier run that were not typed anew. */
static void inherit_words(json_t *list, const json_t *base)
{
    size_t index;
    json_t *old;
    size_t now = json_array_size(list); /* what is inherited may repeat */
    json_array_foreach(base, index, old)
    {
        const char *word = json_string_value(old);
        bool typed = of_one_run(word);
        for (size_t k = 0; k < now; k++) {
            const char *other = json_string_value(json_array_get(list, k));
            typed = typed || (name_length(word) == name_length(other) && strncmp(word, other, name_length(word)) == 0);
        }
        if (!typed) {
            json_array_append(list, old);
        }
    }
}

/* Every program of a run sees the configuration as the run's cluster does. */
static void add_cluster(const struct session *session, programs program, json_t *list)
{
    const char *cluster = config_cluster(session->config);
    if (cluster != NULL && !options_typed(session->options, OPT_CLUSTER) && (option_table()[OPT_CLUSTER].users & program) != 0) {
        char *word = xasprintf("--cluster=%s", cluster);
        json_array_append_new(list, json_string_safe(word));
        free(word);
    }
}

static json_t *stage_options(const struct session *session, const json_t *base)
{
    json_t *all = json_object();
    for (size_t i = 0; line_programs[i].stage != NULL; i++) {
        json_t *list = take_words(options_forward(session->options, line_programs[i].program, false));
        add_cluster(session, line_programs[i].program, list);
        inherit_words(list, json_object_get(json_object_get(base, "options"), line_programs[i].stage));
        json_object_set_new(all, line_programs[i].stage, list);
    }
    return all;
}

/* Whether a list of strings has this one. */
static bool has_word(const json_t *list, const json_t *word)
{
    size_t index;
    json_t *item;
    json_array_foreach(list, index, item)
    {
        if (json_equal(item, word)) {
            return true;
        }
    }
    return false;
}

int line_check_typed(const struct session *session, const json_t *settings, int64_t run, struct err *err)
{
    json_t *typed = stage_options(session, NULL);
    int failed = 0;
    for (size_t stage = 0; stage < line_length() && !failed; stage++) {
        const json_t *list = json_object_get(typed, line_stage(stage));
        const json_t *stored = json_object_get(json_object_get(settings, "options"), line_stage(stage));
        for (size_t i = 0; i < json_array_size(list) && !failed; i++) {
            const char *word = json_string_value(json_array_get(list, i));
            if (!has_word(stored, json_array_get(list, i))) {
                err_set(err, ERR_USAGE, "run %" PRId64 " did not begin with this %.*s, and a resumed run keeps what it began with",
                        run, (int)name_length(word), word);
                failed = err_hint(err, "tare run --resume %" PRId64 " without it, or: tare rerun %" PRId64 " --from parse with it",
                                  run, run);
            }
        }
    }
    json_decref(typed);
    return failed;
}

/* The paths that were typed, else those of the run before, else the configuration's. */
static json_t *paths(const struct session *session, const json_t *base, bool rerun)
{
    json_t *list = json_array();
    for (size_t i = 0; !rerun && i < options_operands(session->options); i++) {
        json_array_append_new(list, json_string_safe(options_operand(session->options, i)));
    }
    if (json_array_size(list) == 0 && base != NULL) {
        json_array_extend(list, json_object_get(base, "paths"));
    }
    return list;
}

int line_config_digest(const json_t *settings, char digest[DIGEST_HEX], struct err *err)
{
    struct buf text;
    buf_init(&text, CONFIG_MAX);
    char *path = fs_join(json_string_or_null(settings, "directory"), json_string_or_null(settings, "config"));
    int failed = fs_read(path, &text, err);
    if (!failed) {
        hash_bytes(buf_str(&text), text.length, digest);
    }
    free(path);
    buf_release(&text);
    return failed;
}

/* The configuration as it was named, where that holds in the run's folder too: paths in it, and so in the artifacts, stay as
 * people wrote them. */
static const char *config_name(const struct session *session, const json_t *base, bool same_folder)
{
    if (session->config_file == NULL) {
        return json_string_or_null(base, "config");
    }
    return same_folder ? config_path(session->config) : session->config_file;
}

int line_settings(const struct session *session, const json_t *base, json_t **out, struct err *err)
{
    char here[PATH_MAX];
    if (getcwd(here, sizeof here) == NULL) {
        return err_errno(err, ERR_NOINPUT, errno, "cannot tell the current folder");
    }
    const char *stored = json_string_or_null(base, "directory");
    const char *directory = stored == NULL ? here : stored;
    json_t *settings = json_object();
    json_object_set_new(settings, "directory", json_string_safe(directory));
    json_object_set_new(settings, "paths", paths(session, base, base != NULL));
    json_object_set_new(settings, "options", stage_options(session, base));
    bool alone = options_flag(session->options, OPT_NO_HISTORY) || !json_bool_or(base, "history", true);
    json_object_set_new(settings, "history", json_boolean(!alone));
    const char *config = config_name(session, base, strcmp(directory, here) == 0);
    if (config != NULL) {
        char digest[DIGEST_HEX];
        json_object_set_new(settings, "config", json_string_safe(config));
        if (line_config_digest(settings, digest, err)) {
            json_decref(settings);
            return -1;
        }
        json_object_set_new(settings, "config_sha256", json_string(digest));
    }
    *out = settings;
    return 0;
}

/* Takes words out of a list. */
static void drop_words(json_t *list, const char *const *drop, size_t count)
{
    for (size_t i = json_array_size(list); i-- > 0;) {
        for (size_t k = 0; k < count; k++) {
            if (str_equal(json_string_value(json_array_get(list, i)), drop[k])) {
                json_array_remove(list, i);
                break;
            }
        }
    }
}

int line_settings_beside(const json_t *base, json_t **out, struct err *err)
{
    static const char *const asked_once[] = {"--estimate", "--replay"};
    json_t *settings = json_deep_copy(base);
    json_object_del(settings, "replay");
    drop_words(json_object_get(json_object_get(settings, "options"), "analyze"), asked_once, ARRAY_COUNT(asked_once));
    if (json_string_or_null(settings, "config") != NULL) {
        char digest[DIGEST_HEX];
        if (line_config_digest(settings, digest, err)) {
            json_decref(settings);
            return -1;
        }
        json_object_set_new(settings, "config_sha256", json_string(digest));
    }
    *out = settings;
    return 0;
}

int line_stored_settings(const struct ledger_run *run, json_t **out, struct err *err)
{
    *out = json_read(run->settings, strlen(run->settings), "the settings of the run", err);
    return *out == NULL ? -1 : 0;
}
