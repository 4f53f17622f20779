#ifndef TARE_TESTS_UNIT_RUN_LEDGER_CASE_H
#define TARE_TESTS_UNIT_RUN_LEDGER_CASE_H

/* What the tests of the ledger share: two open handles, runs brought to a point, and checks of calls. Include
 * it after cmocka.h. */

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/mem.h"
#include "pipeline/io/fs.h"
#include "pipeline/io/json.h"
#include "pipeline/run/ledger.h"
#include "tests/harness/pg_server.h"

static const struct ledger_workload case_cart = {"shop", "Deployment", "cart"};
static const struct ledger_workload case_pay = {"pay", "StatefulSet", "ledger"};
static const char case_one_row[] =
    "[{\"namespace\":\"shop\",\"kind\":\"Deployment\",\"name\":\"cart\",\"verdict\":\"needs-approval\","
    "\"approvals_required\":1,\"risk\":\"low\",\"saving_microusd\":1500000,\"reasons\":[\"r\"]}]";
static const char case_two_rows[] =
    "[{\"namespace\":\"shop\",\"kind\":\"Deployment\",\"name\":\"cart\",\"verdict\":\"needs-approval\","
    "\"approvals_required\":1},{\"namespace\":\"pay\",\"kind\":\"StatefulSet\",\"name\":\"ledger\","
    "\"verdict\":\"needs-approval\",\"approvals_required\":2}]";

static struct ledger *op;
static struct ledger *rev;
static struct arena arena;
static struct err err;

/* ok(call) fails the test with the error's sentence. */
#define ok(call) \
    do { \
        memset(&err, 0, sizeof err); \
        if ((call) != 0) { \
            fail_msg("%s: %d %s (%s)", #call, (int)err.class, err.message, err.hint); \
        } \
    } while (0)

/* refused(call, class, words): fails with this class and a message that has these words. */
#define refused(call, wanted, words) \
    do { \
        memset(&err, 0, sizeof err); \
        assert_int_equal((call), -1); \
        if (err.class != (wanted) || strstr(err.message, words) == NULL) { \
            fail_msg("%s: %d %s", #call, (int)err.class, err.message); \
        } \
    } while (0)

/* Group set-up and tear-down: a server with the ledger, and the handles. */
static inline int case_start(void **state)
{
    (void)state;
    pg_server_start();
    op = pg_server_ledger("op");
    rev = pg_server_ledger("rev");
    arena_init(&arena);
    return 0;
}

static inline int case_stop(void **state)
{
    (void)state;
    ledger_close(op);
    ledger_close(rev);
    arena_release(&arena);
    pg_server_stop();
    return 0;
}

/* A spooled file with this text. */
static inline int case_file(const char *text, size_t length)
{
    int fd = -1;
    ok(fs_spool(&fd, &err));
    ok(fs_write_fd(fd, text, length, "spool", &err));
    return fd;
}

static inline int64_t case_run(struct ledger *ledger)
{
    struct ledger_run run;
    json_t *settings = json_pack("{s:s}", "window", "7d");
    const struct ledger_run_new wanted = {
        .cluster = "prod", .target = "files", .program = "0.1.0", .settings = settings};
    ok(ledger_run_create(ledger, &wanted, &arena, &run, &err));
    assert_int_equal(run.state, LEDGER_RUNNING);
    assert_string_equal(run.settings, "{\"window\": \"7d\"}");
    json_decref(settings);
    return run.id;
}

/* Stores `text` as the artifact of `stage`. */
static inline void case_stage(struct ledger *ledger, int64_t run, const char *stage, const char *kind,
                              const char *text, char digest[LEDGER_DIGEST_SIZE])
{
    int64_t attempt = 0;
    int fd = case_file(text, strlen(text));
    ok(ledger_attempt_begin(ledger, run, stage, NULL, NULL, &attempt, &err));
    ok(ledger_artifact_store(ledger, attempt, kind, fd, digest, &err));
    close(fd);
}

/* Text of an artifact with these workloads: the ledger compares them with the rows of the plan. New. */
static inline char *case_changes(const json_t *rows, int64_t run, const char *salt)
{
    char *text = xasprintf("{\"salt\":\"%lld %s\"}\n", (long long)run, salt);
    size_t index = 0;
    json_t *row = NULL;
    json_array_foreach(rows, index, row)
    {
        json_t *record = json_pack("{s:{s:O,s:O,s:O}}", "workload", "namespace", json_object_get(row, "namespace"), "kind",
                                   json_object_get(row, "kind"), "name", json_object_get(row, "name"));
        char *line = json_text(record);
        char *longer = xasprintf("%s%s\n", text, line);
        free(text);
        free(line);
        json_decref(record);
        text = longer;
    }
    return text;
}

/* A run with a plan of these rows. Returns its id; `digest` receives the plan's. */
static inline int64_t case_plan(const char *rows_text, const char *salt, char digest[LEDGER_DIGEST_SIZE],
                                enum ledger_state *state)
{
    int64_t id = case_run(op);
    json_t *rows = json_loads(rows_text, 0, NULL);
    char *text = case_changes(rows, id, salt);
    case_stage(op, id, "diff", "changes", text, digest);
    ok(ledger_plan_register(op, id, digest, rows, 0, state, &err));
    ok(ledger_run_unlock(op, id, &err));
    json_decref(rows);
    free(text);
    return id;
}

static inline enum ledger_state case_state(int64_t run)
{
    struct ledger_run got;
    ok(ledger_run_get(op, run, &arena, &got, &err));
    return got.state;
}

#endif
