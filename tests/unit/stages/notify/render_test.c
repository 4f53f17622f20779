/* Each kind of receiver, to the byte, and inside its limits whatever the facts hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/mem.h"
#include "stages/notify/render.h"
#include "stages/notify/text.h"

static json_t *parse(const char *text)
{
    struct err err = {0};
    json_t *value = json_read(text, strlen(text), "the test's facts", &err);
    if (value == NULL) {
        fail_msg("%s", err.message);
    }
    return value;
}

static const char applied[] =
    "{\"at\":\"2026-11-22T03:00:00Z\",\"blocked\":0,\"changes\":2,\"cluster\":\"prod\",\"command\":\"apply\",\"commands\":[\"tare report 7\"],"
    "\"event\":\"refused\",\"ledger\":\"11111111-2222-3333-4444-555555555555\",\"monthly_after_microusd\":5000000,"
    "\"monthly_before_microusd\":9000000,\"monthly_saving_microusd\":4000000,\"plan\":\"abcdefabcdefabcdef\",\"reason\":\"freeze <1>\","
    "\"run\":7,\"state\":\"refused\",\"to_approve\":1,\"top\":[{\"cpu_after_millicores\":300,\"cpu_before_millicores\":500,"
    "\"monthly_saving_microusd\":4000000,\"risk\":\"low\",\"workload\":\"shop/Deployment/cart\"}],\"workloads\":3}";

#define SUMMARY "Run 7 of prod was refused: 2 of 3 workloads, 1 to approve, 0 blocked"
#define CHANGE "shop/Deployment/cart, CPU 500m \xe2\x86\x92 300m, $4 a month saved, risk low"

static const struct {
    enum receiver_type type;
    const char *wanted;
} exact[] = {
    {RECEIVER_SLACK,
     "{\"blocks\":[{\"text\":{\"emoji\":false,\"text\":\"Run 7 of prod was refused\",\"type\":\"plain_text\"},\"type\":\"header\"},"
     "{\"fields\":[{\"text\":\"*State*\\nrefused\",\"type\":\"mrkdwn\",\"verbatim\":true},"
     "{\"text\":\"*Changes*\\n2 of 3 workloads, 1 to approve, 0 blocked\",\"type\":\"mrkdwn\",\"verbatim\":true},"
     "{\"text\":\"*Monthly cost*\\n$9 now, $5 after, $4 saved\",\"type\":\"mrkdwn\",\"verbatim\":true},"
     "{\"text\":\"*Plan*\\nabcdefabcdef\xe2\x80\xa6\",\"type\":\"mrkdwn\",\"verbatim\":true}],\"type\":\"section\"},"
     "{\"text\":{\"text\":\"Reason: freeze &lt;1&gt;\\nLargest changes:\\n" CHANGE "\\nWhat to type next:\\ntare report 7\","
     "\"type\":\"mrkdwn\",\"verbatim\":true},\"type\":\"section\"}],\"text\":\"" SUMMARY "\"}"},
    {RECEIVER_DISCORD,
     "{\"allowed_mentions\":{\"parse\":[]},\"embeds\":[{\"color\":12024095,\"description\":\"Reason: freeze \\\\<1\\\\>\\nLargest changes:\\n"
     CHANGE "\\nWhat to type next:\\ntare report 7\",\"fields\":[{\"inline\":true,\"name\":\"State\",\"value\":\"refused\"},"
     "{\"inline\":true,\"name\":\"Changes\",\"value\":\"2 of 3 workloads, 1 to approve, 0 blocked\"},"
     "{\"inline\":true,\"name\":\"Monthly cost\",\"value\":\"$9 now, $5 after, $4 saved\"},"
     "{\"inline\":true,\"name\":\"Plan\",\"value\":\"abcdefabcdef\xe2\x80\xa6\"}],\"timestamp\":\"2026-11-22T03:00:00Z\","
     "\"title\":\"Run 7 of prod was refused\"}]}"},
    {RECEIVER_TEAMS,
     "{\"attachments\":[{\"content\":{\"$schema\":\"http://adaptivecards.io/schemas/adaptive-card.json\",\"body\":["
     "{\"inlines\":[{\"color\":\"Warning\",\"size\":\"Medium\",\"text\":\"Run 7 of prod was refused\",\"type\":\"TextRun\",\"weight\":\"Bolder\"}],"
     "\"type\":\"RichTextBlock\"},"
     "{\"inlines\":[{\"text\":\"State: \",\"type\":\"TextRun\",\"weight\":\"Bolder\"},{\"text\":\"refused\",\"type\":\"TextRun\"}],"
     "\"spacing\":\"Small\",\"type\":\"RichTextBlock\"},"
     "{\"inlines\":[{\"text\":\"Changes: \",\"type\":\"TextRun\",\"weight\":\"Bolder\"},"
     "{\"text\":\"2 of 3 workloads, 1 to approve, 0 blocked\",\"type\":\"TextRun\"}],\"spacing\":\"Small\",\"type\":\"RichTextBlock\"},"
     "{\"inlines\":[{\"text\":\"Monthly cost: \",\"type\":\"TextRun\",\"weight\":\"Bolder\"},"
     "{\"text\":\"$9 now, $5 after, $4 saved\",\"type\":\"TextRun\"}],\"spacing\":\"Small\",\"type\":\"RichTextBlock\"},"
     "{\"inlines\":[{\"text\":\"Plan: \",\"type\":\"TextRun\",\"weight\":\"Bolder\"},{\"text\":\"abcdefabcdef\xe2\x80\xa6\",\"type\":\"TextRun\"}],"
     "\"spacing\":\"Small\",\"type\":\"RichTextBlock\"},"
     "{\"inlines\":[{\"text\":\"Reason: freeze <1>\",\"type\":\"TextRun\"}],\"spacing\":\"Small\",\"type\":\"RichTextBlock\"},"
     "{\"inlines\":[{\"text\":\"Largest changes:\",\"type\":\"TextRun\"}],\"spacing\":\"Small\",\"type\":\"RichTextBlock\"},"
     "{\"inlines\":[{\"text\":\"" CHANGE "\",\"type\":\"TextRun\"}],\"spacing\":\"Small\",\"type\":\"RichTextBlock\"},"
     "{\"inlines\":[{\"text\":\"What to type next:\",\"type\":\"TextRun\"}],\"spacing\":\"Small\",\"type\":\"RichTextBlock\"},"
     "{\"inlines\":[{\"text\":\"tare report 7\",\"type\":\"TextRun\"}],\"spacing\":\"Small\",\"type\":\"RichTextBlock\"}],"
     "\"type\":\"AdaptiveCard\",\"version\":\"1.4\"},\"contentType\":\"application/vnd.microsoft.card.adaptive\",\"contentUrl\":null}],"
     "\"type\":\"message\"}"},
    {RECEIVER_PAGERDUTY,
     "{\"client\":\"tare\",\"dedup_key\":\"tare/11111111-2222-3333-4444-555555555555/run/7\",\"event_action\":\"trigger\",\"payload\":{"
     "\"class\":\"refused\",\"component\":\"tare\",\"custom_details\":{\"Changes\":\"2 of 3 workloads, 1 to approve, 0 blocked\","
     "\"Monthly cost\":\"$9 now, $5 after, $4 saved\",\"Plan\":\"abcdefabcdef\xe2\x80\xa6\",\"State\":\"refused\",\"notification\":\"id-1\","
     "\"text\":\"Reason: freeze <1>\\nLargest changes:\\n" CHANGE "\\nWhat to type next:\\ntare report 7\"},\"severity\":\"warning\","
     "\"source\":\"prod\",\"summary\":\"" SUMMARY "\",\"timestamp\":\"2026-11-22T03:00:00Z\"},\"routing_key\":\"rk\"}"},
};

static void test_exact(void **state)
{
    (void)state;
    json_t *facts = parse(applied);
    struct message message;
    struct render_with with = {.secret = "rk"};
    message_init(&message, facts, "id-1");
    for (size_t i = 0; i < ARRAY_COUNT(exact); i++) {
        json_t *body = render(exact[i].type, &message, &with);
        char *text = json_text(body);
        assert_string_equal(text, exact[i].wanted);
        free(text);
        json_decref(body);
    }
    json_t *body = render(RECEIVER_HTTP, &message, &with);
    assert_true(json_equal(json_object_get(body, "facts"), facts));
    assert_string_equal(json_string_or_null(body, "id"), "id-1");
    assert_string_equal(json_string_or_null(body, "event"), "refused");
    assert_null(json_object_get(body, "routing_key"));
    json_decref(body);
    message_release(&message);
    json_decref(facts);
}

/* Member of an event as PagerDuty gets it. */
static char *event_of(const char *facts_text, const char *path)
{
    json_t *facts = parse(facts_text);
    struct message message;
    struct render_with with = {.secret = "rk"};
    message_init(&message, facts, "id");
    json_t *body = render(RECEIVER_PAGERDUTY, &message, &with);
    const char *text = json_string_value(json_at(body, path));
    char *copy = xstrdup(text == NULL ? "none" : text);
    json_decref(body);
    message_release(&message);
    json_decref(facts);
    return copy;
}

static void test_alerts(void **state)
{
    (void)state;
    static const struct {
        const char *facts;
        const char *path;
        const char *wanted;
    } cases[] = {
        {"{\"event\":\"awaiting-approval\",\"run\":1}", "event_action", "trigger"},
        {"{\"event\":\"awaiting-approval\",\"run\":1}", "payload.severity", "info"},
        {"{\"event\":\"applied\",\"run\":1}", "event_action", "resolve"},
        {"{\"event\":\"applied\",\"run\":1}", "payload.severity", "none"},
        {"{\"event\":\"applied\",\"run\":1}", "dedup_key", "tare/none/run/1"},
        {"{\"event\":\"rolled-back\",\"command\":\"rollback\",\"run\":1}", "event_action", "resolve"},
        {"{\"event\":\"rolled-back\",\"command\":\"apply\",\"run\":1}", "event_action", "trigger"},
        {"{\"event\":\"rolled-back\",\"command\":\"apply\",\"run\":1}", "payload.severity", "error"},
        {"{\"event\":\"critical\",\"command\":\"apply\",\"run\":1,\"state\":\"failed\",\"cluster\":\"c\"}", "payload.severity", "critical"},
        {"{\"event\":\"critical\",\"command\":\"apply\",\"run\":1,\"state\":\"failed\",\"cluster\":\"c\"}", "payload.summary",
         "Run 1 of c is failed: a person is needed"},
        {"{\"event\":\"critical\",\"run\":1,\"cluster\":\"c\",\"critical_count\":1,\"critical\":[{\"workload\":\"a/b/c\",\"code\":\"leak\"}]}",
         "payload.summary", "Run 1 of c found 1 critical matter"},
        {"{\"event\":\"critical\",\"run\":1,\"critical_count\":1,\"critical\":[{\"workload\":\"a/b/c\",\"code\":\"leak\"}]}", "dedup_key",
         "tare/none/run/1/findings"},
        {"{}", "payload.source", "tare"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        char *got = event_of(cases[i].facts, cases[i].path);
        assert_string_equal(got, cases[i].wanted);
        free(got);
    }
}

/* Facts in which everything is as long and as odd as it can be. */
static json_t *vast(void)
{
    char *odd = xcalloc(6001);
    for (size_t i = 0; i < 6000; i++) {
        odd[i] = "<&>*@\x1b[`"[i % 8];
    }
    json_t *facts = parse(applied);
    static const char *const texts[] = {"cluster", "reason", "requested_by", "next_opening", "state", "plan"};
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        json_object_set_new(facts, texts[i], json_string(odd));
    }
    json_t *rows = json_array();
    for (int i = 0; i < 100; i++) {
        json_array_append_new(rows, json_pack("{s:s, s:s, s:s, s:s}", "workload", odd, "code", odd, "message", odd, "container", odd));
    }
    json_object_set(facts, "top", rows);
    json_object_set_new(facts, "critical", rows);
    free(odd);
    return facts;
}

static size_t units_of(const json_t *text)
{
    return text_units(json_string_value(text));
}

static void check_slack(const json_t *body)
{
    const json_t *blocks = json_object_get(body, "blocks");
    size_t index;
    json_t *block;
    assert_true(json_array_size(blocks) <= 50);
    assert_true(units_of(json_object_get(body, "text")) <= 3000);
    json_array_foreach(blocks, index, block)
    {
        size_t k;
        json_t *field;
        const json_t *text = json_at(block, "text.text");
        size_t most = index == 0 ? 150 : 3000;
        assert_true(text == NULL || (units_of(text) <= most && strlen(json_string_value(text)) > 0));
        assert_true(text == NULL || strpbrk(json_string_value(text), "<>\x1b") == NULL);
        assert_true(json_array_size(json_object_get(block, "fields")) <= 10);
        json_array_foreach(json_object_get(block, "fields"), k, field)
        {
            assert_true(units_of(json_object_get(field, "text")) <= 2000);
        }
    }
}

static void check_discord(const json_t *body)
{
    const json_t *embed = json_array_get(json_object_get(body, "embeds"), 0);
    size_t all = units_of(json_object_get(embed, "title")) + units_of(json_object_get(embed, "description"));
    size_t index;
    json_t *field;
    assert_true(units_of(json_object_get(embed, "title")) <= 256);
    assert_true(units_of(json_object_get(embed, "description")) <= 4096);
    assert_true(json_array_size(json_object_get(embed, "fields")) <= 25);
    json_array_foreach(json_object_get(embed, "fields"), index, field)
    {
        assert_true(units_of(json_object_get(field, "name")) <= 256);
        assert_true(units_of(json_object_get(field, "value")) <= 1024);
        all += units_of(json_object_get(field, "name")) + units_of(json_object_get(field, "value"));
    }
    assert_true(all <= 6000);
}

static void check_limits(const json_t *facts, const char *template)
{
    struct message message;
    struct render_with with = {.template = template, .secret = "rk"};
    message_init(&message, facts, "id");
    for (int type = RECEIVER_SLACK; type <= RECEIVER_HTTP; type++) {
        json_t *body = render((enum receiver_type)type, &message, &with);
        char *text = json_text(body);
        if (type == RECEIVER_SLACK) {
            check_slack(body);
        } else if (type == RECEIVER_DISCORD) {
            check_discord(body);
        } else if (type == RECEIVER_TEAMS) {
            assert_true(strlen(text) <= 28 * 1024);
        } else if (type == RECEIVER_PAGERDUTY) {
            assert_true(units_of(json_at(body, "payload.summary")) <= 1024);
            assert_true(units_of(json_object_get(body, "dedup_key")) <= 255);
            assert_true(strlen(text) < 512 * 1024);
        }
        assert_null(strstr(text, "\\u001b"));
        free(text);
        json_decref(body);
    }
    message_release(&message);
}

static void test_limits(void **state)
{
    (void)state;
    json_t *facts = vast();
    struct buf template;
    buf_init(&template, 1024 * 1024);
    for (int i = 0; i < 300; i++) {
        buf_add_str(&template, "{{top_changes}} {{critical_findings}}\n{{reason}}");
    }
    check_limits(facts, NULL);
    check_limits(facts, buf_str(&template));
    json_object_clear(facts);
    check_limits(facts, NULL);
    check_limits(facts, "");
    buf_release(&template);
    json_decref(facts);
}

static void test_template(void **state)
{
    (void)state;
    json_t *facts = parse(applied);
    struct message message;
    struct render_with with = {.template = "*{{run}}* {{reason}}", .secret = "rk"};
    message_init(&message, facts, "id");
    json_t *body = render(RECEIVER_SLACK, &message, &with);
    assert_int_equal(json_array_size(json_object_get(body, "blocks")), 2);
    const json_t *section = json_array_get(json_object_get(body, "blocks"), 1);
    assert_string_equal(json_string_value(json_at(section, "text.text")), "*7* freeze &lt;1&gt;");
    json_decref(body);
    body = render(RECEIVER_HTTP, &message, &with);
    assert_string_equal(json_string_or_null(body, "text"), "*7* freeze <1>");
    json_decref(body);
    message_release(&message);
    json_decref(facts);
}

static void test_sample(void **state)
{
    (void)state;
    json_t *facts = message_sample("edge");
    assert_non_null(facts);
    struct message message;
    message_init(&message, facts, "id");
    assert_string_equal(message.title, "A test of the notifications of edge");
    check_limits(facts, NULL);
    message_release(&message);
    json_decref(facts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_exact), cmocka_unit_test(test_alerts), cmocka_unit_test(test_limits),
                                       cmocka_unit_test(test_template), cmocka_unit_test(test_sample)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
