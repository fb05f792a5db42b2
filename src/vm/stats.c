/* A VM's counters as JSON. */
#include <inttypes.h>

#include "gpu/monitor.h"
#include "vm/internal.h"

static void cpus_json(struct vm *vm, FILE *out) {
    struct engine_stats sum = {0};
    fputs("\"cpus\":[", out);
    for (unsigned i = 0; i < board_cpus(vm->board); i++) {
        struct engine_stats s;
        board_cpu_stats(vm->board, i, &s);
        fputs(i ? ",{" : "{", out);
        if (vm->counts_instructions)
            fprintf(out, "\"instructions\":%" PRIu64 ",", s.instructions);
        fprintf(out,
            "\"run_seconds\":%.3f,\"exits_mmio\":%" PRIu64 ",\"exits_sysreg\":%" PRIu64
            ",\"exits_hvc\":%" PRIu64 ",\"exits_wfi\":%" PRIu64 ",\"exceptions\":%" PRIu64
            ",\"tlb_misses\":%" PRIu64 ",\"tlb_flushes\":%" PRIu64 ",\"code_invalidations\":%" PRIu64
            ",\"translations\":%" PRIu64 ",\"chained\":%" PRIu64 ",\"code_flushes\":%" PRIu64 "}",
            (double)s.run_ns / 1e9, s.exits_mmio, s.exits_sysreg, s.exits_hvc, s.exits_wfi, s.exceptions,
            s.tlb_misses, s.tlb_flushes, s.code_invalidations, s.translations, s.chained, s.code_flushes);
        sum.instructions += s.instructions;
        sum.run_ns += s.run_ns;
    }
    fputc(']', out);
    if (!vm->counts_instructions)
        return;
    /* Million guest instructions a second of host CPU time, waiting left out. */
    double mips = sum.run_ns ? (double)sum.instructions * 1e3 / (double)sum.run_ns : 0;
    fprintf(out, ",\"instructions\":%" PRIu64 ",\"mips\":%.1f", sum.instructions, mips);
}

static void disks_json(struct vm *vm, FILE *out) {
    fputs(",\"disks\":[", out);
    for (unsigned i = 0; i < vm->disk_count; i++) {
        struct virtio_blk_stats s;
        virtio_blk_stats(vm->disks[i], &s);
        fprintf(out,
            "%s{\"reads\":%" PRIu64 ",\"writes\":%" PRIu64 ",\"flushes\":%" PRIu64 ",\"discards\":%" PRIu64
            ",\"write_zeroes\":%" PRIu64 ",\"bytes_read\":%" PRIu64 ",\"bytes_written\":%" PRIu64
            ",\"errors\":%" PRIu64 "}",
            i ? "," : "", s.reads, s.writes, s.flushes, s.discards, s.write_zeroes, s.bytes_read,
            s.bytes_written, s.errors);
    }
    fputc(']', out);
}

static void net_json(struct vm *vm, FILE *out) {
    struct virtio_net_stats s;
    virtio_net_stats(vm->net, &s);
    fprintf(out,
        ",\"net\":{\"rx_frames\":%" PRIu64 ",\"rx_bytes\":%" PRIu64 ",\"rx_dropped\":%" PRIu64
        ",\"tx_frames\":%" PRIu64 ",\"tx_bytes\":%" PRIu64 ",\"tx_dropped\":%" PRIu64 "}",
        s.rx_frames, s.rx_bytes, s.rx_dropped, s.tx_frames, s.tx_bytes, s.tx_dropped);
}

void vm_stats_json(struct vm *vm, double seconds, FILE *out) {
    fprintf(out, "{\"seconds\":%.3f,", seconds);
    cpus_json(vm, out);
    disks_json(vm, out);
    if (vm->net)
        net_json(vm, out);
    if (vm->gpu) {
        struct gpu_stats s;
        virtio_gpu_stats(vm->gpu, &s);
        fputs(",\"gpu\":", out);
        gpu_stats_json(&s, out);
    }
    fputs("}\n", out);
}
