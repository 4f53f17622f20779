#include "stages/diff/origin/folder.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "stages/common/edit/edit_target.h"

enum { TEXT_MAX = 256 * 1024 * 1024 };

void folder_init(struct folder *folder)
{
    *folder = (struct folder){.path = NULL};
    buf_init(&folder->text, TEXT_MAX);
    arena_init(&folder->arena);
}

/* Forgets the open folder. */
static void folder_close(struct folder *folder)
{
    edit_session_free(folder->session);
    folder->session = NULL;
    folder->count = 0;
    folder->rendered_twice = false;
    folder->missing = false;
    buf_clear(&folder->text);
    arena_clear(&folder->arena);
    free(folder->path);
    folder->path = NULL;
}

void folder_release(struct folder *folder)
{
    folder_close(folder);
    free(folder->documents);
    buf_release(&folder->text);
    arena_release(&folder->arena);
}

static void add_document(struct folder *folder, const struct yaml_document *document)
{
    GROW(folder->documents, folder->capacity, folder->count + 1);
    struct folder_document *one = &folder->documents[folder->count++];
    one->varies = false;
    one->start = document->start;
    one->end = document->end;
    hash_bytes(buf_str(&folder->text) + one->start, one->end - one->start, one->sha256);
}

/* Finds the documents; broken ones keep their numbers. */
static int find_documents(struct folder *folder, struct err *err)
{
    struct yaml_stream *stream;
    struct yaml_document document;
    struct yaml_fault fault;
    struct arena arena;
    struct err broken = {0};
    struct yaml_limits limits = edit_limits();
    if (yaml_open(buf_str(&folder->text), folder->text.length, &limits, &stream, &fault, err)) {
        return -1;
    }
    arena_init(&arena);
    for (int got; (got = yaml_next(stream, &arena, &document, &fault, &broken)) != 0;) {
        if (got < 0) {
            document.start = document.end = 0;
        }
        add_document(folder, &document);
        arena_clear(&arena);
    }
    arena_release(&arena);
    yaml_close(stream);
    return 0;
}

void folder_open(struct folder *folder, const struct render_settings *settings, enum render_tool tool,
                 const char *path)
{
    folder_close(folder);
    folder->path = xstrdup(path);
    folder->tool = tool;
    folder->missing = render_folder(settings, tool, path, &folder->text, &folder->why) ||
                      find_documents(folder, &folder->why);
    if (!folder->missing) {
        folder->session = edit_session_new(buf_str(&folder->text), folder->text.length, &folder->arena);
    }
}

const struct folder_document *folder_document(const struct folder *folder, int64_t number)
{
    return number < 1 || (size_t)number > folder->count ? NULL : &folder->documents[number - 1];
}

bool folder_varies(struct folder *folder, const struct render_settings *settings, int64_t number)
{
    const struct folder_document *document = folder_document(folder, number);
    if (!folder->rendered_twice) {
        struct folder again;
        folder_init(&again);
        folder_open(&again, settings, folder->tool, folder->path);
        for (size_t i = 0; i < folder->count; i++) {
            folder->documents[i].varies =
                i < again.count && strcmp(folder->documents[i].sha256, again.documents[i].sha256) != 0;
        }
        folder->rendered_twice = true;
        folder_release(&again);
    }
    return document != NULL && document->varies;
}

char *folder_template(const struct folder *folder, int64_t number)
{
    static const char mark[] = "# Source: ";
    const struct folder_document *document = folder_document(folder, number);
    const char *text = buf_str(&folder->text);
    if (document == NULL) {
        return NULL;
    }
    for (const char *line = text + document->start; line != NULL && line < text + document->end;
         line = strchr(line, '\n')) {
        line += *line == '\n';
        if (str_starts(line, mark)) {
            const char *name = line + strlen(mark);
            const char *inside = memchr(name, '/', strcspn(name, "\n")); /* behind the chart's own name */
            return inside == NULL
                       ? NULL
                       : xasprintf("%s/%.*s", folder->path, (int)strcspn(inside + 1, "\n"), inside + 1);
        }
    }
    return NULL;
}
