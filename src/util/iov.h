/* Lists of buffers. */
#pragma once

#include <stddef.h>
#include <sys/uio.h>

/* Copies between a buffer and a list, from the list's byte offset on. Returns the number of bytes copied:
 * less than size when the list ends before. */
size_t iov_read(const struct iovec *iov, unsigned count, size_t offset, void *buffer, size_t size);
size_t iov_write(const struct iovec *iov, unsigned count, size_t offset, const void *buffer, size_t size);

size_t iov_size(const struct iovec *iov, unsigned count);
/* A view of [offset, offset + size) of a list in out, which has room for count. Returns how many it takes. */
unsigned iov_slice(struct iovec *out, const struct iovec *iov, unsigned count, size_t offset, size_t size);
/* Where [offset, offset + size) lies when that is one piece of memory; else NULL. */
void *iov_piece(const struct iovec *iov, unsigned count, size_t offset, size_t size);
void iov_zero(const struct iovec *iov, unsigned count, size_t offset, size_t size);
