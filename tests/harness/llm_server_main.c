/* llm_server [--limit REQUESTS/TOKENS/MS] [--cache-floor TOKENS] [RULE|@FILE]…: the scripted model server (llm_server.h, rules in
 * llm_rules.h); prints its port and runs until a signal ends it. LLM_SERVER_KEY: the only key that is right. */

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "pipeline/base/str.h"
#include "pipeline/io/fs.h"
#include "pipeline/io/json.h"
#include "tests/harness/llm_server.h"

static int add_rule(struct buf *rules, const char *word)
{
    struct err err = {0};
    if (word[0] == '@' && fs_read(word + 1, rules, &err)) {
        fprintf(stderr, "llm_server: %s\n", err.message);
        return -1;
    }
    if (word[0] != '@') {
        (void)buf_add_str(rules, word);
    }
    (void)buf_add_char(rules, '\n');
    return 0;
}

int main(int argc, char **argv)
{
    struct llm_server_options options = {.key = getenv("LLM_SERVER_KEY")};
    struct buf rules;
    json_init();
    buf_init(&rules, 16 * 1024 * 1024);
    for (int i = 1; i < argc; i++) {
        if (str_equal(argv[i], "--limit") && i + 1 < argc) {
            if (sscanf(argv[++i], "%ld/%ld/%ld", &options.limit_requests, &options.limit_tokens, &options.limit_ms) != 3) {
                return 64;
            }
        } else if (str_equal(argv[i], "--cache-floor") && i + 1 < argc) {
            options.cache_floor = strtol(argv[++i], NULL, 10);
        } else if (add_rule(&rules, argv[i])) {
            return 66;
        }
    }
    options.rules = buf_str(&rules);
    printf("%d\n", llm_server_port(llm_server_start(&options)));
    fflush(stdout);
    fclose(stdout);
    for (;;) {
        pause();
    }
}
