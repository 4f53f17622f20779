#include "reports/text/figures.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/money.h"
#include "pipeline/base/quantity.h"
#include "pipeline/base/str.h"

/* What has a year of four digits. */
static const int64_t instant_min = INT64_C(-62167219200);
static const int64_t instant_max = INT64_C(253402300799);

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

/* What people write before an amount; the code where it has no sign of its own. */
static void currency_sign(const char *code, char out[8])
{
    static const char *const signs[][2] = {{"EUR", "\xe2\x82\xac"}, {"GBP", "\xc2\xa3"}, {"JPY", "\xc2\xa5"}, {"INR", "\xe2\x82\xb9"}};
    for (size_t i = 0; i < ARRAY_COUNT(signs); i++) {
        if (str_equal(code, signs[i][0])) {
            snprintf(out, 8, "%s", signs[i][1]);
            return;
        }
    }
    snprintf(out, 8, "%.3s ", code);
}

char *figure_other_currency(const struct report *report, int64_t microusd, char out[FIGURE_MAX])
{
    static const double most = 4e18;
    const json_t *currency = json_object_get(json_object_get(report->meta.settings, "price"), "currency");
    const char *code = json_string_or_null(currency, "code");
    double rate = (double)json_int_or(currency, "per_usd_ppm", 0) / 1e6;
    double amount = fabs((double)microusd) * rate;
    out[0] = '\0';
    if (code == NULL || strspn(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 3 || code[3] != '\0' || !(rate > 0) || amount > most) {
        return out;
    }
    char sign[8];
    char money[MONEY_TEXT];
    currency_sign(code, sign);
    money_format((int64_t)(amount + 0.5), money);
    snprintf(out, FIGURE_MAX, "\xe2\x89\x88 %s%s%.36s", microusd < 0 ? "-" : "", sign, money + 1);
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

char *figure_share(double share, char out[FIGURE_MAX])
{
    double percent = share * 100;
    int digits = fabs(percent) >= 9.95 || !(fabs(percent) > 0) ? 0 : fabs(percent) >= 0.095 ? 1 : 2;
    if (!isfinite(share)) {
        snprintf(out, FIGURE_MAX, "%s", absent);
    } else {
        snprintf(out, FIGURE_MAX, "%.*f%%", digits, percent);
    }
    return out;
}

char *figure_duration(double seconds, char out[FIGURE_MAX])
{
    static const struct {
        double seconds;
        const char *name;
    } units[] = {{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};
    size_t unit = 0;
    if (!isfinite(seconds)) {
        snprintf(out, FIGURE_MAX, "%s", absent);
        return out;
    }
    while (unit + 1 < sizeof units / sizeof units[0] && seconds < units[unit].seconds * 2) {
        unit++;
    }
    double value = seconds / units[unit].seconds;
    bool whole = value >= 9.95 || fabs(value - round(value)) < 0.05;
    snprintf(out, FIGURE_MAX, "%.*f %s", whole ? 0 : 1, value, units[unit].name);
    return out;
}

char *figure_instant(const json_t *object, const char *key, char out[FIGURE_MAX])
{
    int64_t seconds = 0;
    char text[RFC3339_MAX];
    const char *instant = json_string_or_null(object, key);
    bool whole = json_get_int(object, key, &seconds) && seconds >= instant_min && seconds <= instant_max;
    if (!whole && (instant == NULL || time_parse(instant, &seconds, NULL))) {
        snprintf(out, FIGURE_MAX, "%.40s", instant == NULL ? absent : instant);
        str_trim_utf8(out);
        return out;
    }
    time_format(seconds, text);
    snprintf(out, FIGURE_MAX, "%.10s %.5s", text, text + 11);
    return out;
}

char *figure_plain(double number, char out[FIGURE_MAX])
{
    if (!isfinite(number)) {
        snprintf(out, FIGURE_MAX, "%s", absent);
    } else if (fabs(number) >= 1000) {
        snprintf(out, FIGURE_MAX, "%.0f", number);
    } else {
        snprintf(out, FIGURE_MAX, "%.3g", number);
    }
    return out;
}
