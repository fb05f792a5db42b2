#include "cpu/soft/fp.h"

#define MEMBER16(name) .name = fp16_##name,
#define MEMBER32(name) .name = fp32_##name,
#define MEMBER64(name) .name = fp64_##name,

const struct fp_ops fp_ops[4] = {
    [1] = {FP_UNARY_OPS(MEMBER16) FP_BINARY_OPS(MEMBER16) FP_TERNARY_OPS(MEMBER16)},
    [2] = {FP_UNARY_OPS(MEMBER32) FP_BINARY_OPS(MEMBER32) FP_TERNARY_OPS(MEMBER32)},
    [3] = {FP_UNARY_OPS(MEMBER64) FP_BINARY_OPS(MEMBER64) FP_TERNARY_OPS(MEMBER64)},
};
