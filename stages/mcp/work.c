#include "stages/mcp/work.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "stages/mcp/mask.h"
#include "stages/mcp/item.h"

enum { RUNS_LOOKED_AT = 100, LINE_MAX = 16 * 1024 * 1024, TEXT_MAX = 8 * 1024 * 1024, REPORT_DEFAULT = 65536, EXPLAIN_MAX = 262144 };

static void clear_words(struct work *work)
{
    for (size_t i = 0; i < work->count; i++) {
        free(work->words[i]);
    }
    work->count = 0;
    work->words[0] = NULL;
}

/* Steals the word. */
static void word_new(struct work *work, char *word)
{
    if (work->count < WORK_WORDS_MAX) {
        work->words[work->count++] = word;
        work->words[work->count] = NULL;
    } else {
        free(word);
    }
}

static void word(struct work *work, const char *text)
{
    word_new(work, xstrdup(text));
}

static const char *argument(const struct work *work, const char *key)
{
    return json_string_or_null(work->arguments, key);
}

/* What a client is given: text for a model, and for tools with a schema the value itself. Steals both. */
static void finish(struct work *work, char *text, json_t *structured, bool is_error)
{
    clear_words(work);
    work->result = tools_said(text, is_error);
    if (structured != NULL) {
        json_object_set_new(work->result, "structuredContent", structured);
    }
    free(text);
}

static void finish_value(struct work *work, json_t *value)
{
    finish(work, json_text(value), value, false);
}

void work_fail(struct work *work, const struct err *err)
{
    bool hint = err->hint[0] != '\0';
    finish(work, xasprintf("%s%s%s", err->message, hint ? "\nhint: " : "", err->hint), NULL, true);
}

static void words_of_artifact(struct work *work, const char *stage)
{
    word(work, "show");
    word_new(work, xasprintf("%" PRId64, work->run));
    word(work, stage);
    work->paged = true;
}

static void words_of_explain(struct work *work)
{
    word(work, "explain");
    word_new(work, xasprintf("%" PRId64, work->run));
    word(work, argument(work, "workload"));
}

static int64_t report_bytes(const struct work *work)
{
    return json_int_or(work->arguments, "max_bytes", REPORT_DEFAULT);
}

static const char *report_format(const struct work *work)
{
    const char *format = argument(work, "format");
    return format == NULL ? "markdown" : format;
}

static void words_of_report(struct work *work)
{
    word(work, "report");
    word_new(work, xasprintf("%" PRId64, work->run));
    word_new(work, xasprintf("--format=%s", report_format(work)));
    if (str_equal(report_format(work), "markdown")) {
        word_new(work, xasprintf("--max-bytes=%" PRId64, report_bytes(work)));
    }
}

static void amount_words(struct work *work, const json_t *container, const char *what)
{
    static const char *const resources[] = {"cpu", "memory"};
    for (size_t i = 0; i < ARRAY_COUNT(resources); i++) {
        const char *amount = json_string_or_null(json_object_get(container, what), resources[i]);
        if (amount != NULL) {
            word_new(work, xasprintf("%s.%s.%s=%s", json_string_or_null(container, "name"), what, resources[i], amount));
        }
    }
}

static void words_of_scale(struct work *work)
{
    size_t index = 0;
    const json_t *container = NULL;
    word(work, "propose");
    word_new(work, xasprintf("%" PRId64, work->run));
    word(work, argument(work, "workload"));
    json_array_foreach(json_object_get(work->arguments, "containers"), index, container)
    {
        amount_words(work, container, "requests");
        amount_words(work, container, "limits");
    }
    word_new(work, xasprintf("--reason=%s", argument(work, "reason")));
    word(work, "--format=json");
}

static void words_of_runs(struct work *work, int64_t limit)
{
    word(work, "status");
    word(work, "--format=json");
    word_new(work, xasprintf("--limit=%" PRId64, limit));
}

/* The words that answer the call, once the run is known. */
static void words_of_tool(struct work *work)
{
    clear_words(work);
    work->finding = false;
    switch (work->tool) {
    case TOOL_STATE: words_of_artifact(work, "parse"); break;
    case TOOL_METRICS: words_of_artifact(work, "collect"); break;
    case TOOL_RECOMMENDATIONS: words_of_artifact(work, "gate"); break;
    case TOOL_EXPLAIN: words_of_explain(work); break;
    case TOOL_REPORT: words_of_report(work); break;
    case TOOL_SCALE: words_of_scale(work); break;
    case TOOL_RUNS:
    case TOOL_COUNT: words_of_runs(work, json_int_or(work->arguments, "limit", 20)); break;
    }
}

static extract_item *item_of(enum tool tool)
{
    return tool == TOOL_STATE ? item_state : tool == TOOL_METRICS ? item_metrics : item_recommendation;
}

/* The run of the arguments, or of the cursor, which goes on where its page ended. ERR_USAGE. */
static int settle_run(struct work *work, struct err *err)
{
    const char *cursor = argument(work, "cursor");
    int64_t of_cursor = 0;
    size_t ignored;
    work->run = json_int_or(work->arguments, "run", 0);
    if (cursor != NULL && extract_cursor(cursor, &of_cursor, &ignored, err)) {
        return -1;
    }
    if (cursor != NULL && work->run != 0 && work->run != of_cursor) {
        return err_set(err, ERR_USAGE, "the cursor is of run %" PRId64 " and the arguments ask for run %" PRId64, of_cursor, work->run);
    }
    work->run = work->run == 0 ? of_cursor : work->run;
    return 0;
}

struct work *work_new(enum tool tool, json_t *arguments)
{
    struct work *work = xcalloc(sizeof *work);
    struct err err = {0};
    work->tool = tool;
    work->arguments = arguments;
    buf_init(&work->text, TEXT_MAX);
    frame_init(&work->lines, LINE_MAX);
    if (settle_run(work, &err) || extract_init(&work->extract, arguments, item_of(tool), &err)) {
        work_fail(work, &err);
    } else if (work->run == 0 && tool != TOOL_RUNS) {
        work->finding = true;
        words_of_runs(work, RUNS_LOOKED_AT);
    } else {
        words_of_tool(work);
    }
    return work;
}

void work_free(struct work *work)
{
    if (work == NULL) {
        return;
    }
    clear_words(work);
    extract_release(&work->extract);
    frame_release(&work->lines);
    buf_release(&work->text);
    json_decref(work->arguments);
    json_decref(work->result);
    free(work);
}

static void line_of_artifact(void *context, const char *line, size_t length)
{
    extract_line(context, line, length);
}

void work_take(struct work *work, const char *bytes, size_t length)
{
    if (work->paged) {
        frame_add(&work->lines, bytes, length, line_of_artifact, &work->extract);
        return;
    }
    size_t room = work->text.cap - work->text.length;
    buf_add(&work->text, bytes, length < room ? length : room);
    work->text.overflow = work->text.overflow || length > room;
}

const char *work_stage(const struct work *work)
{
    return work->finding ? "looks for the newest run" : work->tool == TOOL_SCALE ? "makes a plan" : "reads the run";
}

/* What `tare` said when it could not do it. */
static void fail_with(struct work *work, int exit_code, const char *complaint)
{
    char *said = xstrdup(complaint);
    mask_lines(said);
    size_t length = strlen(said);
    while (length > 0 && said[length - 1] == '\n') {
        said[--length] = '\0';
    }
    if (length == 0) {
        const char *meaning = err_meaning(exit_code);
        free(said);
        said = xasprintf("tare ended with the exit code %d: %s", exit_code, meaning == NULL ? "it was ended" : meaning);
    }
    finish(work, said, NULL, true);
}

/* The value that was printed, masked; NULL where it is none of this type. New. */
static json_t *printed(const struct work *work, json_type type)
{
    struct err ignored = {0};
    json_t *value = json_read(buf_str(&work->text), work->text.length, "what tare prints", &ignored);
    json_t *out = value != NULL && json_typeof(value) == type ? mask_value(value) : NULL;
    json_decref(value);
    return out;
}

static void odd_answer(struct work *work)
{
    struct err err = {0};
    err_set(&err, ERR_SOFTWARE, "tare printed what is no answer to %s", tools_name(work->tool));
    err_hint(&err, "tare and tare-mcp must be of one version: build or install them together");
    work_fail(work, &err);
}

/* A run that is under way or failed has no plan to speak of, and one made of a proposal is about its one workload. */
static bool speaks_of_all(const json_t *run)
{
    const char *state = json_string_or_null(run, "state");
    const json_t *proposal = json_object_get(run, "proposal");
    return state != NULL && !str_equal(state, "running") && !str_equal(state, "failed") && (proposal == NULL || json_is_null(proposal));
}

static void found_runs(struct work *work)
{
    json_t *runs = printed(work, JSON_ARRAY);
    size_t index = 0;
    const json_t *run = NULL;
    if (runs == NULL) {
        odd_answer(work);
        return;
    }
    json_array_foreach(runs, index, run)
    {
        if (work->run == 0 && speaks_of_all(run)) {
            work->run = json_int_or(run, "run", 0);
        }
    }
    json_decref(runs);
    buf_clear(&work->text);
    if (work->run > 0) {
        words_of_tool(work);
        return;
    }
    struct err err = {0};
    err_set(&err, ERR_NOINPUT, "no run that this login sees came to its end yet");
    err_hint(&err, "a person starts one: tare run");
    work_fail(work, &err);
}

/* Text as it is, cut at a line end where it is longer than asked for. */
static void finish_text(struct work *work, size_t most)
{
    bool cut = work->text.length > most || work->text.overflow;
    size_t length = work->text.length < most ? work->text.length : most;
    while (cut && length > 0 && work->text.data[length - 1] != '\n') {
        length--;
    }
    char *text = xstrndup(buf_str(&work->text), length);
    mask_lines(text);
    if (cut) {
        char *whole = xasprintf("%s[cut: the whole text has more than %zu bytes; a person reads it with tare %s %" PRId64 " …]\n", text,
                                length, work->tool == TOOL_EXPLAIN ? "explain" : "report", work->run);
        free(text);
        text = whole;
    }
    finish(work, text, NULL, false);
}

static void finish_runs(struct work *work)
{
    json_t *runs = printed(work, JSON_ARRAY);
    if (runs == NULL) {
        odd_answer(work);
        return;
    }
    json_t *value = json_object();
    json_object_set_new(value, "runs", runs);
    finish_value(work, value);
}

/* A plan that the gate blocks is an answer too (77). */
static void finish_scale(struct work *work, int exit_code, const char *complaint)
{
    json_t *value = exit_code == 0 || exit_code == ERR_REFUSED ? printed(work, JSON_OBJECT) : NULL;
    int64_t run;
    if (value == NULL || !json_get_int(value, "run", &run)) {
        json_decref(value);
        if (exit_code == 0) {
            odd_answer(work);
        } else {
            fail_with(work, exit_code, complaint);
        }
        return;
    }
    json_object_set_new(value, "note",
                        json_string("This is a plan. Nothing was applied, and no tool of this server can approve or apply it: "
                                    "people do, with the commands."));
    finish_value(work, value);
}

void work_ended(struct work *work, int exit_code, const char *complaint)
{
    if (work->tool == TOOL_SCALE && !work->finding) {
        finish_scale(work, exit_code, complaint);
    } else if (exit_code != 0) {
        fail_with(work, exit_code, complaint);
    } else if (work->finding) {
        found_runs(work);
    } else if (work->paged) {
        finish_value(work, extract_result(&work->extract, work->run));
    } else if (work->tool == TOOL_RUNS) {
        finish_runs(work);
    } else {
        finish_text(work, work->tool == TOOL_EXPLAIN ? EXPLAIN_MAX : (size_t)report_bytes(work));
    }
}
