/* What models said: written by history_answer, found again by the same evidence or by a key; files that are none; bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"
#include "pipeline/io/json.h"
#include "stages/analyze/history/history.h"
#include "stages/analyze/history/past.h"

#define HEADER "{\"tare\":\"history\",\"version\":1}\n"
#define SERIES \
    "{\"container\":\"app\",\"day\":\"2026-11-13\",\"kind\":\"Deployment\",\"maximum\":9,\"mean\":1,\"minimum\":3,\"name\":\"cart\"," \
    "\"namespace\":\"shop\",\"samples\":24,\"series\":\"cpu_millicores\"}\n"

enum { NOON = 1795000000, MANY = 20000 };

static char path[] = "/tmp/tare-answers-XXXXXX";
static struct arena arena;
static struct subject cart = {.namespace = "shop", .looked_up_in = "shop", .kind = "Deployment", .name = "cart"};
static struct subject web = {.namespace = "shop", .looked_up_in = "shop", .kind = "Deployment", .name = "web"};

static char *digest_of(const char *text, char out[DIGEST_HEX])
{
    return hash_bytes(text, strlen(text), out);
}

static struct told told_of(const char *model, const char *evidence, const char *key, enum told_outcome outcome, const char *said,
                           int64_t at)
{
    struct told told = {.provider = "anthropic", .model = model, .outcome = outcome, .at = at, .exchange = "call"};
    digest_of(evidence, told.evidence);
    digest_of(key, told.key);
    told.text = outcome == TOLD_ANSWERED ? said : NULL;
    told.reason = outcome == TOLD_ANSWERED ? NULL : said;
    return told;
}

static struct history_out *writer(void)
{
    struct history_out *out = NULL;
    struct err err = {0};
    assert_int_equal(history_open(path, &out, &err), 0);
    return out;
}

static struct history_answers *finish_and_open(struct history_out *out, int64_t oldest)
{
    struct history_answers *answers = NULL;
    struct err err = {0};
    assert_int_equal(history_finish(out, &err), 0);
    if (history_answers_open(path, oldest, &answers, &err)) {
        fail_msg("%s", err.message);
    }
    return answers;
}

static void put(struct history_out *out, const struct subject *subject, struct told told)
{
    history_answer(out, subject, &told);
}

static bool exact(const struct history_answers *answers, const struct subject *subject, const char *model, const char *evidence,
                  struct told *told)
{
    *told = (struct told){.provider = "anthropic", .model = model};
    digest_of(evidence, told->evidence);
    return history_answers_exact(answers, subject, &arena, told);
}

static bool alike(const struct history_answers *answers, const char *key, struct told *told)
{
    *told = (struct told){0};
    digest_of(key, told->key);
    return history_answers_alike(answers, &arena, told);
}

static void test_exact(void **state)
{
    struct told told;
    struct history_out *out = writer();
    (void)state;
    put(out, &cart, told_of("m", "e", "k", TOLD_FAILED, "time-out \xff", NOON));
    put(out, &cart, told_of("m", "e", "k", TOLD_ANSWERED, "{\"a\":\"\\\"\"}", NOON - 5)); /* later in the file: what came at last */
    put(out, &web, told_of("m", "e", "k", TOLD_REFUSED, "no numbers", NOON));
    put(out, &cart, told_of("n", "e", "k", TOLD_FAILED, "time-out \xff", NOON));
    struct history_answers *answers = finish_and_open(out, INT64_MIN);
    assert_true(exact(answers, &cart, "m", "e", &told));
    assert_int_equal(told.outcome, TOLD_ANSWERED);
    assert_string_equal(told.text, "{\"a\":\"\\\"\"}");
    assert_null(told.reason);
    assert_int_equal(told.at, NOON - 5);
    assert_string_equal(told.exchange, "call");
    assert_true(exact(answers, &web, "m", "e", &told));
    assert_int_equal(told.outcome, TOLD_REFUSED);
    assert_string_equal(told.reason, "no numbers");
    assert_null(told.text);
    assert_true(exact(answers, &cart, "n", "e", &told));
    assert_string_equal(told.reason, "time-out ?");
    assert_false(exact(answers, &cart, "m", "other", &told));
    assert_false(exact(answers, &cart, "other", "e", &told));
    assert_false(exact(answers, &(struct subject){.looked_up_in = "pay", .kind = "Deployment", .name = "cart"}, "m", "e", &told));
    history_answers_free(answers);
}

static void test_alike(void **state)
{
    struct told told;
    struct history_out *out = writer();
    (void)state;
    put(out, &cart, told_of("m", "e1", "k", TOLD_ANSWERED, "{\"n\":1}", NOON - 100));
    put(out, &cart, told_of("m", "e2", "k", TOLD_ANSWERED, "{\"n\":2}", NOON));
    put(out, &cart, told_of("m", "e3", "k", TOLD_ANSWERED, "{\"n\":3}", NOON));
    put(out, &cart, told_of("m", "e4", "k", TOLD_ANSWERED, "{\"n\":4}", NOON - 1));
    put(out, &cart, told_of("m", "e5", "k", TOLD_FAILED, "time-out", NOON + 9));
    put(out, &cart, told_of("m", "e6", "none", TOLD_FAILED, "time-out", NOON));
    put(out, &cart, told_of("m", "e7", "old", TOLD_REFUSED, "bad", NOON - 1000));
    struct history_answers *answers = finish_and_open(out, NOON - 500);
    assert_true(alike(answers, "k", &told));
    assert_string_equal(told.text, "{\"n\":3}");
    assert_string_equal(told.provider, "anthropic");
    assert_string_equal(told.model, "m");
    assert_false(alike(answers, "none", &told));
    assert_false(alike(answers, "old", &told));
    assert_false(exact(answers, &cart, "m", "e7", &told));
    history_answers_free(answers);
    struct err err = {0};
    assert_int_equal(history_answers_open(path, NOON - 1000, &answers, &err), 0);
    assert_true(alike(answers, "old", &told));
    assert_int_equal(told.outcome, TOLD_REFUSED);
    history_answers_free(answers);
}

static void test_many(void **state)
{
    struct told told;
    char name[24];
    struct history_out *out = writer();
    (void)state;
    for (int i = 0; i < MANY; i++) {
        (void)snprintf(name, sizeof name, "e%d", i);
        put(out, i % 2 == 0 ? &cart : &web, told_of("m", name, name, TOLD_ANSWERED, name, NOON + i));
    }
    struct history_answers *answers = finish_and_open(out, NOON);
    for (int i = 0; i < MANY; i += 7) {
        (void)snprintf(name, sizeof name, "e%d", i);
        assert_true(exact(answers, i % 2 == 0 ? &cart : &web, "m", name, &told));
        assert_string_equal(told.text, name);
        assert_false(exact(answers, i % 2 == 0 ? &web : &cart, "m", name, &told));
        assert_true(alike(answers, name, &told));
        assert_int_equal(told.at, NOON + i);
    }
    history_answers_free(answers);
    arena_clear(&arena);
}

static void write_file(const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

#define DIGITS "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define ANSWER(more) \
    "{\"answer\":{\"at\":\"2026-11-22T03:00:00Z\",\"evidence\":\"" DIGITS "\",\"exchange\":null,\"key\":\"" DIGITS \
    "\",\"kind\":\"Job\",\"name\":\"n\",\"namespace\":null," more ",\"provider\":\"p\",\"model\":\"m\"}}\n"
#define GOOD ANSWER("\"outcome\":\"answered\",\"reason\":null,\"text\":\"{}\"")

static void test_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        ANSWER("\"outcome\":\"answered\",\"reason\":null,\"text\":null"), ANSWER("\"outcome\":\"answered\",\"reason\":\"x\",\"text\":{}"),
        ANSWER("\"outcome\":\"refused\",\"reason\":null,\"text\":\"{}\""), ANSWER("\"outcome\":\"perhaps\",\"reason\":\"\",\"text\":\"\""),
        ANSWER("\"text\":\"{}\""), "{\"answer\":[]}\n", "{\"answer\":null,\"spent\":1}\n", "{\"answer\":\n",
        "{\"spent\":{\"microusd\":-1,\"tokens\":0}}\n", "{\"spent\":{\"microusd\":1.5,\"tokens\":0}}\n",
        "{\"spent\":{\"microusd\":99999999999999999999,\"tokens\":0}}\n", "{\"spent\":{\"tokens\":1}}\n",
        "{\"batch\":{\"id\":\"x\"}}\n"};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        struct history_answers *answers = NULL;
        struct err err = {0};
        char *text = xasprintf("%s%s%s", HEADER, SERIES, bad[i]);
        write_file(text);
        free(text);
        assert_int_equal(history_answers_open(path, INT64_MIN, &answers, &err), -1);
        assert_int_equal(err.class, ERR_DATA);
        assert_non_null(strstr(err.message, "line 3"));
        assert_null(answers);
    }
}

static void test_bounds(void **state)
{
    (void)state;
    struct history_answers *answers = NULL;
    struct err err = {0};
    char *huge = xmalloc(ANSWER_ROW_MAX + 1);
    memset(huge, 'x', ANSWER_ROW_MAX);
    huge[ANSWER_ROW_MAX] = '\0';
    char *text = xasprintf(HEADER "{\"answer\":{\"at\":\"2026-11-22T03:00:00Z\",\"evidence\":\"" DIGITS "\",\"key\":\"" DIGITS
                                  "\",\"kind\":\"Job\",\"name\":\"n\",\"outcome\":\"answered\",\"provider\":\"p\",\"model\":\"m\","
                                  "\"text\":\"%s\"}}\n", huge);
    write_file(text);
    assert_int_equal(history_answers_open(path, INT64_MIN, &answers, &err), -1);
    assert_non_null(strstr(err.message, "line 2"));
    free(text);
    free(huge);
    write_file(HEADER "{\"answer\"");
    assert_int_equal(history_answers_open(path, INT64_MIN, &answers, &err), -1);
    assert_int_equal(err.class, ERR_DATA);
    assert_int_equal(history_answers_open("/nonexistent/history", INT64_MIN, &answers, &err), -1);
    assert_int_equal(err.class, ERR_NOINPUT);
    assert_int_equal(history_answers_open("/dev/null", INT64_MIN, &answers, &err), -1);
    assert_non_null(strstr(err.message, "no regular file"));
    assert_int_equal(history_answers_open(NULL, INT64_MIN, &answers, &err), 0);
    struct told told;
    assert_false(exact(answers, &cart, "m", "e", &told));
    assert_false(alike(answers, "k", &told));
    history_answers_free(answers);
}

/* A file that changes while it is read gives nothing rather than another workload's answer. */
static void test_changed(void **state)
{
    struct told told;
    struct history_out *out = writer();
    (void)state;
    put(out, &cart, told_of("m", "e", "k", TOLD_ANSWERED, "{}", NOON));
    struct history_answers *answers = finish_and_open(out, INT64_MIN);
    write_file("gone");
    assert_false(exact(answers, &cart, "m", "e", &told));
    assert_false(alike(answers, "k", &told));
    history_answers_free(answers);
}

static void test_spent(void **state)
{
    int64_t tokens = -1;
    int64_t microusd = -1;
    struct err err = {0};
    struct history_answers *answers = NULL;
    (void)state;
    history_answers_spent(NULL, &tokens, &microusd);
    assert_int_equal(tokens + microusd, 0);
    write_file(HEADER "{\"spent\":{\"microusd\":7,\"tokens\":9}}\n" GOOD);
    assert_int_equal(history_answers_open(path, INT64_MIN, &answers, &err), 0);
    history_answers_spent(answers, &tokens, &microusd);
    assert_int_equal(tokens, 9);
    assert_int_equal(microusd, 7);
    history_answers_free(answers);
}

static void test_batches(void **state)
{
    (void)state;
    struct sent_batch batch = {.provider = "anthropic", .model = "m", .id = "msgbatch_1", .questions = DIGITS, .at = NOON};
    struct history_out *out = writer();
    history_batch(out, &batch);
    batch.id = "msgbatch_2";
    history_batch(out, &batch);
    struct history_answers *answers = finish_and_open(out, INT64_MIN);
    struct sent_batch got;
    assert_true(history_answers_batch(answers, 1, &got));
    assert_string_equal(got.id, "msgbatch_2");
    assert_string_equal(got.questions, DIGITS);
    assert_int_equal(got.at, NOON);
    assert_false(history_answers_batch(answers, 2, &got));
    history_answers_free(answers);
    assert_false(history_answers_batch(NULL, 0, &got));
}

/* Digest of the past that a file tells, "" for none. */
static void digest_is(const char *text, const char *expected)
{
    struct history_past *past = NULL;
    struct err err = {0};
    char digest[DIGEST_HEX];
    char wanted[DIGEST_HEX] = "";
    write_file(text);
    if (history_past_open(path, &past, digest, &err)) {
        fail_msg("%s", err.message);
    }
    if (expected) {
        digest_of(expected, wanted);
    }
    assert_string_equal(digest, wanted);
    history_past_free(past);
}

static void test_digest(void **state)
{
    (void)state;
    digest_is(HEADER, HEADER);
    digest_is(HEADER SERIES, HEADER SERIES);
    digest_is(HEADER GOOD SERIES "{\"spent\":{}}\n", HEADER SERIES);
    digest_is(HEADER SERIES "{\"llm\":{\"provider\":\"x\"}}\n", HEADER SERIES);
    digest_is(HEADER "{\"spent\":{}}\n" GOOD "{\"batch\":{}}\n", NULL);
}

/* What was paid for is in the temporary file before history_finish; no two calls have one key. */
static void test_flushed(void **state)
{
    (void)state;
    struct history_out *out = writer();
    json_t *row = json_pack("{s:s}", "provider", "anthropic");
    history_exchange(out, row);
    json_decref(row);
    put(out, &cart, told_of("m", "e", "k", TOLD_ANSWERED, "{}", NOON));
    char command[200];
    (void)snprintf(command, sizeof command, "cat %s.?????? | wc -l", path);
    FILE *lines = popen(command, "r"); /* NOLINT(cert-env33-c): a fixed command over this test's own file */
    char count[16] = "";
    assert_non_null(fgets(count, sizeof count, lines));
    assert_int_equal(pclose(lines), 0);
    assert_int_equal(atoi(count), 3);
    history_drop(out);
    char a[DIGEST_HEX];
    char b[DIGEST_HEX];
    (void)setenv("TARE_SEED", "1", 1);
    history_call_key(a);
    history_call_key(b);
    assert_int_equal(strlen(a), DIGEST_HEX - 1);
    assert_string_not_equal(a, b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exact),   cmocka_unit_test(test_alike), cmocka_unit_test(test_many),   cmocka_unit_test(test_refused),
        cmocka_unit_test(test_bounds),  cmocka_unit_test(test_changed), cmocka_unit_test(test_spent), cmocka_unit_test(test_digest),
        cmocka_unit_test(test_flushed), cmocka_unit_test(test_batches),
    };
    int fd = mkstemp(path);
    if (fd < 0) {
        return 1;
    }
    (void)close(fd);
    json_init();
    arena_init(&arena);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_release(&arena);
    (void)unlink(path);
    return failed;
}
