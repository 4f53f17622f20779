#include "pipeline/io/http.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "pipeline/base/str.h"
#include "pipeline/io/url.h"

enum { EXCERPT_MAX = 200 };

void http_reply_init(struct http_reply *reply)
{
    memset(reply, 0, sizeof *reply);
    buf_init(&reply->body, HTTP_DEFAULT_CAP);
    buf_init(&reply->headers, HTTP_HEADERS_MAX);
    reply->retry_after_seconds = -1;
    reply->date = -1;
}

void http_reply_release(struct http_reply *reply)
{
    buf_release(&reply->body);
    buf_release(&reply->headers);
    http_reply_init(reply);
}

bool http_reply_header(const struct http_reply *reply, const char *name, char *out, size_t size)
{
    size_t length = strlen(name);
    for (const char *line = buf_str(&reply->headers); *line != '\0';) {
        size_t end = strcspn(line, "\n");
        if (end > length && line[length] == ':' && strncasecmp(line, name, length) == 0) {
            const char *value = line + length + 1;
            value += strspn(value, " \t");
            int width = (int)strcspn(value, "\r\n");
            snprintf(out, size, "%.*s", width, value);
            return true;
        }
        line += end + (line[end] == '\n');
    }
    return false;
}

bool http_reply_is(const struct http_reply *reply, const char *type)
{
    char value[128];
    if (!http_reply_header(reply, "content-type", value, sizeof value)) {
        return false;
    }
    value[strcspn(value, "; \t")] = '\0';
    return strcasecmp(value, type) == 0;
}

bool http_status_retryable(long status)
{
    return status == 408 || status == 429 || (status >= 500 && status != 501 && status != 505);
}

bool http_status_ok(long status)
{
    return status >= 200 && status < 300;
}

/* The beginning of a plain body on one line, for a message; "" when it is none. */
static void excerpt(const struct http_reply *reply, char out[EXCERPT_MAX])
{
    out[0] = '\0';
    if (reply->body.length > 0 &&
        (http_reply_is(reply, "text/plain") || http_reply_is(reply, "application/json"))) {
        snprintf(out, EXCERPT_MAX, ": %.*s", (int)strcspn(reply->body.data, "\r\n"), reply->body.data);
        str_mask_controls(out);
        str_trim_utf8(out);
    }
}

int http_reply_check(const struct http_reply *reply, const char *what, struct err *err)
{
    char text[EXCERPT_MAX];
    if (http_status_ok(reply->status)) {
        return 0;
    }
    excerpt(reply, text);
    switch (reply->status) {
    case 401:
        err_set(err, ERR_UNAVAILABLE, "%s does not accept the credentials (401): %s", what, reply->url);
        return err_hint(err, "check the token or password file in the configuration");
    case 403:
        err_set(err, ERR_UNAVAILABLE, "%s does not permit this request (403): %s", what, reply->url);
        return err_hint(err, "check what the token or account in the configuration may read");
    case 404:
        err_set(err, ERR_UNAVAILABLE, "%s has nothing at %s (404)", what, reply->url);
        return err_hint(err, "check the address and the path in it");
    case 429:
        return err_set(err, ERR_UNAVAILABLE, "%s says there were too many requests (429): %s%s", what,
                       reply->url, text);
    default:
        return err_set(err, ERR_UNAVAILABLE, "%s answered with status %ld: %s%s", what, reply->status,
                       reply->url, text);
    }
}

int http_add_field(struct buf *out, const char *name, const char *value)
{
    if (out->length > 0) {
        buf_add_char(out, '&');
    }
    url_escape(out, name);
    buf_add_char(out, '=');
    return url_escape(out, value) || out->overflow ? -1 : 0;
}
