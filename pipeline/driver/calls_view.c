#include "pipeline/driver/calls_view.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "pipeline/base/mem.h"
#include "pipeline/driver/rows.h"
#include "pipeline/driver/view.h"
#include "pipeline/run/ledger_answer.h"

enum { CALLS_MAX = 100000 };

/* Dollars to a ten-thousandth: a call mostly costs less than a cent. */
static void dollars_cell(struct table *table, const json_t *row)
{
    int64_t microusd;
    if (json_get_int(row, "cost_microusd", &microusd)) {
        table_cellf(table, "%" PRId64 ".%04" PRId64, microusd / 1000000, microusd % 1000000 / 100);
    } else {
        table_cell(table, NULL);
    }
}

static void tokens_cells(struct table *table, const json_t *row)
{
    rows_int_cell(table, row, "workloads");
    rows_int_cell(table, row, "input_tokens");
    rows_int_cell(table, row, "cache_read_tokens");
    rows_int_cell(table, row, "output_tokens");
    dollars_cell(table, row);
}

static void run_cells(struct table *table, const json_t *row)
{
    rows_int_cell(table, row, "run");
    table_cell(table, json_string_or_null(row, "cluster"));
    table_cell(table, json_string_or_null(row, "first"));
    rows_int_cell(table, row, "calls");
    rows_int_cell(table, row, "failed");
    tokens_cells(table, row);
}

static void call_cells(struct table *table, const json_t *row)
{
    table_cell(table, json_string_or_null(row, "at"));
    table_cell(table, json_string_or_null(row, "stage"));
    table_cell(table, json_string_or_null(row, "asked_by"));
    table_cell(table, json_string_or_null(row, "provider"));
    table_cell(table, json_string_or_null(row, "model"));
    table_cell(table, json_string_or_null(row, "outcome"));
    tokens_cells(table, row);
    rows_int_cell(table, row, "latency_ms");
    table_cellf(table, "%.12s", json_string_or_null(row, "prompt_digest") == NULL ? "-" : json_string_or_null(row, "prompt_digest"));
}

static int print_month(struct session *session, struct err *err)
{
    int64_t tokens;
    int64_t microusd;
    if (ledger_llm_month(session->ledger, &tokens, &microusd, err)) {
        return -1;
    }
    (void)printf("This month, over all runs: %" PRId64 " tokens, USD %" PRId64 ".%04" PRId64 ".\n", tokens, microusd / 1000000,
                 microusd % 1000000 / 100);
    return 0;
}

static int list_runs(struct session *session, bool json, int limit, struct err *err)
{
    static const char *const heads[] = {">RUN",       "CLUSTER", "FIRST CALL", ">CALLS",  ">FAILED",
                                        ">WORKLOADS", ">TOKENS IN", ">OF CACHE", ">OUT", ">USD"};
    json_t *rows;
    if (ledger_llm_runs(session->ledger, limit, &rows, err)) {
        return -1;
    }
    if (json) {
        return rows_json(rows);
    }
    bool some = json_array_size(rows) > 0;
    rows_print(rows, heads, ARRAY_COUNT(heads), run_cells, "no model was asked yet: tare run --llm anthropic asks one");
    return some ? print_month(session, err) : 0;
}

static int list_calls(struct session *session, bool json, struct err *err)
{
    static const char *const heads[] = {"AT",          "FOR",       "BY",   "PROVIDER", "MODEL", "OUTCOME", ">WORKLOADS",
                                        ">TOKENS IN", ">OF CACHE", ">OUT", ">USD",     ">MS",   "PROMPT SHA256"};
    int64_t id;
    struct ledger_run run;
    json_t *rows;
    if (session_run_id(session, 1, &id, err) || ledger_run_get(session->ledger, id, &session->arena, &run, err) ||
        ledger_llm_list(session->ledger, id, CALLS_MAX, &rows, err)) {
        return -1;
    }
    return json ? rows_json(rows) : rows_print(rows, heads, ARRAY_COUNT(heads), call_cells, "this run asked no model");
}

int calls_view(struct session *session, bool json, int limit, struct err *err)
{
    return options_operands(session->options) > 1 ? list_calls(session, json, err) : list_runs(session, json, limit, err);
}
