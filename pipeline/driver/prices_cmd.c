#include <stdlib.h>
#include <unistd.h>

#include "pipeline/base/mem.h"
#include "pipeline/driver/command.h"
#include "pipeline/driver/words.h"
#include "pipeline/io/fs.h"
#include "pipeline/io/proc.h"

static struct words build_words(const struct session *session)
{
    struct words words = {0};
    words_add(&words, xstrdup("tare-prices"));
    if (session->config_file != NULL) {
        words_add(&words, xasprintf("--config=%s", session->config_file));
    }
    words_add_all(&words, options_forward(session->options, FOR_PRICES, false));
    words_add_all(&words, options_forward(session->options, FOR_PRICES, true));
    words_add(&words, xstrdup("--"));
    for (size_t i = 0; i < options_operands(session->options); i++) {
        words_add(&words, xstrdup(options_operand(session->options, i)));
    }
    words_add(&words, NULL);
    return words;
}

int command_prices(struct session *session, struct err *err)
{
    struct words words = build_words(session);
    char *path = fs_join(session->bin_directory, "tare-prices");
    const struct proc proc = {.path = path, .argv = words.items, .stdin_fd = -1, .stdout_fd = STDOUT_FILENO};
    int code = 0;
    int failed = proc_run(&proc, &code, err);
    if (!failed && code != 0) {
        /* It has said why itself. */
        session->verdict.class = err_meaning(code) == NULL ? ERR_SOFTWARE : (enum err_class)code;
    }
    free(path);
    words_release(&words);
    return failed;
}
