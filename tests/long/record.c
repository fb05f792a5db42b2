/* The guest program of kill.sh: appends records to a file, each with an fsync, and says the number of each
 * that is to stay. Every 400 records it begins another file, which takes the place of the last one when its
 * first record is in it. record DIRECTORY */
#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { UNIT = 512, UNITS_MAX = 64, RECORDS = 400 };

/* From where the words of unit u of record n count; kill.py knows, too. */
static uint64_t mark(uint64_t n, uint64_t u) {
    return (n << 16 | u) * 0x9e3779b97f4a7c15u;
}

static uint64_t units_of(uint64_t n) {
    return 1 + mark(n, 0) % UNITS_MAX;
}

static void append(int fd, uint64_t n) {
    static uint64_t record[UNITS_MAX * UNIT / sizeof(uint64_t)];
    const size_t words = UNIT / sizeof *record;
    for (uint64_t u = 0; u < units_of(n); u++)
        for (size_t i = 0; i < words; i++)
            record[u * words + i] = i == 0 ? n : i == 1 ? u : mark(n, u) + i;
    ssize_t size = (ssize_t)(units_of(n) * UNIT);
    if (write(fd, record, (size_t)size) != size || fsync(fd) < 0)
        err(1, "record %llu", (unsigned long long)n);
}

/* The number after the last whole record that is there; the file ends with that then. */
static uint64_t find_end(int fd, uint64_t *records) {
    uint64_t n = 0, head[2];
    off_t at = 0;
    *records = 0;
    while (pread(fd, head, sizeof head, at) == sizeof head) {
        off_t end = at + (off_t)(units_of(head[0]) * UNIT);
        if (pread(fd, head, sizeof head, end - UNIT) != sizeof head)
            break;
        n = head[0] + 1;
        ++*records;
        at = end;
    }
    if (ftruncate(fd, at) < 0 || lseek(fd, at, SEEK_SET) < 0)
        err(1, "truncate");
    return n;
}

static int begin(const char *name) {
    int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (fd < 0)
        err(1, "%s", name);
    return fd;
}

static void replace(int directory) {
    if (rename("new", "records") < 0 || fsync(directory) < 0)
        err(1, "rename");
}

int main(int argc, char **argv) {
    int directory, fd;
    uint64_t records;
    if (argc != 2 || chdir(argv[1]) < 0 || (directory = open(".", O_RDONLY)) < 0)
        err(1, "no directory");
    if ((fd = open("records", O_RDWR | O_CREAT, 0600)) < 0 || fsync(directory) < 0)
        err(1, "records");
    for (uint64_t n = find_end(fd, &records);; n++) {
        if (records++ == RECORDS) {
            close(fd);
            append(fd = begin("new"), n);
            replace(directory);
            records = 1;
        } else {
            append(fd, n);
        }
        printf("told %llu\n", (unsigned long long)n);
        fflush(stdout);
    }
}
