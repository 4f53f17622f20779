#include "stages/analyze/subject/class.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "stages/common/classes.h"

/* Words of an image's repository path that tell its class. Rows are tried in order: what an image measures or
 * operates ("redis-exporter") is named after it, so those words come first. To add a program, add a word. */
static const struct image_row {
    const char *class;
    const char *words;
} image_rows[] = {
    {"monitoring",
     " exporter prometheus grafana alertmanager thanos loki mimir tempo jaeger otel opentelemetry collector"
     " victoriametrics vmagent telegraf fluentd fluentbit fluent vector promtail kube-state-metrics "},
    {"agent", " operator controller agent csi cni calico cilium kube-proxy node-problem-detector "},
    {"database",
     " postgres postgresql pgbouncer postgis timescaledb mysql mariadb percona mongo mongodb cassandra scylla"
     " cockroach cockroachdb couchdb clickhouse influxdb neo4j oracle mssql etcd tidb yugabyte dynamodb "},
    {"cache", " redis valkey memcached keydb dragonfly hazelcast varnish "},
    {"queue", " kafka rabbitmq nats activemq artemis pulsar redpanda mosquitto zookeeper nsqd "},
    {"search", " elasticsearch opensearch solr meilisearch typesense qdrant weaviate "},
    {"proxy", " envoy haproxy traefik istio proxyv2 linkerd kong ambassador contour ingress "},
    {"jvm", " java openjdk temurin corretto tomcat jetty wildfly jboss spring springboot quarkus keycloak "
            "kotlin scala"
            " jenkins graalvm zulu "},
    {"worker", " worker celery sidekiq consumer resque "},
    {"web",
     " nginx httpd apache caddy node nodejs php php-fpm wordpress django flask rails gunicorn uvicorn web"
     " frontend webapp ui www "},
    {"batch", " batch cron backup job migrate migration etl "},
};

static const struct port_row {
    const char *class;
    int64_t port;
} port_rows[] = {
    {"database", 5432}, {"database", 3306},   {"database", 27017}, {"database", 1433}, {"database", 9042},
    {"cache", 6379},    {"cache", 11211},     {"queue", 5672},     {"queue", 9092},    {"queue", 4222},
    {"search", 9200},   {"monitoring", 9090}, {"web", 80},         {"web", 443},       {"web", 8080},
    {"web", 8000},      {"web", 3000},        {"web", 5000},       {"web", 8443},
};

json_t *class_names_new(void)
{
    size_t count = 0;
    const char *const *all = classes_all(&count);
    json_t *names = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(names, json_string(all[i]));
    }
    return names;
}

const char *class_name_of(const char *name)
{
    size_t count = 0;
    const char *const *all = classes_all(&count);
    for (size_t i = 0; i < count; i++) {
        if (str_equal(all[i], name)) {
            return all[i];
        }
    }
    return NULL;
}

/* Whether `list` (words between spaces) holds the `length` bytes of `word`. */
static bool listed(const char *list, const char *word, size_t length)
{
    for (const char *at = list; (at = strchr(at, ' ')) != NULL; at++) {
        if (strncmp(at + 1, word, length) == 0 && at[1 + length] == ' ') {
            return true;
        }
    }
    return false;
}

/* Whether the last component of the image's repository, or a word of it between '-', '_' and '.', is in the
 * list. */
static bool image_in(const char *image, const char *list)
{
    char text[256];
    const char *slash = strrchr(image, '/');
    (void)snprintf(text, sizeof text, "%s", slash ? slash + 1 : image);
    text[strcspn(text, ":@")] = '\0';
    for (char *c = text; *c; c++) {
        *c = (char)tolower((unsigned char)*c);
    }
    size_t whole = strlen(text);
    if (whole > 0 && listed(list, text, whole)) {
        return true;
    }
    for (const char *word = text; *word;) {
        size_t length = strcspn(word, "-_.");
        if (length > 0 && listed(list, word, length)) {
            return true;
        }
        word += length + (word[length] != '\0');
    }
    return false;
}

static void set(struct class *out, const char *name)
{
    out->name = name;
    out->stateful = str_equal(name, "database") || str_equal(name, "queue") || str_equal(name, "search") ||
                    str_equal(name, "cache");
}

static bool by_image(const struct subject *subject, struct class *out)
{
    for (size_t i = 0; i < subject->container_count; i++) {
        const struct container *container = &subject->containers[i];
        for (size_t r = 0; container->role == ROLE_CONTAINER && r < ARRAY_COUNT(image_rows); r++) {
            if (!image_in(container->image, image_rows[r].words)) {
                continue;
            }
            set(out, image_rows[r].class);
            (void)snprintf(out->reason, sizeof out->reason, "image %.100s", container->image);
            return true;
        }
    }
    return false;
}

/* Whether the image's tag tells of a Java runtime: "2.9.0-temurin17", "7.3-jre21". */
static bool java_tag(const char *image)
{
    static const char *const words[] = {"temurin", "jre", "jdk", "openjdk", "corretto", "graalvm", "zulu"};
    const char *slash = strrchr(image, '/');
    const char *tag = strchr(slash ? slash : image, ':');
    for (const char *at = tag; at && *at; at += 1 + strcspn(at + 1, "-_.+")) {
        for (size_t i = 0; i < ARRAY_COUNT(words); i++) {
            if (strncasecmp(at + 1, words[i], strlen(words[i])) == 0) {
                return true;
            }
        }
    }
    return false;
}

static bool by_tag(const struct subject *subject, struct class *out)
{
    for (size_t i = 0; i < subject->container_count; i++) {
        const struct container *container = &subject->containers[i];
        if (container->role != ROLE_CONTAINER || !java_tag(container->image)) {
            continue;
        }
        set(out, "jvm");
        (void)snprintf(out->reason, sizeof out->reason, "tag of image %.100s", container->image);
        return true;
    }
    return false;
}

static bool by_command(const struct subject *subject, struct class *out)
{
    for (size_t i = 0; i < subject->container_count; i++) {
        const char *command = subject->containers[i].command;
        if (subject->containers[i].role != ROLE_CONTAINER || !command) {
            continue;
        }
        bool java = str_equal(command, "java") || str_ends(command, "/java");
        if (!java && !image_in(command, " celery sidekiq ")) {
            continue;
        }
        set(out, java ? "jvm" : "worker");
        (void)snprintf(out->reason, sizeof out->reason, "command %.100s", command);
        return true;
    }
    return false;
}

static bool by_port(const struct subject *subject, struct class *out)
{
    for (size_t i = 0; i < subject->container_count; i++) {
        size_t index;
        json_t *port;
        json_array_foreach(subject->containers[i].ports, index, port)
        {
            for (size_t r = 0; r < ARRAY_COUNT(port_rows) && subject->containers[i].role == ROLE_CONTAINER;
                 r++) {
                if (!json_is_integer(port) || json_integer_value(port) != port_rows[r].port) {
                    continue;
                }
                set(out, port_rows[r].class);
                (void)snprintf(out->reason, sizeof out->reason, "port %d", (int)port_rows[r].port);
                return true;
            }
        }
    }
    return false;
}

/* The last resort: what the CPU curve of the first container looks like. */
static void by_shape(const struct subject *subject, struct class *out)
{
    set(out, "service");
    (void)snprintf(out->reason, sizeof out->reason, "nothing tells more");
    if (str_equal(subject->kind, "StatefulSet")) {
        out->stateful = true;
        (void)snprintf(out->reason, sizeof out->reason, "a StatefulSet whose image tells nothing more");
        return;
    }
    for (size_t i = 0; i < subject->container_count; i++) {
        const struct figures *cpu = &subject->containers[i].use[CPU];
        if (subject->containers[i].role == ROLE_CONTAINER && cpu->known && cpu->max >= 50 &&
            cpu->p50 * 20 < cpu->max) {
            set(out, "worker");
            (void)snprintf(out->reason, sizeof out->reason, "CPU peaks at %.0f times its median",
                           cpu->p50 > 1 ? cpu->max / cpu->p50 : cpu->max);
            return;
        }
    }
}

void class_of(const struct subject *subject, struct class *out)
{
    *out = (struct class){.name = "service"};
    if (subject->batch) {
        set(out, "batch");
        (void)snprintf(out->reason, sizeof out->reason, "kind %s", subject->kind);
    } else if (by_image(subject, out) || by_tag(subject, out) || by_command(subject, out)) {
        /* the first that tells */
    } else if (str_equal(subject->kind, "DaemonSet")) {
        set(out, "agent");
        (void)snprintf(out->reason, sizeof out->reason, "kind DaemonSet");
    } else if (!by_port(subject, out)) {
        by_shape(subject, out);
    }
    str_mask_controls(out->reason);
    str_trim_utf8(out->reason);
    out->stateful = out->stateful || str_equal(subject->kind, "StatefulSet");
}
