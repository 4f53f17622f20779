#ifndef TARE_IO_HTTP_INTERNAL_H
#define TARE_IO_HTTP_INTERNAL_H

/* Shared by http.c (an exchange) and http_client.c (who is asked, and as whom). */

#include <curl/curl.h>

#include "pipeline/io/http.h"

struct http_client {
    CURL *easy;
    char *what;
    char *url;   /* as given */
    char *asked; /* as asked: with the name to verify in place of the host */
    char *name;  /* as shown */
    char *bearer_token;
    char *bearer_token_file;
    char *username;
    char *password;
    char *password_file;
    char *ca_file;
    char *ca_pem;
    char *certificate_file;
    char *certificate_pem;
    char *key_file;
    char *key_pem;
    char *proxy;
    char *host_header;             /* "Host: …" where the server is asked under another name, else NULL */
    struct curl_slist *connect_to; /* and where it really is */
    struct curl_slist *headers;
    int64_t connect_timeout_ms;
    int64_t timeout_ms;
    int64_t retry_after_max_seconds;
    unsigned tries;
    bool local;  /* on this machine: past the proxies of the environment */
    bool own_ca; /* the options name an authority: no other one is trusted */
    bool insecure;
};

/* Whether text can stand in a header: no control bytes, so that nothing can start a header of its own. */
bool http_header_safe(const char *text);

/* Sets what concerns the connection: trust, client certificate, proxy, the name to verify. */
void http_client_connection(const struct http_client *client);

/* Sets the credentials of one request, or adds them to its headers. */
int http_client_credentials(struct http_client *client, struct curl_slist **headers, struct err *err);

#endif
