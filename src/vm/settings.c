#include "vm/settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "display/display.h"
#include "virtio/p9.h"

#define MIN_GPU_WINDOW     (64ull << 20)
#define MAX_GPU_WINDOW     (256ull << 30)
#define DEFAULT_GPU_WINDOW (8ull << 30)

enum {
    MIN_MEMORY = 64 << 20,
    MEMORY_GRANULE = 2 << 20,
    MIN_SIDE = 64,
    MAX_SIDE = 8192,
};

static const struct engine *const engines[] = {&engine_soft};

void vm_config_init(struct vm_config *config) {
    *config = (struct vm_config){
        .cpus = 2,
        .memory = 1u << 30,
        .engine = engines[0],
        .gpu = VM_GPU_AUTO,
        .gpu_window = DEFAULT_GPU_WINDOW,
        .gpu_outputs = 1,
        .net = VM_NET_USER,
        .guest = NET_GUEST_FIRST,
        .serial = "none",
        .width = 1280,
        .height = 800,
    };
}

static int parse_number(const char *text, unsigned long low, unsigned long high, unsigned *out) {
    char *end;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || errno || value < low || value > high)
        return -1;
    *out = (unsigned)value;
    return 0;
}

int vm_parse_size(const char *text, uint64_t *bytes) {
    static const char units[] = "KMGT";
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    unsigned shift = 20;
    const char *unit = *end ? strchr(units, *end & ~0x20) : NULL;
    if (unit) {
        shift = 10 * (unsigned)(unit - units + 1);
        end++;
        if (*end == 'i' || *end == 'I')
            end++;
        if (*end == 'b' || *end == 'B')
            end++;
    }
    if (*text < '0' || *text > '9' || *end || errno || value > UINT64_MAX >> shift)
        return -1;
    *bytes = (uint64_t)value << shift;
    return 0;
}

static int set_cpus(struct vm_config *config, char *text, struct error *e) {
    if (parse_number(text, 1, BOARD_MAX_CPUS, &config->cpus) < 0)
        return error_set(e, "expected a number from 1 to %d", BOARD_MAX_CPUS);
    return 0;
}

static int set_memory(struct vm_config *config, char *text, struct error *e) {
    if (vm_parse_size(text, &config->memory) < 0)
        return error_set(e, "expected a size such as 512M or 2G");
    if (config->memory < MIN_MEMORY || config->memory % MEMORY_GRANULE)
        return error_set(e, "expected a multiple of 2M, at least 64M");
    return 0;
}

static int set_engine(struct vm_config *config, char *text, struct error *e) {
    if (strcmp(text, "auto") == 0) {
        config->engine = engines[0];
        return 0;
    }
    char *comma = strchr(text, ',');
    if (comma)
        *comma = 0;
    for (unsigned i = 0; i < sizeof engines / sizeof *engines; i++)
        if (strcmp(text, engines[i]->name) == 0) {
            config->engine = engines[i];
            config->engine_options = comma ? comma + 1 : NULL;
            return 0;
        }
    return error_set(e, "expected auto or soft");
}

/* Options are taken from the end, so that the file's name may have commas. */
static int set_disk(struct vm_config *config, char *text, struct error *e) {
    if (config->disk_count == VM_MAX_DISKS)
        return error_set(e, "more than %d disks", VM_MAX_DISKS);
    struct vm_disk *disk = &config->disks[config->disk_count++];
    disk->path = text;
    for (char *comma; (comma = strrchr(text, ','));) {
        if (strcmp(comma, ",ro") == 0)
            disk->read_only = true;
        else if (strncmp(comma, ",format=", 8) != 0)
            break;
        else if (storage_format_parse(comma + 8, &disk->format) < 0)
            return error_set(e, "expected format=raw or format=qcow2");
        *comma = 0;
    }
    return *text ? 0 : error_set(e, "expected FILE[,format=raw|qcow2][,ro]");
}

/* Without a tag, the directory's own name. */
static int set_share(struct vm_config *config, char *text, struct error *e) {
    if (config->share_count == VM_MAX_SHARES)
        return error_set(e, "more than %d shared directories", VM_MAX_SHARES);
    unsigned n = config->share_count++;
    size_t length = strlen(text);
    config->shares[n].read_only = length > 3 && strcmp(text + length - 3, ",ro") == 0;
    if (config->shares[n].read_only)
        text[length - 3] = 0;
    char *comma = strrchr(text, ','), *slash = strrchr(text, '/');
    if (comma && comma > slash)
        *comma = 0;
    else
        comma = NULL;
    config->shares[n].path = text;
    config->shares[n].tag = comma ? comma + 1 : slash ? slash + 1 : text;
    length = strlen(config->shares[n].tag);
    if (!*text || length > VIRTIO_P9_TAG_MAX)
        return error_set(e, "expected DIRECTORY[,TAG][,ro], the tag of up to %d bytes", VIRTIO_P9_TAG_MAX);
    if (!length)
        return error_set(e, "expected a tag behind a comma, as the directory has no name of its own");
    return 0;
}

static int set_gpu_option(struct vm_config *config, const char *text, struct error *e) {
    uint64_t *size = &config->gpu_window;
    if (strncmp(text, "window=", 7) == 0) {
        if (vm_parse_size(text + 7, size) == 0 && *size >= MIN_GPU_WINDOW && *size <= MAX_GPU_WINDOW &&
            *size % MEMORY_GRANULE == 0)
            return 0;
        return error_set(e, "expected window=SIZE, from 64M to 256G");
    }
    if (strncmp(text, "outputs=", 8) != 0)
        return error_set(e, "expected window=SIZE or outputs=N after a comma, not %s", text);
    if (parse_number(text + 8, 1, DISPLAY_MAX_SCANOUTS, &config->gpu_outputs) < 0)
        return error_set(e, "expected outputs=N, from 1 to %d", DISPLAY_MAX_SCANOUTS);
    return 0;
}

static int set_gpu(struct vm_config *config, char *text, struct error *e) {
    static const struct {
        const char *name;
        enum vm_gpu gpu;
    } kinds[] = {{"off", VM_GPU_OFF}, {"2d", VM_GPU_2D}, {"virgl", VM_GPU_VIRGL}, {"venus", VM_GPU_VENUS},
        {"3d", VM_GPU_3D}, {"auto", VM_GPU_AUTO}};
    char *rest = NULL;
    text = strtok_r(text, ",", &rest);
    for (char *option; text && (option = strtok_r(NULL, ",", &rest));)
        if (set_gpu_option(config, option, e) < 0)
            return -1;
    for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (text && strcmp(text, kinds[i].name) == 0) {
            config->gpu = kinds[i].gpu;
            return 0;
        }
    return error_set(e, "expected off, 2d, virgl, venus, 3d or auto");
}

static int find_net(const char *name, enum vm_net *net) {
    static const char *const names[] = {
        [VM_NET_OFF] = "off", [VM_NET_USER] = "user", [VM_NET_ISOLATED] = "isolated"};
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0) {
            *net = (enum vm_net)i;
            return 0;
        }
    return -1;
}

static int set_net_option(struct vm_config *config, char *item, struct error *e) {
    if (config->net != VM_NET_OFF && strncmp(item, "capture=", 8) == 0 && item[8]) {
        config->capture = item + 8;
        return 0;
    }
    if (config->net == VM_NET_OFF || strncmp(item, "forward=", 8) != 0)
        return error_set(e, "'%s': expected forward=tcp:HOSTPORT-GUESTPORT or capture=FILE", item);
    if (config->forward_count == VM_MAX_FORWARDS)
        return error_set(e, "more than %d forwards", VM_MAX_FORWARDS);
    config->forwards[config->forward_count++] = item + 8;
    return 0;
}

static int set_net(struct vm_config *config, char *text, struct error *e) {
    char *rest = NULL;
    char *kind = strtok_r(text, ",", &rest);
    if (!kind || find_net(kind, &config->net) < 0)
        return error_set(e, "expected off, user or isolated, and options after commas");
    for (char *item; (item = strtok_r(NULL, ",", &rest));)
        if (set_net_option(config, item, e) < 0)
            return -1;
    return 0;
}

static int set_resolution(struct vm_config *config, char *text, struct error *e) {
    char *by = strchr(text, 'x');
    if (by)
        *by++ = 0;
    if (!by || parse_number(text, MIN_SIDE, MAX_SIDE, &config->width) < 0 ||
        parse_number(by, MIN_SIDE, MAX_SIDE, &config->height) < 0)
        return error_set(e, "expected WIDTHxHEIGHT, each %d to %d", MIN_SIDE, MAX_SIDE);
    return 0;
}

#define FILE_SETTING(member)                                                                                 \
    static int set_##member(struct vm_config *config, char *text, struct error *e) {                         \
        if (!*text)                                                                                          \
            return error_set(e, "expected the name of a file");                                              \
        config->member = text;                                                                               \
        return 0;                                                                                            \
    }
FILE_SETTING(kernel)
FILE_SETTING(initrd)

static int set_firmware(struct vm_config *config, char *text, struct error *e) {
    char *variables = strstr(text, ",vars=");
    if (variables) {
        *variables = 0;
        config->variables = variables + strlen(",vars=");
    }
    config->firmware = text;
    if (!*text || (variables && !*config->variables))
        return error_set(e, "expected FILE[,vars=FILE]");
    return 0;
}

static int set_append(struct vm_config *config, char *text, struct error *e) {
    (void)e;
    config->append = text;
    return 0;
}

static const struct setting {
    const char *name;
    int (*set)(struct vm_config *config, char *text, struct error *e);
    bool repeats;
} settings[] = {
    {"kernel", set_kernel, false},
    {"firmware", set_firmware, false},
    {"initrd", set_initrd, false},
    {"append", set_append, false},
    {"disk", set_disk, true},
    {"share", set_share, true},
    {"cpus", set_cpus, false},
    {"memory", set_memory, false},
    {"engine", set_engine, false},
    {"gpu", set_gpu, false},
    {"net", set_net, false},
    {"resolution", set_resolution, false},
};

enum { SETTINGS = sizeof settings / sizeof *settings };

static const struct setting *find(const char *name) {
    for (unsigned i = 0; i < SETTINGS; i++)
        if (strcmp(name, settings[i].name) == 0)
            return &settings[i];
    return NULL;
}

bool vm_setting_known(const char *name) {
    return find(name) != NULL;
}

bool vm_setting_repeats(const char *name) {
    const struct setting *setting = find(name);
    return setting && setting->repeats;
}

const char *vm_setting_name(unsigned n) {
    return n < SETTINGS ? settings[n].name : NULL;
}

int vm_setting_set(struct vm_config *config, const char *name, char *value, struct error *e) {
    return find(name)->set(config, value, e);
}
