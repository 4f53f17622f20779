#include "stages/notify/secrets.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "pipeline/base/log.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/io/fs.h"
#include "pipeline/io/url.h"
#include "stages/notify/template.h"

enum { ADDRESS_MAX = 8 * 1024, SECRET_MAX = 4 * 1024, PART_MIN = 6 };

/* Where PagerDuty takes events; accounts of its EU region name their own in url_file. */
static const char pagerduty[] = "https://events.pagerduty.com/v2/enqueue";

static void warn_of_readers(const struct receiver *receiver, const char *path)
{
    struct stat info;
    if (stat(path, &info) == 0 && (info.st_mode & S_IROTH) != 0) {
        log_warn("%s: every user of this machine can read %s: chmod 600 %s", receiver->name, path, path);
    }
}

/* One line of text without control characters; the line end at its end does not count. */
static int read_line(const char *path, struct buf *out, struct err *err)
{
    if (fs_read(path, out, err)) {
        return -1;
    }
    while (out->length > 0 && strchr("\r\n \t", out->data[out->length - 1]) != NULL) {
        out->data[--out->length] = '\0';
    }
    if (out->length == 0) {
        return err_set(err, ERR_CONFIG, "%s is empty", path);
    }
    for (size_t i = 0; i < out->length; i++) {
        if ((unsigned char)out->data[i] < ' ' || out->data[i] == 0x7f) {
            return err_set(err, ERR_CONFIG, "%s holds more than one line, or control characters", path);
        }
    }
    return 0;
}

/* Takes an address apart. What is wrong with it is told without showing it. */
static int take_address(const char *url, const char *from, struct secrets *out, struct err *err)
{
    if (url_check(url, from, NULL) || url_split(url, from, &out->origin, &out->path, NULL)) {
        err_set(err, ERR_CONFIG, "what stands in %s is not an address: https://HOST/PATH, without user name or blanks", from);
        return err_hint(err, "copy the address of the webhook as a whole, with https://");
    }
    if (!str_starts(out->origin, "https:") && !url_is_loopback(out->origin)) {
        err_set(err, ERR_CONFIG, "the address in %s is not https: everybody on the way could read it", from);
        return err_hint(err, "http is for receivers on this machine only (127.0.0.1, localhost)");
    }
    return 0;
}

static int load_address(const struct receiver *receiver, bool warn, struct secrets *out, struct err *err)
{
    if (receiver->url_file == NULL) {
        return take_address(pagerduty, "tare", out, err);
    }
    struct buf url;
    buf_init(&url, ADDRESS_MAX);
    int failed = read_line(receiver->url_file, &url, err) || take_address(buf_str(&url), receiver->url_file, out, err);
    buf_wipe(&url);
    if (!failed && warn) {
        warn_of_readers(receiver, receiver->url_file);
    }
    return failed;
}

static int load_secret(const struct receiver *receiver, bool warn, struct secrets *out, struct err *err)
{
    if (receiver->secret_file == NULL || (receiver->type != RECEIVER_PAGERDUTY && receiver->type != RECEIVER_HTTP)) {
        return 0;
    }
    if (read_line(receiver->secret_file, &out->secret, err)) {
        return -1;
    }
    if (warn) {
        warn_of_readers(receiver, receiver->secret_file);
    }
    return 0;
}

static int load_template(const struct receiver *receiver, struct secrets *out, struct err *err)
{
    size_t bad;
    if (receiver->template_file == NULL) {
        return 0;
    }
    if (fs_read(receiver->template_file, &out->template, err)) {
        return -1;
    }
    if (!str_utf8_valid(out->template.data, out->template.length, &bad)) {
        return err_set(err, ERR_CONFIG, "%s is not UTF-8 at byte %zu", receiver->template_file, bad + 1);
    }
    return template_check(buf_str(&out->template), receiver->template_file, err);
}

int secrets_load(const struct receiver *receiver, bool warn, struct secrets *out, struct err *err)
{
    *out = (struct secrets){0};
    buf_init(&out->secret, SECRET_MAX);
    buf_init(&out->template, TEMPLATE_MAX);
    if (load_address(receiver, warn, out, err) || load_secret(receiver, warn, out, err) || load_template(receiver, out, err)) {
        return err_prefix(err, "%s", receiver->name);
    }
    return 0;
}

void secrets_release(struct secrets *secrets)
{
    free(secrets->origin);
    mem_free_secret(secrets->path);
    buf_wipe(&secrets->secret);
    buf_release(&secrets->template);
}

static int hex_value(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Makes of %2B what it stands for, in place. */
static void decode(char *text)
{
    char *out = text;
    for (const char *at = text; *at != '\0'; at++) {
        int high = *at == '%' ? hex_value(at[1]) : -1;
        int low = high < 0 ? -1 : hex_value(at[2]);
        bool is_byte = low >= 0 && (high > 0 || low > 0);
        *out++ = is_byte ? (char)(high * 16 + low) : *at;
        at += is_byte ? 2 : 0;
    }
    *out = '\0';
}

static bool holds(const char *text, const char *part)
{
    return strlen(part) >= PART_MIN && strstr(text, part) != NULL;
}

/* Parts of the address as they are sent, and as whoever received them may have understood them. */
bool secrets_in(const struct secrets *secrets, const char *text)
{
    if (secrets->secret.length > 0 && strstr(text, secrets->secret.data) != NULL) {
        return true;
    }
    size_t length = strlen(secrets->path);
    char *copy = xstrdup(secrets->path);
    char *rest = copy;
    bool found = false;
    for (char *piece; !found && (piece = strtok_r(rest, "/?&=", &rest)) != NULL;) {
        found = holds(text, piece);
        decode(piece);
        found = found || holds(text, piece);
    }
    mem_wipe(copy, length);
    free(copy);
    return found;
}
