#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/buf.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/cli/calendars.h"
#include "pipeline/cli/inforce.h"
#include "pipeline/cli/stage.h"
#include "pipeline/driver/command.h"
#include "pipeline/driver/table.h"
#include "pipeline/io/fs.h"
#include "pipeline/io/hash.h"
#include "pipeline/run/ledger_policy.h"
#include "pipeline/run/window.h"

enum { POLICY_MAX = 1024 * 1024, DIGEST_LEAST = 6 };

static const char usage[] = "usage: tare policy check FILE | test FILE [CASES] | set FILE | show [DIGEST] | history";

static int open_ledger(struct session *session, struct err *err)
{
    return ledger_open_options(session->options, "tare policy", false, &session->ledger, err);
}

/* The parts of a configuration that are policy. New. */
static json_t *policy_part(const struct config *config)
{
    static const char *const parts[] = {"policy", "approvals", "windows"};
    json_t *policy = json_object();
    for (size_t i = 0; i < ARRAY_COUNT(parts); i++) {
        json_t *part = json_object_get(config_root(config), parts[i]);
        json_object_set_new(policy, parts[i], part == NULL ? json_null() : json_deep_copy(part));
    }
    return policy;
}

/* A policy that cannot be evaluated must not come into force: one whose calendars cannot be read neither. *files receives them. */
static int check_policy(const struct config *config, const char *path, json_t **files, struct err *err)
{
    char *directory = fs_dirname(path);
    struct window_set *set = window_set_new();
    int failed = config_calendars(config, directory, files, err) || config_windows(config, *files, set, err);
    window_set_free(set);
    free(directory);
    return failed;
}

/* Runs tare-policy with these operands; its exit code is the verdict. What it says of a file that is set goes to stderr alone. */
static int run_checker(struct session *session, const char *const *operands, size_t count, int out, struct err *err)
{
    struct words words = {0};
    words_add(&words, xstrdup("tare-policy"));
    words_add_all(&words, options_forward(session->options, FOR_POLICY, false));
    words_add_all(&words, options_forward(session->options, FOR_POLICY, true));
    if (session->config_file != NULL) {
        words_add(&words, xasprintf("--config=%s", session->config_file));
    }
    words_add(&words, xstrdup("--"));
    for (size_t i = 0; i < count; i++) {
        words_add(&words, xstrdup(operands[i]));
    }
    return session_run_beside(session, &words, -1, out, err);
}

/* tare policy check and test. */
static int policy_try(struct session *session, struct err *err)
{
    const char *operands[3];
    size_t count = options_operands(session->options);
    for (size_t i = 0; i < count; i++) {
        operands[i] = options_operand(session->options, i);
    }
    fflush(stdout);
    return run_checker(session, operands, count, STDOUT_FILENO, err);
}

/* What is to come into force is checked as tare policy check does it: errors refuse it, warnings are told. */
static int check_first(struct session *session, const char *path, bool *good, struct err *err)
{
    const char *operands[] = {"set", path};
    if (run_checker(session, operands, 2, STDERR_FILENO, err)) {
        return -1;
    }
    *good = session->verdict.class == ERR_NONE;
    return 0;
}

static int store(struct session *session, const char *path, struct err *err)
{
    struct buf text;
    struct config *config = NULL;
    json_t *files = NULL;
    char digest[LEDGER_DIGEST_SIZE];
    buf_init(&text, POLICY_MAX);
    int failed = fs_read(path, &text, err) || config_parse(buf_str(&text), text.length, path, &config, err) ||
                 check_policy(config, path, &files, err) || open_ledger(session, err);
    if (!failed) {
        json_t *policy = policy_part(config);
        failed = ledger_policy_set(session->ledger, buf_str(&text), policy, files, digest, err);
        json_decref(policy);
    }
    config_free(config);
    json_decref(files);
    buf_release(&text);
    if (!failed) {
        printf("policy %s is in force\n", digest);
    }
    return failed ? -1 : 0;
}

static int policy_set(struct session *session, struct err *err)
{
    const char *path = options_operand(session->options, 1);
    bool good = false;
    if (check_first(session, path, &good, err)) {
        return -1;
    }
    return good ? store(session, path, err) : 0;
}

static void show_calendars(const json_t *files)
{
    const char *name = NULL;
    json_t *text = NULL;
    json_object_foreach((json_t *)(uintptr_t)files, name, text)
    {
        char digest[DIGEST_HEX];
        const char *body = json_string_value(text);
        size_t length = json_string_length(text);
        printf("# calendar %s, sha256 %s\n", name, hash_bytes(body, length, digest));
        fwrite(body, 1, length, stdout);
        if (length > 0 && body[length - 1] != '\n') {
            putchar('\n');
        }
    }
}

static void print_policy(const json_t *policy)
{
    const char *text = json_string_or_null(policy, "text");
    printf("# policy %s, set by %s at %s\n%s", json_string_or_null(policy, "digest"), json_string_or_null(policy, "set_by"),
           json_string_or_null(policy, "at"), text == NULL ? "" : text);
    show_calendars(json_object_get(policy, "files"));
}

/* Says that there were others before. */
static int say_earlier(struct session *session, struct err *err)
{
    json_t *list = NULL;
    if (ledger_policy_list(session->ledger, 2, &list, err)) {
        return -1;
    }
    const json_t *before = json_array_get(list, 1);
    if (before != NULL) {
        printf("# before it: policy %.12s, set by %s at %s; tare policy history lists all\n", json_string_or_null(before, "digest"),
               json_string_or_null(before, "set_by"), json_string_or_null(before, "at"));
    }
    json_decref(list);
    return 0;
}

/* `wanted`: the beginning of an earlier one's digest, NULL: the one in force. */
static int policy_show(struct session *session, const char *wanted, struct err *err)
{
    json_t *policy = NULL;
    if (wanted != NULL && (strlen(wanted) < DIGEST_LEAST || wanted[strspn(wanted, "0123456789abcdef")] != '\0')) {
        err_set(err, ERR_USAGE, "\"%s\" is not the beginning of a digest", wanted);
        return err_hint(err, "tare policy history lists digests; %d hexadecimal digits or more are enough", DIGEST_LEAST);
    }
    if (open_ledger(session, err) || (wanted == NULL ? ledger_policy_get(session->ledger, &policy, err)
                                                     : ledger_policy_find(session->ledger, wanted, &policy, err))) {
        return -1;
    }
    if (policy == NULL) {
        puts("no policy is stored: the configuration of each run counts");
        return 0;
    }
    print_policy(policy);
    json_decref(policy);
    return wanted == NULL ? say_earlier(session, err) : 0;
}

static int policy_history(struct session *session, struct err *err)
{
    static const char *const heads[] = {"DIGEST", "SET BY", "AT", "IN FORCE"};
    bool given = false;
    bool as_json = false;
    json_t *list = NULL;
    if (session_json(session, &as_json, err) || open_ledger(session, err) ||
        ledger_policy_list(session->ledger, options_integer(session->options, OPT_LIMIT, &given), &list, err)) {
        return -1;
    }
    if (as_json) {
        char *text = json_text(list);
        puts(text);
        free(text);
        json_decref(list);
        return 0;
    }
    struct table *table = table_new(ARRAY_COUNT(heads), heads);
    size_t index;
    json_t *policy;
    json_array_foreach(list, index, policy)
    {
        table_cell(table, json_string_or_null(policy, "digest"));
        table_cell(table, json_string_or_null(policy, "set_by"));
        table_cell(table, json_string_or_null(policy, "at"));
        table_cell(table, json_is_true(json_object_get(policy, "in_force")) ? "yes" : "");
    }
    table_print(table, stdout);
    table_free(table);
    json_decref(list);
    return 0;
}

int command_policy(struct session *session, struct err *err)
{
    size_t count = options_operands(session->options);
    const char *what = count == 0 ? "" : options_operand(session->options, 0);
    if ((str_equal(what, "check") && count == 2) || (str_equal(what, "test") && (count == 2 || count == 3))) {
        return policy_try(session, err);
    }
    if (str_equal(what, "set") && count == 2) {
        return policy_set(session, err);
    }
    if (str_equal(what, "show") && count <= 2) {
        return policy_show(session, count == 2 ? options_operand(session->options, 1) : NULL, err);
    }
    if (str_equal(what, "history") && count == 1) {
        return policy_history(session, err);
    }
    err_set(err, ERR_USAGE, "tare policy %s is not understood", what);
    return err_hint(err, "%s", usage);
}
