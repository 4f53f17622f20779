#ifndef TARE_STAGES_PARSE_RENDERED_H
#define TARE_STAGES_PARSE_RENDERED_H

/* With --render: charts and kustomizations among the files, each read once as the program renders it; the
 * files that they are made of are not read by themselves. */

#include "stages/common/manifest/render.h"
#include "stages/parse/files.h"
#include "stages/parse/intake.h"

/* A place where text comes from, or of which a note says that it does not. */
struct rendered_entry {
    char *path;        /* of a file; else of a folder */
    char *owner;       /* of a folder with parts of a kustomization elsewhere: that one's folder */
    size_t parts;      /* … and how many of its files are */
    char *trouble;     /* of a folder to render: why it is not, else NULL */
    bool folder;       /* it is to be rendered by `tool` */
    bool library;      /* a chart that renders to nothing */
    const json_t *own; /* of a chart: what the configuration says of it (borrowed), NULL: nothing */
    enum render_tool tool;
};

struct rendered {
    struct render_settings settings; /* strings are borrowed from the options */
    struct rendered_entry *entries;  /* in the order of their paths */
    size_t count;
    size_t capacity;
    struct buf text; /* of the folder being read */
};

/* Sorts out which of the files are read by themselves and which folders are rendered. The limits of
 * `out->text` and the settings are set by the caller. Free with rendered_release. */
void rendered_find(struct rendered *out, const struct file_list *files);

/* Gives charts what a configuration says of them: `charts` is its list of
 * {"folder","release","namespace","values"} (borrowed while *rendered lives). Those of folders that this run
 * does not read are checked only. ERR_CONFIG. */
int rendered_configure(struct rendered *rendered, const json_t *charts, struct err *err);

/* New object for the header: how it is rendered, and which folders. */
json_t *rendered_settings(const struct rendered *rendered);

/* Reads one entry that is no file. Whatever is wrong with it becomes a note; -1 only for what ends the run
 * (ERR_IO). */
int rendered_take(struct rendered *rendered, const struct rendered_entry *entry, struct intake *intake,
                  struct err *err);

/* Frees. */
void rendered_release(struct rendered *rendered);

#endif
