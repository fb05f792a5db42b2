/* `--engine soft,verify`: memory as the second execution of a stretch of guest code sees it, by the
 * interpreter on a shadow of the vCPU (struct cpu.replay is not NULL there). What the translated code did
 * first was logged: loads give the values that it got, stores are compared with what it wrote, and nothing
 * reaches memory again. A difference does not return. On hosts without the translator there is no replay. */
#pragma once

#include <stdint.h>

#include "cpu/soft/cpu.h"

#ifdef __x86_64__
/* size: 1, 2, 4, 8 */
uint64_t replay_read(struct cpu *cpu, uint64_t va, unsigned size);
void replay_write(struct cpu *cpu, uint64_t va, unsigned size, uint64_t value);
/* What an atomic instruction may work on (up to 16 bytes): a copy of what it found. */
void *replay_atomic(struct cpu *cpu, uint64_t va, unsigned size);
/* mem_fetch_page(), without exceptions. */
const uint8_t *replay_fetch_page(struct cpu *cpu, uint64_t va, uint64_t *pa);
#else
static inline uint64_t replay_read(struct cpu *cpu, uint64_t va, unsigned size) {
    (void)cpu, (void)va, (void)size;
    return 0;
}
static inline void replay_write(struct cpu *cpu, uint64_t va, unsigned size, uint64_t value) {
    (void)cpu, (void)va, (void)size, (void)value;
}
static inline void *replay_atomic(struct cpu *cpu, uint64_t va, unsigned size) {
    (void)cpu, (void)va, (void)size;
    return NULL;
}
static inline const uint8_t *replay_fetch_page(struct cpu *cpu, uint64_t va, uint64_t *pa) {
    (void)cpu, (void)va, (void)pa;
    return NULL;
}
#endif
