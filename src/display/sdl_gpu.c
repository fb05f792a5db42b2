#include "display/sdl_gpu.h"

#include <stdlib.h>
#include <string.h>

#include "display/geometry.h"

enum { BYTES_PER_PIXEL = 4 };

struct sdl_gpu {
    SDL_GPUDevice *device;
    SDL_Window *window;
    uint32_t width, height;          /* of the picture; 0: none */
    SDL_GPUTexture *picture;         /* B8G8R8A8 */
    SDL_GPUTransferBuffer *transfer; /* rows of the damage, one after the other */
    struct rect copied;              /* what lies in transfer and not yet in picture */
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

static void drop_picture(struct sdl_gpu *gpu) {
    SDL_ReleaseGPUTexture(gpu->device, gpu->picture);
    SDL_ReleaseGPUTransferBuffer(gpu->device, gpu->transfer);
    gpu->picture = NULL;
    gpu->transfer = NULL;
    gpu->width = gpu->height = 0;
    gpu->copied = (struct rect){0};
}

void sdl_gpu_destroy(struct sdl_gpu *gpu) {
    if (!gpu)
        return;
    drop_picture(gpu);
    SDL_ReleaseWindowFromGPUDevice(gpu->device, gpu->window);
    SDL_DestroyGPUDevice(gpu->device);
    free(gpu);
}

bool sdl_gpu_resize(struct sdl_gpu *gpu, uint32_t width, uint32_t height) {
    drop_picture(gpu);
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
    gpu->picture = SDL_CreateGPUTexture(gpu->device, &texture);
    gpu->transfer = SDL_CreateGPUTransferBuffer(gpu->device, &transfer);
    if (!gpu->picture || !gpu->transfer) {
        drop_picture(gpu);
        return false;
    }
    gpu->width = width;
    gpu->height = height;
    return true;
}

bool sdl_gpu_copy(struct sdl_gpu *gpu, const struct display_frame *frame, const struct rect *damage) {
    if (gpu->width != frame->width || gpu->height != frame->height)
        return false;
    if (rect_empty(damage))
        return true;
    uint8_t *to = SDL_MapGPUTransferBuffer(gpu->device, gpu->transfer, true);
    if (!to)
        return true;
    size_t row = (size_t)damage->width * BYTES_PER_PIXEL;
    const uint8_t *from = frame->pixels + damage->y * frame->stride + (size_t)damage->x * BYTES_PER_PIXEL;
    for (uint32_t y = 0; y < damage->height; y++)
        memcpy(to + y * row, from + y * frame->stride, row);
    SDL_UnmapGPUTransferBuffer(gpu->device, gpu->transfer);
    gpu->copied = *damage;
    return true;
}

static void upload(struct sdl_gpu *gpu, SDL_GPUCommandBuffer *commands) {
    const SDL_GPUTextureTransferInfo from = {
        .transfer_buffer = gpu->transfer,
        .pixels_per_row = gpu->copied.width,
        .rows_per_layer = gpu->copied.height,
    };
    const SDL_GPUTextureRegion to = {
        .texture = gpu->picture,
        .x = gpu->copied.x,
        .y = gpu->copied.y,
        .w = gpu->copied.width,
        .h = gpu->copied.height,
        .d = 1,
    };
    SDL_GPUCopyPass *pass = SDL_BeginGPUCopyPass(commands);
    SDL_UploadToGPUTexture(pass, &from, &to, false);
    SDL_EndGPUCopyPass(pass);
    gpu->copied = (struct rect){0};
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

static void draw(
    struct sdl_gpu *gpu, SDL_GPUCommandBuffer *commands, SDL_GPUTexture *target, const struct rect *place) {
    bool exact = place->width % gpu->width == 0 && place->height % gpu->height == 0;
    const SDL_GPUBlitInfo blit = {
        .source = {.texture = gpu->picture, .w = gpu->width, .h = gpu->height},
        .destination =
            {.texture = target, .x = place->x, .y = place->y, .w = place->width, .h = place->height},
        .load_op = SDL_GPU_LOADOP_CLEAR,
        .clear_color = {0, 0, 0, 1},
        .filter = exact ? SDL_GPU_FILTER_NEAREST : SDL_GPU_FILTER_LINEAR,
    };
    SDL_BlitGPUTexture(commands, &blit);
}

bool sdl_gpu_present(struct sdl_gpu *gpu, bool show) {
    SDL_GPUCommandBuffer *commands = SDL_AcquireGPUCommandBuffer(gpu->device);
    if (!commands)
        return false;
    if (gpu->copied.width)
        upload(gpu, commands);
    SDL_GPUTexture *target = NULL;
    uint32_t width, height;
    bool acquired = SDL_WaitAndAcquireGPUSwapchainTexture(commands, gpu->window, &target, &width, &height);
    if (target) { /* there is none while the window is hidden */
        struct rect place = geometry_fit(width, height, gpu->width, gpu->height);
        if (show && !rect_empty(&place))
            draw(gpu, commands, target, &place);
        else
            clear(commands, target);
    }
    return SDL_SubmitGPUCommandBuffer(commands) && acquired && target;
}
