#include "stages/common/manifest/input_limits.h"

#include <inttypes.h>
#include <stddef.h>

#include "pipeline/base/mem.h"

struct row {
    enum option_id option;
    const char *key; /* of the settings */
    size_t offset;   /* in struct input_limits */
    int64_t least;
    int64_t most;
};

static const struct row rows[] = {
#define X(option, key, member, least, most, beyond) {option, key, offsetof(struct input_limits, member), least, most},
#include "stages/common/manifest/input_limits.def"
#undef X
};

static void set(struct input_limits *limits, const struct row *row, int64_t value)
{
    *(size_t *)(void *)((char *)limits + row->offset) = (size_t)value;
}

int input_limits_read(struct input_limits *limits, const struct options *options, json_t *settings, struct err *err)
{
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        const struct row *row = &rows[i];
        int64_t value = options_integer(options, row->option, NULL);
        if (value < row->least || value > row->most) {
            return err_set(err, ERR_USAGE, "--%s is not between %" PRId64 " and %" PRId64,
                           option_table()[row->option].long_name, row->least, row->most);
        }
        set(limits, row, value);
        json_object_set_new(settings, row->key, json_integer((json_int_t)value));
    }
    return 0;
}
