/* What the files of the virtio-gpu device share. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <sys/uio.h>

#include "virtio/gpu/gpu.h"
#include "virtio/gpu/protocol.h"
#include "virtio/gpu/trace.h"

enum {
    GPU_QUEUE_SIZE = 256,
    GPU_PAGE = 4096, /* virtio-gpu's own (5.7.6.8), whatever the host's are */
    GPU_MAX_PENDING =
        2 * GPU_QUEUE_SIZE,    /* fenced commands on their way; no more are taken while it is full */
    GPU_MAX_BACKING = 1 << 18, /* pieces of a resource's backing: 1 GiB of single pages */
    GPU_BUCKETS = 256,
    GPU_MAX_CONTEXTS = 1024,
    GPU_MAX_RINGS = 64,        /* of a context (5.7.6.7) */
    GPU_MAX_SUBMIT = 16 << 20, /* bytes of commands at once */
};

struct gpu_context {
    struct gpu_context *next; /* in its bucket */
    uint32_t id;
    bool lost; /* the renderer has none any more, and every command in it fails */
};

struct gpu_resource {
    struct gpu_resource *next; /* in its bucket */
    uint32_t id;
    struct gpu_image image; /* 0 x 0: cannot be shown as it is, or written by 2D commands */
    uint64_t charge;        /* bytes of host memory that it accounts for, its backing left out */
    struct gpu_surface *surface;

    uint64_t blob_size; /* 0: not a blob */
    bool mappable, mapped;
    uint64_t window_offset; /* while mapped */

    /* The backing as the guest gave it, and as the renderer reads it. */
    struct virtio_gpu_mem_entry *entries;
    struct iovec *iov;
    uint32_t entry_count;
    uint64_t backing_charge;
};

struct gpu_scanout {
    /* Proposed to the guest by the user; under gpu->proposal_lock. 0 x 0: disconnected. */
    uint32_t proposed_width, proposed_height;

    /* What the guest shows: nothing when resource_id is 0. */
    uint32_t resource_id;
    struct rect rect;
    struct gpu_layout layout; /* of the picture in a blob; 0 x 0 when the resource is none */
    uint32_t lender;          /* the resource whose memory the display's frame is; 0: none */
    struct rect stale;        /* what the display's frame has not got yet; in the scanout's coordinates */

    uint64_t frame_charge; /* of the display's frame, which stays when the scanout is turned off */

    struct {
        uint32_t resource_id, hot_x, hot_y;
        int32_t x, y;
    } cursor;
};

/* A fenced command whose response is written and which waits for the renderer. */
struct gpu_pending {
    unsigned queue;
    uint16_t head;
    uint32_t written;
    struct gpu_timeline timeline;
    uint64_t fence;    /* ours, not the guest's, which may be anything */
    uint64_t since_ns; /* the bell that it rang */
    bool done;
};

/* All that the guest can see, but for the contents of resources, which are the renderer's. */
struct gpu_state {
    uint64_t features; /* negotiated */
    _Atomic uint32_t events_read;
    struct gpu_scanout scanouts[VIRTIO_GPU_MAX_SCANOUTS];
    struct gpu_resource *resources[GPU_BUCKETS];
    struct gpu_context *contexts[GPU_BUCKETS];
    unsigned context_count;
    uint64_t host_memory; /* bytes that resources and frames account for */

    /* Under gpu->pending_lock, as are the rings of what was used; in the order of arrival. */
    struct gpu_pending pending[GPU_MAX_PENDING];
    unsigned pending_count;
    uint32_t lost[GPU_MAX_CONTEXTS]; /* contexts that the renderer lost and the GPU thread has not seen to */
    unsigned lost_count;
};

struct virtio_gpu {
    struct virtio_gpu_config config;
    struct virtio_device *transport;
    void *renderer;
    void *spare; /* config.fallback's renderer, until it is known whether it is needed */
    struct gpu_monitor *monitor;
    struct gpu_trace *trace; /* NULL: none */
    unsigned capset_count;

    struct gpu_state state; /* the GPU thread's, unless it says otherwise */
    pthread_mutex_t proposal_lock, pending_lock;

    /* The GPU thread leaves off as soon as running is false. */
    pthread_t thread;
    atomic_bool running, stop;
    atomic_bool poll_wanted;      /* by the renderer */
    atomic_bool ready;            /* the renderer is there, and with it what the device offers */
    pthread_mutex_t callers_lock; /* of gpu_worker_call(): one at a time */
    pthread_mutex_t call_lock;    /* of the function that the thread is asked to call */
    pthread_cond_t called;
    int (*call)(struct virtio_gpu *gpu, struct error *e);
    struct error *call_error;
    int call_result;
    _Atomic uint32_t wake;    /* counts reasons to look again */
    _Atomic uint64_t bell_ns; /* when the driver rang last; 0: heard */
    uint64_t last_fence;
    struct virtq_chain chain; /* the command at hand */
};

/* --- worker.c: the thread */

int gpu_worker_start(struct virtio_gpu *gpu, struct error *e);
void gpu_worker_stop(struct virtio_gpu *gpu);
/* Has function called on the GPU's thread, between two commands, and returns its result. */
int gpu_worker_call(
    struct virtio_gpu *gpu, int (*function)(struct virtio_gpu *gpu, struct error *e), struct error *e);
/* Has it called soon. */
void gpu_worker_post(struct virtio_gpu *gpu, int (*function)(struct virtio_gpu *gpu, struct error *e));
void gpu_worker_wake(struct virtio_gpu *gpu);
/* A gpu_renderer_host's fence_done() and poll_wanted(). */
void gpu_worker_fence_done(void *gpu, struct gpu_timeline timeline, uint64_t fence);
void gpu_worker_poll_wanted(void *gpu);

/* The context ends: what waits for one of its rings is done. */
void gpu_worker_forget_context(struct virtio_gpu *gpu, uint32_t context);

/* --- command.c: one request */

struct gpu_request {
    union {
        struct virtio_gpu_ctrl_hdr hdr;
        struct virtio_gpu_get_edid get_edid;
        struct virtio_gpu_resource_create_2d create_2d;
        struct virtio_gpu_resource_only resource_only;
        struct virtio_gpu_set_scanout set_scanout;
        struct virtio_gpu_resource_flush flush;
        struct virtio_gpu_transfer_to_host_2d transfer;
        struct virtio_gpu_resource_attach_backing attach;
        struct virtio_gpu_update_cursor cursor;
        struct virtio_gpu_get_capset_info get_capset_info;
        struct virtio_gpu_get_capset get_capset;
        struct virtio_gpu_resource_create_blob create_blob;
        struct virtio_gpu_set_scanout_blob set_scanout_blob;
        struct virtio_gpu_ctx_create ctx_create;
        struct virtio_gpu_resource_create_3d create_3d;
        struct virtio_gpu_transfer_host_3d transfer_3d;
        struct virtio_gpu_cmd_submit submit;
        struct virtio_gpu_resource_map_blob map_blob;
    } in; /* a copy: the guest cannot change it any more */
    const struct virtq_chain *chain;

    union {
        struct virtio_gpu_ctrl_hdr hdr;
        struct virtio_gpu_resp_display_info display_info;
        struct virtio_gpu_resp_edid edid;
        struct virtio_gpu_resp_capset_info capset_info;
        struct virtio_gpu_resp_capset capset;
        struct virtio_gpu_resp_resource_uuid uuid;
        struct virtio_gpu_resp_map_info map_info;
    } out; /* the header is filled by gpu_command() */
    size_t out_size;
};

struct gpu_result {
    uint32_t written; /* bytes of the response in the chain */
    bool fenced;
    struct gpu_timeline timeline;
};

/* Carries out the command in chain and writes its response into it. */
struct gpu_result gpu_command(struct virtio_gpu *gpu, unsigned queue, const struct virtq_chain *chain);
void gpu_command_names(struct gpu_stats *stats);

/* Handlers: each returns the type of its response. */
typedef uint32_t gpu_handler(struct virtio_gpu *gpu, struct gpu_request *request);

uint32_t gpu_response_of(enum gpu_status status);

/* --- resource.c */

gpu_handler gpu_resource_create_2d, gpu_resource_unref, gpu_resource_attach_backing,
    gpu_resource_detach_backing, gpu_transfer_to_host_2d;

bool gpu_known_format(uint32_t format);
/* A resource with that new id, which accounts for charge bytes and has no surface yet; NULL, and the response
 * in *error, when there can be none. */
struct gpu_resource *gpu_resource_new(struct virtio_gpu *gpu, uint32_t id, uint64_t charge, uint32_t *error);
/* Its surface was made, or was not: puts it in the table, or frees it. Returns the response. */
uint32_t gpu_resource_settle(struct virtio_gpu *gpu, struct gpu_resource *resource, enum gpu_status status);
/* Reads the count entries at offset of the request and finds each in RAM; they become the resource's. Returns
 * the response. */
uint32_t gpu_backing_read(struct virtio_gpu *gpu, const struct virtq_chain *chain, size_t offset,
    uint32_t count, struct gpu_resource *resource);
struct gpu_resource *gpu_resource_find(struct virtio_gpu *gpu, uint32_t id);
/* Accounts for bytes of host memory; false when the guest has used up its share. */
bool gpu_charge(struct virtio_gpu *gpu, uint64_t bytes);
void gpu_resources_clear(struct virtio_gpu *gpu);

/* --- context.c: 3D */

gpu_handler gpu_get_capset_info, gpu_get_capset, gpu_ctx_create, gpu_ctx_destroy, gpu_ctx_attach_resource,
    gpu_ctx_detach_resource, gpu_resource_create_3d, gpu_transfer_to_host_3d, gpu_transfer_from_host_3d,
    gpu_submit_3d;

bool gpu_context_exists(struct virtio_gpu *gpu, uint32_t id); /* and works */
/* A gpu_renderer_host's context_lost(). */
void gpu_context_lost(void *gpu, uint32_t id);
/* Lets go of what was lost: fences of those contexts are done. */
void gpu_contexts_bury(struct virtio_gpu *gpu);
void gpu_contexts_clear(struct virtio_gpu *gpu);
/* Finds how many sets there are, once the renderer is. */
void gpu_capsets_count(struct virtio_gpu *gpu);

/* --- blob.c */

gpu_handler gpu_resource_assign_uuid, gpu_resource_create_blob, gpu_resource_map_blob,
    gpu_resource_unmap_blob;

/* Takes it out of the window, if it is there. */
void gpu_blob_unmap(struct virtio_gpu *gpu, struct gpu_resource *resource);

/* --- scanout.c */

gpu_handler gpu_get_display_info, gpu_get_edid, gpu_set_scanout, gpu_set_scanout_blob, gpu_resource_flush,
    gpu_update_cursor, gpu_move_cursor;

/* The resource goes away: nothing shows it any more. */
void gpu_scanouts_forget(struct virtio_gpu *gpu, uint32_t resource_id);
/* Shows what SET_SCANOUT brought into view and no flush has followed, and what was flushed while no viewer
 * was ready: to viewers that are, or (refresh) in any case. */
void gpu_scanouts_show(struct virtio_gpu *gpu);
void gpu_scanouts_refresh(struct virtio_gpu *gpu);
void gpu_scanouts_clear(struct virtio_gpu *gpu);
