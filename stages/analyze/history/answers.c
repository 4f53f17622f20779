#include "stages/analyze/history/answers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/io/json.h"
#include "stages/analyze/history/history.h"

enum { LINE_MAX_BYTES = 1024 * 1024, NONE = 0, FIRST_SLOTS = 256 };

/* A row in the file; `exact_before` and `alike_before` are places (from 1) of the rows before it in the same slot. */
struct place {
    off_t offset;
    uint32_t length;
    uint32_t exact_before, alike_before;
    uint64_t exact, alike; /* hashes of what it is found by */
    int64_t at;
    enum told_outcome outcome;
};

/* Chains of rows by one of the hashes: a slot holds the place of its last row. */
struct index {
    uint32_t *slots;
    size_t count;
};

struct history_answers {
    int fd;
    int64_t oldest;
    struct place *places;
    size_t count, capacity;
    struct index exact, alike;
    json_t *batches; /* array of the rows */
    int64_t tokens, microusd;
};

static const char *const outcomes[] = {[TOLD_ANSWERED] = "answered", [TOLD_REFUSED] = "refused", [TOLD_FAILED] = "failed"};

const char *told_outcome_name(enum told_outcome outcome)
{
    return outcomes[outcome];
}

/* FNV-1a, 64 bits, over strings that each count with their end. */
static uint64_t hash_strings(const char *const *strings, size_t count)
{
    uint64_t hash = 14695981039346656037U;
    for (size_t i = 0; i < count; i++) {
        const char *text = strings[i];
        do {
            hash = (hash ^ (unsigned char)*text) * 1099511628211U;
        } while (*text++);
    }
    return hash ^ hash >> 29;
}

/* A row as read: all strings are borrowed from the JSON. */
struct row {
    const char *namespace, *kind, *name;
    struct told told;
};

static uint64_t exact_hash(const struct row *row)
{
    const char *const strings[] = {row->namespace,     row->kind,        row->name,
                                   row->told.provider, row->told.model, row->told.evidence};
    return hash_strings(strings, ARRAY_COUNT(strings));
}

static uint64_t alike_hash(const struct told *told)
{
    const char *const strings[] = {told->key};
    return hash_strings(strings, ARRAY_COUNT(strings));
}

/* 64 digits of lower-case hex. */
static bool digest_read(const json_t *json, const char *key, char out[DIGEST_HEX])
{
    const char *text = json_string_or_null(json, key);
    if (!text || strlen(text) != DIGEST_HEX - 1 || strspn(text, "0123456789abcdef") != DIGEST_HEX - 1) {
        return false;
    }
    memcpy(out, text, DIGEST_HEX);
    return true;
}

static bool outcome_read(const json_t *json, enum told_outcome *out)
{
    const char *name = json_string_or_null(json, "outcome");
    for (size_t i = 0; i < ARRAY_COUNT(outcomes); i++) {
        if (str_equal(name, outcomes[i])) {
            *out = (enum told_outcome)i;
            return true;
        }
    }
    return false;
}

/* Takes the object of a row apart; false where a member is missing or of another form. */
static bool row_read(const json_t *json, struct row *row)
{
    struct told *told = &row->told;
    const char *namespace = json_string_or_null(json, "namespace");
    const char *at = json_string_or_null(json, "at");
    row->namespace = namespace ? namespace : "default";
    row->kind = json_string_or_null(json, "kind");
    row->name = json_string_or_null(json, "name");
    told->provider = json_string_or_null(json, "provider");
    told->model = json_string_or_null(json, "model");
    told->text = json_string_or_null(json, "text");
    told->reason = json_string_or_null(json, "reason");
    told->exchange = json_string_or_null(json, "exchange");
    if (!row->kind || !row->name || !told->provider || !told->model || !outcome_read(json, &told->outcome) ||
        !digest_read(json, "evidence", told->evidence) || !digest_read(json, "key", told->key) || !at ||
        time_parse(at, &told->at, NULL)) {
        return false;
    }
    return told->outcome == TOLD_ANSWERED ? told->text != NULL : told->reason != NULL;
}

/* Puts the chains anew into twice as many slots. */
static void index_grow(struct history_answers *answers)
{
    size_t count = answers->exact.count == 0 ? FIRST_SLOTS : 2 * answers->exact.count;
    free(answers->exact.slots);
    free(answers->alike.slots);
    answers->exact = (struct index){xcalloc_array(count, sizeof(uint32_t)), count};
    answers->alike = (struct index){xcalloc_array(count, sizeof(uint32_t)), count};
    for (size_t i = 0; i < answers->count; i++) {
        struct place *place = &answers->places[i];
        uint32_t *exact = &answers->exact.slots[place->exact & (count - 1)];
        uint32_t *alike = &answers->alike.slots[place->alike & (count - 1)];
        place->exact_before = *exact;
        place->alike_before = *alike;
        *exact = *alike = (uint32_t)i + 1;
    }
}

static void place_add(struct history_answers *answers, const struct row *row, off_t offset, size_t length)
{
    GROW(answers->places, answers->capacity, answers->count + 1);
    struct place *place = &answers->places[answers->count++];
    *place = (struct place){.offset = offset,
                            .length = (uint32_t)length,
                            .exact = exact_hash(row),
                            .alike = alike_hash(&row->told),
                            .at = row->told.at,
                            .outcome = row->told.outcome};
    if (answers->count > answers->exact.count) {
        index_grow(answers);
        return;
    }
    uint32_t *exact = &answers->exact.slots[place->exact & (answers->exact.count - 1)];
    uint32_t *alike = &answers->alike.slots[place->alike & (answers->alike.count - 1)];
    place->exact_before = *exact;
    place->alike_before = *alike;
    *exact = *alike = (uint32_t)answers->count;
}

static bool spent_read(struct history_answers *answers, const json_t *json)
{
    int64_t tokens;
    int64_t microusd;
    if (!json_get_int(json, "tokens", &tokens) || !json_get_int(json, "microusd", &microusd) || tokens < 0 || microusd < 0) {
        return false;
    }
    answers->tokens = tokens;
    answers->microusd = microusd;
    return true;
}

static bool batch_read(const json_t *json, struct sent_batch *batch)
{
    const char *at = json_string_or_null(json, "at");
    batch->provider = json_string_or_null(json, "provider");
    batch->model = json_string_or_null(json, "model");
    batch->id = json_string_or_null(json, "id");
    return batch->provider && batch->model && batch->id && digest_read(json, "questions", batch->questions) && at &&
           time_parse(at, &batch->at, NULL) == 0;
}

bool history_answers_batch(const struct history_answers *answers, size_t index, struct sent_batch *out)
{
    return answers && batch_read(json_array_get(answers->batches, index), out);
}

/* Keeps the place of an answer, or what was spent; false for a row that is none. Other rows are not for here. */
static bool line_take(struct history_answers *answers, const char *line, size_t length, off_t offset)
{
    struct row row = {0};
    struct err none = {0};
    json_t *json = json_read(line, length, "line", &none);
    const json_t *answer = json_object_get(json, "answer");
    const json_t *spent = json_object_get(json, "spent");
    json_t *sent = json_object_get(json, "batch");
    struct sent_batch batch;
    bool good = json_is_object(json);
    if (good && answer) {
        good = length <= ANSWER_ROW_MAX && row_read(answer, &row);
        if (good && row.told.at >= answers->oldest) {
            place_add(answers, &row, offset, length);
        }
    } else if (good && spent) {
        good = spent_read(answers, spent);
    } else if (good && sent) {
        good = length <= ANSWER_ROW_MAX && json_array_size(answers->batches) < BATCHES_MAX && batch_read(sent, &batch) &&
               json_array_append(answers->batches, sent) == 0;
    }
    json_decref(json);
    return good;
}

/* Most rows of a file are of series: those are told apart without being read. */
static int line_read(struct history_answers *answers, const char *path, int64_t number, const char *line, size_t length,
                     off_t offset, struct err *err)
{
    bool mine = strstr(line, "\"answer\"") || strstr(line, "\"spent\"") || strstr(line, "\"batch\"");
    if (mine && number > 1 && !line_take(answers, line, length, offset)) {
        return err_set(err, ERR_DATA, "%s is no history of this version: line %lld cannot be read", path, (long long)number);
    }
    if (answers->count > ANSWERS_MAX) {
        return err_set(err, ERR_DATA, "history file %s has more than %d answers", path, ANSWERS_MAX);
    }
    return 0;
}

static int lines_read(struct history_answers *answers, FILE *file, const char *path, struct err *err)
{
    char *line = xmalloc(LINE_MAX_BYTES);
    int64_t number = 0;
    off_t offset = 0;
    int failed = 0;
    while (!failed && fgets(line, LINE_MAX_BYTES, file)) {
        size_t length = strlen(line);
        number++;
        if (length == 0 || line[length - 1] != '\n') {
            failed = err_set(err, ERR_DATA, "line %lld of history file %s is too long or not ended", (long long)number, path);
        } else {
            failed = line_read(answers, path, number, line, length, offset, err);
        }
        offset += (off_t)length;
    }
    if (!failed && ferror(file)) {
        failed = err_errno(err, ERR_IO, errno, "cannot read history file %s", path);
    }
    free(line);
    return failed ? -1 : 0;
}

/* The texts are looked up in the file later: it must be one that can be read at any place. */
static int file_open(const char *path, FILE **file, struct err *err)
{
    struct stat about;
    *file = fopen(path, "re");
    if (!*file) {
        return err_errno(err, ERR_NOINPUT, errno, "cannot read history file %s", path);
    }
    if (fstat(fileno(*file), &about) == 0 && S_ISREG(about.st_mode)) {
        return 0;
    }
    (void)fclose(*file);
    (void)err_set(err, ERR_NOINPUT, "history file %s is no regular file, and answers of models are looked up in it", path);
    return err_hint(err, "write it to a file first");
}

int history_answers_open(const char *path, int64_t oldest, struct history_answers **out, struct err *err)
{
    *out = NULL;
    FILE *file = NULL;
    if (path && file_open(path, &file, err)) {
        return -1;
    }
    struct history_answers *answers = xcalloc(sizeof *answers);
    answers->oldest = oldest;
    answers->fd = -1;
    answers->batches = json_array();
    if (file) {
        int failed = lines_read(answers, file, path, err);
        if (!failed && (answers->fd = fcntl(fileno(file), F_DUPFD_CLOEXEC, 0)) < 0) {
            failed = err_errno(err, ERR_IO, errno, "cannot read history file %s", path);
        }
        (void)fclose(file);
        if (failed) {
            history_answers_free(answers);
            return -1;
        }
    }
    *out = answers;
    return 0;
}

void history_answers_free(struct history_answers *answers)
{
    if (!answers) {
        return;
    }
    if (answers->fd >= 0) {
        (void)close(answers->fd);
    }
    json_decref(answers->batches);
    free(answers->places);
    free(answers->exact.slots);
    free(answers->alike.slots);
    free(answers);
}

/* The row at a place, new; NULL where it cannot be read any more. */
static json_t *place_read(const struct history_answers *answers, const struct place *place, struct row *row)
{
    char *line = xmalloc((size_t)place->length + 1);
    struct err none = {0};
    json_t *json = NULL;
    if (pread(answers->fd, line, place->length, place->offset) == (ssize_t)place->length) {
        json = json_read(line, place->length, "line", &none);
    }
    free(line);
    if (json && row_read(json_object_get(json, "answer"), row)) {
        return json;
    }
    json_decref(json);
    return NULL;
}

/* Copies a row's texts to where they live longer than the line. */
static void told_take(const struct told *from, struct arena *arena, struct told *out)
{
    *out = *from;
    out->provider = arena_strdup(arena, from->provider);
    out->model = arena_strdup(arena, from->model);
    out->text = from->outcome == TOLD_ANSWERED ? arena_strdup(arena, from->text) : NULL;
    out->reason = from->outcome == TOLD_ANSWERED ? NULL : arena_strdup(arena, from->reason);
    out->exchange = from->exchange ? arena_strdup(arena, from->exchange) : NULL;
}

bool history_answers_exact(const struct history_answers *answers, const struct subject *subject, struct arena *arena,
                           struct told *told)
{
    if (!answers || answers->count == 0) {
        return false;
    }
    const struct row wanted = {
        .namespace = subject->looked_up_in, .kind = subject->kind, .name = subject->name, .told = *told};
    uint64_t hash = exact_hash(&wanted);
    uint32_t next = answers->exact.slots[hash & (answers->exact.count - 1)];
    while (next != NONE) {
        const struct place *place = &answers->places[next - 1];
        struct row row = {0};
        json_t *json = place->exact == hash ? place_read(answers, place, &row) : NULL;
        bool same = json && str_equal(row.namespace, wanted.namespace) && str_equal(row.kind, wanted.kind) &&
                    str_equal(row.name, wanted.name) && str_equal(row.told.provider, told->provider) &&
                    str_equal(row.told.model, told->model) && str_equal(row.told.evidence, told->evidence);
        if (same) {
            told_take(&row.told, arena, told);
        }
        json_decref(json);
        if (same) {
            return true;
        }
        next = place->exact_before;
    }
    return false;
}

bool history_answers_alike(const struct history_answers *answers, struct arena *arena, struct told *told)
{
    if (!answers || answers->count == 0) {
        return false;
    }
    char key[DIGEST_HEX];
    memcpy(key, told->key, sizeof key);
    uint64_t hash = alike_hash(told);
    bool found = false;
    uint32_t next = answers->alike.slots[hash & (answers->alike.count - 1)];
    for (; next != NONE; next = answers->places[next - 1].alike_before) {
        const struct place *place = &answers->places[next - 1];
        struct row row = {0};
        if (place->alike != hash || place->outcome == TOLD_FAILED || (found && place->at <= told->at)) {
            continue;
        }
        json_t *json = place_read(answers, place, &row);
        if (json && str_equal(row.told.key, key)) {
            told_take(&row.told, arena, told);
            found = true;
        }
        json_decref(json);
    }
    return found;
}

void history_answers_spent(const struct history_answers *answers, int64_t *tokens, int64_t *microusd)
{
    *tokens = answers ? answers->tokens : 0;
    *microusd = answers ? answers->microusd : 0;
}
