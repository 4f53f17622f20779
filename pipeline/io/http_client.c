#include "pipeline/io/http_internal.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/io/fs.h"
#include "pipeline/io/url.h"

enum { SECRET_MAX = 64 * 1024 };

static void *renew(void *old, size_t size)
{
    return xrealloc_array(old, 1, size);
}

/* libcurl allocates as everything here does. Its global state is never torn down: it lives as long as the
 * program. */
static void init_curl(void)
{
    curl_global_init_mem(CURL_GLOBAL_DEFAULT, xmalloc, free, renew, xstrdup, xcalloc_array);
}

void http_init(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, init_curl);
}

static int check_options(const struct http_options *options, const char *what, struct err *err)
{
    bool password = options->password_file != NULL || options->password != NULL;
    bool token = options->bearer_token_file != NULL || options->bearer_token != NULL;
    if (options->url == NULL) {
        return err_set(err, ERR_CONFIG, "there is no address for %s", what);
    }
    if ((options->username == NULL) != !password) {
        return err_set(err, ERR_CONFIG,
                       "basic authentication for %s needs both a user name and a password file", what);
    }
    if ((options->certificate_file == NULL) != (options->key_file == NULL) ||
        (options->certificate_pem == NULL) != (options->key_pem == NULL)) {
        return err_set(err, ERR_CONFIG,
                       "a TLS client certificate for %s needs both a certificate and a key file", what);
    }
    if (options->username != NULL && token) {
        return err_set(err, ERR_CONFIG, "%s is given both a bearer token and basic authentication", what);
    }
    if ((options->bearer_token != NULL && !http_header_safe(options->bearer_token)) ||
        (options->password != NULL && !http_header_safe(options->password))) {
        return err_set(err, ERR_CONFIG, "the token or password for %s holds control characters", what);
    }
    return url_check(options->url, what, err);
}

/* The file of trusted certificates: the client's own, else what the environment says. */
static const char *trust_file(const struct http_options *options)
{
    if (options->ca_file != NULL || options->ca_pem != NULL) {
        return options->ca_file;
    }
    const char *file = getenv("CURL_CA_BUNDLE");
    if (file == NULL || *file == '\0') {
        file = getenv("SSL_CERT_FILE");
    }
    return file == NULL || *file == '\0' ? NULL : file;
}

static int64_t or_default(int64_t value, int64_t fallback)
{
    return value > 0 ? value : fallback;
}

static void copy_texts(struct http_client *client, const struct http_options *options)
{
    client->bearer_token = xstrdup_null(options->bearer_token);
    client->bearer_token_file = xstrdup_null(options->bearer_token_file);
    client->username = xstrdup_null(options->username);
    client->password = xstrdup_null(options->password);
    client->password_file = xstrdup_null(options->password_file);
    client->ca_file = xstrdup_null(trust_file(options));
    client->ca_pem = xstrdup_null(options->ca_pem);
    client->certificate_file = xstrdup_null(options->certificate_file);
    client->certificate_pem = xstrdup_null(options->certificate_pem);
    client->key_file = xstrdup_null(options->key_file);
    client->key_pem = xstrdup_null(options->key_pem);
    client->proxy = xstrdup_null(options->proxy);
}

/* A server that is verified under another name is asked under that name, at its own address. */
static void set_server_name(struct http_client *client, const char *server_name)
{
    char *connect_to = NULL;
    char *host_header = NULL;
    char *url = url_renamed(client->url, server_name, &connect_to, &host_header);
    free(client->asked);
    client->asked = url;
    client->connect_to = curl_slist_append(NULL, connect_to);
    client->host_header = host_header;
    free(connect_to);
}

int http_client_new(const struct http_options *options, struct http_client **out, struct err *err)
{
    const char *what = options->what == NULL ? "the server" : options->what;
    http_init();
    if (check_options(options, what, err)) {
        return -1;
    }
    char name[512];
    struct http_client *client = xcalloc(sizeof *client);
    client->uses = 1;
    client->what = xstrdup(what);
    client->url = xstrdup(options->url);
    client->asked = xstrdup(options->url);
    client->name = xstrdup(url_public(options->url, name, sizeof name));
    copy_texts(client, options);
    if (options->server_name != NULL) {
        set_server_name(client, options->server_name);
    }
    client->connect_timeout_ms = or_default(options->connect_timeout_seconds, 10) * 1000;
    client->timeout_ms = or_default(options->timeout_seconds, 120) * 1000;
    client->retry_after_max_seconds = or_default(options->retry_after_max_seconds, 60);
    client->tries = options->tries == 0 ? 3 : options->tries;
    client->local = url_is_loopback(options->url);
    client->own_ca = options->ca_file != NULL || options->ca_pem != NULL;
    client->insecure = options->insecure;
    client->secret_path = options->secret_path;
    client->easy = curl_easy_init();
    if (client->easy == NULL) {
        http_client_free(client);
        return err_set(err, ERR_SOFTWARE, "libcurl cannot be set up");
    }
    *out = client;
    return 0;
}

void http_client_free(struct http_client *client)
{
    if (client == NULL || --client->uses > 0) {
        return;
    }
    curl_easy_cleanup(client->easy);
    for (struct curl_slist *at = client->headers; at != NULL; at = at->next) {
        mem_wipe(at->data, strlen(at->data)); /* keys are among them */
    }
    curl_slist_free_all(client->headers);
    curl_slist_free_all(client->connect_to);
    mem_free_secret(client->bearer_token);
    mem_free_secret(client->password);
    mem_free_secret(client->key_pem);
    mem_free_secret(client->proxy);
    free(client->what);
    free(client->url);
    free(client->asked);
    free(client->name);
    free(client->host_header);
    free(client->bearer_token_file);
    free(client->username);
    free(client->password_file);
    free(client->ca_file);
    free(client->ca_pem);
    free(client->certificate_file);
    free(client->certificate_pem);
    free(client->key_file);
    free(client);
}

const char *http_client_name(const struct http_client *client)
{
    return client->name;
}

bool http_header_safe(const char *text)
{
    for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++) {
        if ((*p < ' ' && *p != '\t') || *p == 0x7f) {
            return false;
        }
    }
    return true;
}

int http_client_header(struct http_client *client, const char *name, const char *value, struct err *err)
{
    if (*name == '\0' || strpbrk(name, ": \t") != NULL || !http_header_safe(name) ||
        !http_header_safe(value)) {
        return err_set(err, ERR_CONFIG, "a header for %s has a name or value that no header can have",
                       client->what);
    }
    /* curl takes "Name;" for a header without a value; "Name:" would remove it. */
    char *line = *value == '\0' ? xasprintf("%s;", name) : xasprintf("%s: %s", name, value);
    client->headers = curl_slist_append(client->headers, line);
    mem_free_secret(line);
    return 0;
}

/* Reads a secret from its file, without the newline at its end. */
static int read_secret(const char *path, struct buf *out, struct err *err)
{
    if (fs_read(path, out, err)) {
        return -1;
    }
    while (out->length > 0 && strchr("\r\n", out->data[out->length - 1]) != NULL) {
        out->data[--out->length] = '\0';
    }
    if (out->length == 0 || strlen(out->data) != out->length || !http_header_safe(out->data)) {
        return err_set(err, ERR_CONFIG, "the secret in %s is empty or holds control characters", path);
    }
    return 0;
}

static void set_password(const struct http_client *client, CURL *easy, const char *password)
{
    curl_easy_setopt(easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
    curl_easy_setopt(easy, CURLOPT_USERNAME, client->username);
    curl_easy_setopt(easy, CURLOPT_PASSWORD, password);
}

static void add_token(struct curl_slist **headers, const char *token)
{
    char *line = xasprintf("Authorization: Bearer %s", token);
    *headers = curl_slist_append(*headers, line);
    mem_free_secret(line);
}

int http_client_credentials(const struct http_client *client, CURL *easy, struct curl_slist **headers, struct err *err)
{
    const char *path = client->bearer_token_file != NULL ? client->bearer_token_file : client->password_file;
    if (path == NULL) {
        if (client->bearer_token != NULL) {
            add_token(headers, client->bearer_token);
        } else if (client->username != NULL) {
            set_password(client, easy, client->password);
        }
        return 0;
    }
    struct buf secret;
    buf_init(&secret, SECRET_MAX);
    int failed = read_secret(path, &secret, err);
    if (!failed && client->bearer_token_file != NULL) {
        add_token(headers, buf_str(&secret));
    } else if (!failed) {
        set_password(client, easy, buf_str(&secret));
    }
    buf_wipe(&secret);
    return failed;
}

/* PEM in memory; curl reads it where it lies. */
static void set_blob(CURL *easy, CURLoption option, char *pem)
{
    struct curl_blob blob = {.data = pem, .len = strlen(pem), .flags = CURL_BLOB_NOCOPY};
    curl_easy_setopt(easy, option, &blob);
}

static void set_trust(const struct http_client *client, CURL *easy)
{
    const char *folder = getenv("SSL_CERT_DIR");
    if (client->ca_pem != NULL) {
        set_blob(easy, CURLOPT_CAINFO_BLOB, client->ca_pem);
    } else if (client->ca_file != NULL) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, client->ca_file);
    } else if (folder != NULL && *folder != '\0') {
        curl_easy_setopt(easy, CURLOPT_CAPATH, folder);
    }
    if (client->own_ca) {
        curl_easy_setopt(easy, CURLOPT_CAPATH, (char *)NULL); /* else the system's are trusted besides */
    }
    if (client->insecure) {
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    }
}

void http_client_connection(const struct http_client *client, CURL *easy)
{
    set_trust(client, easy);
    if (client->certificate_pem != NULL) {
        set_blob(easy, CURLOPT_SSLCERT_BLOB, client->certificate_pem);
        set_blob(easy, CURLOPT_SSLKEY_BLOB, client->key_pem);
    } else if (client->certificate_file != NULL) {
        curl_easy_setopt(easy, CURLOPT_SSLCERT, client->certificate_file);
        curl_easy_setopt(easy, CURLOPT_SSLKEY, client->key_file);
    }
    if (client->proxy != NULL) {
        curl_easy_setopt(easy, CURLOPT_PROXY, client->proxy);
        curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
    } else if (client->local) {
        curl_easy_setopt(easy, CURLOPT_PROXY, "");
    }
    if (client->connect_to != NULL) {
        curl_easy_setopt(easy, CURLOPT_CONNECT_TO, client->connect_to);
    }
}
