#ifndef TARE_STAGES_DIFF_ORIGIN_EMBEDDED_H
#define TARE_STAGES_DIFF_ORIGIN_EMBEDDED_H

/* YAML inside of YAML: the text of a literal block scalar (`patch: |-`), and the way back from places in that
 * text to the bytes of the file that it stands in. */

#include "pipeline/io/yaml.h"
#include "stages/common/edit/edit.h"

struct embedded {
    const char *bytes; /* the text, without the block's indentation */
    size_t length;
    size_t indent;
    size_t *outer;    /* for each line of the text, where it begins in the file, behind the indentation */
    size_t *inner;    /* … and where in the text */
    size_t *short_of; /* … and how many blanks of the indentation it lacks: it is empty */
    size_t lines;
    size_t end; /* of the block in the file */
};

/* The text of a literal block scalar of a file, in `arena`; NULL when it is none, or is indented oddly. */
const struct embedded *embedded_of(const char *bytes, const struct yaml_node *node, struct arena *arena);

/* Adds the splices over the text as splices over the file to `out`; what they write is indented as the block
 * is, in `arena`. */
void embedded_splices(const struct embedded *embedded, const struct edit_splices *splices,
                      struct arena *arena, struct edit_splices *out);

#endif
