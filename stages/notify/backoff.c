#include "stages/notify/backoff.h"

enum { FIRST_MS = 2000, FACTOR = 3, MOST_MS = 3600 * 1000, RETRY_AFTER_MAX = 86400, SPREAD_MS = 1000 };

/* Half to all of a base that grows with each try. */
static int64_t growing(int64_t attempts, double chance)
{
    int64_t base = FIRST_MS;
    for (int64_t i = 1; i < attempts && base < MOST_MS; i++) {
        base *= FACTOR;
    }
    base = base > MOST_MS ? MOST_MS : base;
    return base / 2 + (int64_t)((double)(base / 2) * chance);
}

struct backoff backoff_after(const struct receiver *receiver, const struct attempt *attempt, int64_t attempts, int64_t age_seconds,
                             double chance)
{
    struct backoff next = {.outcome = "sent"};
    if (attempt->outcome == ATTEMPT_SENT) {
        return next;
    }
    int64_t asked = attempt->retry_after_seconds;
    if (asked >= 0) {
        next.pause_ms = (asked > RETRY_AFTER_MAX ? RETRY_AFTER_MAX : asked) * 1000;
        next.wait_ms = next.pause_ms + (int64_t)(SPREAD_MS * chance);
    } else {
        next.wait_ms = growing(attempts, chance);
    }
    bool over = attempts >= receiver->tries || age_seconds + next.wait_ms / 1000 > receiver->give_up_seconds;
    next.outcome = over || attempt->outcome == ATTEMPT_NEVER ? "given-up" : "waiting";
    return next;
}
