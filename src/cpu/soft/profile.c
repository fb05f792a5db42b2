#include "cpu/soft/profile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cpu/soft/mem.h"
#include "cpu/soft/mmu.h"
#include "cpu/soft/soft_vm.h"
#include "host/clock.h"
#include "host/file.h"
#include "host/sleep.h"
#include "util/log.h"

enum { INTERVAL_NS = 1000000, FRAMES = 64, NAME = 48 };

struct symbol {
    uint64_t address;
    char name[NAME];
};

struct profile {
    struct soft_vm *vm;
    pthread_mutex_t lock; /* of the files */
    char *path;
    FILE *stacks, *map;     /* NULL until there is something to write */
    struct symbol *symbols; /* by address */
    size_t symbol_count;
    pthread_t thread;
    bool running;
    _Atomic uint32_t quit;
};

/* --- symbols */

static int by_address(const void *a, const void *b) {
    const struct symbol *x = a, *y = b;
    return (x->address > y->address) - (x->address < y->address);
}

static int add_symbol(struct profile *profile, const struct symbol *symbol) {
    size_t n = profile->symbol_count;
    if ((n & (n - 1)) == 0) { /* full: 1, 2, 4, ... */
        struct symbol *more = realloc(profile->symbols, (n ? 2 * n : 1) * sizeof *more);
        if (!more)
            return -1;
        profile->symbols = more;
    }
    profile->symbols[profile->symbol_count++] = *symbol;
    return 0;
}

/* Lines of address, type, name; functions are t, T, w and W. */
static int read_symbols(struct profile *profile, const char *path, struct error *e) {
    FILE *file = fopen(path, "re");
    if (!file)
        return error_set(e, "--profile ...,symbols=%s: %s", path, strerror(errno));
    char line[512];
    int result = 0;
    while (result == 0 && fgets(line, sizeof line, file)) {
        struct symbol symbol;
        unsigned long long address;
        char type;
        _Static_assert(NAME == 48, "the format has the length");
        if (sscanf(line, "%llx %c %47s", &address, &type, symbol.name) != 3 || !strchr("tTwW", type))
            continue;
        symbol.address = address;
        if (add_symbol(profile, &symbol) < 0)
            result = error_set(e, "out of memory");
    }
    fclose(file);
    if (result == 0 && profile->symbol_count == 0)
        return error_set(
            e, "--profile ...,symbols=%s: no symbols; expected /proc/kallsyms or System.map", path);
    if (result == 0)
        qsort(profile->symbols, profile->symbol_count, sizeof *profile->symbols, by_address);
    return result;
}

/* The kernel function that holds va, or NULL. */
static const char *symbol_of(const struct profile *profile, uint64_t va) {
    size_t low = 0, high = profile->symbol_count;
    while (low < high) { /* the first behind va */
        size_t middle = (low + high) / 2;
        if (profile->symbols[middle].address <= va)
            low = middle + 1;
        else
            high = middle;
    }
    return low && va >> 63 ? profile->symbols[low - 1].name : NULL;
}

/* --- samples */

/* Under the lock. False: *file cannot be written, as was said once. */
static bool opened(FILE **file, const char *path) {
    if (!*file && !(*file = fopen(path, "we"))) {
        log_warn("--profile: cannot write %s: %s", path, strerror(errno));
        *file = fopen("/dev/null", "we");
    }
    return *file;
}

/* The two words of a frame record, if they can be read without any effect. */
static bool read_record(struct cpu *cpu, uint64_t va, uint64_t record[2]) {
    struct mmu_page page;
    if (va % 8 || (va & ~PAGE_MASK) > PAGE_SIZE_4K - 16 ||
        !mmu_translate(cpu, cpu->mmu_index, va, MMU_READ, false, &page))
        return false;
    const struct memory_slot *slot = soft_slot_find(cpu->vm, page.pa);
    if (!slot)
        return false;
    memcpy(record, slot->host + (page.pa - slot->gpa) + (va & ~PAGE_MASK), 16);
    return true;
}

static unsigned unwind_stack(struct cpu *cpu, uint64_t frames[FRAMES]) {
    enum { FP = 29 };
    uint64_t fp = cpu->x[FP], record[2];
    unsigned count = 1;
    frames[0] = cpu->pc;
    while (count < FRAMES && read_record(cpu, fp, record) && record[1]) {
        frames[count++] = record[1];
        if (record[0] <= fp) /* stacks grow down */
            break;
        fp = record[0];
    }
    return count;
}

void profile_sample(struct cpu *cpu) {
    struct profile *profile = cpu->vm->profile;
    uint64_t frames[FRAMES];
    unsigned count = unwind_stack(cpu, frames);
    pthread_mutex_lock(&profile->lock);
    bool open = opened(&profile->stacks, profile->path);
    if (open)
        fprintf(profile->stacks, "vcpu%u;EL%u", cpu->index, cpu->el);
    while (open && count-- > 0) {
        const char *name = symbol_of(profile, frames[count]);
        if (name)
            fprintf(profile->stacks, ";%s", name);
        else
            fprintf(profile->stacks, ";0x%llx", (unsigned long long)frames[count]);
    }
    if (open)
        fputs(" 1\n", profile->stacks);
    pthread_mutex_unlock(&profile->lock);
}

void profile_region(struct cpu *cpu, const void *code, size_t size, uint64_t va) {
    struct profile *profile = cpu->vm->profile;
    const char *name = symbol_of(profile, va);
    char path[64];
    snprintf(path, sizeof path, "/tmp/perf-%d.map", (int)getpid());
    pthread_mutex_lock(&profile->lock);
    if (opened(&profile->map, path))
        fprintf(profile->map, "%llx %zx EL%u:0x%llx%s%s\n", (unsigned long long)(uintptr_t)code, size,
            cpu->el, (unsigned long long)va, name ? ":" : "", name ? name : "");
    pthread_mutex_unlock(&profile->lock);
}

/* --- the thread */

static void *profile_main(void *arg) {
    struct profile *profile = arg;
    for (uint64_t next = host_now_ns(); !atomic_load(&profile->quit);) {
        next += INTERVAL_NS;
        host_sleep_on(&profile->quit, 0, next);
        for (unsigned i = 0; i < profile->vm->count; i++)
            if (!atomic_load(&profile->vm->cpus[i]->asleep))
                atomic_fetch_or(&profile->vm->cpus[i]->attention, ATTENTION_SAMPLE);
    }
    return NULL;
}

static int parse(struct profile *profile, const char *spec, struct error *e) {
    if (!(profile->path = strdup(spec)))
        return error_set(e, "out of memory");
    char *option = strchr(profile->path, ',');
    if (option)
        *option++ = 0;
    if (!*profile->path || (option && strncmp(option, "symbols=", 8) != 0))
        return error_set(e, "--profile %s: expected FILE[,symbols=FILE]", spec);
    if (option && read_symbols(profile, option + 8, e) < 0)
        return -1;
    return host_check_writable(profile->path, e);
}

struct profile *profile_create(const char *spec, struct soft_vm *vm, struct error *e) {
    struct profile *profile = calloc(1, sizeof *profile);
    if (!profile) {
        error_set(e, "out of memory");
        return NULL;
    }
    profile->vm = vm;
    pthread_mutex_init(&profile->lock, NULL);
    if (parse(profile, spec, e) == 0)
        return profile;
    profile_destroy(profile);
    return NULL;
}

int profile_start(struct profile *profile, struct error *e) {
    int result = pthread_create(&profile->thread, NULL, profile_main, profile);
    if (result)
        return error_set(e, "cannot start the profile's thread: %s", strerror(result));
    profile->running = true;
    return 0;
}

void profile_destroy(struct profile *profile) {
    if (!profile)
        return;
    if (profile->running) {
        atomic_store(&profile->quit, 1);
        host_wake_all(&profile->quit);
        pthread_join(profile->thread, NULL);
    }
    if (profile->stacks)
        fclose(profile->stacks);
    if (profile->map)
        fclose(profile->map);
    pthread_mutex_destroy(&profile->lock);
    free(profile->symbols);
    free(profile->path);
    free(profile);
}
