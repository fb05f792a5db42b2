/* Memory accesses that the inline path of mem.h does not do: TLB misses, unaligned and page-crossing
 * accesses, devices, watchpoints. */
#include "cpu/soft/mem.h"

#include <string.h>

#include "cpu/soft/mmu.h"
#include "cpu/soft/replay.h"
#include "cpu/soft/soft_vm.h"

enum { SCTLR_A = 1 << 1, ZERO_BLOCK = 64 };

static unsigned in_page(uint64_t va) {
    return va & (PAGE_SIZE_4K - 1);
}

static bool crosses(uint64_t va, unsigned size) {
    return in_page(va) + size > PAGE_SIZE_4K;
}

/* Is the tag for va's page, whatever its flags? Never so for ~0, whose low bits stay. */
static bool hits(uint64_t tag, uint64_t va) {
    return (tag & ~(uint64_t)TLB_SLOW) == (va & PAGE_MASK);
}

/* The entry that allows the access, or the exception. */
static struct tlb_entry *lookup(struct cpu *cpu, unsigned mmu, uint64_t va, bool write) {
    struct tlb_entry *entry = tlb_slot(cpu, mmu, va);
    if (hits(write ? entry->write : entry->read, va))
        return entry;
    const struct tlb_entry *second = tlb_second_slot(cpu->tlb_set[mmu], va);
    if (hits(write ? second->write : second->read, va)) {
        *entry = *second;
        return entry;
    }

    struct mmu_page page;
    cpu->stats.tlb_misses++;
    if (!mmu_translate(cpu, mmu, va, write ? MMU_WRITE : MMU_READ, true, &page))
        cpu_raise_abort(cpu, va, false, write, page.fsc);
    tlb_fill(cpu, mmu, va, &page, soft_slot_find(cpu->vm, page.pa));
    return entry;
}

static uint64_t physical(const struct tlb_entry *entry, uint64_t va) {
    return (entry->info & PAGE_MASK) | in_page(va);
}

static uint64_t device_read(struct cpu *cpu, uint64_t va, uint64_t pa, unsigned size) {
    const struct engine_machine *machine = cpu->vm->machine;
    uint64_t value = 0;
    cpu->stats.exits_mmio++;
    shootdown_quiescent(cpu);
    bool answered = machine->mmio_read(machine->ctx, cpu->index, pa, size, &value);
    shootdown_active(cpu);
    if (!answered)
        cpu_raise_abort(cpu, va, false, false, FSC_EXTERNAL);
    return value;
}

static void device_write(struct cpu *cpu, uint64_t va, uint64_t pa, unsigned size, uint64_t value) {
    const struct engine_machine *machine = cpu->vm->machine;
    cpu->stats.exits_mmio++;
    shootdown_quiescent(cpu);
    bool answered = machine->mmio_write(machine->ctx, cpu->index, pa, size, value);
    shootdown_active(cpu);
    if (!answered)
        cpu_raise_abort(cpu, va, false, true, FSC_EXTERNAL);
}

/* Little-endian, as all hosts that PearVisor knows. */
static uint64_t host_read(const void *host, unsigned size) {
    switch (size) {
    case 1: return __atomic_load_n((const uint8_t *)host, __ATOMIC_RELAXED);
    case 2: return __atomic_load_n((const uint16_t *)host, __ATOMIC_RELAXED);
    case 4: return __atomic_load_n((const uint32_t *)host, __ATOMIC_RELAXED);
    default: return __atomic_load_n((const uint64_t *)host, __ATOMIC_RELAXED);
    }
}

static void host_write(void *host, unsigned size, uint64_t value) {
    switch (size) {
    case 1: __atomic_store_n((uint8_t *)host, (uint8_t)value, __ATOMIC_RELAXED); break;
    case 2: __atomic_store_n((uint16_t *)host, (uint16_t)value, __ATOMIC_RELAXED); break;
    case 4: __atomic_store_n((uint32_t *)host, (uint32_t)value, __ATOMIC_RELAXED); break;
    default: __atomic_store_n((uint64_t *)host, value, __ATOMIC_RELAXED); break;
    }
}

/* The sizes are spelled out, for the compiler to make a single access of each. */
static uint64_t host_read_unaligned(const void *host, unsigned size) {
    uint64_t value = 0;
    if (size == 8)
        memcpy(&value, host, 8);
    else if (size == 4)
        memcpy(&value, host, 4);
    else
        memcpy(&value, host, 2);
    return value;
}

static void host_write_unaligned(void *host, unsigned size, uint64_t value) {
    if (size == 8)
        memcpy(host, &value, 8);
    else if (size == 4)
        memcpy(host, &value, 4);
    else
        memcpy(host, &value, 2);
}

static bool misaligned(uint64_t va, unsigned size) {
    return va & (size - 1);
}

void mem_check_aligned(struct cpu *cpu, uint64_t va, unsigned size, bool write) {
    if (misaligned(va, size))
        cpu_raise_abort(cpu, va, false, write, FSC_ALIGNMENT);
}

/* Unaligned accesses inside a page of Normal memory are common, and need no more than this. tag: of that kind
 * of access. */
static bool plain_unaligned(
    const struct cpu *cpu, const struct tlb_entry *entry, uint64_t tag, uint64_t va, unsigned size) {
    return tag == (va & PAGE_MASK) && !crosses(va, size) && !(entry->info & TLB_INFO_DEVICE) &&
           !(cpu->sys.sctlr & SCTLR_A);
}

/* Before an access that is not aligned: all that may be wrong with it, in both pages. */
static void check_unaligned(struct cpu *cpu, unsigned mmu, uint64_t va, unsigned size, bool write) {
    if (cpu->sys.sctlr & SCTLR_A)
        cpu_raise_abort(cpu, va, false, write, FSC_ALIGNMENT);
    mem_probe(cpu, mmu, va, size, write);
    if ((tlb_slot(cpu, mmu, va)->info | tlb_slot(cpu, mmu, va + size - 1)->info) & TLB_INFO_DEVICE)
        cpu_raise_abort(cpu, va, false, write, FSC_ALIGNMENT);
}

/* Across pages, and where the guest mapped a device as Normal memory: checked before, then in bytes. */
static uint64_t read_bytes(struct cpu *cpu, unsigned mmu, uint64_t va, unsigned size) {
    uint64_t value = 0;
    for (unsigned i = 0; i < size; i++)
        value |= mem_read_slow(cpu, mmu, va + i, 1) << 8 * i;
    return value;
}

static void write_bytes(struct cpu *cpu, unsigned mmu, uint64_t va, unsigned size, uint64_t value) {
    for (unsigned i = 0; i < size; i++)
        mem_write_slow(cpu, mmu, va + i, 1, value >> 8 * i & 0xff);
}

uint64_t mem_read_slow(struct cpu *cpu, unsigned mmu, uint64_t va, unsigned size) {
    if (cpu->replay)
        return replay_read(cpu, va, size);
    const struct tlb_entry *entry = tlb_slot(cpu, mmu, va);
    bool unaligned = misaligned(va, size);
    if (unaligned && plain_unaligned(cpu, entry, entry->read, va, size))
        return host_read_unaligned((const void *)(uintptr_t)(va + entry->addend), size);
    if (unaligned)
        check_unaligned(cpu, mmu, va, size, false);
    entry = lookup(cpu, mmu, va, false);
    if (!unaligned && (entry->read & TLB_WATCH))
        cpu_check_watchpoints(cpu, mmu, va, size, false);
    if (unaligned && (crosses(va, size) || (entry->read & TLB_MMIO)))
        return read_bytes(cpu, mmu, va, size);
    if (entry->read & TLB_MMIO)
        return device_read(cpu, va, physical(entry, va), size);
    const void *host = (const void *)(uintptr_t)(va + entry->addend);
    return unaligned ? host_read_unaligned(host, size) : host_read(host, size);
}

void mem_write_slow(struct cpu *cpu, unsigned mmu, uint64_t va, unsigned size, uint64_t value) {
    if (cpu->replay) {
        replay_write(cpu, va, size, value);
        return;
    }
    const struct tlb_entry *entry = tlb_slot(cpu, mmu, va);
    bool unaligned = misaligned(va, size);
    if (unaligned && plain_unaligned(cpu, entry, entry->write, va, size)) {
        host_write_unaligned((void *)(uintptr_t)(va + entry->addend), size, value);
        return;
    }
    if (unaligned)
        check_unaligned(cpu, mmu, va, size, true);
    entry = lookup(cpu, mmu, va, true);
    if (!unaligned && (entry->write & TLB_WATCH))
        cpu_check_watchpoints(cpu, mmu, va, size, true);
    if (unaligned && (crosses(va, size) || (entry->write & TLB_MMIO))) {
        write_bytes(cpu, mmu, va, size, value);
        return;
    }
    void *host = (void *)(uintptr_t)(va + entry->addend);
    if (entry->write & TLB_MMIO)
        device_write(cpu, va, physical(entry, va), size, value);
    else if (unaligned)
        host_write_unaligned(host, size, value);
    else
        host_write(host, size, value);
}

void mem_probe(struct cpu *cpu, unsigned mmu, uint64_t va, unsigned size, bool write) {
    if (cpu->replay)
        return;
    const struct tlb_entry *entry = lookup(cpu, mmu, va, write);
    if ((write ? entry->write : entry->read) & TLB_WATCH)
        cpu_check_watchpoints(cpu, mmu, va, size, write);
    if (crosses(va, size)) {
        uint64_t second = (va & PAGE_MASK) + PAGE_SIZE_4K;
        entry = lookup(cpu, mmu, second, write);
        if ((write ? entry->write : entry->read) & TLB_WATCH)
            cpu_check_watchpoints(cpu, mmu, second, in_page(va + size), write);
    }
}

void *mem_atomic_host(struct cpu *cpu, uint64_t va, unsigned size) {
    mem_check_aligned(cpu, va, size, true);
    if (cpu->replay)
        return replay_atomic(cpu, va, size);
    /* A fault that a read would take as well is reported as one (ESR_EL1.WnR of atomics). */
    mem_probe(cpu, cpu->mmu_index, va, size, false);
    mem_probe(cpu, cpu->mmu_index, va, size, true);
    const struct tlb_entry *entry = tlb_slot(cpu, cpu->mmu_index, va);
    if (entry->write & TLB_MMIO)
        cpu_raise_abort(cpu, va, false, false, FSC_UNSUPPORTED_ATOMIC);
    return (void *)(uintptr_t)(va + entry->addend);
}

void mem_zero_block(struct cpu *cpu, uint64_t va) {
    uint64_t start = va & ~(uint64_t)(ZERO_BLOCK - 1);
    const struct tlb_entry *entry = cpu->replay ? NULL : lookup(cpu, cpu->mmu_index, va, true);
    if (entry && (entry->info & TLB_INFO_DEVICE))
        cpu_raise_abort(cpu, va, false, true, FSC_ALIGNMENT);
    if (!entry || (entry->write & (TLB_MMIO | TLB_WATCH))) {
        for (unsigned i = 0; i < ZERO_BLOCK; i += 8)
            mem_write_slow(cpu, cpu->mmu_index, start + i, 8, 0);
        return;
    }
    memset((void *)(uintptr_t)(start + entry->addend), 0, ZERO_BLOCK);
}

const uint8_t *mem_fetch_page(struct cpu *cpu, uint64_t va, uint64_t *pa) {
    if (cpu->replay)
        return replay_fetch_page(cpu, va, pa);
    unsigned mmu = cpu->el ? MMU_EL1 : MMU_EL0;
    struct tlb_fetch *entry = &cpu->tlb_set[mmu]->fetch[va >> PAGE_BITS & (TLB_FETCHES - 1)];
    if (entry->page != (va & PAGE_MASK)) {
        struct mmu_page page;
        cpu->stats.tlb_misses++;
        if (!mmu_translate(cpu, mmu, va, MMU_FETCH, true, &page))
            cpu_raise_abort(cpu, va, true, false, page.fsc);
        const struct memory_slot *slot = soft_slot_find(cpu->vm, page.pa);
        if (!slot || slot->kind == MEMORY_WINDOW)
            cpu_raise_abort(cpu, va, true, false, FSC_EXTERNAL);
        tlb_fill_fetch(cpu, mmu, va, &page, slot);
    }
    *pa = entry->info & PAGE_MASK;
    return entry->host;
}
