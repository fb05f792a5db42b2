/* Small pieces of code to be tried: CODE(name, "instructions") declares name, CODE_USER does so in the pages
 * that EL0 may execute. Both end by returning to the try. */
#pragma once

#include <stdint.h>

#include "lib/offsets.h"

#define CODE_STRING(x) #x
#define CODE_NUMBER(x) CODE_STRING(x)
#define CODE_END       "svc #" CODE_NUMBER(TRY_DONE) "\n"

#define CODE(name, text)                                                                                     \
    extern const uint32_t name[];                                                                            \
    __asm__(".pushsection .text\n.balign 4\n" #name ":\n" text "\nret\n.popsection")
#define CODE_USER(name, text)                                                                                \
    extern const uint32_t name[];                                                                            \
    __asm__(".pushsection .user, \"ax\"\n.balign 4\n" #name ":\n" text "\n" CODE_END ".popsection")
