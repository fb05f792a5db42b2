#include "cpu/soft/fp.h"

#define MEMBER16(name) .name = fp16_##name,
#define MEMBER32(name) .name = fp32_##name,
#define MEMBER64(name) .name = fp64_##name,

const struct fp_ops fp_ops[4] = {
    [1] = {FP_UNARY_OPS(MEMBER16) FP_BINARY_OPS(MEMBER16) FP_TERNARY_OPS(MEMBER16)},
    [2] = {FP_UNARY_OPS(MEMBER32) FP_BINARY_OPS(MEMBER32) FP_TERNARY_OPS(MEMBER32)},
    [3] = {FP_UNARY_OPS(MEMBER64) FP_BINARY_OPS(MEMBER64) FP_TERNARY_OPS(MEMBER64)},
};

/* --- the host's floating point, for translated code (MXCSR; Intel SDM volume 1, 10.2.3). Rounding is 0 to
 * nearest, 1 down, 2 up, 3 to zero; flags are IE DE ZE OE UE PE, of which DE has no counterpart here. */
enum { MXCSR_FLAGS = 0x3f, MXCSR_MASKED = 0x1f80, MXCSR_ROUNDING_SHIFT = 13 };

/* Default NaNs, and all of half precision, are up to the handlers. Where FZ flushes a result, IXC is not set,
 * but the host sets it before it can be seen that the result is denormal: so IXC must be set already. */
static uint8_t usable(const struct cpu *cpu) {
    unsigned fpen = cpu->sys.cpacr >> 20 & 3;
    if (fpen != 3 && (fpen != 1 || cpu->el == 0))
        return 0;
    if (!(cpu->fpcr & FPCR_FZ))
        return FP_ACCESS | FP_PLAIN | FP_CAREFUL;
    return cpu->fpsr & FPSR_IXC ? FP_ACCESS | FP_CAREFUL : FP_ACCESS;
}

void cpu_fp_changed(struct cpu *cpu) {
    static const uint8_t rounding[] = {0, 2, 1, 3};
    cpu_fp_fold_flags(cpu);
    cpu->fp_usable = usable(cpu);
    cpu->mxcsr = MXCSR_MASKED | (uint32_t)rounding[fp_rounding_mode(cpu)] << MXCSR_ROUNDING_SHIFT;
}

void cpu_fp_fold_flags(struct cpu *cpu) {
    const uint32_t flags = cpu->mxcsr & MXCSR_FLAGS;
    cpu->fpsr |= (flags & FPSR_IOC) | (flags >> 1 & (FPSR_DZC | FPSR_OFC | FPSR_UFC | FPSR_IXC));
    cpu->mxcsr &= ~(uint32_t)MXCSR_FLAGS;
}
