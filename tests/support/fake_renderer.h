/* A 3D renderer in plain memory: it keeps the rules of gpu/renderer.h, and ends the program when the device
 * breaks them. Surfaces of all kinds are arrays of bytes. */
#pragma once

#include "gpu/renderer.h"

enum { FAKE_CAPSET = 2, FAKE_CAPSET_SIZE = 64, FAKE_BLOB_REFUSED = 0xbad /* an id that no context has */ };

extern const struct gpu_renderer_ops fake_renderer;
/* Fences are kept, not done, until fake_renderer_complete(). For all renderers; false at first. */
extern bool fake_renderer_slow;
/* Reports the fences of a timeline up to that one. */
void fake_renderer_complete(struct gpu_timeline timeline, uint64_t fence);
/* The context is lost, as if what is behind it had died. */
void fake_renderer_lose(uint32_t context);
/* Everything submitted so far, summed up. */
extern uint64_t fake_renderer_submitted;
