/* Included by fp_host.h, once a format: see there. No include guard on purpose. */

#define HOST_HIDDEN   ((HOST_UINT)1 << HOST_FRACTION)
#define HOST_SIGN     ((HOST_UINT)1 << (HOST_BITS - 1))
#define HOST_INFINITY ((HOST_UINT)(HOST_SIGN - HOST_HIDDEN))

static inline HOST_FLOAT HOST(value)(HOST_UINT bits) {
    HOST_FLOAT value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline HOST_UINT HOST(bits)(HOST_FLOAT value) {
    HOST_UINT bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline bool HOST(is_normal)(HOST_UINT bits) {
    return (bits & ~HOST_SIGN) - HOST_HIDDEN < HOST_INFINITY - HOST_HIDDEN;
}

static inline bool HOST(is_usable)(HOST_UINT bits) {
    return HOST(is_normal)(bits) || (bits & ~HOST_SIGN) == 0;
}

static inline bool HOST(is_nearest)(const struct cpu *cpu) {
    return !(cpu->fpcr & FPCR_RMODE);
}

/* Strictly above the smallest normal number and below infinity. */
static inline bool HOST(is_plain)(HOST_UINT bits) {
    return (bits & ~HOST_SIGN) - HOST_HIDDEN - 1 < HOST_INFINITY - HOST_HIDDEN - 1;
}

/* The bits between the highest and the lowest one set of a normal number's significand, both included. */
static inline int HOST(width)(HOST_UINT bits) {
    return HOST_FRACTION + 1 - __builtin_ctzll(bits | HOST_HIDDEN);
}

static inline bool HOST(product_is_exact)(HOST_UINT a, HOST_UINT b) {
    return HOST(width)(a) + HOST(width)(b) <= HOST_FRACTION + 1;
}

/* Sets IXC if x + y is not sum, its rounded value. False where a step could overflow. */
static inline bool HOST(note_sum)(struct cpu *cpu, HOST_FLOAT x, HOST_FLOAT y, HOST_FLOAT sum) {
    if (cpu->fpsr & FPSR_IXC)
        return true;
    if ((HOST(bits)(sum) & ~HOST_SIGN) >= HOST_INFINITY - HOST_HIDDEN)
        return false;
    HOST_FLOAT y_part = sum - x;
    HOST_FLOAT x_part = sum - y_part;
    HOST_FLOAT y_error = y - y_part;
    HOST_FLOAT x_error = x - x_part;
    if (x_error + y_error != 0)
        cpu->fpsr |= FPSR_IXC;
    return true;
}

static inline bool HOST(add)(struct cpu *cpu, uint64_t a, uint64_t b, uint64_t *result) {
    if (!HOST(is_nearest)(cpu) || !HOST(is_usable)(a) || !HOST(is_usable)(b))
        return false;
    HOST_FLOAT x = HOST(value)(a), y = HOST(value)(b), sum = x + y;
    *result = HOST(bits)(sum);
    if (sum == 0) /* never by underflow: a sum is a multiple of the smallest denormal */
        return true;
    return HOST(is_plain)(*result) && HOST(note_sum)(cpu, x, y, sum);
}

static inline bool HOST(sub)(struct cpu *cpu, uint64_t a, uint64_t b, uint64_t *result) {
    return HOST(add)(cpu, a, (HOST_UINT)b ^ HOST_SIGN, result);
}

static inline bool HOST(mul)(struct cpu *cpu, uint64_t a, uint64_t b, uint64_t *result) {
    if (!HOST(is_nearest)(cpu) || !HOST(is_usable)(a) || !HOST(is_usable)(b))
        return false;
    HOST_FLOAT x = HOST(value)(a), y = HOST(value)(b);
    *result = HOST(bits)(x * y);
    if (x == 0 || y == 0)
        return true;
    return HOST(is_plain)(*result) && (cpu->fpsr & FPSR_IXC || HOST(product_is_exact)(a, b));
}

static inline bool HOST(div)(struct cpu *cpu, uint64_t a, uint64_t b, uint64_t *result) {
    if (!HOST(is_nearest)(cpu) || !HOST(is_usable)(a) || !HOST(is_normal)(b))
        return false;
    HOST_FLOAT x = HOST(value)(a), y = HOST(value)(b), quotient = x / y;
    *result = HOST(bits)(quotient);
    if (x == 0)
        return true;
    if (!HOST(is_plain)(*result))
        return false;
    return cpu->fpsr & FPSR_IXC || (HOST(product_is_exact)(*result, b) && quotient * y == x);
}

static inline bool HOST(sqrt)(struct cpu *cpu, uint64_t a, uint64_t *result) {
    if (!HOST(is_nearest)(cpu) || !HOST(is_normal)(a) || a & HOST_SIGN)
        return false;
    HOST_FLOAT x = HOST(value)(a), root = HOST_SQRT(x);
    *result = HOST(bits)(root);
    return cpu->fpsr & FPSR_IXC || (HOST(product_is_exact)(*result, *result) && root * root == x);
}

static inline bool HOST(muladd)(struct cpu *cpu, uint64_t addend, uint64_t a, uint64_t b, uint64_t *result) {
    if (!HOST(is_nearest)(cpu) || !HOST(is_usable)(addend) || !HOST(is_normal)(a) || !HOST(is_normal)(b))
        return false;
    HOST_FLOAT x = HOST(value)(a), y = HOST(value)(b), z = HOST(value)(addend);
    HOST_FLOAT sum = HOST_FMA(x, y, z);
    *result = HOST(bits)(sum);
    if (!HOST(is_plain)(*result))
        return false;
    if (cpu->fpsr & FPSR_IXC)
        return true;
    HOST_FLOAT product = x * y;
    return HOST(is_plain)(HOST(bits)(product)) && HOST(product_is_exact)(a, b) &&
           HOST(note_sum)(cpu, product, z, sum);
}

#undef HOST_HIDDEN
#undef HOST_SIGN
#undef HOST_INFINITY
#undef HOST_BITS
#undef HOST_FLOAT
#undef HOST_UINT
#undef HOST_FRACTION
#undef HOST_FMA
#undef HOST_SQRT
#undef HOST
