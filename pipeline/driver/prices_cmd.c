#include <unistd.h>

#include "pipeline/base/mem.h"
#include "pipeline/driver/command.h"

int command_prices(struct session *session, struct err *err)
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
    return session_run_beside(session, &words, -1, STDOUT_FILENO, err);
}
