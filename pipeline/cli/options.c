#include "pipeline/cli/options.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/buf.h"
#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/cli/config.h"
#include "pipeline/io/url.h"

enum { HELP_COLUMN = 34 };

static const struct option_row rows[OPT_COUNT] = {
#define X(symbol, long_option, short_option, kind, value_name, config_key, variable, default_value, programs, text)            \
    [OPT_##symbol] = {.id = OPT_##symbol, .long_name = long_option, .short_name = short_option, .type = kind,       \
                      .argument = value_name, .key = config_key, .env = variable, .fallback = default_value,        \
                      .users = programs, .help = text},
#include "pipeline/cli/options.def"
#undef X
};

struct value {
    bool typed;       /* given on the command line */
    bool present;     /* has a value from anywhere */
    char *text;       /* as written, of a repeatable option the last one */
    int64_t number;   /* integer, seconds, instant, or 1 for a flag */
    char **items;     /* repeatable options */
    size_t item_count;
    size_t item_capacity;
};

struct options {
    programs program;
    const struct config *config;
    struct value values[OPT_COUNT];
    char **operands;
    size_t operand_count;
    size_t operand_capacity;
};

const struct option_row *option_table(void)
{
    return rows;
}

/* A run hands options on to its stages, so it takes theirs too where the table says so. */
static bool takes(const struct option_row *row, programs program)
{
    return (row->users & program) != 0;
}

static const struct option_row *find_long(const char *name, size_t length, programs program)
{
    for (size_t i = 0; i < OPT_COUNT; i++) {
        if (takes(&rows[i], program) && strlen(rows[i].long_name) == length && strncmp(rows[i].long_name, name, length) == 0) {
            return &rows[i];
        }
    }
    return NULL;
}

static const struct option_row *find_short(char name, programs program)
{
    for (size_t i = 0; i < OPT_COUNT; i++) {
        if (takes(&rows[i], program) && rows[i].short_name == name && name != 0) {
            return &rows[i];
        }
    }
    return NULL;
}

static int unknown(const char *word, programs program, const char *command, struct err *err)
{
    const char *names[OPT_COUNT];
    size_t count = 0;
    for (size_t i = 0; i < OPT_COUNT; i++) {
        if (takes(&rows[i], program)) {
            names[count++] = rows[i].long_name;
        }
    }
    char *name = xstrndup(word + strspn(word, "-"), strcspn(word + strspn(word, "-"), "="));
    const char *near = str_nearest(name, names, count);
    err_set(err, ERR_USAGE, "%s has no option %s%s", command, word[1] == '-' ? "--" : "-", name);
    if (near != NULL) {
        err_hint(err, "did you mean --%s? %s --help lists them all", near, command);
    } else {
        err_hint(err, "%s --help lists them all", command);
    }
    free(name);
    return -1;
}

/* Offers the near one of the words "a|b|c". */
static int check_choice(const struct option_row *row, const char *text, struct err *err)
{
    char *copy = xstrdup(row->argument);
    const char *words[32];
    size_t count = 0;
    char *rest = copy;
    for (char *word; count < ARRAY_COUNT(words) && (word = strtok_r(rest, "|", &rest)) != NULL;) {
        words[count++] = word;
        if (strcmp(word, text) == 0) {
            free(copy);
            return 0;
        }
    }
    const char *near = str_nearest(text, words, count);
    err_set(err, ERR_USAGE, "--%s is \"%s\", it must be one of %s", row->long_name, text, row->argument);
    if (near != NULL) {
        err_hint(err, "did you mean %s?", near);
    }
    free(copy);
    return -1;
}

/* Checks `text` by the row's type and fills number. */
static int convert(const struct option_row *row, const char *text, int64_t *number, struct err *err)
{
    struct err inner = {0};
    switch (row->type) {
    case OPTION_INTEGER:
        if (str_int64(text, 0, INT64_MAX, number)) {
            return err_set(err, ERR_USAGE, "--%s is \"%s\", it must be a whole number from 0 up", row->long_name, text);
        }
        return 0;
    case OPTION_DURATION:
        if (duration_parse(text, number, &inner)) {
            err_set(err, ERR_USAGE, "--%s: %s", row->long_name, inner.message);
            return err_hint(err, "%s", inner.hint);
        }
        return 0;
    case OPTION_TIME:
        if (time_parse(text, number, &inner)) {
            err_set(err, ERR_USAGE, "--%s: %s", row->long_name, inner.message);
            return err_hint(err, "%s", inner.hint);
        }
        return 0;
    case OPTION_CHOICE:
        return check_choice(row, text, err);
    case OPTION_FLAG:
    case OPTION_STRING:
    case OPTION_LIST:
        break;
    }
    return 0;
}

static int store(struct options *options, const struct option_row *row, const char *text, struct err *err)
{
    struct value *value = &options->values[row->id];
    int64_t number = 1;
    if (convert(row, text, &number, err)) {
        return -1;
    }
    if (row->type == OPTION_LIST) {
        GROW(value->items, value->item_capacity, value->item_count + 1);
        value->items[value->item_count++] = xstrdup(text);
    }
    free(value->text);
    value->text = xstrdup(text);
    value->number = number;
    value->present = true;
    return 0;
}

/* What is typed can be read by every user of the machine in the list of processes, and a run keeps it. The ledger's own address is
 * checked where it is opened, since it need be no URL. */
static int check_secret(const struct option_row *row, const char *text, struct err *err)
{
    if ((row->id != OPT_PROMETHEUS && row->id != OPT_LLM_URL) || !url_may_hold_secret(text)) {
        return 0;
    }
    err_set(err, ERR_USAGE, "--%s holds a password or a query, which every user of this machine could read", row->long_name);
    return row->id == OPT_PROMETHEUS
               ? err_hint(err, "put it into metrics.basic or metrics.bearer_token_file of tare.yaml, or give the address in %s",
                          row->env)
               : err_hint(err, "keys come from the environment; set analysis.openai.base_url where the address needs more");
}

static void add_operand(struct options *options, const char *text)
{
    GROW(options->operands, options->operand_capacity, options->operand_count + 1);
    options->operands[options->operand_count++] = xstrdup(text);
}

/* One option word; *used receives how many words of argv it took. */
static int parse_option(struct options *options, char **words, int left, const char *command, int *used, struct err *err)
{
    const char *word = words[0];
    bool is_long = word[1] == '-';
    size_t length = is_long ? strcspn(word + 2, "=") : 1;
    const struct option_row *row =
        is_long ? find_long(word + 2, length, options->program) : find_short(word[1], options->program);
    if (row == NULL) {
        return unknown(word, options->program, command, err);
    }
    const char *attached = is_long ? (word[2 + length] == '=' ? word + 3 + length : NULL) : (word[2] != '\0' ? word + 2 : NULL);
    *used = 1;
    if (row->type == OPTION_FLAG && attached != NULL) {
        return err_set(err, ERR_USAGE, "--%s takes no value", row->long_name);
    }
    if (row->type != OPTION_FLAG && attached == NULL) {
        if (left < 2) {
            return err_set(err, ERR_USAGE, "--%s needs a value (%s)", row->long_name, row->argument);
        }
        attached = words[1];
        *used = 2;
    }
    if (check_secret(row, row->type == OPTION_FLAG ? "" : attached, err) ||
        store(options, row, row->type == OPTION_FLAG ? "" : attached, err)) {
        return -1;
    }
    options->values[row->id].typed = true;
    return 0;
}

static int parse_words(struct options *options, int argc, char **argv, const char *command, struct err *err)
{
    bool only_operands = false;
    for (int i = 1; i < argc;) {
        const char *word = argv[i];
        if (!only_operands && strcmp(word, "--") == 0) {
            only_operands = true;
            i++;
        } else if (only_operands || word[0] != '-' || word[1] == '\0') {
            add_operand(options, word);
            i++;
        } else {
            int used = 1;
            if (parse_option(options, argv + i, argc - i, command, &used, err)) {
                return -1;
            }
            i += used;
        }
    }
    return 0;
}

static int parse_environment(struct options *options, struct err *err)
{
    for (size_t i = 0; i < OPT_COUNT; i++) {
        const char *text = rows[i].env == NULL || !takes(&rows[i], options->program) ? NULL : getenv(rows[i].env);
        if (text == NULL || *text == '\0' || options->values[i].present) {
            continue;
        }
        if (store(options, &rows[i], text, err)) {
            return err_prefix(err, "the environment variable %s", rows[i].env);
        }
    }
    return 0;
}

int options_parse(int argc, char **argv, programs program, const char *command, struct options **out, struct err *err)
{
    struct options *options = xcalloc(sizeof *options);
    options->program = program;
    if (parse_words(options, argc, argv, command, err) || parse_environment(options, err)) {
        options_free(options);
        if (err->hint[0] == '\0') {
            err_hint(err, "%s --help says what it takes", command);
        }
        return -1;
    }
    *out = options;
    return 0;
}

void options_free(struct options *options)
{
    if (options == NULL) {
        return;
    }
    for (size_t i = 0; i < OPT_COUNT; i++) {
        struct value *value = &options->values[i];
        for (size_t k = 0; k < value->item_count; k++) {
            free(value->items[k]);
        }
        free(value->items);
        free(value->text);
    }
    for (size_t i = 0; i < options->operand_count; i++) {
        free(options->operands[i]);
    }
    free(options->operands);
    free(options);
}

void options_use_config(struct options *options, const struct config *config)
{
    options->config = config;
}

size_t options_operands(const struct options *options)
{
    return options->operand_count;
}

const char *options_operand(const struct options *options, size_t index)
{
    return options->operands[index];
}

bool options_given(const struct options *options, enum option_id id)
{
    return options->values[id].present;
}

bool options_typed(const struct options *options, enum option_id id)
{
    return options->values[id].typed;
}

/* Whether there is a value that goes before the configuration's. What a cluster's own entry says of it goes before the environment,
 * which is the same for all clusters. */
static bool goes_first(const struct options *options, enum option_id id)
{
    const struct value *value = &options->values[id];
    return value->present &&
           (value->typed || options->config == NULL || rows[id].key == NULL || !config_own(options->config, rows[id].key));
}

/* The configuration's value for an option that nobody typed, NULL where there is none. */
static const json_t *from_config(const struct options *options, enum option_id id)
{
    if (goes_first(options, id) || options->config == NULL || rows[id].key == NULL) {
        return NULL;
    }
    return config_value(options->config, rows[id].key);
}

const char *options_string(const struct options *options, enum option_id id)
{
    if (goes_first(options, id)) {
        return options->values[id].text;
    }
    const char *configured = json_string_value(from_config(options, id));
    return configured != NULL ? configured : rows[id].fallback;
}

bool options_flag(const struct options *options, enum option_id id)
{
    return goes_first(options, id) || json_is_true(from_config(options, id));
}

int64_t options_integer(const struct options *options, enum option_id id, bool *present)
{
    const struct value *value = &options->values[id];
    const json_t *configured = from_config(options, id);
    int64_t number = 0;
    bool has = true;
    struct err ignored;
    if (goes_first(options, id)) {
        number = value->number;
    } else if (json_is_integer(configured)) {
        number = json_integer_value(configured);
    } else {
        has = rows[id].fallback != NULL && convert(&rows[id], rows[id].fallback, &number, &ignored) == 0;
    }
    if (present != NULL) {
        *present = has;
    }
    return number;
}

size_t options_list_count(const struct options *options, enum option_id id)
{
    return options->values[id].item_count;
}

const char *options_list_item(const struct options *options, enum option_id id, size_t index)
{
    return options->values[id].items[index];
}

void options_help(programs program, FILE *out)
{
    for (size_t i = 0; i < OPT_COUNT; i++) {
        const struct option_row *row = &rows[i];
        if (!takes(row, program)) {
            continue;
        }
        struct buf left;
        buf_init(&left, 256);
        if (row->short_name != 0) {
            buf_printf(&left, "  -%c, --%s", row->short_name, row->long_name);
        } else {
            buf_printf(&left, "      --%s", row->long_name);
        }
        if (row->argument != NULL) {
            buf_printf(&left, " %s", row->argument);
        }
        if (left.length >= HELP_COLUMN) {
            fprintf(out, "%s\n%*s%s", buf_str(&left), HELP_COLUMN, "", row->help);
        } else {
            fprintf(out, "%-*s%s", HELP_COLUMN, buf_str(&left), row->help);
        }
        if (row->fallback != NULL) {
            fprintf(out, " [%s]", row->fallback);
        }
        if (row->env != NULL) {
            fprintf(out, " ($%s)", row->env);
        }
        fputc('\n', out);
        buf_release(&left);
    }
}

static void forward_word(char ***words, size_t *count, size_t *capacity, char *word)
{
    GROW(*words, *capacity, *count + 1);
    (*words)[(*count)++] = word;
}

/* Options of this very invocation: where it looks, who acts, how it speaks. They are not part of what a run is made from. */
static bool of_invocation(enum option_id id)
{
    return id == OPT_CONFIG || id == OPT_DATABASE || id == OPT_AS || id == OPT_LOG_FORMAT || id == OPT_QUIET ||
           id == OPT_VERBOSE || id == OPT_HELP || id == OPT_VERSION;
}

char **options_forward(const struct options *options, programs stage, bool invocation)
{
    char **words = NULL;
    size_t count = 0;
    size_t capacity = 0;
    for (size_t i = 0; i < OPT_COUNT; i++) {
        const struct value *value = &options->values[i];
        if (!value->typed || !takes(&rows[i], stage) || of_invocation(rows[i].id) != invocation || i == OPT_CONFIG) {
            continue;
        }
        if (rows[i].type == OPTION_FLAG) {
            forward_word(&words, &count, &capacity, xasprintf("--%s", rows[i].long_name));
        } else if (rows[i].type != OPTION_LIST) {
            forward_word(&words, &count, &capacity, xasprintf("--%s=%s", rows[i].long_name, value->text));
        }
        for (size_t k = 0; k < value->item_count; k++) {
            forward_word(&words, &count, &capacity, xasprintf("--%s=%s", rows[i].long_name, value->items[k]));
        }
    }
    forward_word(&words, &count, &capacity, NULL);
    return words;
}
