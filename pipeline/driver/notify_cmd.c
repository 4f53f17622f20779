#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/log.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/cli/receivers.h"
#include "pipeline/driver/command.h"
#include "pipeline/driver/notify_exec.h"
#include "pipeline/driver/table.h"
#include "pipeline/io/json.h"

static const char usage[] = "tare notify [list | send | test [NAME] | retry ID]";

static void text_cell(struct table *table, const json_t *row, const char *key)
{
    int64_t number;
    if (json_get_int(row, key, &number)) {
        table_cellf(table, "%" PRId64, number);
    } else {
        table_cell(table, json_string_or_null(row, key));
    }
}

static void print_table(const json_t *rows)
{
    static const char *const keys[] = {"id", "run", "event", "receiver", "state", "attempts", "made", "next_try", "last_error"};
    static const char *const heads[] = {">ID", ">RUN", "EVENT", "RECEIVER", "STATE", ">TRIES", "MADE", "NEXT TRY", "WHY NOT"};
    struct table *table = table_new(ARRAY_COUNT(heads), heads);
    size_t index;
    json_t *row;
    json_array_foreach(rows, index, row)
    {
        for (size_t i = 0; i < ARRAY_COUNT(keys); i++) {
            text_cell(table, row, keys[i]);
        }
    }
    if (index > 0) {
        table_print(table, stdout);
    } else {
        log_info("nobody was told of anything yet: `notify` in tare.yaml says who is");
    }
    table_free(table);
}

static int list(struct session *session, struct err *err)
{
    bool json;
    json_t *rows;
    int64_t limit = options_integer(session->options, OPT_LIMIT, NULL);
    if (session_operands(session, 0, 1, usage, err) || session_json(session, &json, err) ||
        ledger_notify_list(session->ledger, limit > 0 && limit <= 1000 ? (int)limit : 1000, &rows, err)) {
        return -1;
    }
    if (json) {
        char *text = json_text(rows);
        puts(text);
        free(text);
    } else {
        print_table(rows);
    }
    json_decref(rows);
    return 0;
}

/* What tare-notify says stands on standard error already; its exit code is this command's. */
static int hand_over(struct session *session, const char *const *words, struct err *err)
{
    int code = 0;
    if (notify_run(session, words, &code, err)) {
        return -1;
    }
    session->verdict.class = err_meaning(code) == NULL ? ERR_SOFTWARE : (enum err_class)code;
    return 0;
}

static int send_now(struct session *session, struct err *err)
{
    static const char *const words[] = {"--now", "--wait=30s", NULL};
    return session_operands(session, 1, 1, usage, err) ? -1 : hand_over(session, words, err);
}

static int test(struct session *session, struct err *err)
{
    if (session_operands(session, 1, 2, usage, err)) {
        return -1;
    }
    if (json_array_size(config_value(session->config, "notify")) == 0) {
        err_set(err, ERR_CONFIG, "there is nobody to tell: tare.yaml has no `notify`");
        return err_hint(err, "the README shows one to copy");
    }
    bool named = options_operands(session->options) == 2;
    char *name = named ? xasprintf("--receiver=%s", options_operand(session->options, 1)) : NULL;
    const char *const words[] = {"--test", name, NULL};
    int failed = hand_over(session, words, err);
    free(name);
    return failed;
}

static int retry(struct session *session, struct err *err)
{
    int64_t id;
    int64_t count;
    if (session_operands(session, 2, 2, usage, err)) {
        return -1;
    }
    if (str_int64(options_operand(session->options, 1), 1, INT64_MAX, &id)) {
        err_set(err, ERR_USAGE, "\"%s\" is not the number of a notification", options_operand(session->options, 1));
        return err_hint(err, "tare notify list shows them");
    }
    if (ledger_notify_retry(session->ledger, id, &count, err)) {
        return -1;
    }
    static const char *const words[] = {NULL};
    return hand_over(session, words, err);
}

int command_notify(struct session *session, struct err *err)
{
    static const struct {
        const char *word;
        int (*run)(struct session *session, struct err *err);
    } verbs[] = {{"list", list}, {"send", send_now}, {"test", test}, {"retry", retry}};
    const char *word = options_operands(session->options) == 0 ? "list" : options_operand(session->options, 0);
    for (size_t i = 0; i < ARRAY_COUNT(verbs); i++) {
        if (strcmp(verbs[i].word, word) == 0) {
            return verbs[i].run(session, err);
        }
    }
    err_set(err, ERR_USAGE, "tare notify has list, send, test and retry, not \"%s\"", word);
    return err_hint(err, "usage: %s", usage);
}
