#include "stages/common/llm/llm_key.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "pipeline/base/log.h"
#include "pipeline/base/mem.h"
#include "pipeline/io/fs.h"

enum { KEY_MAX = 4 * 1024 };

/* Cuts blanks and the line's end; what is left must be able to stand in a header. `where` names it. */
static int check(struct buf *key, const char *where, struct err *err)
{
    while (key->length > 0 && strchr("\r\n \t", key->data[key->length - 1])) {
        key->data[--key->length] = '\0';
    }
    if (key->length == 0) {
        (void)err_set(err, ERR_CONFIG, "%s is empty: it must hold the API key", where);
        return err_hint(err, "put the key there, alone on one line");
    }
    for (size_t i = 0; i < key->length; i++) {
        unsigned char c = (unsigned char)key->data[i];
        if (c <= ' ' || c >= 0x7f) {
            (void)err_set(err, ERR_CONFIG, "%s holds more than one line, blanks or control characters", where);
            return err_hint(err, "it must hold the API key alone, on one line");
        }
    }
    return 0;
}

static void warn_of_readers(const char *path)
{
    struct stat info;
    if (stat(path, &info) == 0 && (info.st_mode & S_IROTH) != 0) {
        log_warn("every user of this machine can read the API key in %s: chmod 600 %s", path, path);
    }
}

static int read_file(const char *path, struct buf *key, struct err *err)
{
    if (fs_read(path, key, err)) {
        return err_hint(err, "analysis.*.key_file names it: put the API key there, alone on one line, and chmod 600");
    }
    if (check(key, path, err)) {
        return -1;
    }
    warn_of_readers(path);
    return 0;
}

static int read_variable(const char *name, struct buf *key, struct err *err)
{
    const char *value = getenv(name);
    if (!value || !*value) {
        return 0;
    }
    if (buf_add_str(key, value)) {
        return err_set(err, ERR_CONFIG, "the environment variable %s is too long for an API key", name);
    }
    char *where = xasprintf("the environment variable %s", name);
    int status = check(key, where, err);
    free(where);
    return status;
}

int llm_key_read(const char *file, const char *variable, char **out, struct err *err)
{
    struct buf key;
    int status = 0;
    buf_init(&key, KEY_MAX);
    *out = NULL;
    if (file && *file) {
        status = read_file(file, &key, err);
    } else if (variable && *variable) {
        status = read_variable(variable, &key, err);
    }
    if (status == 0 && key.length > 0) {
        *out = xstrdup(key.data);
    }
    buf_wipe(&key);
    return status;
}
