#include "pipeline/io/url.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"

/* A parsed address, NULL when it is none. Only http and https are addresses here. */
static CURLU *parse(const char *url)
{
    CURLU *parts = curl_url();
    if (parts == NULL) {
        return NULL;
    }
    char *scheme = NULL;
    if (curl_url_set(parts, CURLUPART_URL, url, 0) != CURLUE_OK ||
        curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
        (strcasecmp(scheme, "http") != 0 && strcasecmp(scheme, "https") != 0)) {
        curl_url_cleanup(parts);
        parts = NULL;
    }
    curl_free(scheme);
    return parts;
}

int url_check(const char *url, const char *what, struct err *err)
{
    for (const char *p = url; *p != '\0'; p++) {
        if ((unsigned char)*p <= ' ' || (unsigned char)*p == 0x7f) {
            return err_set(err, ERR_CONFIG, "the address of %s holds a space or a control character", what);
        }
    }
    CURLU *parts = parse(url);
    if (parts == NULL) {
        char shown[256];
        err_set(err, ERR_CONFIG, "the address of %s is not an http or https address: %s", what,
                url_public(url, shown, sizeof shown));
        return err_hint(err, "write it as http://HOST:PORT or https://HOST/PATH");
    }
    curl_url_cleanup(parts);
    return 0;
}

/* What is shown of text that does not parse: nothing of it when it may hold a password. */
static char *public_of_text(const char *url, char *out, size_t size)
{
    bool risky = strpbrk(url, "@?#") != NULL;
    snprintf(out, size, "%s", risky ? "(not an address)" : url);
    str_mask_controls(out);
    return out;
}

bool url_may_hold_secret(const char *url)
{
    const char *scheme = strstr(url, "://");
    const char *authority = scheme == NULL ? url : scheme + 3;
    size_t length = strcspn(authority, "/?#");
    const char *at = memchr(authority, '@', length);
    const char *colon = memchr(authority, ':', length);
    return (at != NULL && colon != NULL && colon < at) || strchr(authority, '?') != NULL;
}

char *url_public(const char *url, char *out, size_t size)
{
    CURLU *parts = parse(url);
    if (parts == NULL) {
        return public_of_text(url, out, size);
    }
    char *shown = NULL;
    curl_url_set(parts, CURLUPART_USER, NULL, 0);
    curl_url_set(parts, CURLUPART_PASSWORD, NULL, 0);
    curl_url_set(parts, CURLUPART_OPTIONS, NULL, 0);
    curl_url_set(parts, CURLUPART_QUERY, NULL, 0);
    curl_url_set(parts, CURLUPART_FRAGMENT, NULL, 0);
    if (curl_url_get(parts, CURLUPART_URL, &shown, 0) != CURLUE_OK) {
        shown = NULL;
    }
    snprintf(out, size, "%s", shown == NULL ? "(not an address)" : shown);
    str_mask_controls(out);
    size_t length = strlen(out);
    if (length > 0 && out[length - 1] == '/') {
        out[length - 1] = '\0';
    }
    curl_free(shown);
    curl_url_cleanup(parts);
    return out;
}

char *url_join(const char *base, const char *path)
{
    CURLU *parts = parse(base);
    if (parts == NULL) {
        return NULL;
    }
    char *root = NULL;
    char *joined = NULL;
    curl_url_set(parts, CURLUPART_QUERY, NULL, 0);
    curl_url_set(parts, CURLUPART_FRAGMENT, NULL, 0);
    if (curl_url_get(parts, CURLUPART_URL, &root, 0) == CURLUE_OK) {
        size_t length = strlen(root);
        while (length > 0 && root[length - 1] == '/') {
            length--;
        }
        joined = xasprintf("%.*s%s%s", (int)length, root, path[0] == '/' || path[0] == '\0' ? "" : "/", path);
    }
    curl_free(root);
    curl_url_cleanup(parts);
    return joined;
}

/* One part of an address as a new string of curl's, NULL when it has none. A missing port is the scheme's. */
static char *part(CURLU *parts, CURLUPart what)
{
    char *text = NULL;
    if (parts == NULL || curl_url_get(parts, what, &text, CURLU_DEFAULT_PORT) != CURLUE_OK) {
        return NULL;
    }
    return text;
}

char *url_renamed(const char *url, const char *host, char **connect_to, char **host_header)
{
    CURLU *parts = parse(url);
    char *real = part(parts, CURLUPART_HOST);
    char *port = part(parts, CURLUPART_PORT);
    char *given_port = NULL;
    char *renamed = NULL;
    curl_url_get(parts, CURLUPART_PORT, &given_port, 0);
    *connect_to = xasprintf("%s:%s:%s:%s", host, port, real, port);
    *host_header = given_port == NULL ? xasprintf("Host: %s", real) : xasprintf("Host: %s:%s", real, given_port);
    curl_url_set(parts, CURLUPART_HOST, host, 0);
    curl_url_get(parts, CURLUPART_URL, &renamed, 0);
    char *copy = xstrdup(renamed == NULL ? url : renamed);
    curl_free(renamed);
    curl_free(given_port);
    curl_free(port);
    curl_free(real);
    curl_url_cleanup(parts);
    return copy;
}

int url_split(const char *url, const char *what, char **origin, char **rest, struct err *err)
{
    CURLU *parts = parse(url);
    char *user = NULL;
    char *given_port = NULL;
    char *query = NULL;
    bool named = curl_url_get(parts, CURLUPART_USER, &user, 0) == CURLUE_OK;
    curl_free(user);
    if (named) {
        curl_url_cleanup(parts);
        return err_set(err, ERR_CONFIG, "the address of %s holds a user name, which is not sent", what);
    }
    char *scheme = part(parts, CURLUPART_SCHEME);
    char *host = part(parts, CURLUPART_HOST);
    char *path = part(parts, CURLUPART_PATH);
    curl_url_get(parts, CURLUPART_PORT, &given_port, 0);
    curl_url_get(parts, CURLUPART_QUERY, &query, 0);
    *origin = xasprintf("%s://%s%s%s", scheme, host, given_port == NULL ? "" : ":", given_port == NULL ? "" : given_port);
    *rest = xasprintf("%s%s%s", path == NULL ? "/" : path, query == NULL ? "" : "?", query == NULL ? "" : query);
    curl_free(scheme);
    curl_free(host);
    curl_free(path);
    curl_free(given_port);
    curl_free(query);
    curl_url_cleanup(parts);
    return 0;
}

bool url_same_origin(const char *a, const char *b)
{
    static const CURLUPart origin[] = {CURLUPART_SCHEME, CURLUPART_HOST, CURLUPART_PORT};
    CURLU *left = parse(a);
    CURLU *right = parse(b);
    bool same = left != NULL && right != NULL;
    for (size_t i = 0; same && i < ARRAY_COUNT(origin); i++) {
        char *x = part(left, origin[i]);
        char *y = part(right, origin[i]);
        same = x != NULL && y != NULL && strcasecmp(x, y) == 0;
        curl_free(x);
        curl_free(y);
    }
    curl_url_cleanup(left);
    curl_url_cleanup(right);
    return same;
}

bool url_is_loopback(const char *url)
{
    CURLU *parts = parse(url);
    char *host = part(parts, CURLUPART_HOST);
    bool loopback = host != NULL && (strcasecmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0 ||
                                     (str_starts(host, "127.") && host[strspn(host, "0123456789.")] == '\0'));
    curl_free(host);
    curl_url_cleanup(parts);
    return loopback;
}

bool url_is_open(const char *url)
{
    CURLU *parts = parse(url);
    char *scheme = part(parts, CURLUPART_SCHEME);
    bool plain = scheme != NULL && strcasecmp(scheme, "http") == 0;
    curl_free(scheme);
    curl_url_cleanup(parts);
    return plain && !url_is_loopback(url);
}

int url_escape(struct buf *out, const char *text)
{
    static const char hex[] = "0123456789ABCDEF";
    for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++) {
        bool plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') ||
                     strchr("-._~", *p) != NULL;
        char encoded[3] = {'%', hex[*p >> 4], hex[*p & 15]};
        if (buf_add(out, plain ? (const char *)p : encoded, plain ? 1 : 3)) {
            return -1;
        }
    }
    return 0;
}
