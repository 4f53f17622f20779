#include "stages/diff/root_path.h"

#include "pipeline/base/buf.h"
#include "pipeline/base/mem.h"

char *root_path(const char *root, const char *file)
{
    size_t shared = 0;
    size_t at = 0;
    size_t up = 0;
    for (; root[at] != '\0' && root[at] == file[at]; at++) {
        shared = file[at] == '/' ? at + 1 : shared;
    }
    if (root[at] == '\0' && (file[at] == '/' || at == 0 || file[at - 1] == '/')) {
        return xstrdup(file + at + (file[at] == '/'));
    }
    for (const char *p = root + shared; *p != '\0'; p++) {
        up += *p == '/';
    }
    struct buf out;
    buf_init(&out, 64 * 1024);
    for (size_t i = 0; i < up + 1; i++) {
        buf_add_str(&out, "../");
    }
    buf_add_str(&out, file + shared);
    return buf_steal(&out);
}
