/* Runs in the guest: what only OpenGL's compatibility profile has, GL_CLAMP. A linear filter at a texture's
 * edge takes half of the border's colour. Prints "CLAMP R G B", 128 128 0 where that is so. */
#include "gl.h"

enum {
    GL_TEXTURE_2D = 0x0de1,
    GL_TEXTURE_MAG_FILTER = 0x2800,
    GL_TEXTURE_MIN_FILTER = 0x2801,
    GL_TEXTURE_WRAP_S = 0x2802,
    GL_TEXTURE_WRAP_T = 0x2803,
    GL_TEXTURE_BORDER_COLOR = 0x1004,
    GL_LINEAR = 0x2601,
    GL_CLAMP = 0x2900,
    GL_RGBA = 0x1908,
    GL_RGBA8 = 0x8058,
    GL_UNSIGNED_BYTE = 0x1401,
    GL_FRAMEBUFFER = 0x8d40,
    GL_COLOR_ATTACHMENT0 = 0x8ce0,
    GL_TRIANGLE_STRIP = 5,
};
enum { SIZE = 16 };

static unsigned make_texture(int size, const void *pixels) {
    unsigned texture;
    CALL(void, glGenTextures, int, unsigned *)(1, &texture);
    CALL(void, glBindTexture, unsigned, unsigned)(GL_TEXTURE_2D, texture);
    CALL(void, glTexImage2D, unsigned, int, int, int, int, int, unsigned, unsigned, const void *)
    (GL_TEXTURE_2D, 0, GL_RGBA8, size, size, 0, GL_RGBA, GL_UNSIGNED_BYTE, pixels);
    return texture;
}

static void draw_into(unsigned target) {
    unsigned framebuffer;
    CALL(void, glGenFramebuffers, int, unsigned *)(1, &framebuffer);
    CALL(void, glBindFramebuffer, unsigned, unsigned)(GL_FRAMEBUFFER, framebuffer);
    CALL(void, glFramebufferTexture2D, unsigned, unsigned, unsigned, unsigned, int)
    (GL_FRAMEBUFFER, GL_COLOR_ATTACHMENT0, GL_TEXTURE_2D, target, 0);
    CALL(void, glViewport, int, int, int, int)(0, 0, SIZE, SIZE);
}

/* A red texture with a green border. */
static void use_texture(void) {
    static const unsigned char red[] = {255, 0, 0, 255};
    static const float green[] = {0, 1, 0, 1};
    make_texture(1, red);
    void (*set)(unsigned, unsigned, int) = CALL(void, glTexParameteri, unsigned, unsigned, int);
    set(GL_TEXTURE_2D, GL_TEXTURE_MIN_FILTER, GL_LINEAR);
    set(GL_TEXTURE_2D, GL_TEXTURE_MAG_FILTER, GL_LINEAR);
    set(GL_TEXTURE_2D, GL_TEXTURE_WRAP_S, GL_CLAMP);
    set(GL_TEXTURE_2D, GL_TEXTURE_WRAP_T, GL_CLAMP);
    CALL(void, glTexParameterfv, unsigned, unsigned, const float *)
    (GL_TEXTURE_2D, GL_TEXTURE_BORDER_COLOR, green);
    CALL(void, glEnable, unsigned)(GL_TEXTURE_2D);
}

/* A square over everything, all of it at the middle of the texture's right edge. */
static void draw_edge(void) {
    CALL(void, glBegin, unsigned)(GL_TRIANGLE_STRIP);
    for (int corner = 0; corner < 4; corner++) {
        CALL(void, glTexCoord2f, float, float)(1, 0.5F);
        CALL(void, glVertex2f, float, float)(corner & 1 ? 1 : -1, corner & 2 ? 1 : -1);
    }
    CALL(void, glEnd, void)();
}

int main(void) {
    const int attributes[] = {
        EGL_CONTEXT_OPENGL_PROFILE_MASK, EGL_CONTEXT_OPENGL_COMPATIBILITY_PROFILE, EGL_NONE};
    unsigned char pixel[4];
    open_context(EGL_OPENGL_API, attributes);
    draw_into(make_texture(SIZE, NULL));
    use_texture();
    draw_edge();
    CALL(void, glReadPixels, int, int, int, int, unsigned, unsigned, void *)
    (SIZE / 2, SIZE / 2, 1, 1, GL_RGBA, GL_UNSIGNED_BYTE, pixel);
    printf("CLAMP %d %d %d\n", pixel[0], pixel[1], pixel[2]);
    return 0;
}
