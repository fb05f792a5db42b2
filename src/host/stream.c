#include "host/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "host/file.h"
#include "host/hub.h"
#include "host/socket.h"
#include "util/log.h"

enum { OUTPUT_SIZE = 256 * 1024, INPUT_SIZE = 4096, ESCAPE = 'A' & 31 };

struct host_stream {
    struct host_loop *loop;
    int in, out;   /* -1: closed; the same descriptor for a socket's client */
    int listening; /* a Unix socket, or -1 */
    char *socket_path;
    struct host_source *in_source, *out_source, *listen_source;
    struct host_hub *hub; /* instead of all of these */
    char *file_path;      /* not created yet */
    bool out_pollable;    /* regular files are not, and never block for long */
    bool blocked;         /* output waits until out can be written; loop thread only */

    bool terminal, escaped;
    struct termios cooked;
    int out_flags;
    host_call_fn *quit;
    void *quit_ctx;

    host_stream_input_fn *on_input;
    void *input_ctx;
    uint8_t input[INPUT_SIZE]; /* loop thread only */
    size_t input_size;

    pthread_mutex_t lock; /* of the output ring: */
    uint8_t output[OUTPUT_SIZE];
    size_t output_start, output_size;
    atomic_bool drain_posted;
};

static void on_in(void *ctx, unsigned events);

/* --- the terminal. It must be given back however the process ends. */

static struct host_stream *terminal_owner;

static void restore_terminal(void) {
    if (terminal_owner) {
        tcsetattr(terminal_owner->in, TCSANOW, &terminal_owner->cooked);
        terminal_owner = NULL;
    }
}

static void take_terminal(struct host_stream *stream) {
    if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &stream->cooked) < 0)
        return;
    static bool registered;
    if (!registered)
        atexit(restore_terminal);
    registered = true;
    struct termios raw = stream->cooked;
    cfmakeraw(&raw);
    if (tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0) {
        stream->terminal = true;
        terminal_owner = stream;
    }
}

/* --- output */

/* With the lock held: how many contiguous bytes wait, and where. */
static size_t waiting(struct host_stream *stream, const uint8_t **data) {
    size_t to_end = OUTPUT_SIZE - stream->output_start;
    *data = stream->output + stream->output_start;
    return stream->output_size < to_end ? stream->output_size : to_end;
}

/* A socket's client has one source for both directions. */
static void watch(struct host_stream *stream) {
    unsigned in = stream->input_size < INPUT_SIZE ? HOST_READABLE : 0;
    unsigned out = stream->blocked ? HOST_WRITABLE : 0;
    if (stream->hub)
        host_hub_want_input(stream->hub, in != 0);
    if (stream->in_source)
        host_source_set_events(stream->in_source, stream->in_source == stream->out_source ? in | out : in);
    if (stream->out_source && stream->out_source != stream->in_source)
        host_source_set_events(stream->out_source, out);
}

static void drain(void *ctx);

/* What still waited for it is dropped, or nobody would ever make room in a full ring. */
static void drop_client(struct host_stream *stream) {
    host_source_remove(stream->in_source);
    stream->in_source = stream->out_source = NULL;
    close(stream->in);
    stream->in = stream->out = -1;
    stream->input_size = 0;
    drain(stream);
}

static void create_file(struct host_stream *stream) {
    stream->out = open(stream->file_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (stream->out < 0)
        log_warn("%s: %s; output is lost", stream->file_path, strerror(errno));
    free(stream->file_path);
    stream->file_path = NULL;
}

/* Writes what it can; on the loop's thread. */
static void drain(void *ctx) {
    struct host_stream *stream = ctx;
    atomic_store(&stream->drain_posted, false);
    pthread_mutex_lock(&stream->lock);
    if (stream->file_path && stream->output_size)
        create_file(stream);
    stream->blocked = false;
    while (stream->output_size && !stream->blocked) {
        const uint8_t *data;
        size_t size = waiting(stream, &data);
        if (stream->hub)
            host_hub_write(stream->hub, data, size);
        ssize_t done = stream->out < 0 ? (ssize_t)size : write(stream->out, data, size);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0 && errno == EAGAIN && stream->out_pollable) {
            stream->blocked = true;
        } else {
            if (done < 0) /* nobody will ever read this: the guest goes on without */
                done = (ssize_t)size;
            stream->output_start = (stream->output_start + (size_t)done) % OUTPUT_SIZE;
            stream->output_size -= (size_t)done;
        }
    }
    pthread_mutex_unlock(&stream->lock);
    watch(stream);
}

size_t host_stream_write(struct host_stream *stream, const void *data, size_t size) {
    pthread_mutex_lock(&stream->lock);
    size_t room = OUTPUT_SIZE - stream->output_size;
    if (size > room)
        size = room;
    for (size_t done = 0; done < size;) {
        size_t end = (stream->output_start + stream->output_size) % OUTPUT_SIZE;
        size_t part = OUTPUT_SIZE - end < size - done ? OUTPUT_SIZE - end : size - done;
        memcpy(stream->output + end, (const uint8_t *)data + done, part);
        stream->output_size += part;
        done += part;
    }
    pthread_mutex_unlock(&stream->lock);
    if (size && !atomic_exchange(&stream->drain_posted, true))
        host_loop_post(stream->loop, drain, stream);
    return size;
}

static void on_out(void *ctx, unsigned events) {
    if (events & HOST_HANGUP) { /* a reader that is gone: writes fail and are dropped */
        struct host_stream *stream = ctx;
        host_source_remove(stream->out_source);
        stream->out_source = NULL;
        stream->out = -1;
    }
    drain(ctx);
}

/* --- input */

static void print_help(struct host_stream *stream) {
    static const char help[] = "\r\n  Ctrl-A X  stop the machine and leave\r\n"
                               "  Ctrl-A H  this help\r\n  Ctrl-A Ctrl-A  send Ctrl-A to the guest\r\n";
    host_stream_write(stream, help, sizeof help - 1);
}

/* Takes the terminal's escape sequences out of fresh input. */
static size_t filter_escapes(struct host_stream *stream, uint8_t *data, size_t size) {
    size_t kept = 0;
    for (size_t i = 0; i < size; i++) {
        uint8_t c = data[i];
        if (!stream->escaped && c == ESCAPE) {
            stream->escaped = true;
            continue;
        }
        if (stream->escaped) {
            stream->escaped = false;
            if (c == 'x' || c == 'X') {
                if (stream->quit)
                    stream->quit(stream->quit_ctx);
                continue;
            }
            if (c == 'h' || c == 'H' || c == '?') {
                print_help(stream);
                continue;
            }
            if (c != ESCAPE)
                continue;
        }
        data[kept++] = c;
    }
    return kept;
}

static void offer_input(struct host_stream *stream) {
    if (!stream->input_size || !stream->on_input)
        return;
    size_t taken = stream->on_input(stream->input_ctx, stream->input, stream->input_size);
    stream->input_size -= taken;
    memmove(stream->input, stream->input + taken, stream->input_size);
}

static void end_input(struct host_stream *stream) {
    if (stream->listening >= 0) {
        drop_client(stream);
        return;
    }
    host_source_remove(stream->in_source);
    stream->in_source = NULL;
}

/* Reads what there is room for; -1 at the end. */
static int read_input(struct host_stream *stream, int fd) {
    uint8_t *fresh = stream->input + stream->input_size;
    ssize_t got = read(fd, fresh, INPUT_SIZE - stream->input_size);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
        return -1;
    if (got > 0)
        stream->input_size += stream->terminal ? filter_escapes(stream, fresh, (size_t)got) : (size_t)got;
    offer_input(stream);
    watch(stream);
    return 0;
}

static void on_in(void *ctx, unsigned events) {
    struct host_stream *stream = ctx;
    if (stream->in_source == stream->out_source && events & HOST_WRITABLE)
        drain(stream);
    if (!(events & (HOST_READABLE | HOST_HANGUP)))
        return;
    if (stream->input_size == INPUT_SIZE ? events & HOST_HANGUP : read_input(stream, stream->in) < 0)
        end_input(stream);
}

static int on_hub_input(void *ctx, int fd) {
    return read_input(ctx, fd);
}

static void resume(void *ctx) {
    struct host_stream *stream = ctx;
    offer_input(stream);
    watch(stream);
}

void host_stream_resume(struct host_stream *stream) {
    host_loop_post(stream->loop, resume, stream);
}

static void start_input(void *ctx) {
    struct host_stream *stream = ctx;
    if (stream->listening < 0 && stream->in >= 0 && !stream->in_source)
        stream->in_source = host_source_add(stream->loop, stream->in, HOST_READABLE, on_in, stream);
    resume(stream);
}

void host_stream_on_input(struct host_stream *stream, host_stream_input_fn *fn, void *ctx) {
    stream->on_input = fn;
    stream->input_ctx = ctx;
    host_loop_post(stream->loop, start_input, stream);
}

/* --- opening */

static int open_stdio(struct host_stream *stream) {
    stream->in = STDIN_FILENO;
    stream->out = STDOUT_FILENO;
    take_terminal(stream);
    struct stat out;
    if (fstat(STDOUT_FILENO, &out) < 0) {
        stream->out = -1;
    } else if (!S_ISREG(out.st_mode)) {
        stream->out_flags = fcntl(STDOUT_FILENO, F_GETFL);
        fcntl(STDOUT_FILENO, F_SETFL, stream->out_flags | O_NONBLOCK);
        stream->out_source = host_source_add(stream->loop, STDOUT_FILENO, 0, on_out, stream);
        stream->out_pollable = stream->out_source != NULL;
    }
    return 0;
}

/* The file is created or truncated by the first output, so that a VM that cannot start changes nothing. */
static int open_file(struct host_stream *stream, const char *path, struct error *e) {
    if (host_check_writable(path, e) < 0)
        return -1;
    if (!(stream->file_path = strdup(path)))
        return error_set(e, "out of memory");
    return 0;
}

static void on_client(void *ctx, unsigned events) {
    (void)events;
    struct host_stream *stream = ctx;
    int fd = host_socket_accept(stream->listening);
    if (fd < 0)
        return;
    if (stream->in >= 0) { /* one at a time */
        close(fd);
        return;
    }
    stream->in = stream->out = fd;
    stream->in_source = stream->out_source = host_source_add(stream->loop, fd, HOST_READABLE, on_in, stream);
    stream->out_pollable = true;
}

static int open_socket(struct host_stream *stream, const char *path, struct error *e) {
    struct error why;
    stream->listening = host_socket_listen(path, &why);
    if (stream->listening < 0)
        return error_set(e, "--serial unix:%s", why.text);
    if (!(stream->socket_path = strdup(path)))
        return error_set(e, "out of memory");
    stream->listen_source =
        host_source_add(stream->loop, stream->listening, HOST_READABLE, on_client, stream);
    return 0;
}

static int open_hub(struct host_stream *stream, const char *path, struct error *e) {
    const struct host_hub_input input = {.readable = on_hub_input, .ctx = stream};
    struct error why;
    if (!(stream->hub = host_hub_open(stream->loop, path, &input, &why)))
        return error_set(e, "--serial shared:%s", why.text);
    return 0;
}

static int open_spec(struct host_stream *stream, const char *spec, struct error *e) {
    if (strcmp(spec, "none") == 0)
        return 0;
    if (strcmp(spec, "stdio") == 0)
        return open_stdio(stream);
    if (strncmp(spec, "file:", 5) == 0 && spec[5])
        return open_file(stream, spec + 5, e);
    if (strncmp(spec, "unix:", 5) == 0 && spec[5])
        return open_socket(stream, spec + 5, e);
    if (strncmp(spec, "shared:", 7) == 0 && spec[7])
        return open_hub(stream, spec + 7, e);
    return error_set(e, "--serial %s: expected stdio, file:PATH, unix:PATH, shared:PATH or none", spec);
}

struct host_stream *host_stream_open(
    struct host_loop *loop, const char *spec, host_call_fn *quit, void *ctx, struct error *e) {
    struct host_stream *stream = calloc(1, sizeof *stream);
    if (!stream) {
        error_set(e, "out of memory");
        return NULL;
    }
    stream->loop = loop;
    stream->in = stream->out = stream->listening = -1;
    stream->out_flags = -1;
    stream->quit = quit;
    stream->quit_ctx = ctx;
    pthread_mutex_init(&stream->lock, NULL);
    if (open_spec(stream, spec, e) < 0) {
        host_stream_close(stream);
        return NULL;
    }
    return stream;
}

void host_stream_close(struct host_stream *stream) {
    if (!stream)
        return;
    drain(stream);
    if (terminal_owner == stream)
        restore_terminal();
    if (stream->out_flags >= 0)
        fcntl(STDOUT_FILENO, F_SETFL, stream->out_flags);
    host_source_remove(stream->in_source);
    if (stream->out_source != stream->in_source)
        host_source_remove(stream->out_source);
    host_source_remove(stream->listen_source);
    if (stream->out > STDERR_FILENO)
        close(stream->out);
    if (stream->listening >= 0)
        close(stream->listening);
    if (stream->socket_path)
        unlink(stream->socket_path);
    host_hub_close(stream->hub);
    host_loop_cancel(stream->loop, stream);
    free(stream->socket_path);
    free(stream->file_path);
    pthread_mutex_destroy(&stream->lock);
    free(stream);
}
