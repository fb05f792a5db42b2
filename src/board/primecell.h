/* What Arm's PrimeCell peripherals share: 32-bit registers at multiples of 4 and an identification block.
 * Accesses that are not aligned to 4 read as zero and write nothing; wider ones see one register. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { PRIMECELL_ID = 0xfe0 };

static inline bool primecell_is_register(uint64_t offset) {
    return (offset & 3) == 0;
}

/* PeriphID0-3 (part and revision; designed by Arm) and PCellID0-3. offset is from PRIMECELL_ID to 0xffc. */
static inline uint32_t primecell_id(uint64_t offset, uint16_t part, uint8_t revision) {
    const uint8_t id[] = {part & 0xff, 0x10 | part >> 8, revision << 4 | 4, 0, 0x0d, 0xf0, 0x05, 0xb1};
    return id[(offset - PRIMECELL_ID) / 4];
}
