#include <stdio.h>

#include "pipeline/base/str.h"
#include "pipeline/driver/command.h"

int session_run_id(const struct session *session, size_t index, int64_t *run, struct err *err)
{
    if (index >= options_operands(session->options)) {
        err_set(err, ERR_USAGE, "the number of the run is missing");
        return err_hint(err, "tare status lists the runs");
    }
    const char *text = options_operand(session->options, index);
    if (str_int64(text, 1, INT64_MAX, run)) {
        err_set(err, ERR_USAGE, "\"%s\" is not the number of a run", text);
        return err_hint(err, "tare status lists the runs");
    }
    return 0;
}

int session_operands(const struct session *session, size_t least, size_t most, const char *usage, struct err *err)
{
    size_t count = options_operands(session->options);
    if (count > most) {
        err_set(err, ERR_USAGE, "\"%s\" is one operand too many", options_operand(session->options, most));
        return err_hint(err, "usage: %s", usage);
    }
    if (count < least) {
        err_set(err, ERR_USAGE, "an operand is missing");
        return err_hint(err, "usage: %s", usage);
    }
    return 0;
}

int session_json(const struct session *session, bool *json, struct err *err)
{
    const char *format = options_string(session->options, OPT_FORMAT);
    *json = str_equal(format, "json");
    if (format == NULL || *json || str_equal(format, "table")) {
        return 0;
    }
    err_set(err, ERR_USAGE, "--format is \"%s\", it must be table or json here", format);
    return err_hint(err, "reports have more formats: tare report RUN --format markdown");
}
