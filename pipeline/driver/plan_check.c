#include "pipeline/driver/plan_check.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/driver/line.h"
#include "pipeline/driver/plan.h"
#include "pipeline/io/fs.h"
#include "pipeline/run/ledger_rules.h"
#include "pipeline/run/record.h"

enum { VALUE_MAX = 120 };

struct check {
    int64_t run;
    bool governed; /* a policy is stored: what it asks of each change can be compared too */
    const char *workload;
};

static int differs(const struct check *check, const char *what, const char *ledger, const char *gate, struct err *err)
{
    err_set(err, ERR_REFUSED, "the ledger has %s as %s of %s in run %" PRId64 ", but of the stored plan the gate says %s", ledger, what,
            check->workload, check->run, gate);
    return err_hint(err, "the rows were not made from this plan; tare rerun %" PRId64 " --from gate makes new ones", check->run);
}

static const char *value_text(const json_t *value, char text[VALUE_MAX])
{
    char *whole = value == NULL ? xstrdup("nothing") : json_text(value);
    snprintf(text, VALUE_MAX, "%s", whole);
    str_trim_utf8(text);
    free(whole);
    return text;
}

/* Numbers went through Postgres and are written with 15 digits. */
static bool same_value(const json_t *a, const json_t *b)
{
    if (json_is_number(a) && json_is_number(b)) {
        double x = json_number_value(a);
        double y = json_number_value(b);
        return fabs(x - y) <= 1e-9 * (1 + fabs(x));
    }
    bool none_a = a == NULL || json_is_null(a);
    bool none_b = b == NULL || json_is_null(b);
    return none_a || none_b ? none_a == none_b : json_equal(a, b);
}

static int compare_value(const struct check *check, const char *what, const json_t *ledger, const json_t *gate, struct err *err)
{
    char mine[VALUE_MAX];
    char theirs[VALUE_MAX];
    return same_value(ledger, gate) ? 0 : differs(check, what, value_text(ledger, mine), value_text(gate, theirs), err);
}

/* Which labels are kept hangs on the policies that ask: those that both have are compared. */
static int compare_labels(const struct check *check, const json_t *ledger, const json_t *gate, struct err *err)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)gate, key, value)
    {
        const json_t *other = json_object_get(ledger, key);
        if (other != NULL && compare_value(check, key, other, value, err)) {
            return -1;
        }
    }
    return 0;
}

static int compare_facts(const struct check *check, const json_t *row, const json_t *fresh, struct err *err)
{
    static const char *const members[] = {"class", "risk", "decrease_percent", "increase_percent", "monthly_usd",
                                          "source", "disagreement"};
    const json_t *ledger = json_object_get(row, "facts");
    const json_t *gate = json_object_get(fresh, "facts");
    if (!json_is_object(gate) || !json_is_object(ledger)) {
        return 0; /* nothing changes, or a plan of before facts were kept: those count against it anyway */
    }
    for (size_t i = 0; i < ARRAY_COUNT(members); i++) {
        if (compare_value(check, members[i], json_object_get(ledger, members[i]), json_object_get(gate, members[i]), err)) {
            return -1;
        }
    }
    return compare_labels(check, json_object_get(ledger, "labels"), json_object_get(gate, "labels"), err);
}

/* Whether the gate forbids the change for good: a window that is closed just now, or a back-off, is no such reason. */
static bool forbidden(const json_t *fresh)
{
    size_t index;
    json_t *reason;
    if (!str_equal(json_string_or_null(fresh, "verdict"), "blocked")) {
        return false;
    }
    json_array_foreach(json_object_get(fresh, "reasons"), index, reason)
    {
        const char *code = json_string_or_null(reason, "code");
        if (!json_bool_or(reason, "ok", false) && !str_equal(code, "window") && !str_equal(code, "backoff")) {
            return true;
        }
    }
    return false;
}

/* What is to be written must be allowed by the policy that is stored, with at least its approvals. */
static int compare_demand(const struct check *check, const json_t *row, const json_t *fresh, struct err *err)
{
    const char *verdict = json_string_or_null(row, "verdict");
    const char *now = json_string_or_null(fresh, "verdict");
    const char *role = json_string_or_null(fresh, "role");
    char mine[VALUE_MAX];
    char theirs[VALUE_MAX];
    if (forbidden(fresh) || str_equal(now, "unchanged")) {
        return differs(check, "verdict", verdict, now, err);
    }
    if (json_int_or(row, "approvals_required", 0) < json_int_or(fresh, "approvals_required", 0)) {
        return differs(check, "number of approvals", value_text(json_object_get(row, "approvals_required"), mine),
                       value_text(json_object_get(fresh, "approvals_required"), theirs), err);
    }
    return role == NULL || str_equal(role, json_string_or_null(row, "role"))
               ? 0
               : differs(check, "role", json_string_or_null(row, "role"), role, err);
}

static int compare_row(const struct check *check, const json_t *row, const json_t *fresh, struct err *err)
{
    const char *verdict = json_string_or_null(row, "verdict");
    bool written = str_equal(verdict, "allowed") || str_equal(verdict, "needs-approval");
    if (fresh == NULL) {
        return differs(check, "verdict", verdict == NULL ? "nothing" : verdict, "nothing: it is not in it", err);
    }
    /* The other way round an own file that is stricter may have left a change out. */
    if (written && !json_is_object(json_object_get(fresh, "facts")) && str_equal(json_string_or_null(fresh, "verdict"), "unchanged")) {
        return differs(check, "verdict", verdict, "unchanged", err);
    }
    return compare_facts(check, row, fresh, err) || (written && check->governed && compare_demand(check, row, fresh, err)) ? -1 : 0;
}

static char *row_key(const json_t *row)
{
    const struct identity identity = {.namespace = json_string_or_null(row, "namespace"),
                                      .kind = json_string_or_null(row, "kind"),
                                      .name = json_string_or_null(row, "name")};
    return identity_text(&identity, "default");
}

static int compare(const struct ledger_run *run, bool governed, const json_t *ledger, const json_t *gate, struct err *err)
{
    json_t *fresh = json_object();
    size_t index;
    json_t *row;
    int failed = 0;
    json_array_foreach(gate, index, row)
    {
        char *key = row_key(row);
        json_object_set(fresh, key, row);
        free(key);
    }
    for (index = 0; !failed && index < json_array_size(ledger); index++) {
        char *key = row_key(json_array_get(ledger, index));
        const struct check check = {run->id, governed, key};
        failed = compare_row(&check, json_array_get(ledger, index), json_object_get(fresh, key), err);
        free(key);
    }
    json_decref(fresh);
    return failed;
}

/* New path of a file, to be unlinked: a configuration that forbids nothing, whatever $TARE_CONFIG names. Without a stored policy it
 * says so of new objects, which are forbidden by default. */
static int empty_config(bool governed, char **path, struct err *err)
{
    static const char all[] = "apply: {advice: [hpa, vpa, schedule, keda]}\n";
    const char *folder = getenv("TMPDIR");
    *path = fs_join(folder == NULL || *folder == '\0' ? "/tmp" : folder, "tare-config-XXXXXX");
    int fd = mkstemp(*path);
    if (fd < 0) {
        err_errno(err, ERR_CANTCREAT, errno, "cannot make a temporary file %s", *path);
        free(*path);
        *path = NULL;
        return err_hint(err, "set TMPDIR to a directory with room");
    }
    int failed = governed ? 0 : fs_write_fd(fd, all, sizeof all - 1, *path, err);
    close(fd);
    return failed;
}

static int gate_exec(struct session *session, const struct ledger_run *run, const json_t *settings, int in, int out, struct err *err)
{
    int code = 0;
    struct err said = {0};
    char *target = xasprintf("--target=%s", run->target);
    const char *const words[] = {target, "--quiet", NULL};
    int failed = line_exec(session, settings, run->created, "gate", words, in, out, &code, &said, err);
    if (!failed && code != 0) {
        failed = err_set(err, err_meaning(code) == NULL ? ERR_SOFTWARE : (enum err_class)code,
                         "the plan of run %" PRId64 " cannot be checked, the gate failed: %s", run->id, said.message);
        err_hint(err, "%s", said.hint);
    }
    free(target);
    return failed;
}

/* tare-gate over the stored plan, by the stored policy alone: `in` and `out` are spools. */
static int gate_stored(struct session *session, const struct ledger_run *run, bool governed, int in, int out, struct err *err)
{
    json_t *settings = NULL;
    char *config = NULL;
    int failed = line_stored_settings(run, &settings, err) || empty_config(governed, &config, err);
    if (!failed) {
        json_object_set_new(settings, "config", json_string_safe(config));
        json_object_del(settings, "directory");
        failed = gate_exec(session, run, settings, in, out, err);
    }
    if (config != NULL) {
        unlink(config);
    }
    free(config);
    json_decref(settings);
    return failed ? -1 : 0;
}

static int fresh_rows(struct session *session, const struct ledger_run *run, bool governed, json_t **rows, struct err *err)
{
    int in;
    int out;
    *rows = NULL;
    if (line_fetch(session, run->plan_digest, &in, err)) {
        return -1;
    }
    int failed = fs_spool(&out, err);
    if (!failed) {
        failed = gate_stored(session, run, governed, in, out, err) || plan_rows(session, run, out, rows, err);
        close(out);
    }
    close(in);
    return failed ? -1 : 0;
}

int plan_check_rows(struct session *session, const struct ledger_run *run, struct err *err)
{
    json_t *ledger = NULL;
    json_t *gate = NULL;
    json_t *policy = NULL;
    if (run->plan_digest == NULL) {
        return 0;
    }
    int failed = ledger_policy_get(session->ledger, &policy, err) || ledger_plan_facts(session->ledger, run->id, &ledger, err) ||
                 fresh_rows(session, run, policy != NULL, &gate, err) || compare(run, policy != NULL, ledger, gate, err);
    json_decref(policy);
    json_decref(ledger);
    json_decref(gate);
    return failed ? -1 : 0;
}
