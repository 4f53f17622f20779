/* http_server SCRIPT: runs a script (see http_script.h; "-" reads standard input) and prints its port; runs
 * until a signal ends it. */

#include <stdio.h>
#include <unistd.h>

#include "pipeline/base/buf.h"
#include "pipeline/io/fs.h"
#include "tests/harness/http_script.h"

int main(int argc, char **argv)
{
    struct err err = {0};
    struct buf script;
    buf_init(&script, 64 * 1024 * 1024);
    if (argc != 2) {
        fputs("usage: http_server SCRIPT\n", stderr);
        return 64;
    }
    int failed = argv[1][0] == '-' && argv[1][1] == '\0' ? fs_read_fd(0, "standard input", &script, &err)
                                                         : fs_read(argv[1], &script, &err);
    if (failed) {
        fprintf(stderr, "http_server: %s\n", err.message);
        return 66;
    }
    struct http_script *server = http_script_start(buf_str(&script));
    printf("%d\n", http_script_port(server));
    fflush(stdout);
    fclose(stdout);
    for (;;) {
        pause();
    }
}
