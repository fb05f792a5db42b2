#include "image/seed.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "host/file.h"
#include "image/iso.h"

enum { HOSTNAME_MAX = 63 };

struct document {
    char *text;
    size_t size;
    FILE *out;
};

/* RFC 1123, 2.1: letters, digits and dashes, neither first nor last. */
static void make_hostname(const char *name, char hostname[HOSTNAME_MAX + 1]) {
    size_t length = 0;
    for (; *name && length < HOSTNAME_MAX; name++)
        hostname[length++] = isalnum((unsigned char)*name) ? *name : '-';
    while (length && hostname[length - 1] == '-')
        length--;
    hostname[length] = 0;
}

/* A string of YAML 1.2 (7.3.1) that is one of JSON, too. */
static void put_string(FILE *out, const char *text, size_t length) {
    fputc('"', out);
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '"' || text[i] == '\\')
            fputc('\\', out);
        if ((unsigned char)text[i] >= 0x20)
            fputc(text[i], out);
    }
    fputc('"', out);
}

/* Each line of text that is not empty, between before and after. */
static void put_keys(FILE *out, const char *text, const char *before, bool quoted) {
    for (size_t length; *text; text += length + (text[length] == '\n')) {
        length = strcspn(text, "\n");
        if (!length)
            continue;
        fputs(before, out);
        if (quoted)
            put_string(out, text, length);
        else
            fwrite(text, 1, length, out);
        fputc('\n', out);
    }
}

static void put_meta_data(FILE *out, const char *instance, const char *hostname) {
    fprintf(out, "instance-id: \"%s\"\nlocal-hostname: \"%s\"\n", instance, hostname);
}

static void put_user_data(FILE *out, const struct seed *seed) {
    fprintf(out, "#cloud-config\nusers:\n  - name: \"%s\"\n", seed->user);
    if (strcmp(seed->user, "root") != 0)
        fputs("    shell: /bin/bash\n    groups: [adm, sudo]\n    sudo: \"ALL=(ALL) NOPASSWD:ALL\"\n", out);
    if (*seed->keys)
        fputs("    ssh_authorized_keys:\n", out);
    put_keys(out, seed->keys, "      - ", true);
    fputs("disable_root: false\ngrowpart:\n  mode: auto\n  devices: [\"/\"]\nresize_rootfs: true\n", out);
}

static void put_lines(FILE *out, const struct seed *seed, const char *instance, const char *hostname) {
    fprintf(out, "instance=%s\nhostname=%s\nuser=%s\n", instance, hostname, seed->user);
    put_keys(out, seed->keys, "key=", false);
}

int seed_write(const char *path, const struct seed *seed, struct error *e) {
    enum { META, LINES, USER, DOCUMENTS };
    struct document documents[DOCUMENTS] = {0};
    char hostname[HOSTNAME_MAX + 1], instance[HOSTNAME_MAX + 20];
    uint64_t random;
    if (getrandom(&random, sizeof random, 0) != sizeof random)
        return error_set(e, "%s: no random numbers: %s", path, strerror(errno));
    make_hostname(seed->name, hostname);
    snprintf(instance, sizeof instance, "%s-%016llx", hostname, (unsigned long long)random);
    bool made = true;
    for (unsigned i = 0; i < DOCUMENTS; i++)
        made &= (documents[i].out = open_memstream(&documents[i].text, &documents[i].size)) != NULL;
    if (made) {
        put_meta_data(documents[META].out, instance, hostname);
        put_lines(documents[LINES].out, seed, instance, hostname);
        put_user_data(documents[USER].out, seed);
    }
    for (unsigned i = 0; i < DOCUMENTS; i++)
        made &= documents[i].out && fclose(documents[i].out) == 0;
    const struct iso_file files[DOCUMENTS] = {
        {"meta-data", "METADATA.;1", documents[META].text, documents[META].size},
        {"pearvisor", "PEARVISO.;1", documents[LINES].text, documents[LINES].size},
        {"user-data", "USERDATA.;1", documents[USER].text, documents[USER].size},
    };
    size_t size;
    uint8_t *disk = made ? iso_make("CIDATA", files, DOCUMENTS, &size) : NULL;
    int result = disk ? host_file_replace(path, (const char *)disk, size, e) : error_set(e, "out of memory");
    free(disk);
    for (unsigned i = 0; i < DOCUMENTS; i++)
        free(documents[i].text);
    return result;
}
