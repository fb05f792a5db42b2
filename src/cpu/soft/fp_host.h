/* Arithmetic on the host's FPU, for the usual case: rounding to nearest, operands zero or normal, and a
 * result that is normal and above the smallest normal number (there, tininess before rounding is not visible
 * in it), so that FPCR.DN and FPCR.FZ do not matter and no flag but IXC can change. Each function returns
 * false when the host's answer may differ; the caller then takes the exact way.
 *
 * IXC is sticky: where it is set already, nothing needs to be known about exactness. Before that, a sum's
 * error is computed (Knuth's TwoSum), and a product is exact when the widths of the odd parts of its factors
 * fit.
 *
 * The host's own rounding mode must be to nearest and its denormals honoured, as a C program finds them. A
 * compiler that fuses products into sums does no harm: the only products that meet a sum here are exact. */
#pragma once

#include <float.h>
#include <math.h>
#include <string.h>

#include "cpu/soft/fp.h"

_Static_assert(FLT_EVAL_METHOD == 0, "float and double operations must round to their own type");

#define HOST_BITS     32
#define HOST_FLOAT    float
#define HOST_UINT     uint32_t
#define HOST_FRACTION 23
#define HOST_FMA      fmaf
#define HOST_SQRT     sqrtf
#define HOST(name)    host_##name##32
#include "cpu/soft/fp_host_ops.h"

#define HOST_BITS     64
#define HOST_FLOAT    double
#define HOST_UINT     uint64_t
#define HOST_FRACTION 52
#define HOST_FMA      fma
#define HOST_SQRT     sqrt
#define HOST(name)    host_##name##64
#include "cpu/soft/fp_host_ops.h"
