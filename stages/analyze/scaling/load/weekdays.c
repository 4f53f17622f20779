#include "stages/analyze/scaling/load/weekdays.h"

#include <stdio.h>
#include <string.h>

enum { WEEK = 7 };

int weekdays_count(unsigned days)
{
    int count = 0;
    for (int d = 0; d < WEEK; d++) {
        count += (int)(days >> d & 1u);
    }
    return count;
}

unsigned weekdays_before(unsigned days)
{
    return (days >> 1 | days << (WEEK - 1)) & ALL_DAYS;
}

unsigned weekdays_after(unsigned days)
{
    return (days << 1 | days >> (WEEK - 1)) & ALL_DAYS;
}

char *weekdays_text(unsigned days, char out[WEEKDAYS_TEXT])
{
    size_t length = 0;
    out[0] = '\0';
    if ((days & ALL_DAYS) == ALL_DAYS) {
        (void)snprintf(out, WEEKDAYS_TEXT, "*");
        return out;
    }
    for (int d = 0; d < WEEK; d++) {
        int last = d;
        if (!(days >> d & 1u)) {
            continue;
        }
        while (last + 1 < WEEK && (days >> (last + 1) & 1u)) {
            last++;
        }
        const char *comma = length > 0 ? "," : "";
        (void)snprintf(out + length, WEEKDAYS_TEXT - length, last > d ? "%s%d-%d" : "%s%d", comma, d, last);
        length = strlen(out);
        d = last;
    }
    return out;
}
