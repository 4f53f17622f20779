#include "reports/figures.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/money.h"
#include "pipeline/base/quantity.h"

static const char absent[] = "\xe2\x80\x93";

char *figure_change(int64_t before, int64_t after, const char *minus, char out[FIGURE_MAX])
{
    char money[MONEY_TEXT];
    money_format(llabs(after - before), money);
    const char *sign = strcmp(money, "$0") == 0 ? "" : after < before ? minus : "+";
    snprintf(out, FIGURE_MAX, "%s%s", sign, money);
    return out;
}

char *figure_percent(int64_t before, int64_t after, const char *minus, char out[FIGURE_MAX])
{
    out[0] = '\0';
    if (before == 0 || after == 0 || before == after) {
        return out;
    }
    double percent = fabs((double)(after - before) * 100 / (double)before);
    const char *sign = after < before ? minus : "+";
    snprintf(out, FIGURE_MAX, percent < 0.95 ? "%s%.1f%%" : "%s%.0f%%", sign, percent);
    return out;
}

static int is_cpu(enum report_field field)
{
    return field == CPU_REQUEST || field == CPU_LIMIT;
}

char *figure_amount(enum report_field field, int64_t amount, char out[FIGURE_MAX])
{
    char quantity[QUANTITY_MAX];
    if (amount < 0) {
        snprintf(out, FIGURE_MAX, "%s", absent);
        return out;
    }
    if (!is_cpu(field) && amount % 1024 != 0 && amount % 1000000 == 0) {
        /* Decimal amounts read better in their own unit. */
        snprintf(out, FIGURE_MAX, "%" PRId64 "M", amount / 1000000);
        return out;
    }
    snprintf(out, FIGURE_MAX, "%s",
             is_cpu(field) ? quantity_cpu_format(amount, quantity)
                           : quantity_memory_format(amount, quantity));
    return out;
}

char *figure_pair(enum report_field field, int64_t now, int64_t next, const char *arrow, char out[FIGURE_MAX])
{
    char left[FIGURE_MAX];
    char right[FIGURE_MAX];
    figure_amount(field, now, left);
    if (now == next) {
        snprintf(out, FIGURE_MAX, "%s", left);
    } else {
        snprintf(out, FIGURE_MAX, "%.24s%.8s%.24s", left, arrow, figure_amount(field, next, right));
    }
    return out;
}

/* Three significant digits without trailing zeros. */
static void short_number(double value, char out[FIGURE_MAX])
{
    int decimals = value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
    snprintf(out, FIGURE_MAX, "%.*f", decimals, value);
    if (strchr(out, '.') != NULL) {
        size_t length = strlen(out);
        while (out[length - 1] == '0') {
            out[--length] = '\0';
        }
        if (out[length - 1] == '.') {
            out[length - 1] = '\0';
        }
    }
}

char *figure_measured(enum report_field field, double amount, char out[FIGURE_MAX])
{
    static const char *const units[] = {"", "Ki", "Mi", "Gi", "Ti", "Pi"};
    char number[FIGURE_MAX];
    if (!isfinite(amount)) {
        snprintf(out, FIGURE_MAX, "%s", absent);
    } else if (is_cpu(field)) {
        short_number(amount < 1000 ? amount : amount / 1000, number);
        snprintf(out, FIGURE_MAX, "%.40s%s", number, amount < 1000 && amount > 0 ? "m" : "");
    } else {
        size_t unit = 0;
        for (; fabs(amount) >= 1024 && unit + 1 < ARRAY_COUNT(units); unit++) {
            amount /= 1024;
        }
        short_number(amount, number);
        snprintf(out, FIGURE_MAX, "%.40s%s", number, units[unit]);
    }
    return out;
}

char *figure_dollars(int64_t microusd, char out[FIGURE_MAX])
{
    int64_t amount = llabs(microusd);
    snprintf(out, FIGURE_MAX, "%s%" PRId64 ".%06" PRId64, microusd < 0 ? "-" : "", amount / 1000000,
             amount % 1000000);
    size_t length = strlen(out);
    while (out[length - 1] == '0') {
        out[--length] = '\0';
    }
    out[out[length - 1] == '.' ? length - 1 : length] = '\0';
    return out;
}

char *figure_confidence(const struct report_row *row, char out[FIGURE_MAX])
{
    if (row->has_confidence) {
        snprintf(out, FIGURE_MAX, "%.2f", row->confidence);
    } else {
        snprintf(out, FIGURE_MAX, "%s", absent);
    }
    return out;
}

char *figure_count(int64_t count, const char *noun, char out[FIGURE_MAX])
{
    snprintf(out, FIGURE_MAX, "%" PRId64 " %.30s%s", count, noun, count == 1 ? "" : "s");
    return out;
}
