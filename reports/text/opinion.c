#include "reports/text/opinion.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/quantity.h"
#include "pipeline/base/str.h"
#include "pipeline/run/reasons.h"

enum { CLAMPS_TOLD = 40 };

static const json_t *advice_of(const json_t *record)
{
    return json_object_get(record, "recommendation");
}

/* The rules speak where nobody else is named, as in records of before there was anybody else. */
static bool is_of(const json_t *record, const char *source)
{
    const char *named = json_string_or_null(advice_of(record), "source");
    return str_equal(named == NULL ? "rules" : named, source);
}

char *opinion_who(const json_t *record, char out[OPINION_WHO_MAX])
{
    const json_t *advice = advice_of(record);
    const char *model = json_string_or_null(advice, "model");
    const char *provider = json_string_or_null(advice, "provider");
    const char *by = json_string_or_null(advice, "proposed_by");
    out[0] = '\0';
    if (!json_is_object(advice)) {
        return out;
    }
    if (is_of(record, "proposal")) {
        (void)snprintf(out, OPINION_WHO_MAX, "%s%s", by == NULL ? "nobody: not part of the proposal" : by, by == NULL ? "" : "'s proposal");
    } else if (is_of(record, "llm")) {
        (void)snprintf(out, OPINION_WHO_MAX, "%s (%s)", model == NULL ? "a language model" : model,
                       provider == NULL ? "of a provider that is not named" : provider);
    } else {
        const char *source = json_string_or_null(advice, "source");
        bool rules = is_of(record, "rules");
        (void)snprintf(out, OPINION_WHO_MAX, "%s", rules ? "the rules" : source);
    }
    str_trim_utf8(out);
    return out;
}

bool opinion_differs(const json_t *record)
{
    const json_t *advice = advice_of(record);
    bool other = is_of(record, "proposal") ? json_string_or_null(advice, "proposed_by") != NULL : !is_of(record, "rules");
    return json_is_object(advice) && (other || json_is_object(json_object_get(advice, "fallback")));
}

char *opinion_fallback(const json_t *record, char out[OPINION_REASON_MAX])
{
    const json_t *fallback = json_object_get(advice_of(record), "fallback");
    const char *from = json_string_or_null(fallback, "from");
    const char *reason = json_string_or_null(fallback, "reason");
    out[0] = '\0';
    if (json_is_object(fallback)) {
        (void)snprintf(out, OPINION_REASON_MAX, "%s was not used: %s", from == NULL ? "a provider" : from,
                       reason == NULL ? "no reason is given" : reason);
        str_trim_utf8(out);
        str_mask_controls(out);
    }
    return out;
}

double opinion_disagreement(const json_t *record)
{
    double value = 0;
    bool known = !is_of(record, "rules") && json_get_number(advice_of(record), "disagreement", &value);
    return known && value >= 0 ? value : NAN;
}

/* What the rules bounded of their own is told elsewhere. */
static const json_t *clamps_of(const json_t *record)
{
    return is_of(record, "rules") ? NULL : json_object_get(advice_of(record), "clamps");
}

size_t opinion_moved(const json_t *record)
{
    return json_array_size(clamps_of(record));
}

/* An amount as people write it, "nothing" where there is none. */
static const char *amount_text(const json_t *clamp, const char *key, char out[QUANTITY_MAX])
{
    double amount = 0;
    const char *field = json_string_or_null(clamp, "field");
    if (!json_get_number(clamp, key, &amount) || !(amount >= 0) || amount > 9e18) {
        return "nothing";
    }
    int64_t whole = (int64_t)ceil(amount);
    return field != NULL && str_ends(field, ".cpu") ? quantity_cpu_format(whole, out) : quantity_memory_format(whole, out);
}

static void clamp_line(const json_t *clamp, struct buf *out)
{
    char asked[QUANTITY_MAX];
    char given[QUANTITY_MAX];
    const char *container = json_string_or_null(clamp, "container");
    const char *field = json_string_or_null(clamp, "field");
    const char *by = json_string_or_null(clamp, "by");
    const char *words = by == NULL ? NULL : reason_words(by);
    char *line = xasprintf("%s %s: %s asked, %s given%s%s%s%s%s", container == NULL ? "?" : container, field == NULL ? "?" : field,
                           amount_text(clamp, "proposed", asked), amount_text(clamp, "after", given), by == NULL ? "" : ": ",
                           words == NULL ? "" : words, words == NULL ? "" : " (", by == NULL ? "" : by, words == NULL ? "" : ")");
    str_mask_controls(line); /* so that a name stays in its line */
    buf_printf(out, "%s\n", line);
    free(line);
}

void opinion_lines(const json_t *record, struct buf *out)
{
    char fallback[OPINION_REASON_MAX];
    double far = opinion_disagreement(record);
    const json_t *clamps = clamps_of(record);
    if (opinion_fallback(record, fallback)[0] != '\0') {
        buf_printf(out, "%s\n", fallback);
    }
    if (isfinite(far) && far > 0) {
        buf_printf(out, "up to %.0f %% away from the rules' numbers\n", fmin(far, 99) * 100);
    }
    for (size_t i = 0; i < json_array_size(clamps) && i < CLAMPS_TOLD; i++) {
        clamp_line(json_array_get(clamps, i), out);
    }
    if (json_array_size(clamps) > CLAMPS_TOLD) {
        buf_printf(out, "… and %zu more amounts that were moved\n", json_array_size(clamps) - CLAMPS_TOLD);
    }
}
