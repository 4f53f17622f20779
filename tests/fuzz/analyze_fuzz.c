/* A workload with its usage, as an artifact hands it to tare-analyze, through all of the stage but its files. Whatever the figures
 * are, the recommendation is whole and can be written and read again: an amount that is no number would be missing from it. No
 * request is put above its limit, nothing lies outside its own bounds, and no text brings control characters along.
 *
 * Bytes changed at random are mostly no JSON any more, so most changes are made in the parsed record. */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/log.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "stages/analyze/flow/job.h"
#include "stages/analyze/sizing/knobs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size); /* libFuzzer's own */

static const char config_text[] = "version: 1\n"
                                  "pricing: {usd_per_vcpu_hour: 0.04, usd_per_gib_hour: 0.005}\n"
                                  "scaling:\n"
                                  "  policies:\n"
                                  "    - {name: queue, type: proportional, query: q, target: 10, min: 2, max: 9, cooldown: 5m}\n"
                                  "    - {name: errors, type: slo, query: q, target: 0.5, direction: higher, prefer: cost}\n"
                                  "    - {name: bill, type: cost, max_monthly_cost_usd: 50, prefer: performance}\n";

static void must(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* What all records of a run share. */
static const struct job_setup *begun(void)
{
    static struct job_setup setup;
    static struct config *config;
    static struct scaling_setup *scaling;
    struct err err = {0};
    if (setup.config != NULL) {
        return &setup;
    }
    json_init();
    log_init("fuzz", LOG_TEXT, LOG_ERROR);
    must(config_parse(config_text, strlen(config_text), "tare.yaml", &config, &err) == 0);
    must(knobs_check(config, &err) == 0 && scaling_setup_new(config, &scaling, &err) == 0);
    setup = (struct job_setup){.config = config, .scaling = scaling};
    return &setup;
}

/* What a string is: a name or the like, which is data and stays as it is; a sentence; a manifest, which has lines. */
enum text { TEXT_DATA, TEXT_SENTENCE, TEXT_LINES };

static enum text text_of(const char *key, enum text outer)
{
    if (str_equal(key, "yaml")) {
        return TEXT_LINES;
    }
    return str_equal(key, "message") || str_equal(key, "why") || str_equal(key, "reason") ? TEXT_SENTENCE : outer;
}

/* No sentence has control characters. */
static void check_text(const json_t *value, enum text kind)
{
    const char *key;
    json_t *item;
    size_t index;
    json_object_foreach((json_t *)(uintptr_t)value, key, item)
    {
        check_text(item, text_of(key, TEXT_DATA));
    }
    json_array_foreach(value, index, item)
    {
        check_text(item, kind);
    }
    for (const char *c = json_is_string(value) && kind != TEXT_DATA ? json_string_value(value) : ""; *c != '\0'; c++) {
        must(((unsigned char)*c >= 0x20 && *c != 0x7f) || (kind == TEXT_LINES && *c == '\n'));
    }
}

/* A number, null, or with the bounds that are given beside it. */
static void check_amounts(const json_t *amounts)
{
    const char *key;
    json_t *bounds;
    json_object_foreach(json_object_get(amounts, "bounds"), key, bounds)
    {
        const json_t *amount = json_object_get(amounts, key);
        must(json_is_null(amount) || json_is_integer(amount));
        if (json_is_integer(amount)) {
            must(json_integer_value(amount) >= 0 && json_is_object(bounds));
            must(json_integer_value(amount) >= json_int_or(bounds, "min", INT64_MAX));
            must(json_integer_value(amount) <= json_int_or(bounds, "max", -1));
        }
    }
}

static void check_recommendation(const json_t *recommendation)
{
    static const char *const members[] = {"action", "confidence", "risk", "reasoning", "containers", "clamps", "findings",
                                          "backtest", "backtest_reason", "forecast", "outlook", "scaling", "qos_class"};
    const char *name;
    json_t *container;
    for (size_t i = 0; i < ARRAY_COUNT(members); i++) {
        must(json_object_get(recommendation, members[i]) != NULL);
    }
    json_object_foreach(json_object_get(recommendation, "containers"), name, container)
    {
        const json_t *requests = json_object_get(container, "requests");
        const json_t *limits = json_object_get(container, "limits");
        static const char *const resources[] = {"cpu_millicores", "memory_bytes"};
        check_amounts(requests);
        check_amounts(limits);
        for (size_t r = 0; r < ARRAY_COUNT(resources); r++) {
            must(json_int_or(requests, resources[r], 0) <= json_int_or(limits, resources[r], INT64_MAX));
        }
    }
    check_text(json_object_get(recommendation, "reasoning"), TEXT_SENTENCE);
    check_text(json_object_get(recommendation, "findings"), TEXT_DATA);
    check_text(json_object_get(recommendation, "scaling"), TEXT_DATA);
}

/* It can be written, and what is written can be read. */
static void check_whole(json_t *record)
{
    char *text = json_text(record);
    json_t *again = json_loads(text, 0, NULL);
    must(json_is_object(json_object_get(again, "workload")) && json_is_object(json_object_get(again, "recommendation")));
    json_decref(again);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct job_setup *setup = begun();
    json_t *record = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
    if (json_is_object(json_object_get(record, "workload")) && json_is_array(json_object_get(record, "problems"))) {
        struct job job;
        job_init(&job);
        job_take(&job, setup, json_incref(record), 0);
        job_finish(&job, setup);
        check_recommendation(json_object_get(record, "recommendation"));
        check_whole(record);
        job_release(&job);
    }
    json_decref(record);
    return 0;
}

/* The next number of a sequence that the fuzzer's seed begins. */
static size_t below(unsigned *seed, size_t count)
{
    *seed = *seed * 1103515245U + 12345U;
    return count == 0 ? 0 : (*seed >> 8) % count;
}

/* New: what programs stumble over. */
static json_t *odd_value(unsigned *seed)
{
    static const double reals[] = {0, -1, 0.5, 1e-300, 1e18, 1e300, 1.7e308, -1e300, 100, 3};
    static const json_int_t integers[] = {0, -1, 1, 2, 49, 300, 3600, 86400, INT64_MAX, INT64_MIN, INT64_C(1) << 53};
    static const char *const texts[] = {"", "a", "\x1b[2J", "\xe2\x80\xaeshop", "\"'\\", "AA", "AB__", "Job", "DaemonSet",
                                        "StatefulSet", "1969-12-31T23:59:59Z", "9999-12-31T23:59:59Z", "init", "Utilization"};
    switch (below(seed, 7)) {
    case 0:
        return json_null();
    case 1:
        return json_real(reals[below(seed, ARRAY_COUNT(reals))]);
    case 2:
        return json_integer(integers[below(seed, ARRAY_COUNT(integers))]);
    case 3:
        return json_string(texts[below(seed, ARRAY_COUNT(texts))]);
    case 4:
        return json_boolean(below(seed, 2));
    case 5:
        return json_array();
    default:
        return json_object();
    }
}

/* What a value becomes: much like it, or something else. New. */
static json_t *changed(const json_t *value, unsigned *seed)
{
    static const double factors[] = {0.5, 2, 1.01, 1000, 1e-3, -1};
    if (json_is_number(value) && below(seed, 2) == 0) {
        double number = json_number_value(value) * factors[below(seed, ARRAY_COUNT(factors))];
        return json_is_real(value) || !(number < 9e18 && number > -9e18) ? json_real_or_null(number) : json_integer((json_int_t)number);
    }
    if (json_is_string(value) && json_string_length(value) > 1 && below(seed, 4) != 0) {
        size_t cut = below(seed, json_string_length(value));
        json_t *shorter = json_stringn(json_string_value(value) + cut, json_string_length(value) - cut);
        return shorter != NULL ? shorter : json_string("");
    }
    return odd_value(seed);
}

/* Changes one value, drops a member or doubles an entry, somewhere below `value`. */
static void change(json_t *value, unsigned *seed)
{
    while (json_object_size(value) + json_array_size(value) > 0) {
        size_t which = below(seed, json_object_size(value) + json_array_size(value));
        void *at = json_is_object(value) ? json_object_iter(value) : NULL;
        for (size_t i = 0; i < which && at != NULL; i++) {
            at = json_object_iter_next(value, at);
        }
        json_t *child = at != NULL ? json_object_iter_value(at) : json_array_get(value, which);
        if (json_object_size(child) + json_array_size(child) > 0 && below(seed, 8) != 0) {
            value = child;
        } else if (at != NULL && below(seed, 6) == 0) {
            json_object_del(value, json_object_iter_key(at));
            return;
        } else if (at != NULL) {
            json_object_iter_set_new(value, at, changed(child, seed));
            return;
        } else if (below(seed, 3) == 0) {
            json_array_append_new(value, json_deep_copy(child));
            return;
        } else {
            json_array_set_new(value, which, changed(child, seed));
            return;
        }
    }
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    json_t *record = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
    if (record == NULL || below(&seed, 16) == 0) {
        json_decref(record);
        return LLVMFuzzerMutate(data, size, max_size);
    }
    for (size_t changes = 1 + below(&seed, 4); changes > 0; changes--) {
        change(record, &seed);
    }
    size_t length = json_dumpb(record, (char *)data, max_size, JSON_COMPACT);
    json_decref(record);
    return length > 0 && length <= max_size ? length : LLVMFuzzerMutate(data, size, max_size);
}
