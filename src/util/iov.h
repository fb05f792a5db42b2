/* Lists of buffers. */
#pragma once

#include <stddef.h>
#include <sys/uio.h>

/* Copies between a buffer and a list, from the list's byte offset on. Returns the number of bytes copied:
 * less than size when the list ends before. */
size_t iov_read(const struct iovec *iov, unsigned count, size_t offset, void *buffer, size_t size);
size_t iov_write(const struct iovec *iov, unsigned count, size_t offset, const void *buffer, size_t size);
