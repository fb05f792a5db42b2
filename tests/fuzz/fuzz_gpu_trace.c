/* A file that says that it is a trace: whatever it holds, the replay of it ends. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "virtio/gpu/replay.h"
#include "virtio/gpu/trace_format.h"

enum { MAX_FILE = 1 << 20 };

/* The input is bytes that say what the next record is, so that most of them are well-formed. */
struct writer {
    const uint8_t *data;
    size_t size;
    uint8_t file[MAX_FILE];
    size_t end;
};

static uint8_t next_byte(struct writer *w) {
    if (w->size == 0)
        return 0;
    w->size--;
    return *w->data++;
}

static void put(struct writer *w, const void *data, size_t size) {
    if (size > MAX_FILE - w->end)
        return;
    memcpy(w->file + w->end, data, size);
    w->end += size;
}

static void put_input(struct writer *w, size_t size) {
    for (; size; size--)
        put(w, &(uint8_t){next_byte(w)}, 1);
}

static void put_record(struct writer *w, uint32_t kind, uint32_t size) {
    const struct gpu_trace_record record = {kind, size, 0};
    put(w, &record, sizeof record);
}

/* A request whose first words are such as the device takes. */
static void put_command(struct writer *w) {
    static const uint32_t types[] = {
        0x100, 0x101, 0x102, 0x103, 0x104, 0x105, 0x106, 0x107, 0x10a, 0x300, 0x301};
    const struct gpu_trace_command command = {next_byte(w) % 3, next_byte(w) * 16u};
    uint32_t words[24] = {types[next_byte(w) % (sizeof types / sizeof types[0])], next_byte(w) & 3};
    for (unsigned i = 6; i < 24; i++)
        words[i] = next_byte(w);
    if (words[0] == 0x106) {
        words[8] = 0x40000000 + words[8] * 64;
        words[9] = 0;
    }
    put_record(w, GPU_TRACE_COMMAND, sizeof command + sizeof words);
    put(w, &command, sizeof command);
    put(w, words, sizeof words);
}

static void put_any(struct writer *w) {
    uint8_t kind = next_byte(w);
    switch (kind % 8) {
    case 0: {
        const uint64_t features = next_byte(w);
        put_record(w, GPU_TRACE_START, sizeof features);
        put(w, &features, sizeof features);
        break;
    }
    case 1: {
        struct gpu_trace_memory memory = {.gpa = 0x40000000 + (uint64_t)next_byte(w) * 2048};
        memset(memory.data, kind, sizeof memory.data);
        put_record(w, GPU_TRACE_MEMORY, sizeof memory);
        put(w, &memory, sizeof memory);
        break;
    }
    case 2: {
        const uint32_t type = 0x1100 + next_byte(w) % 2;
        put_record(w, GPU_TRACE_ANSWER, sizeof type);
        put(w, &type, sizeof type);
        break;
    }
    case 3: {
        uint8_t size = next_byte(w);
        put_record(w, next_byte(w) % 6, size);
        put_input(w, size);
        break;
    }
    default: put_command(w); break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct writer w;
    w.data = data;
    w.size = size;
    w.end = 0;
    struct gpu_trace_header header = {GPU_TRACE_MAGIC, 2, 640, 480, 4096, 0x40000000, 1 << 20, 0, 4 << 20};
    uint8_t kind = next_byte(&w);
    put(&w, &header, sizeof header);
    if (kind & 1) /* raw bytes from somewhere in the header on */
        w.end = next_byte(&w) % sizeof header;
    else
        while (w.size)
            put_any(&w);
    put_input(&w, w.size);

    const struct gpu_replay_config config = {.renderer = &gpu_soft2d};
    struct gpu_replay_report report;
    struct error e;
    FILE *file = w.end ? fmemopen(w.file, w.end, "rb") : NULL;
    if (!file)
        return 0;
    gpu_replay(file, "the trace", &config, &report, &e);
    fclose(file);
    free(report.samples);
    return 0;
}
