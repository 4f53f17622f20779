#include "stages/notify/message.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/money.h"
#include "pipeline/base/quantity.h"
#include "pipeline/base/str.h"
#include "stages/notify/text.h"

enum { TEXT_CAP = 64 * 1024, NAME_UNITS = 300, REASON_UNITS = 500, ROWS_SHOWN = 10 };

static const char *const names[] = {"title",      "event",          "state",         "run",            "cluster",     "target",
                                    "requested_by", "created",      "at",            "reason",         "next_opening", "plan",
                                    "workloads",  "changes",        "to_approve",    "blocked",        "monthly_before", "monthly_after",
                                    "monthly_saving", "top_changes", "critical_count", "critical_findings", "commands"};

const char *const *message_names(size_t *count)
{
    *count = ARRAY_COUNT(names);
    return names;
}

/* New string: text made visible and cut. */
static json_t *shown(const char *text, size_t most)
{
    struct buf visible;
    struct buf cut;
    buf_init(&visible, TEXT_CAP);
    buf_init(&cut, TEXT_CAP);
    text_visible(text, &visible);
    text_clip(buf_str(&visible), most, &cut);
    json_t *value = json_string_safe(buf_str(&cut));
    buf_release(&visible);
    buf_release(&cut);
    return value;
}

/* Takes what `line` holds as a new string and empties it. */
static json_t *take(struct buf *line)
{
    json_t *value = json_string_safe(buf_str(line));
    buf_clear(line);
    return value;
}

static void set_value(struct message *message, const char *name, json_t *value)
{
    json_object_set_new(message->values, name, value);
}

static const char *value_of(const struct message *message, const char *name)
{
    const char *text = json_string_or_null(message->values, name);
    return text == NULL ? "" : text;
}

static void take_texts(struct message *message)
{
    static const char *const short_ones[] = {"event",   "state", "cluster",      "target", "requested_by",
                                             "created", "at",    "next_opening", "plan"};
    for (size_t i = 0; i < ARRAY_COUNT(short_ones); i++) {
        set_value(message, short_ones[i], shown(json_string_or_null(message->facts, short_ones[i]), NAME_UNITS));
    }
    set_value(message, "reason", shown(json_string_or_null(message->facts, "reason"), REASON_UNITS));
}

static void take_numbers(struct message *message)
{
    static const char *const counts[] = {"run", "workloads", "changes", "to_approve", "blocked"};
    static const char *const sums[] = {"monthly_before", "monthly_after", "monthly_saving"};
    for (size_t i = 0; i < ARRAY_COUNT(counts); i++) {
        char text[32] = "";
        int64_t number;
        if (json_get_int(message->facts, counts[i], &number)) {
            snprintf(text, sizeof text, "%" PRId64, number);
        }
        set_value(message, counts[i], json_string(text));
    }
    for (size_t i = 0; i < ARRAY_COUNT(sums); i++) {
        char key[64];
        char text[MONEY_TEXT] = "";
        int64_t amount;
        snprintf(key, sizeof key, "%s_microusd", sums[i]);
        if (json_get_int(message->facts, key, &amount)) {
            money_format(amount, text);
        }
        set_value(message, sums[i], json_string(text));
    }
    char critical[32];
    snprintf(critical, sizeof critical, "%" PRId64, json_int_or(message->facts, "critical_count", 0));
    set_value(message, "critical_count", json_string(critical));
}

/* ", CPU 500m → 300m", nothing where it stays or is not known. */
static void add_amounts(struct buf *line, const json_t *row, const char *what, const char *resource, bool cpu)
{
    char key[64];
    int64_t before;
    int64_t after;
    char left[QUANTITY_MAX] = "none";
    char right[QUANTITY_MAX] = "none";
    snprintf(key, sizeof key, "%s_before_%s", what, resource);
    if (json_get_int(row, key, &before)) {
        cpu ? quantity_cpu_format(before, left) : quantity_memory_format(before, left);
    }
    snprintf(key, sizeof key, "%s_after_%s", what, resource);
    if (json_get_int(row, key, &after)) {
        cpu ? quantity_cpu_format(after, right) : quantity_memory_format(after, right);
    }
    if (strcmp(left, right) != 0) {
        buf_printf(line, ", %s %s \xe2\x86\x92 %s", cpu ? "CPU" : "memory", left, right);
    }
}

/* What a figure of money is in words: "$4 a month saved", "$4 a month more". */
static void add_saving(struct buf *line, const json_t *row)
{
    char money[MONEY_TEXT];
    int64_t saving;
    if (json_get_int(row, "monthly_saving_microusd", &saving) && saving != 0) {
        buf_printf(line, ", %s a month %s", money_format(saving < 0 ? -saving : saving, money), saving < 0 ? "more" : "saved");
    }
}

static json_t *change_line(const json_t *row)
{
    struct buf line;
    buf_init(&line, TEXT_CAP);
    const char *risk = json_string_or_null(row, "risk");
    const char *verdict = json_string_or_null(row, "verdict");
    text_visible(json_string_or_null(row, "workload"), &line);
    add_amounts(&line, row, "cpu", "millicores", true);
    add_amounts(&line, row, "memory", "bytes", false);
    add_saving(&line, row);
    if (risk != NULL) {
        buf_add_str(&line, ", risk ");
        text_visible(risk, &line);
    }
    if (str_equal(verdict, "blocked")) {
        buf_add_str(&line, ", blocked");
    }
    json_t *text = shown(buf_str(&line), NAME_UNITS * 2);
    buf_release(&line);
    return text;
}

static json_t *finding_line(const json_t *row)
{
    struct buf line;
    buf_init(&line, TEXT_CAP);
    const char *container = json_string_or_null(row, "container");
    text_visible(json_string_or_null(row, "workload"), &line);
    if (container != NULL) {
        buf_add_char(&line, ' ');
        text_visible(container, &line);
    }
    buf_add_str(&line, ": ");
    text_visible(json_string_or_null(row, "code"), &line);
    const char *told = json_string_or_null(row, "message");
    if (told != NULL) {
        buf_add_str(&line, ", ");
        text_visible(told, &line);
    }
    json_t *text = shown(buf_str(&line), NAME_UNITS * 2);
    buf_release(&line);
    return text;
}

static json_t *command_line(const json_t *command)
{
    return shown(json_string_value(command), NAME_UNITS);
}

/* A list of the facts: its lines joined as a value, and under a heading in the body. */
static void take_list(struct message *message, const char *fact, const char *value, const char *heading,
                      json_t *(*text_of)(const json_t *row))
{
    struct buf joined;
    buf_init(&joined, TEXT_CAP);
    size_t index;
    json_t *row;
    json_array_foreach(json_object_get(message->facts, fact), index, row)
    {
        if (index == ROWS_SHOWN) {
            break;
        }
        if (index == 0) {
            json_array_append_new(message->lines, json_string(heading));
        }
        json_t *line = text_of(row);
        buf_printf(&joined, "%s%s", index == 0 ? "" : "\n", json_string_value(line));
        json_array_append_new(message->lines, line);
    }
    set_value(message, value, take(&joined));
    buf_release(&joined);
}

/* What became of the run, in words; "" where the event says nothing of it. */
static const char *what_became(const struct message *message)
{
    static const char *const words[][2] = {{"awaiting-approval", "waits for approval"},
                                           {"applied", "was applied"},
                                           {"refused", "was refused"},
                                           {"rolled-back", "was rolled back"}};
    for (size_t i = 0; i < ARRAY_COUNT(words); i++) {
        if (str_equal(message->event, words[i][0])) {
            return words[i][1];
        }
    }
    return "";
}

static void set_title(struct message *message)
{
    const char *became = what_became(message);
    int64_t found = json_int_or(message->facts, "critical_count", 0);
    struct buf title;
    buf_init(&title, TEXT_CAP);
    if (str_equal(message->event, "test")) {
        buf_printf(&title, "A test of the notifications of %s", value_of(message, "cluster"));
    } else {
        buf_printf(&title, "Run %s of %s ", value_of(message, "run"), value_of(message, "cluster"));
        if (message->findings) {
            buf_printf(&title, "found %" PRId64 " critical matter%s", found, found == 1 ? "" : "s");
        } else if (*became != '\0') {
            buf_add_str(&title, became);
        } else {
            buf_printf(&title, "is %s: a person is needed", value_of(message, "state"));
        }
    }
    set_value(message, "title", take(&title));
    buf_release(&title);
}

static void add_field(struct message *message, const char *label, json_t *text)
{
    if (json_string_length(text) > 0) {
        json_array_append_new(message->fields, json_pack("[s, o]", label, text));
    } else {
        json_decref(text);
    }
}

static void set_fields(struct message *message)
{
    struct buf line;
    int64_t number;
    buf_init(&line, TEXT_CAP);
    add_field(message, "State", json_string(value_of(message, "state")));
    if (json_get_int(message->facts, "changes", &number)) {
        buf_printf(&line, "%s of %s workloads, %s to approve, %s blocked", value_of(message, "changes"), value_of(message, "workloads"),
                   value_of(message, "to_approve"), value_of(message, "blocked"));
        add_field(message, "Changes", take(&line));
    }
    if (json_get_int(message->facts, "monthly_saving_microusd", &number)) {
        char saving[MONEY_TEXT];
        buf_printf(&line, "%s now, %s after, %s %s", value_of(message, "monthly_before"), value_of(message, "monthly_after"),
                   money_format(number < 0 ? -number : number, saving), number < 0 ? "more" : "saved");
        add_field(message, "Monthly cost", take(&line));
    }
    text_clip(value_of(message, "plan"), 13, &line);
    add_field(message, "Plan", take(&line));
    add_field(message, "Requested by", json_string(value_of(message, "requested_by")));
    add_field(message, "Next opening", json_string(value_of(message, "next_opening")));
    buf_release(&line);
}

/* How bad it is, and whether it settles what an earlier message raised. What apply itself rolled back is not settled: somebody must
 * look why. */
static void set_severity(struct message *message)
{
    const char *command = json_string_or_null(message->facts, "command");
    if (str_equal(message->event, "critical")) {
        message->severity = MESSAGE_CRITICAL;
    } else if (str_equal(message->event, "refused")) {
        message->severity = MESSAGE_WARNING;
    } else if (str_equal(message->event, "rolled-back") && str_equal(command, "apply")) {
        message->severity = MESSAGE_ERROR;
    } else {
        message->severity = MESSAGE_INFO;
        message->over = str_equal(message->event, "applied") || str_equal(message->event, "rolled-back");
    }
}

void message_init(struct message *message, const json_t *facts, const char *id)
{
    *message = (struct message){.facts = json_deep_copy(facts), .values = json_object(), .fields = json_array(), .lines = json_array(),
                                .id = id};
    const char *event = json_string_or_null(message->facts, "event");
    message->event = event == NULL ? "" : event;
    message->run = json_int_or(facts, "run", 0);
    message->findings = str_equal(message->event, "critical") && json_array_size(json_object_get(facts, "critical")) > 0;
    take_texts(message);
    take_numbers(message);
    set_severity(message);
    set_title(message);
    set_fields(message);
    if (*value_of(message, "reason") != '\0') {
        struct buf line;
        buf_init(&line, TEXT_CAP);
        buf_printf(&line, "Reason: %s", value_of(message, "reason"));
        json_array_append_new(message->lines, take(&line));
        buf_release(&line);
    }
    take_list(message, "critical", "critical_findings", "Critical findings:", finding_line);
    take_list(message, "top", "top_changes", "Largest changes:", change_line);
    take_list(message, "commands", "commands", "What to type next:", command_line);
    message->title = value_of(message, "title");
}

void message_release(struct message *message)
{
    json_decref(message->facts);
    json_decref(message->values);
    json_decref(message->fields);
    json_decref(message->lines);
    *message = (struct message){0};
}

json_t *message_sample(const char *cluster)
{
    return json_pack("{s:i, s:s, s:s, s:s, s:i, s:i, s:i, s:i, s:I, s:I, s:I, s:[{s:s, s:I, s:I, s:I, s:s}], s:[s], s:s}", "version", 1,
                     "event", "test", "state", "test", "cluster", cluster, "workloads", 3, "changes", 1, "to_approve", 1, "blocked", 0,
                     "monthly_before_microusd", (json_int_t)12000000, "monthly_after_microusd", (json_int_t)8000000,
                     "monthly_saving_microusd", (json_int_t)4000000, "top", "workload", "shop/Deployment/cart", "cpu_before_millicores",
                     (json_int_t)500, "cpu_after_millicores", (json_int_t)300, "monthly_saving_microusd", (json_int_t)4000000, "risk",
                     "low", "commands", "tare notify list", "reason", "somebody typed tare notify test");
}
