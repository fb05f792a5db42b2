/* Arm PL011 UART (DDI 0183), revision r1p3: FIFOs of 16 bytes. */
#pragma once

#include "bus/irq.h"
#include "bus/mmio.h"
#include "host/loop.h"
#include "host/stream.h"
#include "util/error.h"

struct pl011;

/* The registers (4 KiB); the device is the pl011. */
extern const struct mmio_ops pl011_ops;

/* loop and stream outlive the UART. What the stream cannot take yet waits in the transmit FIFO, and what the
 * receive FIFO cannot take waits in the stream. stream may be NULL: nothing is connected. */
struct pl011 *pl011_create(
    struct host_loop *loop, struct host_stream *stream, const struct irq_line *irq, struct error *e);
void pl011_destroy(struct pl011 *uart);
void pl011_reset(struct pl011 *uart);
