#include "stages/prices/prices.h"

#include <stdlib.h>
#include <unistd.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "reports/text/sink.h"
#include "stages/common/pricing/book.h"
#include "stages/prices/listing.h"
#include "stages/prices/sheet.h"
#include "stages/prices/show.h"

struct prices_state {
    struct catalog *catalog;
    struct price_book *book; /* of the prices in force alone: a wrong region must not keep anybody from looking for the right one */
    struct report_sink sink;
    enum sheet_format format;
};

static const struct column price_columns[] = {
    {"provider", "provider", "provider", COLUMN_TEXT},
    {"region", "region", "region", COLUMN_TEXT},
    {"name", "type", "type", COLUMN_TEXT},
    {"of", "of", "of", COLUMN_TEXT},
    {"vcpu_milli", "vCPU", "vcpu", COLUMN_MILLI},
    {"gib_milli", "GiB", "gib", COLUMN_MILLI},
    {"microusd_per_hour", "$/h", "usd_per_hour", COLUMN_DOLLARS},
    {"microusd_per_vcpu_hour", "$/vCPU-h", "usd_per_vcpu_hour", COLUMN_DOLLARS},
    {"microusd_per_gib_hour", "$/GiB-h", "usd_per_gib_hour", COLUMN_DOLLARS},
    {"date", "date", "date", COLUMN_TEXT},
    {"family", "family", "family", COLUMN_TEXT},
    {"source", "source", "source", COLUMN_TEXT},
};
/* The last two have no room in a terminal. */
enum { TABLE_COLUMNS = ARRAY_COUNT(price_columns) - 2 };

static const struct column region_columns[] = {
    {"provider", "provider", "provider", COLUMN_TEXT},      {"region", "region", "region", COLUMN_TEXT},
    {"node_types", "node types", "node_types", COLUMN_COUNT}, {"oldest", "oldest price", "oldest", COLUMN_TEXT},
    {"newest", "newest price", "newest", COLUMN_TEXT},      {"home", "home", "home", COLUMN_TEXT},
};

static int format_of(const struct options *options, enum sheet_format *format, struct err *err)
{
    static const char *const names[] = {"table", "json", "csv"};
    const char *typed = options_string(options, OPT_FORMAT);
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        if (typed == NULL || str_equal(typed, names[i])) {
            *format = (enum sheet_format)i;
            return 0;
        }
    }
    const char *near = str_nearest(typed, names, ARRAY_COUNT(names));
    err_set(err, ERR_USAGE, "--format is \"%s\", it must be table, json or csv here", typed);
    return near == NULL ? err_hint(err, "table is the default") : err_hint(err, "did you mean %s?", near);
}

static int write_prices(struct prices_state *state, json_t *rows, struct err *err)
{
    size_t count = state->format == SHEET_TABLE ? TABLE_COLUMNS : ARRAY_COUNT(price_columns);
    int failed = sheet_write(state->format, price_columns, count, rows, &state->sink, err);
    json_decref(rows);
    return failed;
}

static const char *typed(const struct stage *stage, enum option_id option)
{
    return options_given(stage->options, option) ? options_string(stage->options, option) : NULL;
}

/* Only what is typed narrows a list: the configuration says what is in force, not what there is. */
static int filter_of(const struct stage *stage, struct listing_filter *filter, struct err *err)
{
    const struct prices_state *state = stage->state;
    *filter = (struct listing_filter){.provider = typed(stage, OPT_PROVIDER), .region = typed(stage, OPT_REGION)};
    return listing_check(state->catalog, filter, err);
}

static int in_force(struct stage *stage, struct err *err)
{
    struct prices_state *state = stage->state;
    return price_book_open(stage->options, stage->config, &state->book, err) ||
                   show_in_force(state->book, state->format, &state->sink, err)
               ? -1
               : 0;
}

static int list(struct stage *stage, struct err *err)
{
    struct prices_state *state = stage->state;
    struct listing_filter filter;
    json_t *rows = NULL;
    return filter_of(stage, &filter, err) || listing_all(state->catalog, &filter, &rows, err) ||
                   write_prices(state, rows, err)
               ? -1
               : 0;
}

static int search(struct stage *stage, struct err *err)
{
    struct prices_state *state = stage->state;
    struct listing_filter filter;
    json_t *rows = NULL;
    size_t count = options_operands(stage->options) - 1;
    const char **words = xcalloc_array(count, sizeof *words);
    for (size_t i = 0; i < count; i++) {
        words[i] = options_operand(stage->options, i + 1);
    }
    int failed = filter_of(stage, &filter, err) ||
                 listing_search(state->catalog, &filter, words, count, &rows, err) ||
                 write_prices(state, rows, err);
    free(words);
    return failed ? -1 : 0;
}

static int show(struct stage *stage, struct err *err)
{
    struct prices_state *state = stage->state;
    return show_one(state->catalog, stage, options_operand(stage->options, 1), state->format, &state->sink, err);
}

static int regions(struct stage *stage, struct err *err)
{
    struct prices_state *state = stage->state;
    struct listing_filter filter;
    if (filter_of(stage, &filter, err) != 0) {
        return -1;
    }
    json_t *rows = listing_regions(state->catalog, &filter);
    int failed = sheet_write(state->format, region_columns, ARRAY_COUNT(region_columns), rows, &state->sink, err);
    json_decref(rows);
    return failed;
}

/* What can be asked, by the first operand. */
static const struct question {
    const char *word;
    const char *usage;
    size_t least; /* operands after the word */
    size_t most;
    int (*answer)(struct stage *stage, struct err *err);
} questions[] = {
    {"list", "tare prices list [--provider P] [--region R]", 0, 0, list},
    {"search", "tare prices search WORD…", 1, 100, search},
    {"show", "tare prices show INSTANCE|PRODUCT [--provider P] [--region R]", 1, 1, show},
    {"regions", "tare prices regions [--provider P]", 0, 0, regions},
};

static int unknown_question(const char *word, struct err *err)
{
    const char *names[ARRAY_COUNT(questions)];
    for (size_t i = 0; i < ARRAY_COUNT(questions); i++) {
        names[i] = questions[i].word;
    }
    const char *near = str_nearest(word, names, ARRAY_COUNT(names));
    err_set(err, ERR_USAGE, "\"%s\" is none of list, search, show and regions", word);
    return near != NULL ? err_hint(err, "did you mean tare prices %s?", near)
                        : err_hint(err, "tare prices search %s looks for a price of this name", word);
}

static int find_question(const struct options *options, const struct question **out, struct err *err)
{
    size_t count = options_operands(options);
    *out = NULL;
    for (size_t i = 0; count > 0 && i < ARRAY_COUNT(questions); i++) {
        if (str_equal(options_operand(options, 0), questions[i].word)) {
            *out = &questions[i];
        }
    }
    if (count > 0 && *out == NULL) {
        return unknown_question(options_operand(options, 0), err);
    }
    if (count > 0 && (count - 1 < (*out)->least || count - 1 > (*out)->most)) {
        err_set(err, ERR_USAGE, count - 1 < (*out)->least ? "an operand is missing" : "there are too many operands");
        return err_hint(err, "usage: %s", (*out)->usage);
    }
    return 0;
}

static int run(struct stage *stage, struct err *err)
{
    struct prices_state *state = stage->state;
    const struct question *question = NULL;
    struct currency currency;
    sink_init(&state->sink, STDOUT_FILENO);
    if (find_question(stage->options, &question, err) != 0 || format_of(stage->options, &state->format, err) != 0 ||
        (question != NULL && price_catalog_open(stage->options, stage->config, NULL, &currency, &state->catalog, err) != 0)) {
        return -1;
    }
    return (question == NULL ? in_force : question->answer)(stage, err) || sink_finish(&state->sink, err) ? -1 : 0;
}

static void release(struct stage *stage)
{
    struct prices_state *state = stage->state;
    price_book_free(state->book);
    catalog_free(state->catalog);
    sink_release(&state->sink);
}

const struct stage_spec prices_stage = {
    .name = "prices",
    .program = FOR_PRICES,
    .summary = "lists, searches and explains prices; without an operand those that options and configuration ask for",
    .operands = "[list | search WORD… | show INSTANCE|PRODUCT | regions]",
    .writes = ARTIFACT_NONE,
    .state_size = sizeof(struct prices_state),
    .run = run,
    .release = release,
};
