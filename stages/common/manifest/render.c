#include "stages/common/manifest/render.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/io/fs.h"
#include "pipeline/io/proc.h"
#include "stages/common/manifest/render_tree.h"

enum { RELEASE_MAX = 53, SAID_KEPT = 8 * 1024, SAID_SHOWN = 400, WORDS_MAX = 16 + RENDER_VALUES_MAX };

/* What the programs get to see of the environment. Git may not fetch, should one try. */
static const char *const environment_kept[] = {
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "LC_ALL",
    "TMPDIR",
    "XDG_DATA_HOME",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "HELM_DATA_HOME",
    "HELM_CACHE_HOME",
    "HELM_CONFIG_HOME",
};

struct words {
    char *items[WORDS_MAX];
    size_t count;
};

static const char *const names[] = {"helm", "kustomize"};

const char *render_tool_name(enum render_tool tool)
{
    return names[tool];
}

bool render_tool_named(const char *name, enum render_tool *tool)
{
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        if (str_equal(name, names[i])) {
            *tool = (enum render_tool)i;
            return true;
        }
    }
    return false;
}

json_t *render_settings_json(const struct render_settings *settings)
{
    json_t *values = json_array();
    for (size_t i = 0; i < settings->value_count; i++) {
        json_array_append_new(values, json_string_safe(settings->values[i]));
    }
    return json_pack("{s:s, s:o, s:o, s:I}", "namespace", settings->namespace, "release",
                     json_string_safe(settings->release), "values", values, "timeout_seconds",
                     (json_int_t)settings->seconds);
}

int render_settings_read(const json_t *json, struct render_settings *out, struct err *err)
{
    const json_t *values = json_object_get(json, "values");
    size_t index;
    json_t *value;
    *out = (struct render_settings){.namespace = json_string_or_null(json, "namespace"),
                                    .release = json_string_or_null(json, "release"),
                                    .seconds = json_int_or(json, "timeout_seconds", 0)};
    bool right = out->namespace != NULL && out->seconds > 0 && out->seconds <= RENDER_SECONDS_MAX &&
                 json_array_size(values) <= RENDER_VALUES_MAX;
    json_array_foreach(values, index, value)
    {
        right = right && json_is_string(value);
        if (right) {
            out->values[out->value_count++] = json_string_value(value);
        }
    }
    if (!right) {
        return err_set(err, ERR_DATA, "the header does not say how charts and kustomizations were rendered");
    }
    return render_settings_check(out, err);
}

int render_settings_over(const struct render_settings *base, const json_t *own, struct render_settings *out,
                         struct err *err)
{
    const json_t *values = json_object_get(own, "values");
    const char *release = json_string_or_null(own, "release");
    const char *namespace = json_string_or_null(own, "namespace");
    size_t index;
    json_t *value;
    *out = (struct render_settings){.namespace = namespace == NULL ? base->namespace : namespace,
                                    .release = release == NULL ? base->release : release,
                                    .seconds = base->seconds};
    if (json_array_size(values) + base->value_count > RENDER_VALUES_MAX) {
        return err_set(err, ERR_DATA, "there are more than %d files of values for one chart",
                       RENDER_VALUES_MAX);
    }
    json_array_foreach(values, index, value)
    {
        const char *path = json_string_value(value);
        out->values[out->value_count++] = path == NULL ? "" : path;
    }
    for (size_t i = 0; i < base->value_count; i++) {
        out->values[out->value_count++] = base->values[i];
    }
    return render_settings_check(out, err);
}

/* Names as helm takes them: lower-case letters, digits, dashes and dots. */
static bool is_release(const char *name)
{
    size_t length = strlen(name);
    return length > 0 && length <= RELEASE_MAX &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-.") == length &&
           strchr("-.", name[0]) == NULL && strchr("-.", name[length - 1]) == NULL;
}

int render_settings_check(const struct render_settings *settings, struct err *err)
{
    struct stat info;
    if (settings->release != NULL && !is_release(settings->release)) {
        return err_set(err, ERR_USAGE, "%s is no name of a Helm release", settings->release);
    }
    if (!is_release(settings->namespace)) {
        return err_set(err, ERR_USAGE, "%s is no name of a namespace", settings->namespace);
    }
    for (size_t i = 0; i < settings->value_count; i++) {
        const char *path = settings->values[i];
        if (path[strcspn(path, ",\n")] != '\0' || strstr(path, "://") != NULL) {
            return err_set(err, ERR_USAGE,
                           "the name of a values file may not hold a comma, or be an address: %s", path);
        }
        if (stat(path, &info) != 0 || !S_ISREG(info.st_mode)) {
            err_set(err, ERR_USAGE, "%s is no file of Helm values that can be read", path);
            return err_hint(
                err,
                "name the values file as it is reached from here: --helm-values charts/values-prod.yaml");
        }
    }
    return 0;
}

/* Steals `word`. */
static void add_word(struct words *words, char *word)
{
    words->items[words->count++] = word;
}

static void words_release(struct words *words)
{
    for (size_t i = 0; i < words->count; i++) {
        free(words->items[i]);
    }
}

/* A path that no program takes for an option. */
static char *safe_path(const char *path)
{
    return path[0] == '/' ? xstrdup(path) : xasprintf("./%s", path);
}

/* The chart's name in the form of a release's. */
static char *release_of(const char *folder)
{
    char *name = chart_name(folder);
    if (name == NULL) {
        return xstrdup("release");
    }
    name[strlen(name) > RELEASE_MAX ? RELEASE_MAX : strlen(name)] = '\0';
    for (char *c = name; *c != '\0'; c++) {
        *c = *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c == '_' ? '-' : *c;
    }
    if (!is_release(name)) {
        free(name);
        return xstrdup("release");
    }
    return name;
}

static void helm_words(const struct render_settings *settings, const char *folder, struct words *words)
{
    add_word(words, xstrdup("helm"));
    add_word(words, xstrdup("template"));
    add_word(words, settings->release == NULL ? release_of(folder) : xstrdup(settings->release));
    add_word(words, safe_path(folder));
    add_word(words, xasprintf("--namespace=%s", settings->namespace));
    add_word(words, xstrdup("--skip-tests"));
    for (size_t i = 0; i < settings->value_count; i++) {
        char *path = safe_path(settings->values[i]);
        add_word(words, xasprintf("--values=%s", path));
        free(path);
    }
}

/* Finds the program and its words. NULL when it is not installed. */
static char *find_program(const struct render_settings *settings, enum render_tool tool, const char *folder,
                          struct words *words)
{
    char *program = proc_find(names[tool]);
    if (tool == RENDER_HELM) {
        helm_words(settings, folder, words);
        return program;
    }
    if (program != NULL) {
        add_word(words, xstrdup("kustomize"));
        add_word(words, xstrdup("build"));
    } else {
        program = proc_find("kubectl");
        add_word(words, xstrdup("kubectl"));
        add_word(words, xstrdup("kustomize"));
    }
    add_word(words, safe_path(folder));
    return program;
}

static void build_environment(struct words *environment)
{
    for (size_t i = 0; i < ARRAY_COUNT(environment_kept); i++) {
        const char *value = getenv(environment_kept[i]);
        if (value != NULL) {
            add_word(environment, xasprintf("%s=%s", environment_kept[i], value));
        }
    }
    add_word(environment, xstrdup("GIT_ALLOW_PROTOCOL=none"));
    add_word(environment, xstrdup("GIT_TERMINAL_PROMPT=0"));
}

/* What a program said last: from its last line that begins with "Error:" on, in one line. */
static void last_said(const struct buf *said, struct buf *out)
{
    const char *text = buf_str(said);
    const char *from = text;
    const char *last = text;
    for (const char *line = text; line != NULL && *line != '\0'; line = strchr(line, '\n')) {
        line += *line == '\n';
        from = str_starts(line, "Error:") ? line : from;
        last = *line != '\0' && !str_starts(line, "Use --debug") ? line : last;
    }
    from = str_starts(from, "Error:") ? from + strlen("Error:") : last;
    for (bool blank = true; *from != '\0' && out->length < SAID_SHOWN && !str_starts(from, "\n\nUse --debug");
         from++) {
        bool now = *from == ' ' || *from == '\n' || *from == '\t';
        if (!now || !blank) {
            buf_add_char(out, now ? ' ' : *from);
        }
        blank = now;
    }
    while (out->length > 0 && out->data[out->length - 1] == ' ') {
        out->data[--out->length] = '\0';
    }
}

static int refused(const char *folder, const struct words *words, int code, const struct buf *said,
                   struct err *err)
{
    struct buf line;
    buf_init(&line, SAID_SHOWN + 16);
    last_said(said, &line);
    err_set(err, ERR_DATA, "%s %s cannot render %s: %s", words->items[0], words->items[1], folder,
            buf_str(&line));
    if (line.length == 0) {
        err_set(err, ERR_DATA, "%s %s cannot render %s: it ended with the exit code %d and said nothing",
                words->items[0], words->items[1], folder, code);
    }
    if (strstr(buf_str(&line), "dependencies") != NULL) {
        err_hint(err, "helm dependency build %s", folder);
    }
    buf_release(&line);
    return -1;
}

static int not_installed(enum render_tool tool, const char *folder, struct err *err)
{
    bool helm = tool == RENDER_HELM;
    err_set(err, ERR_UNAVAILABLE, "%s is %s, and %s installed: no folder of PATH has it", folder,
            helm ? "a Helm chart" : "a kustomization",
            helm ? "helm is not" : "neither kustomize nor kubectl is");
    return err_hint(err, "install %s, or run without --render", names[tool]);
}

/* Sets the error of a program that did not end by itself. */
static int cut_off(const struct render_settings *settings, const struct words *words, const char *folder,
                   const struct buf *out, struct err *err)
{
    if (err->class == ERR_TEMPFAIL) {
        err_set(err, ERR_DATA, "%s %s did not render %s within %" PRId64 " s", words->items[0],
                words->items[1], folder, settings->seconds);
        return err_hint(err, "--render-timeout gives it longer");
    }
    if (out->overflow) {
        err_set(err, ERR_DATA, "%s %s makes more than %zu bytes of %s", words->items[0], words->items[1],
                out->cap, folder);
        return err_hint(err, "--max-file-bytes lets it be more");
    }
    err->class = ERR_DATA;
    return -1;
}

int render_folder(const struct render_settings *settings, enum render_tool tool, const char *folder,
                  struct buf *out, struct err *err)
{
    struct words words = {0};
    struct words environment = {0};
    struct buf said;
    int code = 0;
    char *program = find_program(settings, tool, folder, &words);
    int failed = program == NULL ? not_installed(tool, folder, err) : 0;
    build_environment(&environment);
    buf_init(&said, SAID_KEPT);
    if (!failed) {
        struct proc proc = {.path = program,
                            .argv = words.items,
                            .environment = environment.items,
                            .stdin_fd = -1,
                            .stderr_tail = &said};
        failed = proc_capture(&proc, out, settings->seconds * 1000, &code, err)
                     ? cut_off(settings, &words, folder, out, err)
                 : code != 0 ? refused(folder, &words, code, &said, err)
                             : 0;
    }
    buf_release(&said);
    words_release(&environment);
    words_release(&words);
    free(program);
    return failed;
}
