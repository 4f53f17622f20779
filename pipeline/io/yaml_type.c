#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/io/yaml.h"

#define CORE_TAG "tag:yaml.org,2002:"

static const char *const null_words[] = {"", "~", "null", "Null", "NULL"};
static const char *const bool_words[] = {"true", "True", "TRUE", "false", "False", "FALSE", "yes", "Yes",
                                         "YES",  "no",   "No",   "NO",    "on",    "On",    "ON",  "off",
                                         "Off",  "OFF",  "y",    "Y",     "n",     "N"};
static const char *const float_words[] = {".inf",  ".Inf",  ".INF",  "+.inf", "+.Inf", "+.INF",
                                          "-.inf", "-.Inf", "-.INF", ".nan",  ".NaN",  ".NAN"};

enum { WORD_MAX = 5, PAIRWISE_MAX = 16 };

static bool is_word(const struct yaml_node *node, const char *const *words, size_t count)
{
    char first = node->length == 0 ? '\0' : node->text[0];
    if (node->length > WORD_MAX) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (words[i][0] == first && yaml_text_is(node, words[i])) {
            return true;
        }
    }
    return false;
}

bool yaml_text_is(const struct yaml_node *node, const char *text)
{
    return node != NULL && node->kind == YAML_KIND_SCALAR && strlen(text) == node->length &&
           memcmp(node->text, text, node->length) == 0;
}

/* Value of a digit in bases up to 16, 16 when it is none. */
static int digit_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : 16;
}

/* Base of an integer by its prefix; *at moves past the prefix. */
static int base_of(const char *text, size_t length, size_t *at)
{
    if (length - *at < 2 || text[*at] != '0') {
        return 10;
    }
    char mark = (char)(text[*at + 1] | 0x20);
    *at += mark == 'x' || mark == 'o' || mark == 'b' ? 2 : 1;
    return mark == 'x' ? 16 : mark == 'b' ? 2 : 8;
}

/* 1 an integer, 0 none, -1 one that does not fit. */
static int parse_int(const char *text, size_t length, int64_t *value)
{
    size_t at = 0;
    bool negative = false;
    bool fits = true;
    uint64_t sum = 0;
    if (length > 0 && (text[0] == '-' || text[0] == '+')) {
        negative = text[at++] == '-';
    }
    if (at == length || text[at] == '_') {
        return 0;
    }
    int base = base_of(text, length, &at);
    for (bool none = at == length; at < length || none; at++) {
        if (none || (text[at] != '_' && digit_value(text[at]) >= base)) {
            return 0;
        }
        if (text[at] != '_') {
            fits = fits && sum <= ((uint64_t)INT64_MAX - (uint64_t)digit_value(text[at])) / (uint64_t)base;
            sum = sum * (uint64_t)base + (uint64_t)digit_value(text[at]);
        }
    }
    if (fits) {
        *value = negative ? -(int64_t)sum : (int64_t)sum;
    }
    return fits ? 1 : -1;
}

static size_t skip_digits(const char *text, size_t length, size_t at)
{
    while (at < length && text[at] >= '0' && text[at] <= '9') {
        at++;
    }
    return at;
}

/* [-+]? (digits [. digits?] | . digits) ([eE] [-+]? digits)? */
static bool is_float(const char *text, size_t length)
{
    size_t at = length > 0 && (text[0] == '-' || text[0] == '+') ? 1 : 0;
    size_t whole = skip_digits(text, length, at);
    bool digits = whole > at;
    at = whole;
    if (at < length && text[at] == '.') {
        size_t fraction = skip_digits(text, length, at + 1);
        digits = digits || fraction > at + 1;
        at = fraction;
    }
    if (!digits) {
        return false;
    }
    if (at < length && (text[at] == 'e' || text[at] == 'E')) {
        at++;
        at += at < length && (text[at] == '-' || text[at] == '+') ? 1 : 0;
        size_t exponent = skip_digits(text, length, at);
        if (exponent == at) {
            return false;
        }
        at = exponent;
    }
    return at == length;
}

static enum yaml_type plain_type(const struct yaml_node *node)
{
    int64_t ignored;
    if (is_word(node, null_words, ARRAY_COUNT(null_words))) {
        return YAML_TYPE_NULL;
    }
    if (is_word(node, bool_words, ARRAY_COUNT(bool_words))) {
        return YAML_TYPE_BOOL;
    }
    if (node->text[0] == '\0' || strchr("0123456789+-.", node->text[0]) == NULL) {
        return YAML_TYPE_TEXT; /* what most values are */
    }
    if (parse_int(node->text, node->length, &ignored) != 0) {
        return YAML_TYPE_INT;
    }
    if (is_float(node->text, node->length) || is_word(node, float_words, ARRAY_COUNT(float_words))) {
        return YAML_TYPE_FLOAT;
    }
    return YAML_TYPE_TEXT;
}

static enum yaml_type scalar_type(const struct yaml_node *node)
{
    static const struct {
        const char *tag;
        enum yaml_type type;
    } tags[] = {
        {CORE_TAG "str", YAML_TYPE_TEXT},    {CORE_TAG "null", YAML_TYPE_NULL},
        {CORE_TAG "bool", YAML_TYPE_BOOL},   {CORE_TAG "int", YAML_TYPE_INT},
        {CORE_TAG "float", YAML_TYPE_FLOAT},
    };
    for (size_t i = 0; node->tag != NULL && i < ARRAY_COUNT(tags); i++) {
        if (strcmp(node->tag, tags[i].tag) == 0) {
            return tags[i].type;
        }
    }
    return node->style == YAML_STYLE_PLAIN ? plain_type(node) : YAML_TYPE_TEXT;
}

enum yaml_type yaml_type_of(const struct yaml_node *node)
{
    if (node != NULL && node->kind == YAML_KIND_ALIAS) {
        node = node->target;
    }
    if (node == NULL) {
        return YAML_TYPE_NULL;
    }
    return node->kind == YAML_KIND_SEQUENCE  ? YAML_TYPE_SEQUENCE
           : node->kind == YAML_KIND_MAPPING ? YAML_TYPE_MAPPING
                                             : scalar_type(node);
}

/* A scalar's text; NULL where a NUL character in it ("\0") would cut it short. */
static const char *text_of(struct arena *arena, const struct yaml_node *node)
{
    return memchr(node->text, '\0', node->length) == NULL ? arena_strndup(arena, node->text, node->length) : NULL;
}

const char *yaml_string(struct arena *arena, struct yaml_node *node)
{
    node = yaml_resolve(node);
    bool encoded = node != NULL && node->tag != NULL && strcmp(node->tag, CORE_TAG "binary") == 0;
    return yaml_type_of(node) == YAML_TYPE_TEXT && !encoded ? text_of(arena, node) : NULL;
}

const char *yaml_scalar(struct arena *arena, struct yaml_node *node)
{
    node = yaml_resolve(node);
    if (node == NULL || node->kind != YAML_KIND_SCALAR || yaml_type_of(node) == YAML_TYPE_NULL) {
        return NULL;
    }
    return text_of(arena, node);
}

bool yaml_int(struct yaml_node *node, int64_t *value)
{
    node = yaml_resolve(node);
    return yaml_type_of(node) == YAML_TYPE_INT && parse_int(node->text, node->length, value) > 0;
}

bool yaml_bool(struct yaml_node *node, bool *value)
{
    node = yaml_resolve(node);
    if (yaml_type_of(node) != YAML_TYPE_BOOL || !is_word(node, bool_words, ARRAY_COUNT(bool_words))) {
        return false;
    }
    *value = strchr("tTyY", node->text[0]) != NULL || (node->length == 2 && strchr("nN", node->text[1]) != NULL);
    return true;
}

/* Keys of a mapping by name, to find one that comes twice. */
static int compare_keys(const void *a, const void *b)
{
    const struct yaml_node *left = *(struct yaml_node *const *)a;
    const struct yaml_node *right = *(struct yaml_node *const *)b;
    size_t shared = left->length < right->length ? left->length : right->length;
    int order = memcmp(left->text, right->text, shared);
    if (order == 0 && left->length != right->length) {
        order = left->length < right->length ? -1 : 1;
    }
    return order != 0 ? order : (left->start > right->start) - (left->start < right->start);
}

static bool same_key(const struct yaml_node *a, const struct yaml_node *b)
{
    return a->length == b->length && (a->length == 0 || memcmp(a->text, b->text, a->length) == 0);
}

static bool may_repeat(const struct yaml_node *key)
{
    return key->kind != YAML_KIND_SCALAR || yaml_is_merge(key);
}

/* The first key of a small mapping that stands before already. */
static struct yaml_node *duplicate_in_few(const struct yaml_node *map)
{
    for (struct yaml_node *key = map->first; key != NULL && key->next != NULL; key = key->next->next) {
        for (const struct yaml_node *other = map->first; other != key; other = other->next->next) {
            if (!may_repeat(key) && !may_repeat(other) && same_key(key, other)) {
                return key;
            }
        }
    }
    return NULL;
}

static struct yaml_node *duplicate_in(const struct yaml_node *map)
{
    struct yaml_node **keys = xcalloc_array(map->count, sizeof *keys);
    struct yaml_node *found = NULL;
    size_t count = 0;
    for (struct yaml_node *key = map->first; key != NULL && key->next != NULL; key = key->next->next) {
        if (!may_repeat(key)) {
            keys[count++] = key;
        }
    }
    qsort(keys, count, sizeof *keys, compare_keys);
    for (size_t i = 1; i < count; i++) {
        if (same_key(keys[i - 1], keys[i]) && (found == NULL || keys[i]->start < found->start)) {
            found = keys[i];
        }
    }
    free(keys);
    return found;
}

struct yaml_node *yaml_duplicate(struct yaml_node *node)
{
    struct yaml_node *found = NULL;
    if (node != NULL && node->kind == YAML_KIND_MAPPING && node->count > 1) {
        found = node->count <= PAIRWISE_MAX ? duplicate_in_few(node) : duplicate_in(node);
    }
    /* depth is bounded by the reader's limit */
    for (struct yaml_node *child = node == NULL ? NULL : node->first; child != NULL && found == NULL;
         child = child->next) {
        found = yaml_duplicate(child);
    }
    return found;
}

/* Whether a merge key may have this value: a mapping, or a list of them. */
static bool merges(struct yaml_node *value)
{
    value = yaml_resolve(value);
    if (value->kind != YAML_KIND_SEQUENCE) {
        return value->kind == YAML_KIND_MAPPING;
    }
    for (struct yaml_node *item = value->first; item != NULL; item = item->next) {
        if (yaml_resolve(item)->kind != YAML_KIND_MAPPING) {
            return false;
        }
    }
    return true;
}

static bool is_odd(struct yaml_node *key)
{
    const struct yaml_node *target = yaml_resolve(key);
    if (target->kind != YAML_KIND_SCALAR || yaml_is_merge(key)) {
        return target->kind != YAML_KIND_SCALAR || !merges(key->next);
    }
    return target->length <= 4 && yaml_type_of(target) == YAML_TYPE_NULL;
}

struct yaml_node *yaml_odd_key(struct yaml_node *node)
{
    struct yaml_node *found = NULL;
    bool is_key = node != NULL && node->kind == YAML_KIND_MAPPING;
    bool mapping = is_key;
    for (struct yaml_node *child = node == NULL ? NULL : node->first; child != NULL && found == NULL;
         child = child->next) {
        found = is_key && is_odd(child) ? child : yaml_odd_key(child);
        is_key = mapping && !is_key;
    }
    return found;
}
