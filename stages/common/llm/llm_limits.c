#include "stages/common/llm/llm_limits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"

enum { VALUE_MAX = 64, PATIENCE_MS = 60 * 1000, RESET_MAX_MS = 24 * 3600 * 1000, EPOCH_MIN = 1000 * 1000 * 1000 };
static const int64_t count_max = INT64_C(1) << 50;

static const struct {
    const char *anthropic; /* in the middle of the name */
    const char *openai;    /* at its end; NULL: it has none */
} names[LLM_METERS] = {[LLM_REQUESTS] = {"requests", "requests"},
                       [LLM_TOKENS] = {"tokens", "tokens"},
                       [LLM_INPUT_TOKENS] = {"input-tokens", NULL},
                       [LLM_OUTPUT_TOKENS] = {"output-tokens", NULL}};

struct llm_need llm_need_of(const struct llm_prompt *prompt)
{
    int64_t input = llm_estimate_input(prompt);
    return (struct llm_need){.of = {1, input + prompt->max_tokens, input, prompt->max_tokens}};
}

/* Milliseconds of a number with its unit ("1.5s"), and moves past both. -1 where it is none. */
static double part(const char **text)
{
    static const struct {
        const char *unit;
        double ms;
    } units[] = {{"ms", 1}, {"us", 1e-3}, {"ns", 1e-6}, {"s", 1000}, {"m", 60 * 1000}, {"h", 3600 * 1000}, {"d", 86400 * 1000.0}};
    size_t digits = strspn(*text, "0123456789.");
    char *end = NULL;
    double value = digits > 0 ? strtod(*text, &end) : -1;
    if (value < 0 || end != *text + digits) {
        return -1;
    }
    for (size_t i = 0; i < ARRAY_COUNT(units); i++) {
        if (str_starts(end, units[i].unit)) {
            *text = end + strlen(units[i].unit);
            return value * units[i].ms;
        }
    }
    *text = end;
    return *end ? -1 : value * 1000;
}

/* Milliseconds until a reset that is told as a length of time or as seconds since the epoch. -1 where it is none. */
static int64_t length_of(const char *text, int64_t date)
{
    double total = 0;
    if (!*text) {
        return -1;
    }
    while (*text) {
        double ms = part(&text);
        if (ms < 0) {
            return -1;
        }
        total += ms;
    }
    if (total / 1000 > EPOCH_MIN) {
        total -= (double)date * 1000;
    }
    return total > RESET_MAX_MS ? RESET_MAX_MS : total < 0 ? 0 : (int64_t)total;
}

/* Milliseconds until a reset, whatever form it has. By the server's own clock where it tells it. */
static int64_t reset_of(const char *text, const struct http_reply *reply)
{
    int64_t instant;
    int64_t date = reply->date >= 0 ? reply->date : clock_now();
    if (time_parse(text, &instant, NULL)) {
        return length_of(text, date);
    }
    if (instant < date) {
        return 0;
    }
    int64_t seconds = instant - date + 1; /* both are cut to whole seconds: not a moment too early */
    return seconds > RESET_MAX_MS / 1000 ? RESET_MAX_MS : seconds * 1000;
}

static bool header(const struct http_reply *reply, const char *vendor, const char *a, const char *b, char value[VALUE_MAX])
{
    char name[VALUE_MAX];
    (void)snprintf(name, sizeof name, "%s-ratelimit-%s-%s", vendor, a, b);
    return http_reply_header(reply, name, value, VALUE_MAX);
}

/* One value of a meter, by either name. */
static bool value_of(const struct http_reply *reply, enum llm_meter meter, const char *kind, char value[VALUE_MAX])
{
    return header(reply, "anthropic", names[meter].anthropic, kind, value) ||
           (names[meter].openai && header(reply, "x", kind, names[meter].openai, value));
}

static bool count_of(const struct http_reply *reply, enum llm_meter meter, const char *kind, int64_t *out)
{
    char value[VALUE_MAX];
    return value_of(reply, meter, kind, value) && str_int64(value, 0, count_max, out) == 0;
}

bool llm_limits_read(struct llm_limits *limits, const struct http_reply *reply, int64_t now)
{
    bool any = false;
    for (int i = 0; i < LLM_METERS; i++) {
        char value[VALUE_MAX];
        int64_t remaining, limit = -1;
        if (!count_of(reply, (enum llm_meter)i, "remaining", &remaining) || !value_of(reply, (enum llm_meter)i, "reset", value)) {
            continue;
        }
        int64_t reset_ms = reset_of(value, reply);
        if (reset_ms < 0) {
            continue;
        }
        (void)count_of(reply, (enum llm_meter)i, "limit", &limit);
        limits->meters[i].known = true;
        limits->meters[i].limit = limit;
        limits->meters[i].remaining = remaining;
        limits->meters[i].reset_at = now + reset_ms;
        limits->meters[i].since = now;
        any = true;
    }
    return any;
}

void llm_limits_take(struct llm_limits *limits, const struct llm_need *need, int64_t now)
{
    for (int i = 0; i < LLM_METERS; i++) {
        if (!limits->meters[i].known) {
            continue;
        }
        if (now >= limits->meters[i].reset_at) {
            limits->meters[i].known = limits->meters[i].limit >= 0;
            limits->meters[i].remaining = limits->meters[i].limit;
            limits->meters[i].reset_at = now + PATIENCE_MS;
        }
        if (limits->meters[i].remaining < need->of[i]) {
            limits->meters[i].since = now;
        }
        limits->meters[i].remaining -= need->of[i];
    }
}

int64_t llm_limits_until(const struct llm_limits *limits, const struct llm_need *need, int64_t now)
{
    int64_t until = now;
    for (int i = 0; i < LLM_METERS; i++) {
        int64_t limit = limits->meters[i].limit;
        int64_t wanted = limit >= 0 && limit < need->of[i] ? limit : need->of[i]; /* more than there ever is: all of it */
        if (!limits->meters[i].known || wanted <= limits->meters[i].remaining) {
            continue;
        }
        int64_t patience = limits->meters[i].since + PATIENCE_MS;
        int64_t at = limits->meters[i].reset_at < patience ? limits->meters[i].reset_at : patience;
        until = at > until ? at : until;
    }
    return until;
}
