#include "stages/analyze/findings/sheet.h"

#include <stdarg.h>
#include <stdio.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/str.h"

enum { MESSAGE_MAX = 480 };

static const char *const severities[] = {"low", "medium", "high", "critical"};

void sheet_add(const struct sheet *sheet, const char *code, enum severity severity, int resource,
               struct span span, json_t *evidence, const char *format, ...)
{
    char message[MESSAGE_MAX];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    /* Names of pods and quotas come from the cluster. */
    str_mask_controls(message);
    str_trim_utf8(message);
    json_t *finding = json_object();
    json_object_set_new(finding, "code", json_string(code));
    json_object_set_new(finding, "severity", json_string(severities[severity]));
    json_object_set_new(finding, "container",
                        sheet->container ? json_string_safe(sheet->container->container->name) : json_null());
    json_object_set_new(finding, "resource",
                        resource == ABOUT_NEITHER ? json_null()
                                                  : json_string(resource == CPU ? "cpu" : "memory"));
    evidence_time(finding, "start", span.start);
    evidence_time(finding, "end", span.end);
    json_object_set_new(finding, "message", json_string_safe(message));
    json_object_set_new(finding, "evidence", evidence ? evidence : json_object());
    json_array_append_new(sheet->list, finding);
}

struct span sheet_window(const struct sheet *sheet)
{
    return (struct span){sheet->plan->subject->window_start, sheet->plan->subject->window_end};
}

void evidence_number(json_t *evidence, const char *key, double value)
{
    json_object_set_new(evidence, key, json_real_or_null(value));
}

void evidence_time(json_t *evidence, const char *key, int64_t instant)
{
    char text[RFC3339_MAX];
    json_object_set_new(evidence, key, instant > 0 ? json_string(time_format(instant, text)) : json_null());
}

char *instant_text(int64_t instant, char out[32])
{
    char text[RFC3339_MAX];
    (void)time_format(instant, text);
    text[10] = ' ';
    (void)snprintf(out, 32, "%.16s UTC", text);
    return out;
}

char *length_text(int64_t seconds, char out[32])
{
    static const struct {
        int64_t seconds;
        const char *name;
    } units[] = {{86400, "day"}, {3600, "hour"}, {60, "minute"}};
    size_t i = seconds >= 2 * 86400 ? 0 : seconds >= 2 * 3600 ? 1 : 2;
    int64_t count = (seconds + units[i].seconds / 2) / units[i].seconds;
    (void)snprintf(out, 32, "%lld %s%s", (long long)count, units[i].name, count == 1 ? "" : "s");
    return out;
}
