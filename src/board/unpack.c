#include "board/unpack.h"

#include <stdbool.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

enum { FIRST_ROOM = 1 << 20, CHUNK_MAX = 1 << 30 };

struct output {
    uint8_t *data;
    size_t size, room, limit;
};

/* Makes room when there is none. */
static enum unpack_result reserve(struct output *o) {
    if (o->size < o->room)
        return UNPACK_OK;
    if (o->room == o->limit)
        return UNPACK_TOO_LARGE;
    size_t room = o->room ? o->room * 2 : FIRST_ROOM;
    if (room > o->limit)
        room = o->limit;
    uint8_t *data = realloc(o->data, room);
    if (!data)
        return UNPACK_NO_MEMORY;
    o->data = data;
    o->room = room;
    return UNPACK_OK;
}

static size_t chunk(size_t size) {
    return size < CHUNK_MAX ? size : CHUNK_MAX;
}

/* One step each: consumes input and fills output. */
static enum unpack_result inflate_step(
    z_stream *z, const uint8_t **in, size_t *left, struct output *o, bool *end) {
    size_t give = chunk(*left), take = chunk(o->room - o->size);
    z->next_in = (Bytef *)(uintptr_t)*in; /* zlib does not write there */
    z->avail_in = (uInt)give;
    z->next_out = o->data + o->size;
    z->avail_out = (uInt)take;
    int result = inflate(z, Z_NO_FLUSH);
    *in += give - z->avail_in;
    *left -= give - z->avail_in;
    o->size += take - z->avail_out;
    *end = result == Z_STREAM_END;
    if (result == Z_MEM_ERROR)
        return UNPACK_NO_MEMORY;
    if (result == Z_BUF_ERROR)
        return UNPACK_TRUNCATED; /* there is always room */
    return result == Z_OK || *end ? UNPACK_OK : UNPACK_DAMAGED;
}

static enum unpack_result finish(enum unpack_result result, struct output *o, struct unpacked *out) {
    *out = (struct unpacked){0};
    if (result == UNPACK_OK)
        *out = (struct unpacked){.data = o->data, .size = o->size};
    else
        free(o->data);
    return result;
}

enum unpack_result unpack_gzip(const uint8_t *in, size_t size, size_t limit, struct unpacked *out) {
    struct output o = {.limit = limit};
    z_stream z = {0};
    bool end = false;
    enum unpack_result result = UNPACK_OK;

    if (inflateInit2(&z, 15 + 16) != Z_OK) /* any window, with a gzip header */
        return finish(UNPACK_NO_MEMORY, &o, out);
    while (result == UNPACK_OK && !end) {
        result = reserve(&o);
        if (result == UNPACK_OK)
            result = inflate_step(&z, &in, &size, &o, &end);
    }
    inflateEnd(&z);
    return finish(result, &o, out);
}

enum unpack_result unpack_zstd(const uint8_t *in, size_t size, size_t limit, struct unpacked *out) {
    struct output o = {.limit = limit};
    ZSTD_inBuffer input = {.src = in, .size = size};
    ZSTD_DCtx *z = ZSTD_createDCtx();
    enum unpack_result result = z ? UNPACK_OK : UNPACK_NO_MEMORY;
    size_t more = 1; /* 0 at the end of a frame */

    while (result == UNPACK_OK && more) {
        result = reserve(&o);
        if (result != UNPACK_OK)
            break;
        ZSTD_outBuffer output = {.dst = o.data, .size = o.room, .pos = o.size};
        more = ZSTD_decompressStream(z, &output, &input);
        o.size = output.pos;
        if (ZSTD_isError(more))
            result = UNPACK_DAMAGED;
        else if (more && input.pos == input.size && o.size < o.room)
            result = UNPACK_TRUNCATED;
    }
    ZSTD_freeDCtx(z);
    return finish(result, &o, out);
}
