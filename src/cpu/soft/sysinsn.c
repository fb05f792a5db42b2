/* The system instructions: TLB and cache maintenance, address translation (ARM ARM C5.3 to C5.5). */
#include "cpu/soft/mem.h"
#include "cpu/soft/mmu.h"
#include "cpu/soft/soft_vm.h"
#include "cpu/soft/syndrome.h"
#include "util/log.h"

enum { SCTLR_DZE = 14, SCTLR_UCI = 26, TCR_AS = 36 };

static bool bit(uint64_t value, unsigned n) {
    return value >> n & 1;
}

static _Noreturn void unknown(struct cpu *cpu, const struct a64_insn *insn, uint32_t key) {
    if (cpu->el)
        log_guest("vCPU %u: unknown system instruction S1_%u_C%u_C%u_%u at 0x%llx", cpu->index, key >> 11 & 7,
            key >> 7 & 15, key >> 3 & 15, key & 7, (unsigned long long)cpu->pc);
    cpu_raise_undefined(cpu, insn);
}

/* --- TLBI */

enum { TLBI_VMALL = 0, TLBI_VA = 1, TLBI_ASID = 2, TLBI_VAA = 3, TLBI_VAL = 5, TLBI_VAAL = 7 }; /* op2 */

static uint32_t operand_asid(const struct cpu *cpu, uint64_t value) {
    return (uint32_t)(value >> 48) & (bit(cpu->sys.tcr, TCR_AS) ? 0xffff : 0xff);
}

/* VA[55:12] in bits 43:0, sign-extended. */
static uint64_t operand_va(uint64_t value) {
    return (uint64_t)((int64_t)(value << 20) >> 8);
}

static bool tlbi_page(
    const struct cpu *cpu, unsigned op2, uint64_t value, struct shootdown_request *request) {
    switch (op2) {
    case TLBI_VMALL: request->kind = SHOOTDOWN_TLB_ALL; return true;
    case TLBI_ASID:
        request->kind = SHOOTDOWN_TLB_ASID;
        request->asid = operand_asid(cpu, value);
        return true;
    case TLBI_VA:
    case TLBI_VAL:
    case TLBI_VAA:
    case TLBI_VAAL:
        request->kind = SHOOTDOWN_TLB_PAGES;
        request->asid = op2 == TLBI_VA || op2 == TLBI_VAL ? operand_asid(cpu, value) : TLB_NO_ASID;
        request->address = operand_va(value);
        request->count = 1;
        return true;
    default: return false;
    }
}

/* FEAT_TLBIRANGE: BaseADDR in bits 36:0, NUM 43:39, SCALE 45:44, TG 47:46, ASID 63:48; the base is in units
 * of TG. */
static bool tlbi_range(
    const struct cpu *cpu, unsigned op2, uint64_t value, struct shootdown_request *request) {
    static const uint8_t shifts[4] = {12, 12, 14, 16};
    if (op2 != TLBI_VA && op2 != TLBI_VAL && op2 != TLBI_VAA && op2 != TLBI_VAAL)
        return false;
    unsigned shift = shifts[value >> 46 & 3], scale = value >> 44 & 3;
    uint64_t units = ((value >> 39 & 0x1f) + 1) << (5 * scale + 1);
    request->kind = SHOOTDOWN_TLB_PAGES;
    request->asid = op2 == TLBI_VA || op2 == TLBI_VAL ? operand_asid(cpu, value) : TLB_NO_ASID;
    request->address = (uint64_t)((int64_t)(value << 27) >> 27) << shift;
    request->count = units << (shift - PAGE_BITS);
    return true;
}

static void tlbi(struct cpu *cpu, const struct a64_insn *insn, uint32_t key, uint64_t value) {
    /* CRm: the outer and inner shareable domains are all vCPUs. */
    enum { OS = 1, RANGE_IS = 2, IS = 3, RANGE_OS = 5, RANGE_LOCAL = 6, LOCAL = 7 };
    unsigned crm = key >> 3 & 15;
    bool range = crm == RANGE_IS || crm == RANGE_OS || crm == RANGE_LOCAL;
    struct shootdown_request request = {.asid = TLB_NO_ASID};
    if (cpu->el == 0)
        cpu_raise_undefined(cpu, insn);
    if ((key >> 11 & 7) != 0 || (!range && crm != OS && crm != IS && crm != LOCAL) ||
        !(range ? tlbi_range : tlbi_page)(cpu, key & 7, value, &request))
        unknown(cpu, insn, key);
    shootdown_perform(cpu, &request);
    if (crm != LOCAL && crm != RANGE_LOCAL)
        shootdown_broadcast(cpu, &request);
}

/* --- AT */

static void address_translate(struct cpu *cpu, unsigned mmu, bool write, uint64_t va) {
    struct mmu_page page;
    if (mmu_translate(cpu, mmu, va, write ? MMU_WRITE : MMU_READ, false, &page))
        cpu->sys.par =
            page.pa | (uint64_t)page.attributes << 56 | (uint64_t)page.shareability << 7 | 1 << 11 | 1 << 9;
    else
        cpu->sys.par = 1 | (uint64_t)page.fsc << 1 | 1 << 11;
}

/* --- caches: there are none to maintain, but the address must translate (D7.5.9.7) */

static uint64_t maintain(struct cpu *cpu, uint64_t va, enum mmu_access access) {
    struct mmu_page page;
    if (!mmu_translate(cpu, cpu->el ? MMU_EL1 : MMU_EL0, va, access, true, &page)) {
        cpu->sys.far = va;
        cpu_raise(cpu, EC_DATA_ABORT + cpu->el, page.fsc | ISS_CM | ISS_WNR, false);
    }
    return page.pa;
}

static void invalidate_code(struct cpu *cpu, const struct shootdown_request *request, bool others) {
    shootdown_perform(cpu, request);
    if (others)
        shootdown_broadcast(cpu, request);
}

static void el0_needs(struct cpu *cpu, const struct a64_insn *insn, uint32_t key, unsigned sctlr_bit) {
    if (cpu->el == 0 && !bit(cpu->sys.sctlr, sctlr_bit))
        cpu_raise(cpu, EC_SYSREG, sysreg_iss(key, insn->word & 31, false), false);
}

/* What EL0 may use too: op1 is 3. */
static void el0_cache(struct cpu *cpu, const struct a64_insn *insn, uint32_t key, uint64_t value) {
    switch (key) {
    case ENGINE_SYSREG(1, 3, 7, 4, 1): /* DC ZVA */
        el0_needs(cpu, insn, key, SCTLR_DZE);
        mem_zero_block(cpu, value);
        break;
    case ENGINE_SYSREG(1, 3, 7, 5, 1): /* IC IVAU */
        el0_needs(cpu, insn, key, SCTLR_UCI);
        invalidate_code(cpu,
            &(struct shootdown_request){
                .kind = SHOOTDOWN_CODE_PAGE, .address = maintain(cpu, value, MMU_READ) & PAGE_MASK},
            true);
        break;
    case ENGINE_SYSREG(1, 3, 7, 10, 1): /* DC CVAC */
    case ENGINE_SYSREG(1, 3, 7, 11, 1): /* DC CVAU */
    case ENGINE_SYSREG(1, 3, 7, 12, 1): /* DC CVAP */
    case ENGINE_SYSREG(1, 3, 7, 14, 1): /* DC CIVAC */
        el0_needs(cpu, insn, key, SCTLR_UCI);
        maintain(cpu, value, MMU_READ);
        break;
    default: unknown(cpu, insn, key);
    }
}

static void el1_cache(struct cpu *cpu, const struct a64_insn *insn, uint32_t key, uint64_t value) {
    static const struct shootdown_request all = {.kind = SHOOTDOWN_CODE_ALL};
    if (cpu->el == 0)
        cpu_raise_undefined(cpu, insn);
    switch (key) {
    case ENGINE_SYSREG(1, 0, 7, 1, 0): invalidate_code(cpu, &all, true); break;              /* IC IALLUIS */
    case ENGINE_SYSREG(1, 0, 7, 5, 0): invalidate_code(cpu, &all, false); break;             /* IC IALLU */
    case ENGINE_SYSREG(1, 0, 7, 6, 1): maintain(cpu, value, MMU_WRITE); break;               /* DC IVAC */
    case ENGINE_SYSREG(1, 0, 7, 6, 2):                                                       /* DC ISW */
    case ENGINE_SYSREG(1, 0, 7, 10, 2):                                                      /* DC CSW */
    case ENGINE_SYSREG(1, 0, 7, 14, 2): break;                                               /* DC CISW */
    case ENGINE_SYSREG(1, 0, 7, 8, 0): address_translate(cpu, MMU_EL1, false, value); break; /* S1E1R */
    case ENGINE_SYSREG(1, 0, 7, 8, 1): address_translate(cpu, MMU_EL1, true, value); break;  /* S1E1W */
    case ENGINE_SYSREG(1, 0, 7, 8, 2): address_translate(cpu, MMU_EL0, false, value); break; /* S1E0R */
    case ENGINE_SYSREG(1, 0, 7, 8, 3): address_translate(cpu, MMU_EL0, true, value); break;  /* S1E0W */
    case ENGINE_SYSREG(1, 0, 7, 9, 0):
        address_translate(cpu, cpu->mmu_index, false, value);
        break; /* S1E1RP */
    case ENGINE_SYSREG(1, 0, 7, 9, 1):
        address_translate(cpu, cpu->mmu_index, true, value);
        break; /* S1E1WP */
    default: unknown(cpu, insn, key);
    }
}

void cpu_sys_insn(struct cpu *cpu, const struct a64_insn *insn, uint32_t key, uint64_t value) {
    unsigned op1 = key >> 11 & 7, crn = key >> 7 & 15;
    if (crn == 8)
        tlbi(cpu, insn, key, value);
    else if (crn == 7 && op1 == 3)
        el0_cache(cpu, insn, key, value);
    else if (crn == 7 && op1 == 0)
        el1_cache(cpu, insn, key, value);
    else
        unknown(cpu, insn, key);
}
