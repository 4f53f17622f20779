#include "pipeline/run/ics_value.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/buf.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"

enum { RULE_MAX = 4096, DAYS = 7 };

enum part {
    PART_FREQ,
    PART_UNTIL,
    PART_COUNT,
    PART_INTERVAL,
    PART_WKST,
    PART_BYSECOND,
    PART_BYMINUTE,
    PART_BYHOUR,
    PART_BYDAY,
    PART_BYMONTHDAY,
    PART_BYYEARDAY,
    PART_BYWEEKNO,
    PART_BYMONTH,
    PART_BYSETPOS,
    PARTS
};

/* What a part may say; `low` below 0 means that it also counts from the end, without 0. */
static const struct {
    const char *name;
    int low;
    int high;
} known[PARTS] = {
    [PART_FREQ] = {"FREQ", 0, 0},
    [PART_UNTIL] = {"UNTIL", 0, 0},
    [PART_COUNT] = {"COUNT", 1, ICS_COUNT_MAX},
    [PART_INTERVAL] = {"INTERVAL", 1, 1000},
    [PART_WKST] = {"WKST", 0, 0},
    [PART_BYSECOND] = {"BYSECOND", 0, 59},
    [PART_BYMINUTE] = {"BYMINUTE", 0, 59},
    [PART_BYHOUR] = {"BYHOUR", 0, 23},
    [PART_BYDAY] = {"BYDAY", -53, 53},
    [PART_BYMONTHDAY] = {"BYMONTHDAY", -31, 31},
    [PART_BYYEARDAY] = {"BYYEARDAY", -366, 366},
    [PART_BYWEEKNO] = {"BYWEEKNO", 2, 51}, /* libical 3.0.16 errs in the weeks around new year */
    [PART_BYMONTH] = {"BYMONTH", 1, 12},
    [PART_BYSETPOS] = {"BYSETPOS", -366, 366},
};

enum freq { FREQ_DAILY, FREQ_WEEKLY, FREQ_MONTHLY, FREQ_YEARLY };

/* What was read so far. */
struct rule {
    const char *values[PARTS]; /* NULL where it is not given */
    int64_t times[PARTS];      /* number of values of a list */
    bool numbered;             /* BYDAY has a number */
    enum freq freq;
};

static int bad(enum part part, struct err *err, const char *sentence)
{
    return err_set(err, ERR_CONFIG, "%s %s", known[part].name, sentence);
}

static int weekday(const char *text, size_t length)
{
    static const char names[] = "SUMOTUWETHFRSA";
    for (int i = 0; length == 2 && i < DAYS; i++) {
        if (strncmp(names + i * 2, text, 2) == 0) {
            return i;
        }
    }
    return -1;
}

/* One item of a list: a number in the part's range, before a weekday where the part is BYDAY. */
static bool item_fits(enum part part, const char *text, size_t length, bool *numbered)
{
    char number[8];
    int64_t value = 0;
    if (part == PART_BYDAY) {
        if (length < 2 || weekday(text + length - 2, 2) < 0) {
            return false;
        }
        length -= 2;
        *numbered = *numbered || length > 0;
        if (length == 0) {
            return true;
        }
    }
    snprintf(number, sizeof number, "%.*s", (int)(length < sizeof number ? length : sizeof number - 1), text);
    return length > 0 && length < sizeof number && str_int64(number, known[part].low, known[part].high, &value) == 0 &&
           (known[part].low >= 0 || value != 0);
}

static int read_list(enum part part, struct rule *rule, struct err *err)
{
    const char *p = rule->values[part];
    for (;;) {
        size_t length = strcspn(p, ",");
        if (!item_fits(part, p, length, &rule->numbered)) {
            return err_set(err, ERR_CONFIG, "%s cannot be \"%.*s\"", known[part].name, (int)(length > 40 ? 40 : length), p);
        }
        rule->times[part]++;
        if (p[length] == '\0') {
            return 0;
        }
        p += length + 1;
    }
}

static int read_freq(struct rule *rule, struct err *err)
{
    static const char *const names[] = {"DAILY", "WEEKLY", "MONTHLY", "YEARLY"};
    static const char *const smaller[] = {"SECONDLY", "MINUTELY", "HOURLY"};
    const char *text = rule->values[PART_FREQ];
    if (text == NULL) {
        return err_set(err, ERR_CONFIG, "FREQ is missing");
    }
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        if (str_equal(text, names[i])) {
            rule->freq = (enum freq)i;
            return 0;
        }
    }
    for (size_t i = 0; i < ARRAY_COUNT(smaller); i++) {
        if (str_equal(text, smaller[i])) {
            err_set(err, ERR_CONFIG, "FREQ=%s is not taken: a rule recurs by days or longer", text);
            return err_hint(err, "name the hours: FREQ=DAILY;BYHOUR=0,6,12,18");
        }
    }
    return err_set(err, ERR_CONFIG, "FREQ cannot be \"%.40s\"", text);
}

/* Splits NAME=VALUE;NAME=VALUE. */
static int split(char *text, struct rule *rule, struct err *err)
{
    char *rest = text;
    while (rest != NULL) {
        char *next = strchr(rest, ';');
        if (next != NULL) {
            *next++ = '\0';
        }
        char *value = strchr(rest, '=');
        if (value == NULL || value[1] == '\0') {
            return err_set(err, ERR_CONFIG, "the part \"%.40s\" is not NAME=VALUE", rest);
        }
        *value++ = '\0';
        size_t part = 0;
        while (part < PARTS && !str_equal(known[part].name, rest)) {
            part++;
        }
        if (part == PARTS) {
            return err_set(err, ERR_CONFIG, "the part %.40s is not known", rest);
        }
        if (rule->values[part] != NULL) {
            return bad((enum part)part, err, "stands in it twice");
        }
        rule->values[part] = value;
        rest = next;
    }
    return 0;
}

static bool given(const struct rule *rule, enum part part)
{
    return rule->values[part] != NULL;
}

/* What RFC 5545 §3.3.10 forbids together. */
static int check_together(const struct rule *rule, bool date, struct err *err)
{
    bool others = false;
    for (int part = PART_BYSECOND; part < PART_BYSETPOS; part++) {
        others = others || rule->values[part] != NULL;
    }
    if (given(rule, PART_COUNT) && given(rule, PART_UNTIL)) {
        return bad(PART_COUNT, err, "and UNTIL do not go together");
    }
    if (given(rule, PART_BYWEEKNO) && rule->freq != FREQ_YEARLY) {
        return bad(PART_BYWEEKNO, err, "goes with FREQ=YEARLY only");
    }
    if (given(rule, PART_BYYEARDAY) && rule->freq != FREQ_YEARLY) {
        return bad(PART_BYYEARDAY, err, "goes with FREQ=YEARLY only");
    }
    if (given(rule, PART_BYMONTHDAY) && rule->freq == FREQ_WEEKLY) {
        return bad(PART_BYMONTHDAY, err, "does not go with FREQ=WEEKLY");
    }
    if (rule->numbered && (rule->freq < FREQ_MONTHLY || given(rule, PART_BYWEEKNO))) {
        return bad(PART_BYDAY, err, "has a number, which goes with FREQ=MONTHLY, or YEARLY without BYWEEKNO, only");
    }
    if (given(rule, PART_BYSETPOS) && !others) {
        return bad(PART_BYSETPOS, err, "has nothing to choose from");
    }
    if (date && (given(rule, PART_BYHOUR) || given(rule, PART_BYMINUTE) || given(rule, PART_BYSECOND))) {
        return err_set(err, ERR_CONFIG, "BYHOUR, BYMINUTE and BYSECOND do not go with an all-day event");
    }
    return 0;
}

/* How often it recurs on one day; the length of a rule bounds it. */
static int64_t times_a_day(const struct rule *rule)
{
    int64_t times = 1;
    for (int part = PART_BYSECOND; part <= PART_BYHOUR; part++) {
        times *= rule->times[part] > 0 ? rule->times[part] : 1;
    }
    return times;
}

/* BYSETPOS counts times: libical (3.0.16) counts days, and only those of months and years. */
static int check_positions(const struct rule *rule, struct err *err)
{
    if (given(rule, PART_BYSETPOS) && (rule->freq < FREQ_MONTHLY || times_a_day(rule) > 1)) {
        bad(PART_BYSETPOS, err, "goes with FREQ=MONTHLY or YEARLY, and one time a day, only");
        return err_hint(err, "name what it chooses: FREQ=WEEKLY;BYDAY=FR");
    }
    return 0;
}

static int check_density(const struct rule *rule, struct err *err)
{
    if (times_a_day(rule) > ICS_TIMES_MAX) {
        return err_set(err, ERR_CONFIG, "it recurs more than %d times a day", ICS_TIMES_MAX);
    }
    return 0;
}

static int read_values(struct rule *rule, struct ics_rule *out, struct err *err)
{
    for (int part = PART_COUNT; part < PARTS; part++) {
        if (rule->values[part] != NULL && part != PART_WKST && read_list((enum part)part, rule, err)) {
            return -1;
        }
    }
    if (rule->times[PART_COUNT] > 1 || rule->times[PART_INTERVAL] > 1) {
        return err_set(err, ERR_CONFIG, "COUNT and INTERVAL are one number each");
    }
    const char *first = rule->values[PART_WKST];
    if (first != NULL && weekday(first, strlen(first)) < 0) {
        return err_set(err, ERR_CONFIG, "WKST cannot be \"%.40s\"", first);
    }
    if (given(rule, PART_COUNT) && str_int64(rule->values[PART_COUNT], 1, ICS_COUNT_MAX, &out->count)) {
        return bad(PART_COUNT, err, "is out of range");
    }
    const char *until = rule->values[PART_UNTIL];
    out->has_until = until != NULL;
    const char *type = until != NULL && strchr(until, 'T') == NULL ? "DATE" : NULL;
    return until != NULL && ics_read_time(until, type, NULL, &out->until, err) ? err_prefix(err, "UNTIL") : 0;
}

/* Whether the item stands in its list before: libical would give its starts twice. */
static bool stands_before(const char *list, const char *item, size_t length)
{
    for (const char *p = list; p < item; p += strcspn(p, ",") + 1) {
        if (strcspn(p, ",") == length && strncmp(p, item, length) == 0) {
            return true;
        }
    }
    return false;
}

/* The items of a list in its order, each once. */
static void add_once(struct buf *text, const char *list)
{
    const char *separator = "";
    for (const char *p = list; p != NULL; p = strchr(p, ',') == NULL ? NULL : strchr(p, ',') + 1) {
        size_t length = strcspn(p, ",");
        if (!stands_before(list, p, length)) {
            buf_printf(text, "%s%.*s", separator, (int)length, p);
            separator = ",";
        }
    }
}

/* The hours, minutes or seconds of a list, ascending: libical (3.0.16) gives starts in the order of the list, later ones of a
 * day before earlier ones, and skips. */
static void add_sorted(struct buf *text, const char *list)
{
    uint64_t values = 0;
    const char *separator = "";
    for (const char *p = list; p != NULL; p = strchr(p, ',') == NULL ? NULL : strchr(p, ',') + 1) {
        values |= UINT64_C(1) << strtol(p, NULL, 10);
    }
    for (int i = 0; i < 60; i++) {
        if (values >> i & 1) {
            buf_printf(text, "%s%d", separator, i);
            separator = ",";
        }
    }
}

/* The rule without UNTIL, in the order of the table. */
static const char *without_until(const struct rule *rule, struct arena *arena)
{
    struct buf text;
    buf_init(&text, RULE_MAX * 2);
    for (int part = 0; part < PARTS; part++) {
        if (rule->values[part] != NULL && part != PART_UNTIL) {
            buf_printf(&text, "%s%s=", text.length == 0 ? "" : ";", known[part].name);
            (part >= PART_BYSECOND && part <= PART_BYHOUR ? add_sorted : add_once)(&text, rule->values[part]);
        }
    }
    const char *copy = arena_strdup(arena, buf_str(&text));
    buf_release(&text);
    return copy;
}

/* Days of the month are those of every month of a year: libical takes them for those of the start's. */
static void name_months(struct rule *rule)
{
    bool days = given(rule, PART_BYMONTHDAY) && !given(rule, PART_BYYEARDAY) && !given(rule, PART_BYWEEKNO);
    if (rule->freq == FREQ_YEARLY && days && !given(rule, PART_BYMONTH)) {
        rule->values[PART_BYMONTH] = "1,2,3,4,5,6,7,8,9,10,11,12";
    }
}

int ics_read_rule(const char *text, bool date, struct arena *arena, struct ics_rule *out, struct err *err)
{
    struct rule rule = {.numbered = false};
    *out = (struct ics_rule){0};
    if (strlen(text) > RULE_MAX) {
        return err_set(err, ERR_CONFIG, "it is longer than %d bytes", RULE_MAX);
    }
    char *capitals = arena_strdup(arena, text);
    for (char *p = capitals; *p != '\0'; p++) {
        *p = (char)toupper((unsigned char)*p);
    }
    if (split(capitals, &rule, err) || read_freq(&rule, err) || read_values(&rule, out, err) ||
        check_together(&rule, date, err) || check_positions(&rule, err) || check_density(&rule, err)) {
        return -1;
    }
    name_months(&rule);
    out->text = without_until(&rule, arena);
    return 0;
}
