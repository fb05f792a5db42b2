#include "gpu/virgl/library.h"

#include <dlfcn.h>
#include <stddef.h>

struct virgl_library virgl_library;

static const struct {
    const char *name;
    size_t offset;
} functions[] = {
#define VIRGL_ENTRY(member, symbol) {#symbol, offsetof(struct virgl_library, member)},
    VIRGL_FUNCTIONS(VIRGL_ENTRY)
#undef VIRGL_ENTRY
};

int virgl_library_open(struct error *e) {
    void *library =
        dlopen("libvirglrenderer.so.1", RTLD_NOW | RTLD_LOCAL); /* never closed: GL drivers stay */
    if (!library)
        return error_set(e, "no virglrenderer on this host (Debian's libvirglrenderer1): %s", dlerror());
    for (unsigned i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        void *function = dlsym(library, functions[i].name);
        if (!function) {
            dlclose(library);
            return error_set(
                e, "virglrenderer on this host is older than 1.1: it has no %s", functions[i].name);
        }
        *(void **)((char *)&virgl_library + functions[i].offset) = function;
    }
    return 0;
}
