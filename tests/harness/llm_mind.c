#include "tests/harness/llm_mind.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/io/json.h"

/* What the walk over a schema stands at. Borrowed. */
struct place {
    const json_t *all;
    const json_t *evidence;
    const json_t *container;
};

static json_t *filled(const json_t *schema, const char *key, const struct place *place);

static bool known(const json_t *found, const char *name)
{
    size_t index;
    json_t *one;
    json_array_foreach(found, index, one)
    {
        if (str_equal(json_string_or_null(one, "workload"), name)) {
            return true;
        }
    }
    return false;
}

/* Collects evidence in a value, at any depth. */
static void collect(const json_t *value, json_t *found)
{
    size_t index;
    const char *key;
    json_t *inner;
    if (json_is_array(value)) {
        json_array_foreach(value, index, inner)
            collect(inner, found);
        return;
    }
    const char *name = json_string_or_null(value, "workload");
    if (name && json_is_array(json_object_get(value, "containers"))) {
        if (!known(found, name)) {
            json_array_append(found, (json_t *)(uintptr_t)value);
        }
        return;
    }
    json_object_foreach((json_t *)(uintptr_t)value, key, inner)
        collect(inner, found);
}

static void collect_text(const char *text, json_t *found)
{
    size_t length = strlen(text);
    for (size_t at = 0; at < length; at++) {
        json_error_t error;
        if (text[at] != '{' && text[at] != '[') {
            continue;
        }
        json_t *value = json_loadb(text + at, length - at, JSON_DISABLE_EOF_CHECK, &error);
        if (!value) {
            continue;
        }
        collect(value, found);
        json_decref(value);
        at += error.position > 0 ? (size_t)error.position - 1 : 0;
    }
}

json_t *llm_mind_evidence(const json_t *messages)
{
    json_t *found = json_array(), *message, *block;
    size_t index, part;
    json_array_foreach(messages, index, message)
    {
        json_t *content = json_object_get(message, "content");
        if (!str_equal(json_string_or_null(message, "role"), "user")) {
            continue;
        }
        if (json_is_string(content)) {
            collect_text(json_string_value(content), found);
        }
        json_array_foreach(content, part, block)
        {
            const char *text = json_string_or_null(block, "text");
            if (text) {
                collect_text(text, found);
            }
        }
    }
    return found;
}

/* The class that the evidence hints at. */
static const char *hint(const json_t *evidence)
{
    const char *class = json_string_or_null(evidence, "class_hint");
    return class ? class : json_string_or_null(evidence, "class");
}

static json_t *chosen(const json_t *choices, const char *key, const struct place *place)
{
    size_t index;
    json_t *choice;
    const char *wanted = str_equal(key, "class")      ? hint(place->evidence)
                         : str_equal(key, "workload") ? json_string_or_null(place->evidence, "workload")
                         : str_equal(key, "name")     ? json_string_or_null(place->container, "name")
                                                      : NULL;
    json_array_foreach(choices, index, choice)
    {
        if (wanted && str_equal(json_string_value(choice), wanted)) {
            return json_incref(choice);
        }
    }
    return json_incref(json_array_get(choices, 0));
}

static json_t *said(const char *key, const struct place *place)
{
    const char *name = json_string_or_null(place->evidence, "workload");
    const char *class = hint(place->evidence);
    char text[700];
    if (str_equal(key, "workload") && name) {
        return json_string(name);
    }
    if (str_equal(key, "name") && place->container) {
        return json_string_safe(json_string_or_null(place->container, "name"));
    }
    if (str_equal(key, "class")) {
        return json_string(class ? class : "web");
    }
    (void)snprintf(text, sizeof text, "%s looks like a program of class %s; the middle of the range that the figures give is enough for it.",
                   name ? name : "This", class ? class : "other");
    return json_string_safe(text);
}

/* The middle of the range of an amount, 0 where the evidence gives none. */
static json_int_t middle(const json_t *container, const char *amount)
{
    const json_t *range = json_object_get(json_object_get(container, "bounds"), amount);
    const json_t *low = json_is_array(range) ? json_array_get(range, 0) : json_object_get(range, "min");
    const json_t *high = json_is_array(range) ? json_array_get(range, 1) : json_object_get(range, "max");
    if (!json_is_number(low) || !json_is_number(high)) {
        return 0;
    }
    return (json_int_t)(json_number_value(low) + (json_number_value(high) - json_number_value(low)) / 2);
}

static json_t *filled_object(const json_t *schema, const struct place *place)
{
    json_t *out = json_object(), *inner;
    const char *key;
    json_object_foreach(json_object_get(schema, "properties"), key, inner)
        json_object_set_new(out, key, filled(inner, key, place));
    return out;
}

static json_t *filled_array(const json_t *schema, const char *key, const struct place *place)
{
    const json_t *items = json_object_get(schema, "items");
    const json_t *members = json_object_get(items, "properties");
    const json_t *over = NULL;
    json_t *out = json_array(), *one;
    size_t index;
    if (json_object_get(members, "workload")) {
        over = place->all;
    } else if (str_equal(key, "containers")) {
        over = json_object_get(place->evidence, "containers");
    }
    json_array_foreach(over, index, one)
    {
        struct place inner = *place;
        if (over == place->all) {
            inner.evidence = one;
        } else {
            inner.container = one;
        }
        json_array_append_new(out, filled(items, key, &inner));
    }
    return out;
}

static json_t *filled(const json_t *schema, const char *key, const struct place *place)
{
    const json_t *type = json_object_get(schema, "type");
    const json_t *choices = json_object_get(schema, "enum");
    const char *name = json_string_value(json_is_array(type) ? json_array_get(type, 0) : type);
    if (json_is_array(choices)) {
        return chosen(choices, key, place);
    }
    if (str_equal(name, "object")) {
        return filled_object(schema, place);
    }
    if (str_equal(name, "array")) {
        return filled_array(schema, key, place);
    }
    if (str_equal(name, "number") && !place->container) {
        return json_real(0.8);
    }
    if (str_equal(name, "integer") || str_equal(name, "number")) {
        return json_integer(middle(place->container, key));
    }
    return str_equal(name, "boolean") ? json_false() : str_equal(name, "null") ? json_null() : said(key, place);
}

/* The list of the answer's workloads, new reference; an answer about one is put into a list. *wrapped tells. */
static json_t *entries_of(json_t *answer, bool *wrapped)
{
    const char *key;
    json_t *member;
    *wrapped = false;
    json_object_foreach(answer, key, member)
    {
        if (json_is_array(member) && json_is_string(json_object_get(json_array_get(member, 0), "workload"))) {
            return json_incref(member);
        }
    }
    *wrapped = true;
    json_t *list = json_array();
    json_array_append(list, answer);
    return list;
}

static bool is_amount(const char *key)
{
    return str_starts(key, "cpu_") || str_starts(key, "memory_");
}

/* Sets every amount of every container of an entry. */
static void set_amounts(json_t *entry, const json_t *value)
{
    size_t index;
    json_t *container, *old;
    const char *key;
    void *next;
    json_array_foreach(json_object_get(entry, "containers"), index, container)
    {
        json_object_foreach_safe(container, next, key, old)
        {
            if (is_amount(key)) {
                json_object_set(container, key, (json_t *)(uintptr_t)value);
            }
        }
    }
}

/* Halves the way from the lower bound to each amount. */
static void lower_amounts(json_t *entry, const json_t *evidence)
{
    size_t index;
    json_t *container, *old;
    const char *key;
    void *next;
    json_array_foreach(json_object_get(entry, "containers"), index, container)
    {
        const json_t *from = json_array_get(json_object_get(evidence, "containers"), index);
        json_object_foreach_safe(container, next, key, old)
        {
            const json_t *range = json_object_get(json_object_get(from, "bounds"), key);
            const json_t *low = json_is_array(range) ? json_array_get(range, 0) : json_object_get(range, "min");
            json_int_t least = json_is_number(low) ? (json_int_t)json_number_value(low) : 0;
            if (is_amount(key) && json_is_integer(old)) {
                json_object_set_new(container, key, json_integer(least + (json_integer_value(old) - least) / 2));
            }
        }
    }
}

static void take_amounts(json_t *entry, json_t *value)
{
    set_amounts(entry, value);
    json_decref(value);
}

static void spoil_reasoning(json_t *entry, const char *how)
{
    size_t size = 100 * 1024;
    char *text = xmalloc(size + 1);
    memset(text, 'w', size);
    text[size] = '\0';
    json_object_set_new(entry, "reasoning", json_string(str_equal(how, "long") ? text : "\x1b[2J\x1b]0;owned\x07 \x01\x02 <script>alert(1)</script> =1+1 \r\n"));
    free(text);
}

/* One entry as `how` wants it; what concerns the list is done by spoil_list. */
static void spoil(json_t *entry, const char *how, const json_t *evidence)
{
    if (str_equal(how, "types")) {
        json_object_set_new(entry, "confidence", json_string("high"));
        json_object_set_new(entry, "containers", json_object());
    } else if (str_equal(how, "negative")) {
        take_amounts(entry, json_integer(-5));
    } else if (str_equal(how, "huge")) {
        take_amounts(entry, json_real(1e308));
    } else if (str_equal(how, "nan")) {
        take_amounts(entry, json_string("NaN"));
    } else if (str_equal(how, "units")) {
        take_amounts(entry, json_string("500m"));
    } else if (str_equal(how, "fraction")) {
        take_amounts(entry, json_real(100.5));
    } else if (str_equal(how, "zero")) {
        take_amounts(entry, json_integer(0));
    } else if (str_equal(how, "beyond")) {
        take_amounts(entry, json_integer((json_int_t)1 << 45));
    } else if (str_equal(how, "doubtful")) {
        json_object_set_new(entry, "confidence", json_real(0.05));
    } else if (str_equal(how, "other")) {
        lower_amounts(entry, evidence);
    } else if (str_equal(how, "control") || str_equal(how, "long")) {
        spoil_reasoning(entry, how);
    }
}

static void set_name(json_t *entry, const json_t *name)
{
    json_object_set(entry, "workload", (json_t *)(uintptr_t)name);
}

/* What changes the list itself at `at`. */
static void spoil_list(json_t *list, size_t at, const char *how)
{
    json_t *entry = json_array_get(list, at), *copy = json_deep_copy(entry);
    json_t *stranger = json_string("kube-system/Deployment/never-asked");
    size_t other = at + 1 < json_array_size(list) ? at + 1 : 0;
    if (str_equal(how, "missing")) {
        json_array_remove(list, at);
    } else if (str_equal(how, "duplicate")) {
        json_array_append(list, copy);
    } else if (str_equal(how, "extra")) {
        set_name(copy, stranger);
        json_array_append(list, copy);
    } else if (str_equal(how, "swapped") && other != at) {
        set_name(entry, json_object_get(json_array_get(list, other), "workload"));
        set_name(json_array_get(list, other), json_object_get(copy, "workload"));
    } else if (str_equal(how, "swapped")) {
        set_name(entry, stranger);
    }
    json_decref(stranger);
    json_decref(copy);
}

static const json_t *evidence_of(const json_t *all, const char *name)
{
    size_t index;
    json_t *one;
    json_array_foreach(all, index, one)
    {
        if (str_equal(json_string_or_null(one, "workload"), name)) {
            return one;
        }
    }
    return NULL;
}

/* Applies what the act says of workloads. From the end, so that what is added or taken away is not met again. */
static void spoil_all(json_t *list, const json_t *evidence, const struct llm_act *act)
{
    for (size_t at = json_array_size(list); at-- > 0;) {
        for (size_t i = 0; i < act->say_count && at < json_array_size(list); i++) {
            json_t *entry = json_array_get(list, at);
            const char *name = json_string_or_null(entry, "workload");
            if (!name || (act->say_for[i] && !str_glob(act->say_for[i], name))) {
                continue;
            }
            spoil(entry, act->say[i], evidence_of(evidence, name));
            spoil_list(list, at, act->say[i]);
        }
    }
}

/* New text of the whole answer after what concerns it as text; steals `text`. */
static char *spoil_text(char *text, const struct llm_act *act)
{
    char *out = NULL;
    if (llm_act_says(act, "prose")) {
        out = xasprintf("Sure! Here is what I would do:\n%s\nLet me know if you need anything else.", text);
    } else if (llm_act_says(act, "fence")) {
        out = xasprintf("```json\n%s\n```", text);
    } else if (llm_act_says(act, "broken")) {
        out = xasprintf("%.*s,,}", (int)(strlen(text) * 2 / 3), text);
    } else if (llm_act_says(act, "bare-nan")) {
        out = xasprintf("%.*s,\"x\":NaN}", (int)(strlen(text) - 1), text);
    } else if (llm_act_says(act, "cut")) {
        out = xasprintf("%.*s", (int)(strlen(text) / 2), text);
    } else if (llm_act_says(act, "blank")) {
        out = xstrdup("");
    }
    if (!out) {
        return text;
    }
    free(text);
    return out;
}

/* The schema that is assumed where none was sent. */
static json_t *default_schema(bool several)
{
    static const char one[] =
        "{\"type\":\"object\",\"properties\":{\"workload\":{\"type\":\"string\"},\"class\":{\"type\":\"string\"},"
        "\"confidence\":{\"type\":\"number\"},\"reasoning\":{\"type\":\"string\"},\"containers\":{\"type\":\"array\",\"items\":"
        "{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\"},\"cpu_request_millicores\":{\"type\":\"integer\"},"
        "\"memory_request_bytes\":{\"type\":\"integer\"},\"cpu_limit_millicores\":{\"type\":\"integer\"},"
        "\"memory_limit_bytes\":{\"type\":\"integer\"}}}}}}";
    json_t *inner = json_loads(one, 0, NULL);
    return several ? json_pack("{s:s, s:{s:{s:s, s:o}}}", "type", "object", "properties", "answers", "type", "array", "items", inner) : inner;
}

char *llm_mind_answer(const json_t *evidence, const json_t *schema, const struct llm_act *act)
{
    bool wrapped = false;
    json_t *assumed = schema ? NULL : default_schema(json_array_size(evidence) > 1);
    struct place place = {.all = evidence, .evidence = json_array_get(evidence, 0)};
    json_t *answer = filled(schema ? schema : assumed, "", &place);
    json_t *list = entries_of(answer, &wrapped);
    spoil_all(list, evidence, act);
    const json_t *whole = wrapped && json_array_size(list) == 1 ? json_array_get(list, 0)
                          : wrapped || llm_act_says(act, "array") ? list
                                                                  : answer;
    char *text = llm_act_text(act, RULE_TEXT) ? xstrdup(llm_act_text(act, RULE_TEXT)) : spoil_text(json_dumps(whole, JSON_COMPACT | JSON_REAL_PRECISION(15)), act);
    json_decref(list);
    json_decref(answer);
    json_decref(assumed);
    return text;
}
