#include "pipeline/cli/receivers.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"

enum { NAME_BYTES = 63, KEY_BYTES = 64 };

static const struct {
    const char *name;
    bool needs_url;
    bool needs_secret;
} types[] = {
    [RECEIVER_SLACK] = {"slack", true, false},
    [RECEIVER_TEAMS] = {"teams", true, false},
    [RECEIVER_DISCORD] = {"discord", true, false},
    [RECEIVER_PAGERDUTY] = {"pagerduty", false, true},
    [RECEIVER_HTTP] = {"http", true, true},
};

static int find_type(const char *name, enum receiver_type *type)
{
    for (size_t i = 0; i < ARRAY_COUNT(types); i++) {
        if (str_equal(name, types[i].name)) {
            *type = (enum receiver_type)i;
            return 0;
        }
    }
    return -1;
}

/* Names are typed in commands and shown in tables. */
static bool is_name(const char *name)
{
    size_t length = strlen(name);
    return length > 0 && length <= NAME_BYTES && name[0] != '-' &&
           name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")] == '\0';
}

/* The type's name, with the number of this entry among those of its type from the second on. */
static char *default_name(const struct receivers *before, enum receiver_type type)
{
    size_t number = 1;
    for (size_t i = 0; i < before->count; i++) {
        number += before->items[i].type == type;
    }
    return number == 1 ? xstrdup(types[type].name) : xasprintf("%s-%zu", types[type].name, number);
}

static int check(const struct config *config, const struct receivers *before, const struct receiver *receiver, const char *key,
                 struct err *err)
{
    if (!is_name(receiver->name)) {
        return config_error(config, err, key, "has the name \"%s\"; a name is at most %d letters, digits, dots, dashes and _",
                            receiver->name, NAME_BYTES);
    }
    for (size_t i = 0; i < before->count; i++) {
        if (strcmp(before->items[i].name, receiver->name) == 0) {
            return config_error(config, err, key, "has the same name as notify[%zu]: %s", i, receiver->name);
        }
    }
    if (receiver->url_file == NULL && types[receiver->type].needs_url) {
        return config_error(config, err, key, "has no `url_file`, the file with the address of %s", receiver->name);
    }
    if (receiver->secret_file == NULL && types[receiver->type].needs_secret) {
        return config_error(config, err, key, "has no `secret_file`, the file with %s",
                            receiver->type == RECEIVER_HTTP ? "the key that signs messages" : "the routing key");
    }
    if (receiver->tries == 0 || receiver->timeout_seconds == 0) {
        return config_error(config, err, key, "has `tries` or `timeout` of 0: no message could ever be sent");
    }
    return 0;
}

static int load_one(const struct config *config, const json_t *entry, size_t index, struct receivers *out, struct err *err)
{
    char key[KEY_BYTES];
    struct receiver *receiver = &out->items[index];
    snprintf(key, sizeof key, "notify[%zu]", index);
    if (find_type(json_string_or_null(entry, "type"), &receiver->type)) {
        return config_error(config, err, key, "has no `type`: slack, teams, discord, pagerduty or http");
    }
    const char *name = json_string_or_null(entry, "name");
    receiver->name = name == NULL ? default_name(out, receiver->type) : xstrdup(name);
    receiver->type_name = types[receiver->type].name;
    receiver->url_file = json_string_or_null(entry, "url_file");
    receiver->secret_file = json_string_or_null(entry, "secret_file");
    receiver->template_file = json_string_or_null(entry, "template_file");
    receiver->on = json_object_get(entry, "on");
    receiver->interval_seconds = json_int_or(entry, "interval", 1);
    receiver->timeout_seconds = json_int_or(entry, "timeout", 15);
    receiver->tries = json_int_or(entry, "tries", 10);
    receiver->give_up_seconds = json_int_or(entry, "give_up_after", 86400);
    int failed = check(config, out, receiver, key, err);
    out->count++;
    return failed;
}

int receivers_load(const struct config *config, struct receivers *out, struct err *err)
{
    const json_t *entries = config_value(config, "notify");
    size_t index;
    json_t *entry;
    *out = (struct receivers){.items = xcalloc_array(json_array_size(entries), sizeof *out->items)};
    json_array_foreach(entries, index, entry)
    {
        if (load_one(config, entry, index, out, err)) {
            return -1;
        }
    }
    return 0;
}

void receivers_release(struct receivers *receivers)
{
    for (size_t i = 0; i < receivers->count; i++) {
        free(receivers->items[i].name);
    }
    free(receivers->items);
    *receivers = (struct receivers){0};
}

bool receiver_wants(const struct receiver *receiver, const char *event)
{
    size_t index;
    json_t *name;
    json_array_foreach(receiver->on, index, name)
    {
        if (str_equal(json_string_value(name), event)) {
            return true;
        }
    }
    /* What waits may never be applied, which nothing tells: an alert of it would stay open for ever. Who wants that names it. */
    bool may_stay = str_equal(event, "awaiting-approval") || str_equal(event, "refused");
    return json_array_size(receiver->on) == 0 && !(receiver->type == RECEIVER_PAGERDUTY && may_stay);
}
