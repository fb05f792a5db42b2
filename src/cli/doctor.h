/* What `pearvisor doctor` finds out, a line for each thing. */
#pragma once

#include <stdbool.h>

/* "ok" or "--", the thing, and what there is or what to do. */
void doctor_line(bool ok, const char *thing, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Vulkan devices, and what of them matters to guests. */
void doctor_vulkan(void);
