#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/program.h"
#include "image/internal.h"

enum { URL_MAX = 1024, SUMS_MAX = 256 * 1024, SHA256_DIGITS = 64, SHA512_DIGITS = 128 };

/* curl(1), EXIT CODES */
enum { CURL_NO_RANGES = 33 };

static const struct {
    const char *name, *directory, *file, *sums;
} catalogue[] = {
    {"debian:13", "https://cloud.debian.org/images/cloud/trixie/latest", "debian-13-generic-arm64.qcow2",
        "SHA512SUMS"},
    {"debian:12", "https://cloud.debian.org/images/cloud/bookworm/latest", "debian-12-generic-arm64.qcow2",
        "SHA512SUMS"},
    {"ubuntu:24.04", "https://cloud-images.ubuntu.com/releases/24.04/release",
        "ubuntu-24.04-server-cloudimg-arm64.img", "SHA256SUMS"},
};

enum { CATALOGUE = sizeof catalogue / sizeof *catalogue };

const char *image_catalogue(unsigned n) {
    return n < CATALOGUE ? catalogue[n].name : NULL;
}

struct download {
    char url[URL_MAX];
    char checksum[SHA512_DIGITS + 1]; /* "": none is known */
    char part[PATH_MAX];              /* what has come so far */
    int lock;                         /* the same file, open */
};

/* --- checksums */

static bool is_checksum(const char *text, size_t length) {
    for (size_t i = 0; i < length; i++)
        if (!isxdigit((unsigned char)text[i]))
            return false;
    return length == SHA256_DIGITS || length == SHA512_DIGITS;
}

/* From lines as sha256sum writes them: the digits, a blank, a blank or an asterisk, the name. */
static int find_checksum(const char *sums, const char *file, char *out) {
    for (size_t length; *sums; sums += length + (sums[length] == '\n')) {
        size_t digits = strcspn(sums, " \n"), rest;
        length = strcspn(sums, "\n");
        rest = length - digits;
        if (is_checksum(sums, digits) && rest == strlen(file) + 2 &&
            memcmp(sums + digits + 2, file, rest - 2) == 0) {
            snprintf(out, SHA512_DIGITS + 1, "%.*s", (int)digits, sums);
            return 0;
        }
    }
    return -1;
}

static int fetch_checksum(
    const char *directory, const char *sums, const char *file, char *out, struct error *e) {
    char url[URL_MAX + 16], *text = malloc(SUMS_MAX);
    snprintf(url, sizeof url, "%s/%s", directory, sums);
    const char *const curl[] = {"curl", "--fail", "--location", "--silent", "--show-error", "--proto",
        "=http,https", "--max-filesize", "262143", "--", url, NULL};
    int status = text ? host_program_run(curl, text, SUMS_MAX, e) : error_set(e, "out of memory");
    if (status > 0)
        status = error_set(e, "%s: it cannot be downloaded (curl: %d)", url, status);
    else if (status == 0 && find_checksum(text, file, out) < 0)
        status = error_set(e, "%s: it does not name %s", url, file);
    free(text);
    return status;
}

static int verify(const struct download *d, struct error *e) {
    bool is_512 = strlen(d->checksum) == SHA512_DIGITS;
    char sum[SHA512_DIGITS + 2];
    const char *const program[] = {is_512 ? "sha512sum" : "sha256sum", "--", d->part, NULL};
    if (!*d->checksum)
        return 0;
    int status = host_program_run(program, sum, strlen(d->checksum) + 1, e);
    if (status < 0)
        return -1;
    if (status == 0 && strcasecmp(sum, d->checksum) == 0)
        return 0;
    unlink(d->part);
    return error_set(e, "%s: its checksum is wrong: try again, it may have changed meanwhile", d->url);
}

/* --- the download */

/* The server's names are replaced by another's, a mirror of them. */
static void mirrored(char *out, const char *url) {
    const char *mirror = getenv("PEARVISOR_IMAGE_MIRROR"), *host = strstr(url, "://") + 3;
    if (mirror && *mirror)
        snprintf(out, URL_MAX, "%s%s", mirror, strchr(host, '/'));
    else
        snprintf(out, URL_MAX, "%s", url);
}

static int look_up(struct download *d, const char *source, const char *checksum, struct error *e) {
    if (checksum && !is_checksum(checksum, strlen(checksum)))
        return error_set(e, "--checksum: expected 64 (SHA-256) or 128 (SHA-512) hexadecimal digits");
    if (checksum)
        strcpy(d->checksum, checksum);
    if (strncmp(source, "http://", 7) == 0 || strncmp(source, "https://", 8) == 0) {
        if (strlen(source) >= URL_MAX)
            return error_set(e, "the URL is longer than %d characters", URL_MAX - 1);
        strcpy(d->url, source);
        return 0;
    }
    for (unsigned i = 0; i < CATALOGUE; i++) {
        char directory[URL_MAX];
        if (strcmp(catalogue[i].name, source) != 0)
            continue;
        mirrored(directory, catalogue[i].directory);
        if ((size_t)snprintf(d->url, URL_MAX, "%s/%s", directory, catalogue[i].file) >= URL_MAX)
            return error_set(e, "PEARVISOR_IMAGE_MIRROR: too long");
        return checksum ? 0 : fetch_checksum(directory, catalogue[i].sums, catalogue[i].file, d->checksum, e);
    }
    return error_set(e, "%s: not in the catalogue, and no URL (see 'pearvisor image --help')", source);
}

/* Kept between tries, by the URL. */
static int open_part(struct download *d, struct error *e) {
    uint64_t hash = 0xcbf29ce484222325; /* FNV-1a */
    char name[64];
    for (const char *c = d->url; *c; c++)
        hash = (hash ^ (uint8_t)*c) * 0x100000001b3;
    snprintf(name, sizeof name, "download-%016llx.part", (unsigned long long)hash);
    if (image_cache_file(name, d->part, e) < 0)
        return -1;
    d->lock = open(d->part, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (d->lock < 0)
        return error_set(e, "%s: %s", d->part, strerror(errno));
    return flock(d->lock, LOCK_EX | LOCK_NB) == 0
               ? 0
               : error_set(e, "%s: it is being downloaded already", d->url);
}

static int run_curl(const struct download *d, struct error *e) {
    const char *const curl[] = {"curl", "--fail", "--location", "--show-error", "--proto", "=http,https",
        isatty(STDERR_FILENO) ? "--progress-bar" : "--silent", "--retry", "3", "--continue-at", "-",
        "--output", d->part, "--", d->url, NULL};
    return host_program_run(curl, NULL, 0, e);
}

static int transfer(struct download *d, struct error *e) {
    int status = run_curl(d, e);
    if (status == CURL_NO_RANGES && ftruncate(d->lock, 0) == 0)
        status = run_curl(d, e);
    if (status <= 0)
        return status;
    return error_set(
        e, "%s: the download did not end (curl: %d); 'pull' goes on where it was", d->url, status);
}

/* A name for what comes from a URL: the file's, without its ending. */
static void name_of(const char *source, char name[MACHINE_NAME_MAX + 1]) {
    const bool url = strstr(source, "://") != NULL;
    const char *last = url ? strrchr(source, '/') + 1 : source;
    size_t length = strnlen(last, MACHINE_NAME_MAX);
    memcpy(name, last, length);
    name[length] = 0;
    if (url && strrchr(name, '.'))
        *strrchr(name, '.') = 0;
}

int image_pull(const char *source, const char *name, const char *checksum, struct error *e) {
    struct download d = {.lock = -1};
    struct machine image;
    char own_name[MACHINE_NAME_MAX + 1];
    name_of(source, own_name);
    if (!name)
        name = own_name;
    if (image_find(&image, name, NULL) == 0)
        return error_set(e, "there is an image '%s' already", name);
    int result = -1;
    if (look_up(&d, source, checksum, e) == 0 && open_part(&d, e) == 0 && transfer(&d, e) == 0 &&
        verify(&d, e) == 0) {
        const struct image_files files = {.disk = d.part, .source = source};
        result = image_import(name, &files, e);
        if (result == 0)
            unlink(d.part);
    }
    if (d.lock >= 0)
        close(d.lock);
    return result;
}
