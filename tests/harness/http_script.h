#ifndef TARE_TESTS_HTTP_SCRIPT_H
#define TARE_TESTS_HTTP_SCRIPT_H

/*
 * A scripted HTTP server on a free loopback port, for answers that real servers give only on bad days. A
 * script is lines of text; '#' starts a comment line. A rule starts with `on` and says how to answer; the
 * first rule that matches answers:
 *
 *   on METHOD PREFIX     method or *, beginning of the target (path and query)
 *   match TEXT           only requests that hold TEXT in target, headers or decoded body
 *   times N              the rule serves N requests, then it is passed over
 *   status N             default 200
 *   header NAME: VALUE   may repeat; Content-Type is application/json unless given
 *   body TEXT            may repeat: lines joined by newlines
 *   body-file PATH       the body is the bytes of a file
 *   repeat N TEXT        adds TEXT N times to the body
 *   again N              sends the body N times, one after the other
 *   delay MS             waits before answering
 *   drip MS              waits between pieces of 1 KiB of the body
 *   chunked              chunked transfer instead of Content-Length
 *   cut N                closes after N bytes of the body, whatever was announced
 *   close                closes without an answer
 *   hang                 never answers
 *
 * A request that no rule takes gets 404. Every connection serves one request. GET /__count answers the number
 * of requests so far, GET /__requests their text (head and body, one after the other); neither is counted.
 */

struct http_script;

/* New server running `text` in threads of this process. Exits the program on a bad script. */
struct http_script *http_script_start(const char *text);

/* The port it listens on, at 127.0.0.1. */
int http_script_port(const struct http_script *server);

/* Requests so far. */
int http_script_count(struct http_script *server);

/* New copy of the text of all requests so far. Free with free(). */
char *http_script_requests(struct http_script *server);

/* Closes the port and frees. Connections still hanging are dropped. */
void http_script_stop(struct http_script *server);

#endif
