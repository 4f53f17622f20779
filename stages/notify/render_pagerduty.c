#include "stages/notify/render_internal.h"

#include <inttypes.h>

#include "pipeline/base/clock.h"

/* Limits of the Events API v2: https://developer.pagerduty.com/docs/events-api-v2/trigger-events/ */
enum { SUMMARY_MAX = 1024, DETAILS_MAX = 16 * 1024, DEDUP_MAX = 255 };

static const char *const severities[] = {
    [MESSAGE_INFO] = "info", [MESSAGE_WARNING] = "warning", [MESSAGE_ERROR] = "error", [MESSAGE_CRITICAL] = "critical"};

/* All messages about what becomes of one run are one alert; what a run found is another, which is not over when the run is. */
static json_t *dedup_key(const struct message *message)
{
    struct buf key;
    buf_init(&key, DEDUP_MAX);
    const char *ledger = json_string_or_null(message->facts, "ledger");
    buf_printf(&key, "tare/%.36s/run/%" PRId64 "%s", ledger == NULL ? "none" : ledger, message->run, message->findings ? "/findings" : "");
    json_t *value = json_string_safe(buf_str(&key));
    buf_release(&key);
    return value;
}

static json_t *details(const struct message *message, const struct render_with *with)
{
    struct buf text;
    json_t *out = json_object();
    size_t index;
    json_t *field;
    json_array_foreach(message->fields, index, field)
    {
        json_object_set(out, json_string_value(json_array_get(field, 0)), json_array_get(field, 1));
    }
    buf_init(&text, RENDER_TEXT_CAP);
    render_body(message, with, text_plain, &text);
    json_object_set_new(out, "text", render_text(buf_str(&text), DETAILS_MAX, text_plain));
    json_object_set_new(out, "notification", json_string_safe(message->id));
    buf_release(&text);
    return out;
}

static json_t *payload(const struct message *message, const struct render_with *with)
{
    struct buf text;
    int64_t instant;
    buf_init(&text, RENDER_TEXT_CAP);
    render_summary(message, &text);
    const char *cluster = json_string_or_null(message->values, "cluster");
    json_t *out = json_pack("{s:o, s:s, s:s, s:s, s:s, s:o}", "summary", render_text(buf_str(&text), SUMMARY_MAX, text_plain), "source",
                            cluster == NULL || *cluster == '\0' ? "tare" : cluster, "severity", severities[message->severity],
                            "component", "tare", "class", message->event, "custom_details", details(message, with));
    const char *at = json_string_or_null(message->facts, "at");
    if (at != NULL && time_parse(at, &instant, NULL) == 0) {
        char stamp[RFC3339_MAX];
        json_object_set_new(out, "timestamp", json_string(time_format(instant, stamp)));
    }
    buf_release(&text);
    return out;
}

json_t *render_pagerduty(const struct message *message, const struct render_with *with)
{
    json_t *out = json_pack("{s:s, s:s, s:o}", "routing_key", with->secret == NULL ? "" : with->secret, "event_action",
                            message->over ? "resolve" : "trigger", "dedup_key", dedup_key(message));
    if (!message->over) {
        json_object_set_new(out, "client", json_string("tare"));
        json_object_set_new(out, "payload", payload(message, with));
    }
    return out;
}
