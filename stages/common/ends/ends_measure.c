#include "stages/common/ends/ends_measure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/cli/metrics_client.h"
#include "pipeline/io/http.h"
#include "stages/common/machine/machine.h"

enum { TIMEOUT_SECONDS = 30, TRIES = 3, QUERY_MAX = 64 * 1024, SERIES_MAX = 10 * 1000 };

struct ends_measure {
    struct http_client *client;
    json_t *queries; /* of the configuration */
    double *limits;
};

static int read_limits(struct ends_measure *measure, struct err *err)
{
    size_t count = json_array_size(measure->queries);
    measure->limits = xcalloc_array(count, sizeof *measure->limits);
    for (size_t i = 0; i < count; i++) {
        const json_t *query = json_array_get(measure->queries, i);
        if (json_string_or_null(query, "query") == NULL || !json_get_number(query, "below", &measure->limits[i])) {
            return err_set(err, ERR_CONFIG, "apply.verify[%zu] needs both a query and its upper limit, below", i);
        }
    }
    return 0;
}

int ends_measure_new(const struct stage *stage, struct ends_measure **out, struct err *err)
{
    const json_t *queries = config_value(stage->config, "apply.verify");
    *out = NULL;
    if (json_array_size(queries) == 0) {
        return 0;
    }
    struct ends_measure *measure = xcalloc(sizeof *measure);
    measure->queries = json_deep_copy(queries);
    if (read_limits(measure, err) || metrics_client_new(stage->config, options_string(stage->options, OPT_PROMETHEUS), TIMEOUT_SECONDS,
                                                        TRIES, &measure->client, err)) {
        ends_measure_free(measure);
        return -1;
    }
    *out = measure;
    return 0;
}

void ends_measure_free(struct ends_measure *measure)
{
    if (measure != NULL) {
        http_client_free(measure->client);
        json_decref(measure->queries);
        free(measure->limits);
        free(measure);
    }
}

size_t ends_measure_count(const struct ends_measure *measure)
{
    return measure == NULL ? 0 : json_array_size(measure->queries);
}

const double *ends_measure_limits(const struct ends_measure *measure)
{
    return measure == NULL ? NULL : measure->limits;
}

/* ---- The question ---- */

/* Adds a value as it stands between quotes in PromQL. */
static void add_quoted(struct buf *out, const char *value)
{
    for (const char *p = value; *p != '\0'; p++) {
        if (*p == '"' || *p == '\\' || *p == '\'') {
            buf_add_char(out, '\\');
        }
        buf_add_char(out, *p);
    }
}

static void add_query(struct buf *out, const char *query, const struct machine_object *object)
{
    const struct {
        const char *name;
        const char *value;
    } values[] = {{"$namespace", object->namespace}, {"$kind", object->kind}, {"$name", object->object_name}};
    while (*query != '\0') {
        size_t i = 0;
        while (i < ARRAY_COUNT(values) && !str_starts(query, values[i].name)) {
            i++;
        }
        if (i < ARRAY_COUNT(values)) {
            add_quoted(out, values[i].value);
            query += strlen(values[i].name);
        } else {
            buf_add_char(out, *query++);
        }
    }
}

/* ---- The answer ---- */

/* The value of a sample, [time, "text"]; NaN where it has none. */
static double sample_value(const json_t *sample)
{
    const char *text = json_string_value(json_array_get(sample, 1));
    char *end = NULL;
    double value = text == NULL ? NAN : strtod(text, &end);
    return text == NULL || end == text || *end != '\0' ? NAN : value;
}

/* New {"value": …}. An infinite value is a large number: it is not below anything. */
static json_t *read_value(const json_t *answer)
{
    const json_t *data = json_object_get(answer, "data");
    const json_t *result = json_object_get(data, "result");
    double largest = NAN;
    if (str_equal(json_string_or_null(data, "resultType"), "scalar")) {
        largest = sample_value(result);
    } else {
        for (size_t i = 0; i < json_array_size(result) && i < SERIES_MAX; i++) {
            double value = sample_value(json_object_get(json_array_get(result, i), "value"));
            largest = isnan(largest) || value > largest ? value : largest;
        }
    }
    if (isinf(largest)) {
        largest = largest > 0 ? 1e300 : -1e300;
    }
    return json_pack("{s:o}", "value", json_real_or_null(largest));
}

static json_t *read_answer(const struct http_reply *reply, struct err *err)
{
    json_t *answer = json_read(buf_str(&reply->body), reply->body.length, METRICS_SERVER, err);
    if (answer == NULL) {
        return NULL;
    }
    json_t *value = NULL;
    if (str_equal(json_string_or_null(answer, "status"), "success")) {
        value = read_value(answer);
    } else {
        err_set(err, ERR_DATA, "%s does not answer a query of apply.verify: %s", METRICS_SERVER, reply->url);
    }
    json_decref(answer);
    return value;
}

int ends_measure_ask(struct ends_measure *measure, struct ends_api *ends, uint64_t tag, const struct machine_object *object, size_t index,
                     struct err *err)
{
    struct buf query;
    struct buf path;
    buf_init(&query, QUERY_MAX);
    buf_init(&path, QUERY_MAX * 3);
    add_query(&query, json_string_or_null(json_array_get(measure->queries, index), "query"), object);
    http_add_field(&path, "query", buf_str(&query));
    char *full = xasprintf("/api/v1/query?%s", buf_str(&path));
    int failed = query.overflow || path.overflow
                     ? err_set(err, ERR_CONFIG, "the query apply.verify[%zu] is too long", index)
                     : ends_api_fetch(ends, tag, measure->client, METRICS_SERVER, full, read_answer, err);
    free(full);
    buf_release(&path);
    buf_release(&query);
    return failed;
}
