/* Time zone files, POSIX rules, cron schedules and lists of windows: read or refused, and what is read keeps
 * the laws of clocks: an instant's wall clock reading was reached at or before it, and the next one after it.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/run/cron.h"
#include "pipeline/run/tz.h"
#include "pipeline/run/tz_rule.h"
#include "pipeline/run/window.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const int64_t instants[] = {0, 1774746000, 1792890000, 3786825600, -2208988800, 253402300000};

static void must(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void try_zone(const uint8_t *data, size_t size)
{
    struct tz *tz = NULL;
    if (tz_parse(data, size, "fuzz", &tz, NULL)) {
        return;
    }
    for (size_t i = 0; i < ARRAY_COUNT(instants); i++) {
        int64_t wall = tz_wall_reached(tz, instants[i]);
        must(tz_instant(tz, wall) <= instants[i]);
        must(tz_instant(tz, wall + 1) > instants[i]);
    }
    tz_free(tz);
}

static void try_cron(const char *text)
{
    struct cron cron;
    int64_t next = 0;
    int64_t previous = 0;
    if (cron_parse(text, &cron, NULL)) {
        return;
    }
    int64_t limit = INT64_C(400) * 366 * 86400;
    must(cron_next(&cron, instants[1], instants[1] + limit, &next) && next >= instants[1]);
    must(cron_previous(&cron, next, next - 1, &previous) && previous == next);
}

static void try_windows(const char *text, size_t size)
{
    json_t *list = json_loadb(text, size, 0, NULL);
    struct window_set *set = window_set_new();
    struct window_verdict verdict;
    if (list != NULL && json_array_size(list) < 5 && window_set_add(set, list, NULL, "fuzz", NULL) == 0) {
        window_judge(set, NULL, instants[1], NULL, &verdict);
        if (!verdict.allowed && verdict.has_next) {
            struct window_verdict then;
            window_judge(set, NULL, verdict.next_opening, NULL, &then);
            must(then.allowed);
        }
    }
    window_set_free(set);
    json_decref(list);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tz_rule rule;
    char *text = xstrndup((const char *)data, size);
    try_zone(data, size);
    try_cron(text);
    try_windows(text, strlen(text));
    if (tz_rule_parse(text, &rule) == 0) {
        tz_rule_offset(&rule, instants[3]);
        must(tz_rule_next(&rule, instants[3]) > instants[3]);
    }
    free(text);
    return 0;
}
