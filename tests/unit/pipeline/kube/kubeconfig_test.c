/* Kubeconfigs: merging, every form of credentials, and refusals that name file, line and entry and show no
 * secret. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "pipeline/base/mem.h"
#include "pipeline/io/fs.h"
#include "pipeline/kube/access.h"
#include "pipeline/kube/base64.h"
#include "pipeline/kube/kubeconfig.h"

static char folder[64];

static char *path_of(const char *name)
{
    return fs_join(folder, name);
}

static void put(const char *name, const char *text)
{
    struct err err = {0};
    char *path = path_of(name);
    char *parent = fs_dirname(path);
    assert_int_equal(fs_make_dirs(parent, 0700, &err), 0);
    assert_int_equal(fs_replace(path, text, strlen(text), 0600, &err), 0);
    free(parent);
    free(path);
}

/* A kubeconfig of one context; `cluster` and `user` are YAML in flow style. */
static char *simple(const char *cluster, const char *user)
{
    char *text = xasprintf("apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts:\n- {name: c, "
                           "context: {cluster: k, user: u}}\n"
                           "clusters:\n- name: k\n  cluster: %s\nusers:\n- name: u\n  user: %s\n",
                           cluster, user);
    put("config", text);
    free(text);
    return path_of("config");
}

static int find_with(const char *kubeconfig, const char *context, struct kube_access **out, struct err *err)
{
    struct kube_choice choice = {.kubeconfig = kubeconfig, .context = context, .context_typed = true};
    *err = (struct err){0};
    return kube_access_find(&choice, out, err);
}

/* What a kubeconfig of one context gives. */
static struct kube_access *given(const char *cluster, const char *user)
{
    struct kube_access *access = NULL;
    struct err err;
    char *path = simple(cluster, user);
    if (find_with(path, NULL, &access, &err)) {
        print_error("%s\n", err.message);
    }
    free(path);
    assert_non_null(access);
    return access;
}

/* It must be refused with a message that holds `words`, and the file. */
static void refused(const char *cluster, const char *user, const char *words)
{
    struct kube_access *access = NULL;
    struct err err;
    char *path = simple(cluster, user);
    assert_int_equal(find_with(path, NULL, &access, &err), -1);
    if (strstr(err.message, words) == NULL || strstr(err.message, path) == NULL) {
        print_error("%s\n", err.message);
    }
    assert_non_null(strstr(err.message, words));
    assert_non_null(strstr(err.message, path));
    assert_null(strstr(err.message, "s3cret"));
    assert_null(strstr(err.hint, "s3cret"));
    free(path);
}

#define HTTPS "{server: 'https://h:6443'}"

static void test_simple(void **state)
{
    (void)state;
    struct kube_access *access =
        given("{server: 'https://h:6443/base', tls-server-name: api, proxy-url: 'http://p:1'}", "{token: t}");
    assert_string_equal(access->server, "https://h:6443/base");
    assert_string_equal(access->server_name, "api");
    assert_string_equal(access->proxy, "http://p:1");
    assert_string_equal(access->token, "t");
    assert_string_equal(access->context, "c");
    assert_null(access->namespace);
    assert_non_null(strstr(access->origin, "context \"c\" of "));
    kube_access_free(access);
    access = given("{server: 'https://h', proxy-url: 'socks5://p:1'}", "{}");
    assert_string_equal(access->proxy, "socks5h://p:1");
    kube_access_free(access);
    access = given(HTTPS, "null");
    assert_null(access->token);
    kube_access_free(access);
}

/* The first file that has a name gives it whole; paths are relative to the file they stand in. */
static void test_merge(void **state)
{
    (void)state;
    struct kube_access *access = NULL;
    struct err err;
    put("a/config", "current-context: one\nusers:\n- {name: red, user: {token: first}}\n"
                    "contexts:\n- {name: one, context: {cluster: far, user: red}}\n");
    put("b/config",
        "current-context: two\nusers:\n- {name: red, user: {username: x, password: s3cret}}\n- {name: blue, "
        "user: "
        "{tokenFile: tok/en}}\ncontexts:\n- {name: one, context: {cluster: none, user: none}}\n"
        "- {name: two, context: {cluster: far, user: blue, namespace: shop}}\n"
        "clusters:\n- {name: far, cluster: {server: 'https://far', certificate-authority: ca.pem}}\n");
    put("b/ca.pem", "-----BEGIN CERTIFICATE-----\nx\n");
    char *list = xasprintf("%s/missing:%s/a/config::%s/b/config:%s/a/config", folder, folder, folder, folder);
    setenv("KUBECONFIG", list, 1);
    assert_int_equal(find_with(NULL, NULL, &access, &err), 0);
    assert_string_equal(access->token, "first");
    assert_null(access->username);
    assert_string_equal(access->server, "https://far");
    assert_string_equal(access->ca_pem, "-----BEGIN CERTIFICATE-----\nx\n");
    kube_access_free(access);
    assert_int_equal(find_with(NULL, "two", &access, &err), 0);
    assert_string_equal(access->namespace, "shop");
    char *token_file = path_of("b/tok/en");
    assert_string_equal(access->token_file, token_file);
    kube_access_free(access);
    free(token_file);
    /* An explicit file stands alone, and must be there. */
    char *alone = path_of("a/config");
    assert_int_equal(find_with(alone, NULL, &access, &err), -1);
    assert_non_null(strstr(err.message, "there is no cluster \"far\""));
    free(alone);
    alone = path_of("missing");
    assert_int_equal(find_with(alone, NULL, &access, &err), -1);
    assert_int_equal(err.class, ERR_NOINPUT);
    free(alone);
    unsetenv("KUBECONFIG");
    free(list);
}

static void test_contexts(void **state)
{
    (void)state;
    struct kube_access *access = NULL;
    struct err err;
    char *path = simple(HTTPS, "{}");
    assert_int_equal(find_with(path, "prod", &access, &err), -1);
    assert_int_equal(err.class, ERR_USAGE);
    assert_non_null(strstr(err.message, "no context \"prod\""));
    assert_non_null(strstr(err.hint, "there is c"));
    put("config", "clusters: []\ncontexts:\n- {name: a, context: {}}\n- {name: b, context: {cluster: x}}\n");
    assert_int_equal(find_with(path, NULL, &access, &err), -1);
    assert_int_equal(err.class, ERR_CONFIG);
    assert_non_null(strstr(err.message, "no context is chosen"));
    assert_non_null(strstr(err.hint, "there are a, b"));
    assert_int_equal(find_with(path, "a", &access, &err), -1);
    assert_non_null(strstr(err.message, "line 3: context \"a\": it names no cluster"));
    put("config", "");
    assert_int_equal(find_with(path, NULL, &access, &err), -1);
    assert_non_null(strstr(err.hint, "--kubeconfig"));
    free(path);
}

/* ~/.kube/config, then the account of the pod, then nothing. */
static void test_places(void **state)
{
    (void)state;
    struct kube_access *access = NULL;
    struct err err;
    setenv("HOME", folder, 1);
    assert_int_equal(find_with(NULL, NULL, &access, &err), -1);
    assert_int_equal(err.class, ERR_NOINPUT);
    assert_non_null(strstr(err.hint, "--kubeconfig"));
    put(".kube/config", "current-context: h\ncontexts: [{name: h, context: {cluster: h}}]\nclusters: [{name: "
                        "h, cluster: {server: "
                        "'https://home'}}]\n");
    assert_int_equal(find_with(NULL, NULL, &access, &err), 0);
    assert_string_equal(access->server, "https://home");
    kube_access_free(access);
    put(".kube/config", "{}");
    put("account/token", "t\n");
    put("account/ca.crt", "-----BEGIN CERTIFICATE-----\n");
    put("account/namespace", "shop\n");
    char *account = path_of("account");
    assert_int_equal(kube_access_in_cluster(account, "fd00::1", "443", &access, &err), 0);
    assert_string_equal(access->server, "https://[fd00::1]:443");
    assert_string_equal(access->namespace, "shop");
    assert_true(strlen(access->token_file) > strlen(account));
    assert_null(access->token);
    kube_access_free(access);
    char *gone = path_of("account/token");
    unlink(gone);
    assert_int_equal(kube_access_in_cluster(account, "10.0.0.1", "443", &access, &err), -1);
    assert_non_null(strstr(err.message, "the account of this pod"));
    free(gone);
    free(account);
}

/* base64 of "-----BEGIN X-----\n" */
#define PEM64 "LS0tLS1CRUdJTiBYLS0tLS0K"

static void test_credentials(void **state)
{
    (void)state;
    put("c.pem", "-----BEGIN CERTIFICATE-----\nfile\n");
    put("k.pem", "-----BEGIN KEY-----\nfile\n");
    struct kube_access *access =
        given("{server: 'https://h', certificate-authority-data: " PEM64 ", certificate-authority: nowhere}",
              "{client-certificate: c.pem, client-key-data: " PEM64 "}");
    assert_string_equal(access->ca_pem, "-----BEGIN X-----\n");
    assert_string_equal(access->certificate_pem, "-----BEGIN CERTIFICATE-----\nfile\n");
    assert_string_equal(access->key_pem, "-----BEGIN X-----\n");
    kube_access_free(access);
    access = given(HTTPS, "{username: u, password: 0123}");
    assert_string_equal(access->username, "u");
    assert_string_equal(access->password, "0123");
    kube_access_free(access);
    access = given(HTTPS, "{token: t, tokenFile: /run/t}");
    assert_string_equal(access->token_file, "/run/t");
    assert_null(access->token);
    kube_access_free(access);
}

static void test_exec(void **state)
{
    (void)state;
    struct kube_access *access =
        given("{server: 'https://h', extensions: [{name: other, extension: 1}, {name: "
              "client.authentication.k8s.io/exec, extension: {a: [1, "
              "true, x, On, oFF, Off, !!bool '', 2.5, !!float \"\\0\"]}}]}",
              "{exec: {apiVersion: client.authentication.k8s.io/v1, command: bin/plug, args: [a, 1], env: "
              "[{name: A, value: b}], "
              "provideClusterInfo: true, interactiveMode: Never, installHint: get it}}");
    struct kube_exec *exec = access->exec;
    char *path = path_of("bin/plug");
    assert_string_equal(exec->path, path);
    free(path);
    assert_string_equal(exec->args[1], "1");
    assert_null(exec->args[2]);
    assert_string_equal(exec->env[0], "A=b");
    assert_string_equal(exec->cluster_config, "{\"a\":[1,true,\"x\",true,\"oFF\",false,\"\",2.5,null]}");
    assert_string_equal(exec->install_hint, "get it");
    kube_access_free(access);
    access = given(HTTPS, "{exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: sh}}");
    assert_non_null(access->exec->path);
    assert_true(access->exec->path[0] == '/');
    assert_null(access->exec->args[0]);
    assert_null(access->exec->cluster_config);
    kube_access_free(access);
    access = given(HTTPS, "{exec: {apiVersion: client.authentication.k8s.io/v1, command: no-such-plugin-x}}");
    assert_null(access->exec->path);
    kube_access_free(access);
}

static void test_refused_clusters(void **state)
{
    (void)state;
    refused("{}", "{}", "line 8: cluster \"k\": it names no server");
    refused("[]", "{}", "cluster \"k\": it must be a mapping");
    refused("{server: [1]}", "{}", "\"server\" must be text");
    refused("{server: 'https://h', certificate-authority-data: 's3cret!'}", "{}",
            "\"certificate-authority-data\" is not the base64 of text");
    refused("{server: 'https://h', certificate-authority-data: czNjcmV0}", "{}", "holds no PEM text");
    refused("{server: 'https://h', certificate-authority: missing.pem}", "{}", "missing.pem");
    refused("{server: 'https://h', insecure-skip-tls-verify: true}", "{}",
            "insecure-skip-tls-verify is refused");
    refused("{server: 'https://h', insecure-skip-tls-verify: maybe}", "{}", "must be true or false");
    refused("{server: 'https://h', insecure-skip-tls-verify: On}", "{}", "insecure-skip-tls-verify is refused");
    refused("{server: 'https://h', insecure-skip-tls-verify: !!bool maybe}", "{}", "must be true or false");
    refused("{server: 'https://h', proxy-url: 'ftp://u:s3cret@p'}", "{}", "proxy-url must begin with");
    refused("{server: 'http://cluster.test'}", "{token: s3cret}", "plain http");
    refused("{server: 'https://h'}\n- name: k\n  cluster: {server: 'https://i'}", "{}",
            "line 9: cluster \"k\": this name stands in the list twice");
}

static void test_refused_users(void **state)
{
    (void)state;
    refused(HTTPS, "{token: s3cret, username: u, password: s3cret}", "more than one of");
    refused(HTTPS, "{username: u}", "only one of username and password");
    refused(HTTPS, "{client-key-data: " PEM64 "}", "only one of client-certificate and client-key");
    refused(HTTPS, "{auth-provider: {name: gcp, config: {access-token: s3cret}}}", "auth-provider \"gcp\"");
    refused(HTTPS, "{auth-provider: {name: azure}}", "auth-provider \"azure\"");
    refused(HTTPS, "{auth-provider: {name: oidc}}", "auth-provider \"oidc\"");
    refused(HTTPS, "{exec: {command: x}}", "exec.apiVersion must be");
    refused(HTTPS, "{exec: {apiVersion: client.authentication.k8s.io/v1alpha1, command: x}}",
            "exec.apiVersion must be");
    refused(HTTPS, "{exec: {apiVersion: client.authentication.k8s.io/v1}}", "names no command");
    refused(HTTPS,
            "{exec: {apiVersion: client.authentication.k8s.io/v1, command: x, interactiveMode: Always}}",
            "wants to ask");
    refused(HTTPS, "{exec: {apiVersion: client.authentication.k8s.io/v1, command: x, args: s3cret}}",
            "exec.args must be a list");
    refused(HTTPS,
            "{exec: {apiVersion: client.authentication.k8s.io/v1, command: x, env: [{value: s3cret}]}}",
            "exec.env must have");
    refused(HTTPS, "{exec: s3cret}", "exec must be a mapping");
    refused(HTTPS, "{token: {a: s3cret}}", "\"token\" must be text");
}

static void test_refused_files(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *words;
    } cases[] = {
        {"a: [", "line 1"},
        {"- x\n", "must be a mapping with clusters"},
        {"kind: Deployment\n", "its kind must be Config, it is Deployment"},
        {"current-context: c\ncontexts: {c: {}}\n", "line 2: contexts: it must be a list"},
        {"current-context: c\ncontexts: [c]\n", "each of them must be a mapping"},
        {"current-context: c\ncontexts: [{name: c, context: {cluster: k}}]\n", "there is no cluster \"k\""},
        {"a: \xff\n", "line 1"},
    };
    char *path = path_of("config");
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct kube_access *access = NULL;
        struct err err;
        put("config", cases[i].text);
        assert_int_equal(find_with(path, NULL, &access, &err), -1);
        assert_int_equal(err.class, ERR_CONFIG);
        if (strstr(err.message, cases[i].words) == NULL) {
            print_error("%s\n", err.message);
        }
        assert_non_null(strstr(err.message, cases[i].words));
        assert_non_null(strstr(err.message, path));
    }
    free(path);
}

static void test_insecure_when_asked(void **state)
{
    (void)state;
    struct kube_access *access = NULL;
    struct err err = {0};
    char *path = simple("{server: 'https://h', insecure-skip-tls-verify: true}", "{}");
    struct kube_choice choice = {.kubeconfig = path, .insecure = true};
    assert_int_equal(kube_access_find(&choice, &access, &err), 0);
    assert_true(access->insecure);
    kube_access_free(access);
    access = NULL;
    free(path);
    choice.kubeconfig = path = simple(
        "{server: 'https://h', insecure-skip-tls-verify: true, certificate-authority-data: " PEM64 "}", "{}");
    assert_int_equal(kube_access_find(&choice, &access, &err), -1);
    assert_non_null(strstr(err.message, "one of them must go"));
    free(path);
}

/* Values from RFC 4648 §10, and what is none. */
static void test_base64(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {{"", ""},
                                           {"f", "Zg=="},
                                           {"fo", "Zm8="},
                                           {"foo", "Zm9v"},
                                           {"foob", "Zm9vYg=="},
                                           {"fooba", "Zm9vYmE="},
                                           {"foobar", "Zm9vYmFy"}};
    static const char *const bad[] = {
        "Z", "Zg", "Zg=", "Zh==", "Zg==Zg==", "=Zg=", "Zm9v!", "Zg===", "====", "Z g="};
    for (size_t i = 0; i < ARRAY_COUNT(pairs); i++) {
        struct buf out;
        buf_init(&out, 100);
        assert_int_equal(base64_encode(pairs[i][0], strlen(pairs[i][0]), &out), 0);
        assert_string_equal(buf_str(&out), pairs[i][1]);
        buf_clear(&out);
        assert_int_equal(base64_decode(pairs[i][1], &out), 0);
        assert_string_equal(buf_str(&out), pairs[i][0]);
        buf_release(&out);
    }
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        struct buf out;
        buf_init(&out, 100);
        assert_int_equal(base64_decode(bad[i], &out), -1);
        buf_release(&out);
    }
    struct buf out;
    buf_init(&out, 100);
    assert_int_equal(base64_decode("Zm\r\n9v\n", &out), 0);
    assert_string_equal(buf_str(&out), "foo");
    buf_release(&out);
}

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "%s", "/tmp/tare-kubeconfig-XXXXXX");
    unsetenv("KUBECONFIG");
    unsetenv("KUBERNETES_SERVICE_HOST");
    return mkdtemp(folder) == NULL ? -1 : 0;
}

static int remove_folder(void **state)
{
    (void)state;
    static const char *const names[] = {"config",
                                        "a/config",
                                        "a",
                                        "b/config",
                                        "b/ca.pem",
                                        "b",
                                        ".kube/config",
                                        ".kube",
                                        "account/token",
                                        "account/ca.crt",
                                        "account/namespace",
                                        "account",
                                        "c.pem",
                                        "k.pem"};
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        char *path = path_of(names[i]);
        remove(path);
        free(path);
    }
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_simple),           cmocka_unit_test(test_merge),
        cmocka_unit_test(test_contexts),         cmocka_unit_test(test_places),
        cmocka_unit_test(test_credentials),      cmocka_unit_test(test_exec),
        cmocka_unit_test(test_refused_clusters), cmocka_unit_test(test_refused_users),
        cmocka_unit_test(test_refused_files),    cmocka_unit_test(test_insecure_when_asked),
        cmocka_unit_test(test_base64),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
