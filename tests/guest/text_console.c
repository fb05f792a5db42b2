/* Runs in the guest: writes on the framebuffer console, then tells what the kernel believes to show there, so
 * that check_console.py can draw the same with the kernel's own font and palette:
 *
 *   FONT width height hex       256 glyphs, one bit a pixel (KDFONTOP)
 *   PALETTE hex                 16 colours in ANSI order (GIO_CMAP)
 *   CELLS columns rows hex      character and attribute (vcsa(4))
 *   SHOWN WxH
 *
 * Then it waits for SIGTERM. Its arguments are not used. */
#include <errno.h>
#include <fcntl.h>
#include <linux/kd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { GLYPHS = 256, GLYPH_PITCH = 32, MAX_CELLS = 64 * 1024 };

static void die(const char *what) {
    fprintf(stderr, "text_console: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void print_hex(const uint8_t *data, size_t size) {
    for (size_t i = 0; i < size; i++)
        printf("%02x", data[i]);
    printf("\n");
}

/* No cursor; every glyph, every colour on every other, the four corners. */
static void write_text(int fd) {
    dprintf(fd, "\033[?25l\033[r\033[0m\033[2J\033[H");
    dprintf(fd, "PearVisor: the quick brown fox jumps over the lazy dog, 0123456789.\n\n");
    dprintf(fd, "\033[11m"); /* all codes are glyphs now (console_codes(4)) */
    for (int c = 32; c < GLYPHS; c++)
        dprintf(fd, "%c%s", c == 0x7f || c == 0x9b ? ' ' : c, c % 64 == 63 ? "\n" : "");
    dprintf(fd, "\033[10m\n");
    for (int back = 0; back < 8; back++) {
        for (int fore = 0; fore < 16; fore++)
            dprintf(fd, "\033[0;%s%d;%dm %x%x ", fore < 8 ? "" : "1;", 30 + fore % 8, 40 + back, back, fore);
        dprintf(fd, "\033[0m\n");
    }
    dprintf(fd, "\033[0;7mreverse\033[0m \033[999;1Hbottom left\033[999;999H#");
}

static void print_font(int fd) {
    static uint8_t data[GLYPHS * GLYPH_PITCH];
    struct console_font_op font = {
        .op = KD_FONT_OP_GET, .width = 8, .height = GLYPH_PITCH, .charcount = GLYPHS, .data = data};
    if (ioctl(fd, KDFONTOP, &font) < 0)
        die("KDFONTOP");
    printf("FONT %u %u ", font.width, font.height);
    for (unsigned i = 0; i < GLYPHS; i++) /* KDFONTOP leaves 32 rows to each */
        memmove(data + i * font.height, data + i * GLYPH_PITCH, font.height);
    print_hex(data, (size_t)GLYPHS * font.height);
    uint8_t palette[48];
    if (ioctl(fd, GIO_CMAP, palette) < 0)
        die("GIO_CMAP");
    printf("PALETTE ");
    print_hex(palette, sizeof palette);
}

static void print_cells(void) {
    static uint8_t cells[4 + 2 * MAX_CELLS]; /* rows, columns, cursor x, y; then the cells */
    int fd = open("/dev/vcsa1", O_RDONLY);
    ssize_t size = fd < 0 ? -1 : read(fd, cells, sizeof cells);
    if (size < 4)
        die("/dev/vcsa1");
    printf("CELLS %u %u ", cells[1], cells[0]);
    print_hex(cells + 4, (size_t)size - 4);
}

static void print_size(void) {
    unsigned width, height;
    FILE *f = fopen("/sys/class/graphics/fb0/virtual_size", "r");
    if (!f || fscanf(f, "%u,%u", &width, &height) != 2)
        die("/sys/class/graphics/fb0/virtual_size");
    fclose(f);
    printf("SHOWN %ux%u\n", width, height);
}

int main(void) {
    int fd = open("/dev/tty1", O_RDWR);
    if (fd < 0)
        die("/dev/tty1");
    write_text(fd);
    sleep(1); /* what is drawn reaches the screen in the background */
    print_font(fd);
    print_cells();
    print_size();
    fflush(stdout);
    pause();
}
