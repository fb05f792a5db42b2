/* Runs in the guest: occlusion queries of OpenGL ES 3 whose results come later than they are asked for, as
 * what they count takes long to draw. Needs no headers and no display. Prints "QUERIES COUNT". */
#include "gl.h"

enum { ROUNDS = 20, SIZE = 1024, LAYERS = 10 };
enum {
    GL_FRAMEBUFFER = 0x8d40,
    GL_RENDERBUFFER = 0x8d41,
    GL_COLOR_ATTACHMENT0 = 0x8ce0,
    GL_RGBA8 = 0x8058,
    GL_VERTEX_SHADER = 0x8b31,
    GL_FRAGMENT_SHADER = 0x8b30,
    GL_ANY_SAMPLES_PASSED = 0x8c2f,
    GL_QUERY_RESULT = 0x8866,
    GL_TRIANGLES = 4,
};

static unsigned compile(unsigned kind, const char *text) {
    unsigned shader = CALL(unsigned, glCreateShader, unsigned)(kind);
    CALL(void, glShaderSource, unsigned, int, const char **, const int *)(shader, 1, &text, NULL);
    CALL(void, glCompileShader, unsigned)(shader);
    return shader;
}

/* A triangle over everything, whose every pixel takes long. */
static void use_slow_triangle(void) {
    unsigned program = CALL(unsigned, glCreateProgram, void)();
    void (*attach)(unsigned, unsigned) = CALL(void, glAttachShader, unsigned, unsigned);
    attach(program, compile(GL_VERTEX_SHADER,
                        "#version 300 es\nvoid main() {\n"
                        "gl_Position = vec4(gl_VertexID == 1 ? 3 : -1, gl_VertexID == 2 ? 3 : -1, 0, 1); }"));
    attach(program,
        compile(GL_FRAGMENT_SHADER,
            "#version 300 es\nprecision highp float; out vec4 color;\n"
            "void main() { float x = gl_FragCoord.x; for (int i = 0; i < 50; i++) x = sin(x) + 1.0;\n"
            "color = vec4(x); }"));
    CALL(void, glLinkProgram, unsigned)(program);
    CALL(void, glUseProgram, unsigned)(program);
}

static void use_framebuffer(void) {
    unsigned buffer, target;
    CALL(void, glGenRenderbuffers, int, unsigned *)(1, &buffer);
    CALL(void, glBindRenderbuffer, unsigned, unsigned)(GL_RENDERBUFFER, buffer);
    CALL(void, glRenderbufferStorage, unsigned, unsigned, int, int)(GL_RENDERBUFFER, GL_RGBA8, SIZE, SIZE);
    CALL(void, glGenFramebuffers, int, unsigned *)(1, &target);
    CALL(void, glBindFramebuffer, unsigned, unsigned)(GL_FRAMEBUFFER, target);
    CALL(void, glFramebufferRenderbuffer, unsigned, unsigned, unsigned, unsigned)
    (GL_FRAMEBUFFER, GL_COLOR_ATTACHMENT0, GL_RENDERBUFFER, buffer);
    CALL(void, glViewport, int, int, int, int)(0, 0, SIZE, SIZE);
}

int main(void) {
    const int attributes[] = {EGL_CONTEXT_MAJOR_VERSION, 3, EGL_NONE};
    open_context(EGL_OPENGL_ES_API, attributes);
    use_framebuffer();
    use_slow_triangle();
    unsigned query, passed = 0;
    CALL(void, glGenQueries, int, unsigned *)(1, &query);
    for (int round = 0; round < ROUNDS; round++) {
        unsigned result = 0;
        CALL(void, glBeginQuery, unsigned, unsigned)(GL_ANY_SAMPLES_PASSED, query);
        for (int i = 0; i < LAYERS; i++)
            CALL(void, glDrawArrays, unsigned, int, int)(GL_TRIANGLES, 0, 3);
        CALL(void, glEndQuery, unsigned)(GL_ANY_SAMPLES_PASSED);
        CALL(void, glGetQueryObjectuiv, unsigned, unsigned, unsigned *)(query, GL_QUERY_RESULT, &result);
        passed += result != 0;
    }
    printf("QUERIES %u\n", passed);
    return passed != ROUNDS;
}
