#ifndef TARE_STAGES_COMMON_MANIFEST_INPUT_LIMITS_H
#define TARE_STAGES_COMMON_MANIFEST_INPUT_LIMITS_H

/* How much of what is read is too much: one table of options, their bounds, and the header's settings. */

#include "pipeline/base/err.h"
#include "pipeline/cli/options.h"
#include "pipeline/io/json.h"
#include "pipeline/io/yaml.h"

struct input_limits {
    struct yaml_limits yaml;
    size_t max_file_bytes;
    size_t max_files;
    size_t max_folder_depth;
};

/* Reads the options, each inside of its bounds, and writes them to `settings` (borrowed). ERR_USAGE. */
int input_limits_read(struct input_limits *limits, const struct options *options, json_t *settings, struct err *err);

#endif
