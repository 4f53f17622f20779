#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/mem.h"
#include "pipeline/cli/stage.h"
#include "pipeline/driver/audit_check.h"
#include "pipeline/driver/command.h"
#include "pipeline/driver/rows.h"
#include "pipeline/io/fs.h"
#include "pipeline/run/ledger_trail.h"

enum { LIST_MOST = 1000, EXPORT_PIECE = 256 * 1024 };

static const char usage[] = "tare audit verify [FILE] | list [RUN] | export | anchor";

static int open_ledger(struct session *session, struct err *err)
{
    return ledger_open_patient(session->options, "tare audit", &session->ledger, err);
}

/* ---- List ---- */

static void event_cells(struct table *table, const json_t *event)
{
    rows_int_cell(table, event, "position");
    table_cell(table, json_string_or_null(event, "at"));
    table_cell(table, json_string_or_null(event, "actor"));
    table_cell(table, json_string_or_null(event, "action"));
    rows_int_cell(table, event, "run");
    table_cell(table, json_string_or_null(event, "subject"));
}

static int audit_list(struct session *session, struct err *err)
{
    static const char *const heads[] = {">EVENT", "AT", "ACTOR", "ACTION", ">RUN", "SUBJECT"};
    int64_t run = 0;
    int64_t limit = options_given(session->options, OPT_LIMIT) ? options_integer(session->options, OPT_LIMIT, NULL) : LIST_MOST;
    bool json;
    json_t *events;
    struct ledger_run about;
    if (session_operands(session, 1, 2, "tare audit list [RUN]", err) || session_json(session, &json, err) ||
        open_ledger(session, err)) {
        return -1;
    }
    if ((options_operands(session->options) > 1 &&
         (session_run_id(session, 1, &run, err) || ledger_run_get(session->ledger, run, &session->arena, &about, err))) ||
        ledger_audit_list(session->ledger, run, 0, limit <= 0 || limit > LIST_MOST ? LIST_MOST : (int)limit, &events, err)) {
        return -1;
    }
    return json ? rows_json(events) : rows_print(events, heads, ARRAY_COUNT(heads), event_cells, NULL);
}

/* What is kept elsewhere and checked later has one form. */
static int one_form(const struct session *session, const char *verb, struct err *err)
{
    if (!options_typed(session->options, OPT_FORMAT)) {
        return 0;
    }
    err_set(err, ERR_USAGE, "tare audit %s writes JSON Lines and takes no --format", verb);
    return err_hint(err, "tare audit %s", verb);
}

/* ---- Anchor ---- */

static int audit_anchor(struct session *session, struct err *err)
{
    struct audit_anchor anchor;
    struct buf line;
    if (session_operands(session, 1, 1, "tare audit anchor", err) || one_form(session, "anchor", err) || open_ledger(session, err) ||
        ledger_audit_anchor(session->ledger, &anchor, err)) {
        return -1;
    }
    buf_init(&line, EXPORT_PIECE);
    audit_anchor_line(&anchor, &line);
    fputs(buf_str(&line), stdout);
    buf_release(&line);
    return 0;
}

/* ---- Export ---- */

struct export {
    struct session *session;
    int fd;
    struct buf piece;
    struct audit_anchor head;
    struct audit_chain chain;
    int64_t broken_at; /* 0: nothing is */
    int64_t events;
};

static int send_piece(struct export *export, struct err *err)
{
    int failed = export->piece.overflow
                     ? err_set(err, ERR_DATA, "an event of the audit trail is larger than %d MiB", AUDIT_LINE_MAX / 1024 / 1024)
                     : fs_write_fd(export->fd, buf_str(&export->piece), export->piece.length, "the audit trail", err);
    buf_clear(&export->piece);
    return failed;
}

/* The header names the digest of the event before the first, and the walk along the chain starts from it. */
static int export_header(struct export *export, int64_t since, struct err *err)
{
    struct audit_event before = {0};
    bool found = true;
    struct ledger_trail *trail = ledger_trail_new(export->session->ledger, since - 1, since);
    int failed = ledger_trail_next(trail, &before, &found, err);
    if (!failed && since > 0 && !found) {
        err_set(err, ERR_DATA, "there is no event %" PRId64 ": the audit trail ends with %" PRId64, since, export->head.position);
        failed = err_hint(err, "tare audit export has all of it");
    }
    if (!failed) {
        audit_chain_init(&export->chain, since, since == 0 ? NULL : before.digest);
        audit_header_line(export->head.ledger, since + 1, export->chain.digest, &export->piece);
    }
    ledger_trail_free(trail);
    return failed ? -1 : 0;
}

/* All events up to the head as it was when the export began; what is added meanwhile is not in it. What does not fit goes out all the
 * same, as evidence. */
static int export_events(struct export *export, int64_t since, struct err *err)
{
    struct ledger_trail *trail = ledger_trail_new(export->session->ledger, since, export->head.position);
    struct audit_event event;
    bool found = true;
    int failed = 0;
    while (!failed && (failed = ledger_trail_next(trail, &event, &found, err)) == 0 && found) {
        if (export->broken_at == 0 && audit_chain_add(&export->chain, &event) != NULL) {
            export->broken_at = export->chain.position + 1;
        }
        audit_event_line(&event, &export->piece);
        export->events++;
        if (export->piece.length >= EXPORT_PIECE || export->piece.overflow) {
            failed = send_piece(export, err);
        }
    }
    ledger_trail_free(trail);
    if (!failed && export->broken_at == 0 &&
        (export->chain.position != export->head.position || strcmp(export->chain.digest, export->head.digest) != 0)) {
        export->broken_at = export->chain.position + 1;
    }
    return failed ? -1 : 0;
}

static int export_all(struct export *export, int64_t since, struct err *err)
{
    if (ledger_audit_anchor(export->session->ledger, &export->head, err) || export_header(export, since, err) ||
        export_events(export, since, err)) {
        return -1;
    }
    if (export->events == 0) {
        export->head.at[0] = '\0'; /* nothing in the file could bear it out */
    }
    audit_anchor_line(&export->head, &export->piece);
    return send_piece(export, err);
}

/* To a file by way of a spool, so that the file is whole or not there. */
static int export_to(struct export *export, const char *path, int64_t since, struct err *err)
{
    if (path == NULL) {
        export->fd = STDOUT_FILENO;
        return export_all(export, since, err);
    }
    if (fs_spool(&export->fd, err)) {
        return -1;
    }
    int failed = export_all(export, since, err) || fs_replace_from(path, export->fd, 0600, err);
    close(export->fd);
    return failed ? -1 : 0;
}

static int audit_export(struct session *session, struct err *err)
{
    struct export export = {.session = session};
    int64_t since = options_integer(session->options, OPT_SINCE, NULL);
    if (session_operands(session, 1, 1, "tare audit export [-o FILE] [--since POSITION]", err) || one_form(session, "export", err) ||
        open_ledger(session, err)) {
        return -1;
    }
    buf_init(&export.piece, (size_t)EXPORT_PIECE + AUDIT_LINE_MAX);
    audit_chain_init(&export.chain, 0, NULL);
    int failed = export_to(&export, options_string(session->options, OPT_OUTPUT), since, err);
    audit_chain_release(&export.chain);
    buf_release(&export.piece);
    if (!failed && export.broken_at != 0) {
        err_set(&session->verdict, ERR_DATA, "the audit trail is broken at event %" PRId64 "; the export shows it as it stands",
                export.broken_at);
        err_hint(&session->verdict, "keep a copy of the database as it is and ask who had superuser access to it");
    }
    return failed ? -1 : 0;
}

/* ---- Which of them ---- */

static int audit_verify(struct session *session, struct err *err)
{
    const char *against = options_string(session->options, OPT_AGAINST);
    bool json;
    if (session_operands(session, 1, 2, "tare audit verify [FILE] [--anchor A] [--against FILE]", err) ||
        session_json(session, &json, err)) {
        return -1;
    }
    if (options_operands(session->options) > 1 && against != NULL) {
        err_set(err, ERR_USAGE, "tare audit verify checks one file, or the ledger against one");
        return err_hint(err, "usage: tare audit verify FILE, or tare audit verify --against FILE");
    }
    if (options_operands(session->options) > 1) {
        return audit_check_file(session, options_operand(session->options, 1), json, err);
    }
    return open_ledger(session, err) || audit_check_ledger(session, against, json, err) ? -1 : 0;
}

int command_audit(struct session *session, struct err *err)
{
    static const struct {
        const char *name;
        int (*run)(struct session *session, struct err *err);
    } verbs[] = {{"verify", audit_verify}, {"list", audit_list}, {"export", audit_export}, {"anchor", audit_anchor}};
    if (options_operands(session->options) == 0) {
        err_set(err, ERR_USAGE, "tare audit needs to know what to do");
        return err_hint(err, "usage: %s", usage);
    }
    const char *what = options_operand(session->options, 0);
    for (size_t i = 0; i < ARRAY_COUNT(verbs); i++) {
        if (strcmp(what, verbs[i].name) == 0) {
            return verbs[i].run(session, err);
        }
    }
    err_set(err, ERR_USAGE, "tare audit has verify, list, export and anchor, not \"%s\"", what);
    return err_hint(err, "usage: %s", usage);
}
