#include "pipeline/base/log.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/buf.h"
#include "pipeline/base/clock.h"
#include "pipeline/base/rng.h"
#include "pipeline/base/str.h"

/* A message has at most 2 KiB, each byte at most doubled by an escape; hint, program and session are short. */
enum { LINE_MAX_BYTES = 8192, SESSION_MAX = 64, STATUS_MAX = 160 };

static const char *program = "tare";
static enum log_format format_now = LOG_TEXT;
static enum log_level level_now = LOG_INFO;

/* Threads speak one at a time. */
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static size_t status_width; /* of the status line that stands on the terminal */

void log_init(const char *by, enum log_format format, enum log_level level)
{
    program = by;
    format_now = format;
    level_now = level;
    log_session(); /* threads find it set */
}

/* An inherited id is taken as it is, unless it is no id: then a new one takes its place. */
const char *log_session(void)
{
    static char own[17];
    const char *inherited = getenv("TARE_SESSION");
    if (inherited != NULL && *inherited != '\0' && strlen(inherited) <= SESSION_MAX &&
        str_utf8_valid(inherited, strlen(inherited), NULL)) {
        return inherited;
    }
    if (own[0] == '\0') {
        snprintf(own, sizeof own, "%016" PRIx64, rng_next());
    }
    setenv("TARE_SESSION", own, 1);
    return own;
}

static void add_json_string(struct buf *line, const char *key, const char *text)
{
    buf_printf(line, "\"%s\":\"", key);
    for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++) {
        if (*p == '"' || *p == '\\') {
            buf_printf(line, "\\%c", *p);
        } else if (*p < 0x20 || *p == 0x7f) {
            buf_printf(line, "\\u%04x", *p);
        } else {
            buf_add_char(line, (char)*p);
        }
    }
    buf_add_char(line, '"');
}

static void write_json(enum log_level level, const char *message, const char *hint)
{
    static const char *const names[] = {"error", "warning", "info", "debug"};
    struct buf line;
    buf_init(&line, LINE_MAX_BYTES);
    char now[RFC3339_MAX];
    buf_add_char(&line, '{');
    add_json_string(&line, "time", time_format(clock_now(), now));
    buf_add_char(&line, ',');
    add_json_string(&line, "level", names[level]);
    buf_add_char(&line, ',');
    add_json_string(&line, "by", program);
    buf_add_char(&line, ',');
    add_json_string(&line, "session", log_session());
    buf_add_char(&line, ',');
    add_json_string(&line, "message", message);
    if (hint != NULL && *hint != '\0') {
        buf_add_char(&line, ',');
        add_json_string(&line, "hint", hint);
    }
    buf_add_str(&line, "}\n");
    fputs(buf_str(&line), stderr);
    buf_release(&line);
}

static void take_status_away(void)
{
    if (status_width > 0) {
        fprintf(stderr, "\r%*s\r", (int)status_width, "");
        status_width = 0;
    }
}

void log_line(enum log_level level, const char *format, ...)
{
    if (level > level_now) {
        return;
    }
    char message[ERR_MESSAGE_MAX * 2];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    str_trim_utf8(message);
    str_mask_controls(message);
    pthread_mutex_lock(&turn);
    take_status_away();
    if (format_now == LOG_JSON) {
        write_json(level, message, NULL);
    } else {
        fprintf(stderr, "%s: %s%s\n", program, level == LOG_WARN ? "warning: " : "", message);
    }
    pthread_mutex_unlock(&turn);
}

/* Whether people look on: stderr is a terminal, or who started this program passes it on to one. */
static bool is_watched(void)
{
    return isatty(STDERR_FILENO) == 1 || getenv("TARE_TERMINAL") != NULL;
}

void log_status(const char *format, ...)
{
    char line[STATUS_MAX];
    if (level_now < LOG_INFO || format_now != LOG_TEXT || !is_watched()) {
        return;
    }
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    str_trim_utf8(line);
    str_mask_controls(line);
    pthread_mutex_lock(&turn);
    take_status_away();
    fputs(line, stderr);
    fflush(stderr);
    status_width = strlen(line);
    pthread_mutex_unlock(&turn);
}

void log_err(const struct err *err)
{
    take_status_away();
    if (format_now == LOG_JSON) {
        write_json(LOG_ERROR, err->message, err->hint);
        return;
    }
    fprintf(stderr, "%s: %s\n", program, err->message);
    if (err->hint[0] != '\0') {
        fprintf(stderr, "hint: %s\n", err->hint);
    }
}
