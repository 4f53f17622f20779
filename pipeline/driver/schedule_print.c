/* A schedule in the words of those who start programs. What they start is always the same: tare run --schedule NAME; whether it is due,
 * the ledger knows. No secret stands in any of it. */

#include <ctype.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/driver/schedule.h"
#include "pipeline/io/fs.h"
#include "pipeline/io/json.h"
#include "pipeline/run/privcluster.h"

enum { TEXT_MAX = 256 * 1024, CRON_LINE_MAX = 990, DEADLINE_MIN = 60 };

/* What all forms are made of. */
struct subject {
    struct session *session;
    const char *name;
    const char *zone;
    const char *directory;
    const char *config; /* NULL: none */
    char *program;
    const json_t *row;
    struct schedule_rule rule;
};

static int plain(const char *what, const char *text, struct err *err)
{
    for (const char *p = text; *p != '\0'; p++) {
        if (iscntrl((unsigned char)*p)) {
            return err_set(err, ERR_DATA, "%s has a control character, so that it cannot be written down here", what);
        }
    }
    return 0;
}

static int subject_read(struct session *session, const json_t *row, struct subject *out, struct err *err)
{
    const json_t *request = json_object_get(row, "request");
    *out = (struct subject){
        .session = session,
        .name = json_string_or_null(row, "name"),
        .zone = json_string_or_null(row, "timezone"),
        .directory = json_string_or_null(request, "directory"),
        .config = json_string_or_null(request, "config"),
        .program = fs_join(session->bin_directory, "tare"),
        .row = row,
    };
    out->directory = out->directory == NULL ? "/" : out->directory;
    return schedule_row_rule(row, &out->rule, err) || plain("the folder of the schedule", out->directory, err) ||
                   plain("the path of tare", out->program, err) ||
                   (out->config != NULL && plain("the configuration's path", out->config, err))
               ? -1
               : 0;
}

static void subject_release(struct subject *subject)
{
    schedule_rule_release(&subject->rule);
    free(subject->program);
}

/* ---- systemd ---- */

/* A value of a unit file: % is its escape, and within quotes \ and " and (where a command stands) $ are. */
static void add_unit_text(struct buf *out, const char *text, bool quoted, bool command)
{
    for (; *text != '\0'; text++) {
        if (quoted && (*text == '\\' || *text == '"')) {
            buf_add_char(out, '\\');
        }
        if (*text == '%' || (command && *text == '$')) {
            buf_add_char(out, *text);
        }
        buf_add_char(out, *text);
    }
}

static void add_quoted(struct buf *out, const char *before, const char *text, bool command)
{
    buf_printf(out, "%s\"", before);
    add_unit_text(out, text, true, command);
    buf_add_str(out, "\"\n");
}

/* Folders that a run writes to. */
static int add_writable(const struct subject *subject, bool private, struct buf *out, struct err *err)
{
    static const char *const keys[] = {"reports.directory", "heartbeat.file"};
    struct config *config = NULL;
    if (config_load(subject->config, &config, err)) {
        return -1;
    }
    add_quoted(out, "ReadWritePaths=", subject->directory, false);
    for (size_t i = 0; i < ARRAY_COUNT(keys); i++) {
        const char *value = config_string(config, keys[i]);
        if (value != NULL) {
            char *whole = fs_join(subject->directory, value);
            char *folder = i == 0 ? xstrdup(whole) : fs_dirname(whole);
            buf_add_str(out, "ReadWritePaths=-\"");
            add_unit_text(out, folder, true, false);
            buf_add_str(out, "\"\n");
            free(folder);
            free(whole);
        }
    }
    config_free(config);
    bool running;
    struct privcluster cluster = {0};
    if (private && privcluster_find(&cluster, &running, NULL) == 0) {
        add_quoted(out, "ReadWritePaths=", cluster.directory, false);
    }
    privcluster_release(&cluster);
    return 0;
}

/* What a unit of the machine may do. The private ledger's server outlives the run, starts as another user under root, and compiles
 * queries into memory: it needs what is left out for it. */
static int add_hardening(const struct subject *subject, bool private, struct buf *out, struct err *err)
{
    buf_add_str(out, "NoNewPrivileges=yes\n"
                     "UMask=0077\n"
                     "LockPersonality=yes\n"
                     "RestrictRealtime=yes\n"
                     "RestrictSUIDSGID=yes\n"
                     "SystemCallArchitectures=native\n"
                     "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6\n");
    buf_add_str(out, private ? "KillMode=process\n" : "MemoryDenyWriteExecute=yes\n");
    if (options_flag(subject->session->options, OPT_USER)) {
        return 0; /* the rest takes rights that the manager of a user may not have */
    }
    buf_add_str(out, "ProtectSystem=strict\n"
                     "ProtectHome=read-only\n"
                     "PrivateDevices=yes\n"
                     "ProtectClock=yes\n"
                     "ProtectHostname=yes\n"
                     "ProtectKernelTunables=yes\n"
                     "ProtectKernelModules=yes\n"
                     "ProtectKernelLogs=yes\n"
                     "ProtectControlGroups=yes\n"
                     "RestrictNamespaces=yes\n");
    if (!private) {
        buf_add_str(out, "PrivateTmp=yes\nCapabilityBoundingSet=\n");
    } else {
        buf_add_str(out, "ReadWritePaths=/tmp\n");
    }
    return add_writable(subject, private, out, err);
}

static void add_identity(const struct subject *subject, struct buf *out)
{
    bool user = options_flag(subject->session->options, OPT_USER);
    const struct passwd *me = getpwuid(geteuid());
    if (!user && me != NULL && me->pw_uid != 0) {
        buf_printf(out, "User=%s\n", me->pw_name);
    }
    buf_add_str(out, "# TARE_DATABASE_URL=… and other secrets of the environment, one a line; mode 0600.\n");
    buf_printf(out, "EnvironmentFile=-%s/tare/%s.env\n", user ? "%E" : "/etc", subject->name);
    for (size_t i = 0; i < options_list_count(subject->session->options, OPT_SECRET); i++) {
        const char *secret = options_list_item(subject->session->options, OPT_SECRET, i);
        buf_printf(out, "LoadCredential=%s:%s/tare/credentials/%s\n", secret, user ? "%E" : "/etc", secret);
    }
}

/* All exit codes but 75 are final; a oneshot service cannot be told so the other way round. */
static void add_restart(struct buf *out)
{
    size_t count;
    const struct err_row *rows = err_table(&count);
    buf_add_str(out, "# 75, or killed: not over yet (a service was away, the ledger too); it goes on where it stopped.\n"
                     "Restart=on-failure\nRestartSec=60\nRestartPreventExitStatus=");
    const char *blank = "";
    for (size_t i = 0; i < count; i++) {
        if (!rows[i].retryable) {
            buf_printf(out, "%s%d", blank, (int)rows[i].class);
            blank = " ";
        }
    }
    buf_add_char(out, '\n');
}

static int make_service(const struct subject *subject, struct buf *out, struct err *err)
{
    bool private = ledger_is_private(subject->session->ledger);
    buf_printf(out, "# tare-%s.service: made by tare schedule, which takes it away again: tare schedule uninstall %s --format systemd\n",
               subject->name, subject->name);
    buf_printf(out,
               "[Unit]\nDescription=tare: run of the schedule %s\nWants=network-online.target\nAfter=network-online.target\n"
               "StartLimitIntervalSec=1h\nStartLimitBurst=20\n\n",
               subject->name);
    buf_add_str(out, "[Service]\nType=oneshot\n");
    buf_add_str(out, "ExecStart=\"");
    add_unit_text(out, subject->program, true, true);
    buf_printf(out, "\" run --schedule=%s\n", subject->name);
    buf_add_str(out, "WorkingDirectory=");
    add_unit_text(out, subject->directory, false, false);
    buf_add_char(out, '\n');
    if (subject->config != NULL) {
        buf_add_str(out, "Environment=\"TARE_CONFIG=");
        add_unit_text(out, subject->config, true, false);
        buf_add_str(out, "\"\n");
    }
    add_identity(subject, out);
    add_restart(out);
    return add_hardening(subject, private, out, err);
}

static void make_timer(const struct subject *subject, struct buf *out)
{
    buf_printf(out, "# tare-%s.timer: made by tare schedule, which takes it away again: tare schedule uninstall %s --format systemd\n",
               subject->name, subject->name);
    buf_printf(out, "[Unit]\nDescription=tare: instants of the schedule %s\n\n[Timer]\n", subject->name);
    schedule_calendars(&subject->rule, subject->zone, clock_now(), out);
    buf_printf(out, "Persistent=true\nAccuracySec=1s\nUnit=tare-%s.service\n\n[Install]\nWantedBy=timers.target\n", subject->name);
}

/* ---- crontab ---- */

/* A word of a shell's line; cron takes % for a line's end. */
static void add_shell_word(struct buf *out, const char *text)
{
    buf_add_char(out, '\'');
    for (; *text != '\0'; text++) {
        if (*text == '\'') {
            buf_add_str(out, "'\\''");
        } else if (*text == '%') {
            buf_add_str(out, "'\\%'");
        } else {
            buf_add_char(out, *text);
        }
    }
    buf_add_char(out, '\'');
}

/* The zone that this machine's cron counts in; NULL where it cannot be told. New, free(). */
static char *machine_zone(void)
{
    static const char folder[] = "/zoneinfo/";
    const char *tz = getenv("TZ");
    if (tz != NULL && *tz != '\0') {
        return xstrdup(*tz == ':' ? tz + 1 : tz);
    }
    char *path = realpath("/etc/localtime", NULL);
    const char *name = path == NULL ? NULL : strstr(path, folder);
    char *zone = xstrdup(name == NULL || strcmp(name + strlen(folder), "Etc/UTC") == 0 ? "UTC" : name + strlen(folder));
    free(path);
    return zone;
}

void schedule_mark(const char *name, bool end, struct buf *out)
{
    buf_printf(out, end ? "# end of tare schedule %s\n" : "# tare schedule %s: kept by tare schedule install, taken away by uninstall\n",
               name);
}

static int make_crontab(const struct subject *subject, struct buf *out, struct err *err)
{
    struct buf times;
    struct buf command;
    struct tz *machine = NULL;
    char *zone = machine_zone();
    if (tz_load(zone, &machine, NULL)) {
        free(zone);
        zone = xstrdup("UTC");
        tz_load(zone, &machine, NULL);
    }
    buf_init(&times, TEXT_MAX);
    buf_init(&command, TEXT_MAX);
    if (strcmp(zone, subject->zone) == 0) {
        schedule_kubernetes(&subject->rule, clock_now(), &times);
        buf_add_char(&times, '\n');
    } else {
        schedule_crontab(&subject->rule, machine, clock_now(), &times);
    }
    buf_add_str(&command, " cd ");
    add_shell_word(&command, subject->directory);
    buf_add_str(&command, " && ");
    if (subject->config != NULL) {
        buf_add_str(&command, "TARE_CONFIG=");
        add_shell_word(&command, subject->config);
        buf_add_char(&command, ' ');
    }
    add_shell_word(&command, subject->program);
    buf_printf(&command, " --quiet run --schedule %s >/dev/null\n", subject->name);
    schedule_mark(subject->name, false, out);
    buf_printf(out, "# %s %s; lines in the time of %s. Some firings find nothing due: the ledger knows what is.\n",
               json_string_or_null(subject->row, "cron"), subject->zone, zone);
    int failed = 0;
    for (const char *line = buf_str(&times); *line != '\0' && !failed; line = strchr(line, '\n') + 1) {
        size_t length = strcspn(line, "\n");
        if (length + command.length > CRON_LINE_MAX) {
            failed = err_set(err, ERR_DATA, "the paths of the schedule %s are too long for a crontab", subject->name);
        }
        buf_printf(out, "%.*s%s", (int)length, line, buf_str(&command));
    }
    schedule_mark(subject->name, true, out);
    buf_release(&command);
    buf_release(&times);
    tz_free(machine);
    free(zone);
    return failed;
}

/* ---- Kubernetes ---- */

/* A text in YAML: JSON is. */
static void add_string(struct buf *out, const char *before, const char *text)
{
    buf_add_str(out, before);
    json_put_string(out, text);
    buf_add_char(out, '\n');
}

/* What the API server takes for a name of a secret. */
static int check_secret(const char *name, struct err *err)
{
    size_t length = strlen(name);
    if (length > 0 && length <= 253 && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-.") == length &&
        isalnum((unsigned char)name[0]) && isalnum((unsigned char)name[length - 1])) {
        return 0;
    }
    err_set(err, ERR_USAGE, "--secret is \"%s\", which is no name of a secret", name);
    return err_hint(err, "small letters, digits, dots and dashes, as in --secret tare-database");
}

static void add_volumes(const struct subject *subject, struct buf *out)
{
    buf_add_str(out, "          volumes:\n          - name: tmp\n            emptyDir: {sizeLimit: 2Gi}\n");
    buf_printf(out, "          - name: config\n            configMap: {name: tare-%s}\n", subject->name);
    for (size_t i = 1; i < options_list_count(subject->session->options, OPT_SECRET); i++) {
        buf_printf(out, "          - name: secret-%zu\n            secret: {secretName: ", i);
        json_put_string(out, options_list_item(subject->session->options, OPT_SECRET, i));
        buf_add_str(out, ", defaultMode: 288}\n"); /* 0440 */
    }
}

static void add_container(const struct subject *subject, const char *image, struct buf *out)
{
    const struct options *options = subject->session->options;
    buf_add_str(out, "          containers:\n          - name: tare\n");
    add_string(out, "            image: ", image);
    buf_printf(out, "            args: [run, --schedule=%s]\n            workingDir: /tmp\n            env:\n", subject->name);
    buf_add_str(out, "            - name: TARE_DATABASE_URL\n              valueFrom:\n                secretKeyRef: {name: ");
    json_put_string(out, options_list_count(options, OPT_SECRET) > 0 ? options_list_item(options, OPT_SECRET, 0) : "tare-database");
    buf_add_str(out, ", key: database-url}\n            - {name: TMPDIR, value: /tmp}\n            - {name: HOME, value: /tmp}\n");
    buf_add_str(out, "            - {name: TARE_CONFIG, value: /etc/tare/tare.yaml}\n"
                     "            resources:\n"
                     "              requests: {cpu: 100m, memory: 256Mi, ephemeral-storage: 256Mi}\n"
                     "              limits: {memory: 1Gi, ephemeral-storage: 3Gi}\n"
                     "            securityContext:\n"
                     "              allowPrivilegeEscalation: false\n"
                     "              readOnlyRootFilesystem: true\n"
                     "              capabilities: {drop: [ALL]}\n"
                     "            volumeMounts:\n"
                     "            - {name: tmp, mountPath: /tmp}\n"
                     "            - {name: config, mountPath: /etc/tare, readOnly: true}\n");
    for (size_t i = 1; i < options_list_count(options, OPT_SECRET); i++) {
        buf_printf(out, "            - name: secret-%zu\n              readOnly: true\n              mountPath: ", i);
        char *path = xasprintf("/var/run/secrets/tare/%s", options_list_item(options, OPT_SECRET, i));
        json_put_string(out, path);
        buf_add_char(out, '\n');
        free(path);
    }
}

static void add_head(const struct subject *subject, struct buf *out)
{
    buf_printf(out, "# Schedule %s as a CronJob. Some firings find nothing due and end at once: the ledger knows what is.\n",
               subject->name);
    if (subject->config != NULL) {
        buf_printf(out, "# kubectl create configmap tare-%s --from-file=tare.yaml=%s\n", subject->name, subject->config);
    } else {
        buf_printf(out, "# kubectl create configmap tare-%s --from-literal=tare.yaml='version: 1'\n", subject->name);
    }
    buf_add_str(out, "# The service account must read the workloads that tare.yaml names, where it reads a cluster.\n");
    if (json_array_size(json_object_get(json_object_get(subject->row, "request"), "paths")) > 0) {
        buf_add_str(out, "# Its PATHs must be in the image or on a volume mounted below workingDir.\n");
    }
    buf_add_str(out, "apiVersion: batch/v1\nkind: CronJob\nmetadata:\n");
    buf_printf(out, "  name: tare-%s\n  labels: {app.kubernetes.io/name: tare, app.kubernetes.io/component: schedule}\nspec:\n",
               subject->name);
}

static int make_cronjob(const struct subject *subject, struct buf *out, struct err *err)
{
    const struct options *options = subject->session->options;
    const char *image = options_string(options, OPT_IMAGE);
    int64_t grace = json_int_or(subject->row, "grace_seconds", DEADLINE_MIN);
    if (image == NULL || image[0] == '\0') {
        err_set(err, ERR_USAGE, "a CronJob needs the image that has tare in it");
        return err_hint(err, "tare schedule print %s --format cronjob --image REGISTRY/tare:VERSION", subject->name);
    }
    for (size_t i = 0; i < options_list_count(options, OPT_SECRET); i++) {
        if (check_secret(options_list_item(options, OPT_SECRET, i), err)) {
            return -1;
        }
    }
    add_head(subject, out);
    struct buf cron;
    buf_init(&cron, TEXT_MAX);
    schedule_kubernetes(&subject->rule, clock_now(), &cron);
    add_string(out, "  schedule: ", buf_str(&cron));
    buf_release(&cron);
    add_string(out, "  timeZone: ", strcmp(subject->zone, "UTC") == 0 ? "Etc/UTC" : subject->zone);
    buf_printf(out, "  concurrencyPolicy: Forbid\n  startingDeadlineSeconds: %lld\n",
               (long long)(grace < DEADLINE_MIN ? DEADLINE_MIN : grace));
    buf_add_str(out, "  successfulJobsHistoryLimit: 3\n  failedJobsHistoryLimit: 3\n");
    buf_add_str(out, "  jobTemplate:\n    spec:\n      backoffLimit: 3\n"
                     "      podFailurePolicy:   # only 75 is tried again: it goes on where it stopped\n        rules:\n"
                     "        - action: FailJob\n          onExitCodes: {containerName: tare, operator: NotIn, values: [75]}\n"
                     "      template:\n        metadata:\n"
                     "          labels: {app.kubernetes.io/name: tare, app.kubernetes.io/component: schedule}\n"
                     "        spec:\n          restartPolicy: Never\n          serviceAccountName: tare\n"
                     "          securityContext:\n            runAsNonRoot: true\n            runAsUser: 65532\n"
                     "            runAsGroup: 65532\n"
                     "            fsGroup: 65532\n            seccompProfile: {type: RuntimeDefault}\n");
    add_container(subject, image, out);
    add_volumes(subject, out);
    return 0;
}

/* ---- All ---- */

int schedule_files_make(struct session *session, const json_t *row, enum schedule_form form, struct schedule_files *out, struct err *err)
{
    struct subject subject;
    buf_init(&out->service, TEXT_MAX);
    buf_init(&out->timer, TEXT_MAX);
    buf_init(&out->lines, TEXT_MAX);
    int failed = subject_read(session, row, &subject, err);
    for (size_t i = 0; i < options_list_count(session->options, OPT_SECRET) && !failed; i++) {
        failed = check_secret(options_list_item(session->options, OPT_SECRET, i), err);
    }
    if (!failed && form == SCHEDULE_SYSTEMD) {
        failed = make_service(&subject, &out->service, err);
        make_timer(&subject, &out->timer);
    } else if (!failed && form == SCHEDULE_CRONTAB) {
        failed = make_crontab(&subject, &out->lines, err);
    } else if (!failed) {
        failed = make_cronjob(&subject, &out->lines, err);
    }
    if (!failed && (out->service.overflow || out->timer.overflow || out->lines.overflow)) {
        failed = err_set(err, ERR_DATA, "the schedule %s takes too much room written down", subject.name);
    }
    subject_release(&subject);
    return failed;
}

void schedule_files_release(struct schedule_files *files)
{
    buf_release(&files->service);
    buf_release(&files->timer);
    buf_release(&files->lines);
}
