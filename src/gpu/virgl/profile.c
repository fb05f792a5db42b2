/* Which of OpenGL's profiles virglrenderer draws with. A guest's Mesa offers its programs both; in a core
 * profile virglrenderer cannot draw all that the compatibility profile has: GL_CLAMP with a border, integer
 * formats of alpha alone, fronts and backs filled differently. */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "gpu/virgl/internal.h"

enum { GL_VERSION = 0x1f02 };

/* Of the context that is current; NULL without one. */
static const char *gl_version(void) {
    void *egl = dlopen("libEGL.so.1", RTLD_NOW | RTLD_LOCAL); /* virglrenderer's, which is never closed */
    if (!egl)
        return NULL;
    const char *version = NULL;
    void *(*find)(const char *name);
    const char *(*get_string)(unsigned name);
    *(void **)&find = dlsym(egl, "eglGetProcAddress");
    if (find) {
        *(void **)&get_string = find("glGetString");
        version = get_string ? get_string(GL_VERSION) : NULL;
    }
    dlclose(egl);
    return version;
}

/* In a compatibility profile virglrenderer leaves the types of integer attributes and outputs to the driver,
 * which OpenGL leaves undefined and Mesa passes bit by bit; and some of Mesa's drivers have an older OpenGL
 * in that profile. */
bool virgl_compatibility_suffices(void) {
    virgl_library.force_ctx_0();
    const char *version = gl_version();
    unsigned major, minor;
    return version && strstr(version, "Mesa") && sscanf(version, "%u.%u", &major, &minor) == 2 &&
           major * 10 + minor >= 43;
}
