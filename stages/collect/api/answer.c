#include "stages/collect/api/answer.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/str.h"
#include "stages/collect/api/decimal.h"

/* What a container of the answer is for. */
enum role {
    ROLE_SKIP,
    ROLE_ROOT,
    ROLE_STATUS, /* strings of the root */
    ROLE_ERROR_TYPE,
    ROLE_ERROR,
    ROLE_WARNINGS,
    ROLE_DATA,
    ROLE_RESULT,
    ROLE_ITEM,
    ROLE_METRIC, /* the labels of an item */
    ROLE_LABELS, /* an item that is nothing but labels (list of series) */
    ROLE_VALUES,
    ROLE_POINT
};

/* Bytes that a point certainly fits in; nearer to the end of a piece the slow path takes over. */
enum { LABEL_BYTES_MAX = 256 * 1024, POINT_BYTES = 96, VALUE_BYTES = 60 };

/* Instants beyond SECONDS_MAX are refused; TIME_DIGITS digits stay below it. */
#define SECONDS_MAX 4e11
enum { TIME_DIGITS = 11 };

struct member {
    enum role of;
    const char *key;
    enum role role;
};

static const struct member members[] = {
    {ROLE_ROOT, "status", ROLE_STATUS}, {ROLE_ROOT, "errorType", ROLE_ERROR_TYPE},
    {ROLE_ROOT, "error", ROLE_ERROR},   {ROLE_ROOT, "data", ROLE_DATA},
    {ROLE_ROOT, "warnings", ROLE_WARNINGS},
    {ROLE_DATA, "result", ROLE_RESULT}, {ROLE_ITEM, "metric", ROLE_METRIC},
    {ROLE_ITEM, "values", ROLE_VALUES}, {ROLE_ITEM, "value", ROLE_POINT},
};

void answer_init(struct answer *answer, const struct answer_listener *listener, const char *what)
{
    memset(answer, 0, sizeof *answer);
    json_pull_init(&answer->json);
    buf_init(&answer->text, LABEL_BYTES_MAX);
    answer->listener = *listener;
    answer->what = what;
    answer->next_role = ROLE_ROOT;
}

void answer_release(struct answer *answer)
{
    json_pull_release(&answer->json);
    buf_release(&answer->text);
}

void answer_reset(struct answer *answer)
{
    json_pull_reset(&answer->json);
    buf_clear(&answer->text);
    answer->next_role = ROLE_ROOT;
    answer->label_count = 0;
    answer->announced = false;
    answer->series = 0;
    answer->points = 0;
    answer->status[0] = '\0';
    answer->error_type[0] = '\0';
    answer->error[0] = '\0';
    answer->warning[0] = '\0';
    answer->started = false;
    answer->stopped = false;
    if (answer->listener.begin != NULL) {
        answer->listener.begin(answer->listener.context);
    }
}

static int refuse(const struct answer *answer, const char *why, struct err *err)
{
    return err_set(err, ERR_UNAVAILABLE, "the answer of %s is not what the Prometheus API gives: %s",
                   answer->what, why);
}

/* Reads an instant in seconds with at most three decimals that count, to milliseconds. False when it is none
 * or out of range. */
static bool answer_time(const char *text, int64_t *time_ms)
{
    char *end;
    errno = 0;
    double seconds = strtod(text, &end);
    if (end == text || *end != '\0' || errno != 0 || !(fabs(seconds) < SECONDS_MAX)) {
        return false;
    }
    *time_ms = llround(seconds * 1000);
    return true;
}

/* Reads a sample value as Prometheus writes it: a decimal number, NaN, +Inf, -Inf. False when it is none. */
static bool answer_value(const char *text, size_t length, double *value)
{
    char copy[64];
    char *end;
    if (length == 0 || length >= sizeof copy || strchr("0123456789+-.NI", text[0]) == NULL) {
        return false;
    }
    memcpy(copy, text, length);
    copy[length] = '\0';
    if (strspn(copy, "0123456789+-.eENaInf") != length) {
        return false;
    }
    *value = strtod(copy, &end);
    return *end == '\0';
}

static enum role role_at(const struct answer *answer, unsigned depth)
{
    return depth == 0 ? ROLE_ROOT : (enum role)answer->roles[depth - 1];
}

/* The role of a value that starts in a container of role `in`. */
static enum role role_of_value(const struct answer *answer, enum role in, bool object, bool in_object)
{
    if (in_object || answer->json.depth == 1) {
        return (enum role)answer->next_role;
    }
    if (in == ROLE_DATA) {
        return object ? ROLE_LABELS : ROLE_SKIP;
    }
    if (in == ROLE_RESULT) {
        return object ? ROLE_ITEM : ROLE_SKIP;
    }
    return in == ROLE_VALUES && !object ? ROLE_POINT : ROLE_SKIP;
}

static void forget_series(struct answer *answer)
{
    buf_clear(&answer->text);
    answer->label_count = 0;
    answer->announced = false;
}

/* A container has begun; the tokenizer has already pushed it. */
static int begin_container(struct answer *answer, bool object, struct err *err)
{
    unsigned depth = answer->json.depth;
    enum role in = depth >= 2 ? role_at(answer, depth - 1) : ROLE_SKIP;
    bool in_object = depth >= 2 && answer->json.in_object[depth - 2];
    enum role role = role_of_value(answer, in, object, in_object);
    bool wrong = (role == ROLE_ROOT && !object) || (role == ROLE_RESULT && object) ||
                 (role == ROLE_METRIC && !object) || (role == ROLE_VALUES && object) ||
                 (role == ROLE_POINT && object) || role == ROLE_STATUS;
    if (wrong) {
        return refuse(answer, "a member has the wrong type", err);
    }
    if (role == ROLE_ITEM || role == ROLE_LABELS) {
        forget_series(answer);
    }
    if ((role == ROLE_VALUES || (role == ROLE_POINT && in == ROLE_ITEM)) && !answer->announced) {
        return refuse(answer, "samples before the labels of their series", err);
    }
    answer->element = 0;
    answer->roles[depth - 1] = (unsigned char)role;
    return 0;
}

/* Hands the labels to the listener. Their places are kept as offsets while the text still grows. */
static int announce(struct answer *answer, struct err *err)
{
    struct labels labels;
    labels.count = answer->label_count;
    for (size_t i = 0; i < labels.count; i++) {
        labels.names[i] = answer->text.data + answer->label_at[i][0];
        labels.values[i] = answer->text.data + answer->label_at[i][1];
    }
    answer->announced = true;
    answer->series++;
    answer->stopped = answer->listener.series(answer->listener.context, &labels, err) != 0;
    return answer->stopped ? -1 : 0;
}

/* A container has ended; the tokenizer has already popped it. */
static int end_container(struct answer *answer, struct err *err)
{
    enum role role = (enum role)answer->roles[answer->json.depth];
    if (role == ROLE_METRIC || role == ROLE_LABELS) {
        return announce(answer, err);
    }
    if (role == ROLE_POINT && answer->element != 2) {
        return refuse(answer, "a point is not a pair", err);
    }
    return 0;
}

/* Adds a label's name or value with its end. */
static int add_text(struct answer *answer, int part, struct err *err)
{
    const struct buf *token = &answer->json.text;
    if (answer->label_count >= LABELS_MAX) {
        return refuse(answer, "a series has too many labels", err);
    }
    answer->label_at[answer->label_count][part] = answer->text.length;
    if (buf_add(&answer->text, buf_str(token), token->length + 1)) {
        return refuse(answer, "the labels of a series are too long", err);
    }
    answer->label_count += part == 1;
    return 0;
}

static int take_key(struct answer *answer, struct err *err)
{
    enum role in = role_at(answer, answer->json.depth);
    const char *key = buf_str(&answer->json.text);
    answer->next_role = ROLE_SKIP;
    if (in == ROLE_METRIC || in == ROLE_LABELS) {
        return add_text(answer, 0, err);
    }
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        if (members[i].of == in && strcmp(members[i].key, key) == 0) {
            answer->next_role = (unsigned char)members[i].role;
        }
    }
    return 0;
}

static int take_point_part(struct answer *answer, enum json_token token, struct err *err)
{
    const struct buf *text = &answer->json.text;
    double value;
    if (answer->element == 0 && token == JSON_TOKEN_NUMBER && answer_time(buf_str(text), &answer->time_ms)) {
        answer->element = 1;
        return 0;
    }
    if (answer->element == 1 && token == JSON_TOKEN_STRING &&
        answer_value(buf_str(text), text->length, &value)) {
        answer->element = 2;
        answer->points++;
        answer->stopped = answer->listener.point(answer->listener.context, answer->time_ms, value, err) != 0;
        return answer->stopped ? -1 : 0;
    }
    return refuse(answer, "a point is not a time and a value", err);
}

static void keep(char *out, size_t size, const struct answer *answer)
{
    snprintf(out, size, "%s", buf_str(&answer->json.text));
    str_mask_controls(out);
    str_trim_utf8(out);
}

/* A value that is no container. */
static int take_scalar(struct answer *answer, enum json_token token, struct err *err)
{
    unsigned depth = answer->json.depth;
    enum role in = role_at(answer, depth);
    if (depth == 0) {
        return refuse(answer, "it is no object", err);
    }
    if (in == ROLE_POINT) {
        return take_point_part(answer, token, err);
    }
    if (in == ROLE_METRIC || in == ROLE_LABELS) {
        return token == JSON_TOKEN_STRING ? add_text(answer, 1, err)
                                          : refuse(answer, "a label is no string", err);
    }
    if (in == ROLE_WARNINGS && token == JSON_TOKEN_STRING && answer->warning[0] == '\0') {
        keep(answer->warning, sizeof answer->warning, answer);
        return 0;
    }
    bool whole = answer->next_role == ROLE_DATA || answer->next_role == ROLE_RESULT;
    if (answer->json.in_object[depth - 1] && whole && token != JSON_TOKEN_WORD) {
        return refuse(answer, "its data are no list", err);
    }
    if (!answer->json.in_object[depth - 1] || token != JSON_TOKEN_STRING) {
        return in == ROLE_VALUES ? refuse(answer, "a point is not a pair", err) : 0;
    }
    if (answer->next_role == ROLE_STATUS) {
        keep(answer->status, sizeof answer->status, answer);
    } else if (answer->next_role == ROLE_ERROR_TYPE) {
        keep(answer->error_type, sizeof answer->error_type, answer);
    } else if (answer->next_role == ROLE_ERROR) {
        keep(answer->error, sizeof answer->error, answer);
    }
    return 0;
}

static int take_token(struct answer *answer, enum json_token token, struct err *err)
{
    switch (token) {
    case JSON_TOKEN_OBJECT:
    case JSON_TOKEN_ARRAY:
        return begin_container(answer, token == JSON_TOKEN_OBJECT, err);
    case JSON_TOKEN_OBJECT_END:
    case JSON_TOKEN_ARRAY_END:
        return end_container(answer, err);
    case JSON_TOKEN_KEY:
        return take_key(answer, err);
    case JSON_TOKEN_STRING:
    case JSON_TOKEN_NUMBER:
    case JSON_TOKEN_WORD:
        return take_scalar(answer, token, err);
    case JSON_TOKEN_BAD:
        return refuse(answer, answer->json.problem, err);
    case JSON_TOKEN_MORE:
        break;
    }
    return 0;
}

/* Reads "<digits>[.<up to 3 digits>]" as milliseconds. NULL when it is anything else, or so long that it may be out of
 * range. */
static const char *fast_time(const char *p, int64_t *time_ms)
{
    const char *start = p;
    int64_t whole = 0;
    int64_t fraction = 0;
    for (; *p >= '0' && *p <= '9' && p - start < TIME_DIGITS; p++) {
        whole = whole * 10 + (*p - '0');
    }
    if (p == start || (*start == '0' && p > start + 1)) {
        return NULL;
    }
    if (*p == '.') {
        const char *dot = p++;
        for (int64_t unit = 100; *p >= '0' && *p <= '9' && unit > 0; p++, unit /= 10) {
            fraction += (*p - '0') * unit;
        }
        if (p == dot + 1) {
            return NULL;
        }
    }
    *time_ms = whole * 1000 + fraction;
    return *p == ',' ? p : NULL;
}

/* Reads a plain decimal in quotes; one with more digits than fit in a number goes to strtod. NULL when it is anything
 * else. */
static const char *fast_value(const char *p, double *value)
{
    if (*p++ != '"') {
        return NULL;
    }
    const char *start = p;
    const char *limit = p + VALUE_BYTES;
    uint64_t digits = 0;
    while (*p >= '0' && *p <= '9' && p < limit) {
        digits = digits * 10 + (uint64_t)(*p++ - '0');
    }
    size_t whole = (size_t)(p - start);
    size_t decimals = 0;
    if (*p == '.') {
        const char *fraction = ++p;
        while (*p >= '0' && *p <= '9' && p < limit) {
            digits = digits * 10 + (uint64_t)(*p++ - '0');
        }
        decimals = (size_t)(p - fraction);
    }
    if (*p != '"' || whole + decimals == 0) {
        return NULL;
    }
    /* Digits that do not count: most rates are below 1. */
    size_t leading = whole == 1 && *start == '0';
    for (const char *at = start + 2; leading > 0 && leading <= decimals && *at == '0'; at++) {
        leading++;
    }
    if (whole + decimals - leading <= 19 && decimals <= DECIMALS_MAX) {
        *value = decimal_value(digits, (unsigned)decimals);
    } else if (!answer_value(start, (size_t)(p - start), value)) {
        return NULL;
    }
    return p + 1;
}

/* Takes whole points straight from the piece while it plainly holds them; whatever looks otherwise is left to
 * the tokenizer, which also says what is wrong with it. */
static int take_points(struct answer *answer, const char **at, const char *end, struct err *err)
{
    struct json_pull *json = &answer->json;
    const char *p = *at;
    while (end - p > POINT_BYTES) {
        const char *q = p;
        double value;
        int64_t time_ms;
        if (json->expect == JSON_EXPECT_ELEMENT_END && *q++ != ',') {
            break;
        }
        if (*q++ != '[' || (q = fast_time(q, &time_ms)) == NULL || (q = fast_value(q + 1, &value)) == NULL ||
            *q != ']') {
            break;
        }
        json->expect = JSON_EXPECT_ELEMENT_END;
        p = q + 1;
        answer->points++;
        if (answer->listener.point(answer->listener.context, time_ms, value, err)) {
            answer->stopped = true;
            return -1;
        }
    }
    *at = p;
    return 0;
}

static bool at_points(const struct answer *answer)
{
    const struct json_pull *json = &answer->json;
    return json->mode == 0 && json->depth > 0 && role_at(answer, json->depth) == ROLE_VALUES &&
           (json->expect == JSON_EXPECT_FIRST_ELEMENT || json->expect == JSON_EXPECT_ELEMENT_END);
}

/* A page for people instead of an answer is worth a sentence of its own. */
static int check_start(struct answer *answer, const char *bytes, size_t length, struct err *err)
{
    for (size_t i = 0; i < length && !answer->started; i++) {
        if (strchr(" \t\r\n", bytes[i]) != NULL && bytes[i] != '\0') {
            continue;
        }
        answer->started = true;
        if (bytes[i] == '<') {
            err_set(err, ERR_UNAVAILABLE, "%s answered with a web page instead of data", answer->what);
            return err_hint(
                err,
                "check the address: it must be that of the Prometheus API, not of a login page or proxy");
        }
    }
    return 0;
}

int answer_feed(struct answer *answer, const char *bytes, size_t length, struct err *err)
{
    const char *at = bytes;
    const char *end = bytes + length;
    if (!answer->started && check_start(answer, bytes, length, err)) {
        return -1;
    }
    while (at < end) {
        if (at_points(answer) && take_points(answer, &at, end, err)) {
            return -1;
        }
        enum json_token token = json_pull_next(&answer->json, &at, end);
        if (token != JSON_TOKEN_MORE && take_token(answer, token, err)) {
            return -1;
        }
    }
    return 0;
}

int answer_finish(struct answer *answer, struct err *err)
{
    if (!json_pull_done(&answer->json)) {
        return err_set(err, ERR_UNAVAILABLE, "%s cut its answer in the middle", answer->what);
    }
    if (strcmp(answer->status, "success") != 0) {
        if (answer->status[0] == '\0') {
            return refuse(answer, "it has no status", err);
        }
        return err_set(err, ERR_UNAVAILABLE, "%s answered with status \"%s\"%s%s%s%s", answer->what,
                       answer->status, answer->error_type[0] == '\0' ? "" : ", ", answer->error_type,
                       answer->error[0] == '\0' ? "" : ": ", answer->error);
    }
    return 0;
}
