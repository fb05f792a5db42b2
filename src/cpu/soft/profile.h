/* `pearvisor run --profile`: where the guest spends its time. A thread asks each vCPU that is awake once a
 * millisecond; the vCPU answers at its next look at attention, with its exception level, PC and the callers
 * by the chain of frame pointers (AAPCS64 6.4.6). Folded stacks, as flame graphs are made of, one line a
 * sample; and /tmp/perf-PID.map, by which perf names translated code. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "util/error.h"

struct cpu;
struct profile;
struct soft_vm;

/* spec: FILE[,symbols=FILE], the latter in the format of /proc/kallsyms or System.map. NULL: the error says
 * why. */
struct profile *profile_create(const char *spec, struct soft_vm *vm, struct error *e);
/* When all vCPUs exist. */
int profile_start(struct profile *profile, struct error *e);
/* While vCPUs still exist. NULL is nothing. */
void profile_destroy(struct profile *profile);

/* On the vCPU's own thread, between instructions. */
void profile_sample(struct cpu *cpu);
/* The host code that was made of what is at guest address va. */
void profile_region(struct cpu *cpu, const void *code, size_t size, uint64_t va);
