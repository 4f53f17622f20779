#include "stages/common/llm/llm_pace.h"

#include "pipeline/base/rng.h"

enum { BACKOFF_FIRST_MS = 500, BACKOFF_MAX_MS = 30 * 1000, THROTTLE_FIRST_MS = 1000, THROTTLE_MAX_MS = 60 * 1000 };
enum { JITTER_MS = 250, FAILED_AT_FIRST = 3, FAILED_LATER = 20, USELESS_MAX = 20, LATELY = 8, ASKED_MORE = 4, ASKED_LEAST_MS = 500 };
enum { THROTTLED_AT_FIRST = 6, THROTTLED_LATER = 12 };

void llm_pace_init(struct llm_pace *pace, int parallel)
{
    *pace = (struct llm_pace){.window = parallel, .widest = parallel};
}

bool llm_pace_room(const struct llm_pace *pace, size_t flying)
{
    return (double)flying + 1 <= pace->window;
}

int64_t llm_pace_until(const struct llm_pace *pace, const struct llm_need *need, int64_t now)
{
    int64_t until = llm_limits_until(&pace->limits, need, now);
    return pace->held_until > until ? pace->held_until : until;
}

uint64_t llm_pace_sent(struct llm_pace *pace, const struct llm_need *need, int64_t now)
{
    llm_limits_take(&pace->limits, need, now);
    return ++pace->sent;
}

struct llm_need llm_pace_likely(const struct llm_pace *pace, const struct llm_need *need)
{
    struct llm_need likely = *need;
    int64_t written = pace->written > 0 ? (int64_t)(2 * pace->written) : need->of[LLM_OUTPUT_TOKENS];
    if (written < need->of[LLM_OUTPUT_TOKENS]) {
        likely.of[LLM_OUTPUT_TOKENS] = written;
    }
    likely.of[LLM_TOKENS] = likely.of[LLM_INPUT_TOKENS] + likely.of[LLM_OUTPUT_TOKENS];
    return likely;
}

void llm_pace_answered(struct llm_pace *pace, int64_t tokens)
{
    pace->written = pace->written > 0 ? pace->written + ((double)tokens - pace->written) / LATELY : (double)tokens;
    pace->throttled = pace->failed = pace->useless = 0;
    pace->reached = pace->answered = true;
    pace->window += 1 / pace->window;
    if (pace->window > pace->widest) {
        pace->window = pace->widest;
    }
}

/* A base that doubles with each try, up to `most`; half of it is left to chance, so that many do not come back at once. */
static int64_t doubled(int64_t first, unsigned tries, int64_t most)
{
    int64_t base = first << (tries < 10 ? tries : 10);
    base = base > most ? most : base;
    return base / 2 + (int64_t)(rng_unit() * (double)(base / 2));
}

void llm_pace_throttled(struct llm_pace *pace, uint64_t number, size_t flying, int64_t asked_ms, int64_t now)
{
    bool anew = number > pace->cut_at; /* those that went out together are one event */
    int64_t wait = asked_ms >= 0 ? asked_ms + (int64_t)(rng_unit() * JITTER_MS) : 0;
    int64_t most = asked_ms < 0 ? THROTTLE_MAX_MS : asked_ms > ASKED_LEAST_MS ? asked_ms * ASKED_MORE : ASKED_LEAST_MS * ASKED_MORE;
    int64_t own = anew && (asked_ms < 0 || pace->throttled > 0) ? doubled(THROTTLE_FIRST_MS, pace->throttled, most) : 0;
    wait = own > wait ? own : wait;
    pace->reached = true;
    if (anew) {
        double now_open = (double)flying + 1 < pace->window ? (double)flying + 1 : pace->window;
        pace->window = now_open / 2 < 1 ? 1 : now_open / 2;
        pace->cut_at = pace->sent;
        pace->throttled++;
    }
    if (now + wait > pace->held_until) {
        pace->held_until = now + wait;
    }
}

bool llm_pace_hopeless(const struct llm_pace *pace)
{
    return pace->throttled >= (pace->answered ? THROTTLED_LATER : THROTTLED_AT_FIRST);
}

int64_t llm_pace_backoff(unsigned tries)
{
    return doubled(BACKOFF_FIRST_MS, tries, BACKOFF_MAX_MS);
}

bool llm_pace_failed(struct llm_pace *pace, bool none)
{
    if (none) {
        pace->reached = true;
        pace->failed = 0;
        return ++pace->useless >= USELESS_MAX && !pace->answered;
    }
    pace->failed++;
    return !pace->reached || pace->failed >= (pace->answered ? FAILED_LATER : FAILED_AT_FIRST);
}
