/* Kubeconfigs from anywhere. A refusal says where; what is accepted has a server, a whole pair of certificate and key, and nothing that
 * could start a header of its own. Programs that it names are never run, files that it names are read below /nonexistent only. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/log.h"
#include "pipeline/base/str.h"
#include "pipeline/kube/kubeconfig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void check_access(const struct kube_access *access)
{
    must(access->origin != NULL && access->server != NULL);
    must((access->certificate_pem == NULL) == (access->key_pem == NULL));
    must(access->exec == NULL || (access->exec->command != NULL && access->exec->args != NULL && access->exec->env != NULL));
    must(!access->insecure);
}

static char path[64];
static char folder[] = "/tmp/tare-fuzz-kubeconfig-XXXXXX";

static void drop_folder(void)
{
    unlink(path);
    rmdir(folder);
}

/* The file lies where nothing else does: relative paths in it lead nowhere. */
static const char *file_of(const uint8_t *data, size_t size)
{
    if (path[0] == '\0') {
        must(mkdtemp(folder) != NULL && atexit(drop_folder) == 0);
        snprintf(path, sizeof path, "%s/config", folder);
    }
    FILE *file = fopen(path, "wb");
    must(file != NULL);
    must(fwrite(data, 1, size, file) == size && fclose(file) == 0);
    return path;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool quiet;
    if (!quiet) {
        log_init("fuzz", LOG_TEXT, LOG_ERROR);
        quiet = true;
    }
    struct kube_choice choice = {.kubeconfig = file_of(data, size), .insecure = false};
    struct kubeconfig *config = NULL;
    struct kube_access *access = NULL;
    struct err err = {0};
    if (kubeconfig_open(choice.kubeconfig, &config, &err)) {
        must(err.class != ERR_NONE && err.message[0] != '\0');
        return 0;
    }
    if (kubeconfig_access(config, &choice, &access, &err) == 0) {
        check_access(access);
    } else {
        must(err.class != ERR_NONE && err.message[0] != '\0' && strstr(err.message, "config") != NULL);
    }
    kube_access_free(access);
    kubeconfig_close(config);
    return 0;
}
