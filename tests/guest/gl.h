/* OpenGL for programs in the guest, without headers and without a display: the functions are found by name.
 */
#pragma once

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    EGL_PLATFORM_SURFACELESS = 0x31dd,
    EGL_OPENGL_ES_API = 0x30a0,
    EGL_OPENGL_API = 0x30a2,
    EGL_CONTEXT_MAJOR_VERSION = 0x3098,
    EGL_CONTEXT_OPENGL_PROFILE_MASK = 0x30fd,
    EGL_CONTEXT_OPENGL_COMPATIBILITY_PROFILE = 2,
    EGL_NONE = 0x3038,
};

static void *egl;

static void *function(const char *name) {
    void *found = dlsym(egl, name);
    if (!found)
        found = ((void *(*)(const char *))dlsym(egl, "eglGetProcAddress"))(name);
    if (!found) {
        printf("no %s\n", name);
        exit(1);
    }
    return found;
}
#define CALL(result, name, ...) ((result(*)(__VA_ARGS__))function(#name))

/* A context of the API with these attributes, for the calls that follow. */
static void open_context(unsigned api, const int *attributes) {
    egl = dlopen("libEGL.so.1", RTLD_NOW);
    if (!egl) {
        printf("%s\n", dlerror());
        exit(1);
    }
    void *display = CALL(void *, eglGetPlatformDisplay, unsigned, void *, const void *)(
        EGL_PLATFORM_SURFACELESS, NULL, NULL);
    CALL(unsigned, eglInitialize, void *, int *, int *)(display, NULL, NULL);
    CALL(unsigned, eglBindAPI, unsigned)(api);
    void *context =
        CALL(void *, eglCreateContext, void *, void *, void *, const int *)(display, NULL, NULL, attributes);
    if (!CALL(unsigned, eglMakeCurrent, void *, void *, void *, void *)(display, NULL, NULL, context)) {
        printf("no context\n");
        exit(1);
    }
}
