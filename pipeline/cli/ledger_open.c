#include <string.h>

#include "pipeline/base/str.h"
#include "pipeline/cli/stage.h"
#include "pipeline/run/ledger.h"

/* Whether a connection string has the word `password` (or one that ends so) before a "=", blanks allowed: libpq takes both
 * "password = x" and "?password=x". */
static bool names_password(const char *url)
{
    for (const char *at = url; (at = strstr(at, "password")) != NULL;) {
        at += strlen("password");
        if (at[strspn(at, " \t\n\r\f\v")] == '=') {
            return true;
        }
    }
    return false;
}

/* A password would be readable by every user of the machine in the list of processes. */
static bool has_password(const char *url)
{
    const char *scheme = strstr(url, "://");
    if (scheme != NULL) {
        const char *authority = scheme + 3;
        const char *end = authority + strcspn(authority, "/?#");
        const char *at = memchr(authority, '@', (size_t)(end - authority));
        const char *colon = memchr(authority, ':', (size_t)(end - authority));
        if (at != NULL && colon != NULL && colon < at) {
            return true;
        }
    }
    return names_password(url);
}

static int open_with(const struct options *options, const struct ledger_options *extra, struct ledger **out, struct err *err)
{
    const char *url = options_string(options, OPT_DATABASE);
    if (options_typed(options, OPT_DATABASE) && has_password(url)) {
        err_set(err, ERR_USAGE, "--database holds a password, which every user of this machine could read");
        return err_hint(err, "put it into ~/.pgpass or give the address in TARE_DATABASE_URL");
    }
    struct ledger_options wanted = *extra;
    wanted.url = url;
    wanted.login = options_string(options, OPT_AS);
    return ledger_open(out, &wanted, err);
}

int ledger_open_options(const struct options *options, const char *by, bool any_version, struct ledger **out,
                        struct err *err)
{
    struct ledger_options extra = {.application = by, .any_version = any_version};
    return open_with(options, &extra, out, err);
}

int ledger_open_patient(const struct options *options, const char *by, struct ledger **out, struct err *err)
{
    struct ledger_options extra = {.application = by, .statement_seconds = 3600};
    return open_with(options, &extra, out, err);
}

int ledger_open_running(const struct options *options, const char *by, struct ledger **out, struct err *err)
{
    struct ledger_options extra = {.application = by, .only_running = true};
    return open_with(options, &extra, out, err);
}
