/* yaml_bare: runs libyaml's parser, and nothing else, over every file whose name comes on standard input (one a line): what reading
 * manifests costs at least. A file that breaks is left at the place of the error. Prints files, bytes and events. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml.h>

enum { NAME_LENGTH = 4096 };

static long events_of(const unsigned char *bytes, size_t length)
{
    yaml_parser_t parser;
    long events = 0;
    if (yaml_parser_initialize(&parser) == 0) {
        return 0;
    }
    yaml_parser_set_input_string(&parser, bytes, length);
    for (int more = 1; more;) {
        yaml_event_t event;
        if (yaml_parser_parse(&parser, &event) == 0) {
            break;
        }
        more = event.type != YAML_STREAM_END_EVENT;
        events++;
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    return events;
}

/* Reads a whole file into *bytes, which grows as needed; -1 with a message. */
static ssize_t read_file(const char *name, unsigned char **bytes, size_t *size)
{
    struct stat info;
    int fd = open(name, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &info) != 0) {
        perror(name);
        return -1;
    }
    if ((size_t)info.st_size > *size) {
        *size = (size_t)info.st_size;
        *bytes = realloc(*bytes, *size);
    }
    ssize_t got = *bytes == NULL && *size > 0 ? (errno = ENOMEM, -1) : read(fd, *bytes, (size_t)info.st_size);
    if (got < 0) {
        perror(name);
    }
    close(fd);
    return got;
}

int main(void)
{
    char name[NAME_LENGTH];
    unsigned char *bytes = NULL;
    size_t size = 0;
    size_t all = 0;
    long files = 0;
    long events = 0;
    while (fgets(name, sizeof name, stdin) != NULL) {
        name[strcspn(name, "\n")] = '\0';
        ssize_t length = read_file(name, &bytes, &size);
        if (length < 0) {
            return 66;
        }
        files++;
        all += (size_t)length;
        events += events_of(bytes, (size_t)length);
    }
    free(bytes);
    printf("%ld files, %zu bytes, %ld events\n", files, all, events);
    return 0;
}
