#include "display/sdl_gpu.h"

#include <stdlib.h>
#include <string.h>

#include "display/geometry.h"

enum { BYTES_PER_PIXEL = 4 };

/* B8G8R8A8, and the memory that it is written by. */
struct layer {
    uint32_t width, height; /* 0: there is none */
    SDL_GPUTexture *texture;
    SDL_GPUTransferBuffer *transfer; /* rows of the damage, one after the other */
    struct rect copied;              /* what lies in transfer and not yet in texture */
};

struct sdl_gpu {
    SDL_GPUDevice *device;
    SDL_Window *window;
    struct layer picture, panel;
};

struct sdl_gpu *sdl_gpu_create(SDL_Window *window, struct error *e) {
    struct sdl_gpu *gpu = calloc(1, sizeof *gpu);
    if (!gpu) {
        error_set(e, "out of memory");
        return NULL;
    }
    gpu->window = window;
    gpu->device = SDL_CreateGPUDevice(SDL_GPU_SHADERFORMAT_SPIRV | SDL_GPU_SHADERFORMAT_MSL, false, NULL);
    if (!gpu->device || !SDL_ClaimWindowForGPUDevice(gpu->device, window)) {
        error_set(e, "%s (it takes a Vulkan driver; --display none does without)", SDL_GetError());
        SDL_DestroyGPUDevice(gpu->device);
        free(gpu);
        return NULL;
    }
    return gpu;
}

static void drop(struct sdl_gpu *gpu, struct layer *layer) {
    SDL_ReleaseGPUTexture(gpu->device, layer->texture);
    SDL_ReleaseGPUTransferBuffer(gpu->device, layer->transfer);
    *layer = (struct layer){0};
}

void sdl_gpu_destroy(struct sdl_gpu *gpu) {
    if (!gpu)
        return;
    drop(gpu, &gpu->picture);
    drop(gpu, &gpu->panel);
    SDL_ReleaseWindowFromGPUDevice(gpu->device, gpu->window);
    SDL_DestroyGPUDevice(gpu->device);
    free(gpu);
}

static bool resize(struct sdl_gpu *gpu, struct layer *layer, uint32_t width, uint32_t height) {
    drop(gpu, layer);
    const SDL_GPUTextureCreateInfo texture = {
        .type = SDL_GPU_TEXTURETYPE_2D,
        .format = SDL_GPU_TEXTUREFORMAT_B8G8R8A8_UNORM,
        .usage = SDL_GPU_TEXTUREUSAGE_SAMPLER,
        .width = width,
        .height = height,
        .layer_count_or_depth = 1,
        .num_levels = 1,
    };
    const SDL_GPUTransferBufferCreateInfo transfer = {
        .usage = SDL_GPU_TRANSFERBUFFERUSAGE_UPLOAD,
        .size = width * height * BYTES_PER_PIXEL,
    };
    layer->texture = SDL_CreateGPUTexture(gpu->device, &texture);
    layer->transfer = SDL_CreateGPUTransferBuffer(gpu->device, &transfer);
    if (!layer->texture || !layer->transfer) {
        drop(gpu, layer);
        return false;
    }
    layer->width = width;
    layer->height = height;
    return true;
}

/* Rows of the damage from pixels of the layer's size. */
static void copy(struct sdl_gpu *gpu, struct layer *layer, const uint8_t *pixels, size_t stride,
    const struct rect *damage) {
    uint8_t *to = SDL_MapGPUTransferBuffer(gpu->device, layer->transfer, true);
    if (!to)
        return;
    size_t row = (size_t)damage->width * BYTES_PER_PIXEL;
    const uint8_t *from = pixels + damage->y * stride + (size_t)damage->x * BYTES_PER_PIXEL;
    for (uint32_t y = 0; y < damage->height; y++)
        memcpy(to + y * row, from + y * stride, row);
    SDL_UnmapGPUTransferBuffer(gpu->device, layer->transfer);
    layer->copied = *damage;
}

bool sdl_gpu_resize(struct sdl_gpu *gpu, uint32_t width, uint32_t height) {
    return resize(gpu, &gpu->picture, width, height);
}

bool sdl_gpu_copy(struct sdl_gpu *gpu, const struct display_frame *frame, const struct rect *damage) {
    if (gpu->picture.width != frame->width || gpu->picture.height != frame->height)
        return false;
    if (!rect_empty(damage))
        copy(gpu, &gpu->picture, frame->pixels, frame->stride, damage);
    return true;
}

void sdl_gpu_panel(struct sdl_gpu *gpu, const uint8_t *pixels, uint32_t width, uint32_t height) {
    struct layer *panel = &gpu->panel;
    if (!pixels)
        drop(gpu, panel);
    else if ((panel->width == width && panel->height == height) || resize(gpu, panel, width, height))
        copy(gpu, panel, pixels, (size_t)width * BYTES_PER_PIXEL, &(struct rect){0, 0, width, height});
}

static void upload(struct layer *layer, SDL_GPUCommandBuffer *commands) {
    if (rect_empty(&layer->copied))
        return;
    const SDL_GPUTextureTransferInfo from = {
        .transfer_buffer = layer->transfer,
        .pixels_per_row = layer->copied.width,
        .rows_per_layer = layer->copied.height,
    };
    const SDL_GPUTextureRegion to = {
        .texture = layer->texture,
        .x = layer->copied.x,
        .y = layer->copied.y,
        .w = layer->copied.width,
        .h = layer->copied.height,
        .d = 1,
    };
    SDL_GPUCopyPass *pass = SDL_BeginGPUCopyPass(commands);
    SDL_UploadToGPUTexture(pass, &from, &to, false);
    SDL_EndGPUCopyPass(pass);
    layer->copied = (struct rect){0};
}

static void clear(SDL_GPUCommandBuffer *commands, SDL_GPUTexture *target) {
    const SDL_GPUColorTargetInfo info = {
        .texture = target,
        .clear_color = {0, 0, 0, 1},
        .load_op = SDL_GPU_LOADOP_CLEAR,
        .store_op = SDL_GPU_STOREOP_STORE,
    };
    SDL_EndGPURenderPass(SDL_BeginGPURenderPass(commands, &info, 1, NULL));
}

static void draw_picture(const struct layer *picture, SDL_GPUCommandBuffer *commands, SDL_GPUTexture *target,
    const struct rect *place) {
    bool exact = place->width % picture->width == 0 && place->height % picture->height == 0;
    const SDL_GPUBlitInfo blit = {
        .source = {.texture = picture->texture, .w = picture->width, .h = picture->height},
        .destination =
            {.texture = target, .x = place->x, .y = place->y, .w = place->width, .h = place->height},
        .load_op = SDL_GPU_LOADOP_CLEAR,
        .clear_color = {0, 0, 0, 1},
        .filter = exact ? SDL_GPU_FILTER_NEAREST : SDL_GPU_FILTER_LINEAR,
    };
    SDL_BlitGPUTexture(commands, &blit);
}

/* As much of it as fits, pixel by pixel. */
static void draw_panel(const struct layer *panel, SDL_GPUCommandBuffer *commands, SDL_GPUTexture *target,
    uint32_t width, uint32_t height) {
    struct rect all = {0, 0, panel->width, panel->height};
    struct rect part = rect_intersect(&all, &(struct rect){0, 0, width, height});
    if (rect_empty(&part))
        return;
    const SDL_GPUBlitInfo blit = {
        .source = {.texture = panel->texture, .w = part.width, .h = part.height},
        .destination = {.texture = target, .w = part.width, .h = part.height},
        .load_op = SDL_GPU_LOADOP_LOAD,
        .filter = SDL_GPU_FILTER_NEAREST,
    };
    SDL_BlitGPUTexture(commands, &blit);
}

bool sdl_gpu_present(struct sdl_gpu *gpu, bool show) {
    SDL_GPUCommandBuffer *commands = SDL_AcquireGPUCommandBuffer(gpu->device);
    if (!commands)
        return false;
    upload(&gpu->picture, commands);
    upload(&gpu->panel, commands);
    SDL_GPUTexture *target = NULL;
    uint32_t width, height;
    bool acquired = SDL_WaitAndAcquireGPUSwapchainTexture(commands, gpu->window, &target, &width, &height);
    if (target) { /* there is none while the window is hidden */
        struct rect place = geometry_fit(width, height, gpu->picture.width, gpu->picture.height);
        if (show && !rect_empty(&place))
            draw_picture(&gpu->picture, commands, target, &place);
        else
            clear(commands, target);
        draw_panel(&gpu->panel, commands, target, width, height);
    }
    return SDL_SubmitGPUCommandBuffer(commands) && acquired && target;
}
