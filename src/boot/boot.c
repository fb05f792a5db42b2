#include "boot/boot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "boot/entry.h"

enum { SHOWN_PATH = 100 };

/* --- an entry's files */

static char *file_name(const struct volumes *volumes, const struct boot_path *file) {
    char where[256], path[SHOWN_PATH], *name = NULL;
    volume_name(volumes, file->volume, where, sizeof where);
    entry_printable(file->path, path, sizeof path);
    return asprintf(&name, "%s on %s", path, where) < 0 ? NULL : name;
}

static char *read_file(
    struct volumes *volumes, const struct boot_path *file, uint64_t limit, size_t *size, struct error *e) {
    struct extfs *fs = volume_fs(volumes, file->volume);
    struct error why = {"there is no ext file system"};
    char *data = fs ? extfs_read(fs, file->path, limit, size, &why) : NULL;
    char *name = data ? NULL : file_name(volumes, file);
    if (!data)
        error_set(e, "%s: %s", name ? name : "its kernel", why.text);
    free(name);
    return data;
}

/* One behind the other, each from a multiple of 4 bytes on, as Linux unpacks them. */
static int add_initrd(struct volumes *volumes, const struct boot_path *file, uint64_t limit,
    struct boot_files *out, struct error *e) {
    size_t size, start = (out->initrd_size + 3) & ~(size_t)3;
    if (start > limit)
        return error_set(e, "its initrds are larger than the memory");
    char *data = read_file(volumes, file, limit - start, &size, e);
    if (!data)
        return -1;
    char *all = realloc(out->initrd, start + size + 1);
    if (all) {
        memset(all + out->initrd_size, 0, start - out->initrd_size);
        memcpy(all + start, data, size);
        out->initrd = all;
        out->initrd_size = start + size;
    }
    free(data);
    return all ? 0 : error_set(e, "out of memory");
}

static int look_for_kernel(struct volumes *volumes, const struct boot_path *kernel, struct error *e) {
    struct extfs *fs = volume_fs(volumes, kernel->volume);
    return fs && extfs_exists(fs, kernel->path) ? 0 : error_set(e, "its kernel is not there");
}

static int read_files(struct volumes *volumes, const struct boot_entry *entry, uint64_t limit,
    struct boot_files *out, struct error *e) {
    if (!out)
        return look_for_kernel(volumes, &entry->kernel, e);
    out->kernel = read_file(volumes, &entry->kernel, limit, &out->kernel_size, e);
    if (!out->kernel)
        return -1;
    for (unsigned i = 0; i < entry->initrd_count; i++)
        if (add_initrd(volumes, &entry->initrds[i], limit, out, e) < 0)
            return -1;
    out->append = strdup(entry->options ? entry->options : "");
    out->kernel_name = file_name(volumes, &entry->kernel);
    if (entry->initrd_count)
        out->initrd_name = file_name(volumes, &entry->initrds[0]);
    if (!out->append || !out->kernel_name || (entry->initrd_count && !out->initrd_name))
        return error_set(e, "out of memory");
    return 0;
}

void boot_files_free(struct boot_files *files) {
    free(files->kernel_name);
    free(files->initrd_name);
    free(files->kernel);
    free(files->initrd);
    free(files->append);
    *files = (struct boot_files){0};
}

/* --- looking for one */

struct search {
    struct volumes volumes;
    uint64_t limit;
    struct boot_files *out;
    struct error failure; /* of the first entry that could not be used */
};

static bool try_reader(struct search *s, entry_reader *reader, unsigned volume, const char *directory) {
    struct boot_entry entry = {0};
    struct error why;
    int result = reader(&s->volumes, volume, directory, &entry, &why);
    if (result < 0) {
        struct error named;
        char name[256];
        volume_name(&s->volumes, volume, name, sizeof name);
        error_set(&named, "%s: %s", name, why.text);
        why = named;
    } else if (result > 0 && read_files(&s->volumes, &entry, s->limit, s->out, &why) < 0) {
        if (s->out)
            boot_files_free(s->out);
        result = -1;
    }
    if (result < 0 && !*s->failure.text)
        s->failure = why;
    entry_free(&entry);
    return result > 0;
}

static bool try_volume(struct search *s, unsigned volume, bool plain) {
    static entry_reader *const readers[] = {entry_read_bls, entry_read_extlinux, entry_read_grub};
    static const char *const directories[] = {"", "/boot"};
    if (!volume_fs(&s->volumes, volume))
        return false;
    if (plain)
        return try_reader(s, entry_read_plain, volume, "");
    for (unsigned r = 0; r < sizeof readers / sizeof *readers; r++)
        for (unsigned d = 0; d < sizeof directories / sizeof *directories; d++)
            if (try_reader(s, readers[r], volume, directories[d]))
                return true;
    return false;
}

static bool try_all(struct search *s, bool plain, bool boot_partitions) {
    for (unsigned i = 0; i < s->volumes.count; i++)
        if ((s->volumes.list[i].partition.kind == PARTITION_BOOT) == boot_partitions &&
            try_volume(s, i, plain))
            return true;
    return false;
}

static int nothing_found(struct search *s, struct error *e) {
    static const char advice[] = "; give --firmware FILE or --kernel FILE";
    unsigned ext = 0, esp = 0;
    const struct error *damage = &s->volumes.damage;
    if (*s->failure.text || *damage->text)
        return error_set(
            e, "no kernel to boot: %.380s%s", *s->failure.text ? s->failure.text : damage->text, advice);
    for (unsigned i = 0; i < s->volumes.count; i++) {
        ext += s->volumes.list[i].fs != NULL;
        esp += s->volumes.list[i].partition.kind == PARTITION_ESP;
    }
    return error_set(e,
        "no kernel to boot on %u partition%s (%u with ext2, 3 or 4, %u for EFI): no loader/entries, "
        "extlinux.conf, "
        "grub.cfg or vmlinuz was found there%s",
        s->volumes.count, s->volumes.count == 1 ? "" : "s", ext, esp, advice);
}

int boot_find(
    const struct boot_disk *disks, unsigned count, uint64_t limit, struct boot_files *out, struct error *e) {
    struct search s = {.limit = limit, .out = out};
    if (out)
        *out = (struct boot_files){0};
    int result = volumes_open(&s.volumes, disks, count, e);
    if (result == 0 && !try_all(&s, false, true) && !try_all(&s, false, false) && !try_all(&s, true, false))
        result = nothing_found(&s, e);
    volumes_close(&s.volumes);
    return result;
}
