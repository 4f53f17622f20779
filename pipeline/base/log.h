#ifndef TARE_BASE_LOG_H
#define TARE_BASE_LOG_H

/*
 * Messages for people, on stderr; stdout carries only the artifact. As text ("tare-collect: …") or, with
 * --log-format json, one JSON object a line: time, level, by, session, message. The session id is inherited
 * through TARE_SESSION, so that one run of many executables reads as one tree.
 */

#include "pipeline/base/err.h"

enum log_level { LOG_ERROR = 0, LOG_WARN = 1, LOG_INFO = 2, LOG_DEBUG = 3 };

enum log_format { LOG_TEXT = 0, LOG_JSON = 1 };

/* Sets who speaks (borrowed for the life of the program), the format and the highest level shown. */
void log_init(const char *by, enum log_format format, enum log_level level);

/* Writes one message if `level` is shown. Control bytes are masked. Several threads may write. */
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Shows in a line that is written over what is under way; the next message takes its place, "" takes it away. Only where stderr is
 * a terminal, or passed on to one by who started this program and set TARE_TERMINAL, and LOG_INFO is shown as text. */
void log_status(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Writes an error's message and, on a line of its own, its hint. */
void log_err(const struct err *err);

/* The session id of this run: TARE_SESSION, else a new one that children inherit. Borrowed, static. */
const char *log_session(void);

#define log_warn(...) log_line(LOG_WARN, __VA_ARGS__)
#define log_info(...) log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)

#endif
