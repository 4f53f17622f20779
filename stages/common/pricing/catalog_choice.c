#include <string.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/str.h"
#include "pricing/money/money.h"
#include "stages/common/pricing/book.h"
#include "stages/common/pricing/place.h"

/* A million to the dollar, and as many dollars. */
#define RATE_MIN 1
#define RATE_MAX (INT64_C(1000000) * 1000000)

static bool is_code(const char *text)
{
    return strlen(text) == 3 && strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 3 && strcmp(text, "USD") != 0;
}

/* A day that there is. */
static bool is_day(const char *text)
{
    char whole[RFC3339_MAX];
    int64_t instant = 0;
    if (strlen(text) != 10 || strspn(text, "0123456789-") != 10) {
        return false;
    }
    snprintf(whole, sizeof whole, "%sT00:00:00Z", text);
    return time_parse(whole, &instant, NULL) == 0;
}

/* All three of its keys, or none: a rate without its day is no stated rate. */
static int read_currency(const struct place *place, struct currency *currency, struct err *err)
{
    const char *code = json_string_value(place_value(place, "currency.code"));
    const char *date = json_string_value(place_value(place, "currency.date"));
    bool rate = place_value(place, "currency.per_usd") != NULL;
    *currency = (struct currency){0};
    if (code == NULL && date == NULL && !rate) {
        return 0;
    }
    if (code == NULL || date == NULL || !rate) {
        place_error(place, err, "currency", "needs code, per_usd and date");
        return err_hint(err, "as in currency: {code: EUR, per_usd: 0.92, date: 2026-11-20}");
    }
    if (!is_code(code)) {
        return place_error(place, err, "currency.code", "'%.16s' is not the code of another currency than USD, as EUR", code);
    }
    if (!is_day(date)) {
        return place_error(place, err, "currency.date", "'%.16s' is not a day, as 2026-11-20", date);
    }
    currency->code = code;
    currency->date = date;
    return place_number(place, "currency.per_usd", 1000000, RATE_MIN, RATE_MAX, 0, &currency->per_usd_ppm, err);
}

int price_catalog_open(const struct options *options, const struct config *config, const char *folder,
                       struct currency *currency, struct catalog **out, struct err *err)
{
    struct arena arena;
    arena_init(&arena);
    struct place place = place_top(config, &arena);
    int failed = read_currency(&place, currency, err);
    if (folder == NULL) {
        folder = options != NULL ? options_string(options, OPT_CATALOG) : config_string(config, "pricing.catalog");
    }
    failed = failed || catalog_open(folder, currency->code == NULL ? NULL : currency, out, err);
    arena_release(&arena);
    return failed ? -1 : 0;
}
