#include "boot/extfs.h"

#include <com_err.h>
#include <errno.h>
#include <ext2fs/ext2fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/bytes.h"

enum {
    SUPERBLOCK = 1024, /* where it is, and how large */
    GROUPS_MAX = 1 << 20,
    LINKS_MAX = 16,
    PATH_SIZE = 4096,
    EXTENT_DEPTH_MAX = 5, /* Linux's EXT4_MAX_EXTENT_DEPTH */
};

struct extfs {
    ext2_filsys fs;
    struct storage *disk;
    struct partition where;
    uint64_t *budget; /* what may be read yet; see spend() */
    char uuid[37], label[EXT2_LABEL_LEN + 1];
};

/* --- the partition, as libext2fs reads it */

/* What the next channel is for: open() is given no more than a name. */
static _Thread_local struct extfs *opening;

static errcode_t io_open(const char *name, int flags, io_channel *out);

static errcode_t io_close(io_channel channel) {
    if (--channel->refcount > 0)
        return 0;
    free(channel->name);
    free(channel);
    return 0;
}

static errcode_t io_set_blksize(io_channel channel, int size) {
    channel->block_size = size;
    return 0;
}

/* Every read costs, and large ones more: what a file system leads the library to do comes to an end. */
static bool spend(struct extfs *fs, uint64_t size) {
    enum { UNIT = 4096 };
    uint64_t cost = 1 + size / UNIT;
    if (cost > *fs->budget)
        return false;
    *fs->budget -= cost;
    return true;
}

/* A negative count is one of bytes. */
static errcode_t io_read64(io_channel channel, unsigned long long block, int count, void *data) {
    struct extfs *fs = channel->private_data;
    uint64_t unit = (uint64_t)channel->block_size;
    uint64_t size = count < 0 ? (uint64_t) - (int64_t)count : (uint64_t)count * unit;
    if (block > fs->where.size / unit || size > fs->where.size - block * unit || !spend(fs, size))
        return EXT2_ET_SHORT_READ;
    int result = disk_read(fs->disk, fs->where.start + block * unit, data, size);
    return result < 0 ? -result : 0;
}

static errcode_t io_read(io_channel channel, unsigned long block, int count, void *data) {
    return io_read64(channel, block, count, data);
}

static errcode_t io_refuse(io_channel channel, unsigned long block, int count, const void *data) {
    (void)channel;
    (void)block;
    (void)count;
    (void)data;
    return EROFS;
}

static errcode_t io_flush(io_channel channel) {
    (void)channel;
    return 0;
}

static struct struct_io_manager manager = {
    .magic = EXT2_ET_MAGIC_IO_MANAGER,
    .name = "partition",
    .open = io_open,
    .close = io_close,
    .set_blksize = io_set_blksize,
    .read_blk = io_read,
    .read_blk64 = io_read64,
    .write_blk = io_refuse,
    .flush = io_flush,
};

static errcode_t io_open(const char *name, int flags, io_channel *out) {
    (void)flags;
    io_channel channel = calloc(1, sizeof *channel);
    if (!channel || !(channel->name = strdup(name))) {
        free(channel);
        return ENOMEM;
    }
    channel->magic = EXT2_ET_MAGIC_IO_CHANNEL;
    channel->manager = &manager;
    channel->block_size = SUPERBLOCK;
    channel->refcount = 1;
    channel->private_data = opening;
    *out = channel;
    return 0;
}

/* --- opening */

static int read_superblock(
    struct storage *disk, const struct partition *where, struct ext2_super_block *out) {
    if (where->size < 2 * SUPERBLOCK || disk_read(disk, where->start + SUPERBLOCK, out, sizeof *out) < 0)
        return -1;
    return out->s_magic == htole16(EXT2_SUPER_MAGIC) ? 0 : -1;
}

bool extfs_probe(struct storage *disk, const struct partition *where) {
    struct ext2_super_block super;
    return read_superblock(disk, where, &super) == 0;
}

/* libext2fs allocates as many group descriptors as the superblock asks for. */
static bool is_plausible(const struct partition *where, const struct ext2_super_block *super) {
    const uint8_t *s = (const uint8_t *)super;
    uint64_t blocks = bytes_le32(s + offsetof(struct ext2_super_block, s_blocks_count));
    uint32_t shift = bytes_le32(s + offsetof(struct ext2_super_block, s_log_block_size));
    uint32_t group = bytes_le32(s + offsetof(struct ext2_super_block, s_blocks_per_group));
    if (bytes_le32(s + offsetof(struct ext2_super_block, s_feature_incompat)) & EXT4_FEATURE_INCOMPAT_64BIT)
        blocks |= (uint64_t)bytes_le32(s + offsetof(struct ext2_super_block, s_blocks_count_hi)) << 32;
    return shift <= EXT2_MAX_BLOCK_LOG_SIZE - EXT2_MIN_BLOCK_LOG_SIZE && group != 0 &&
           blocks <= where->size >> (EXT2_MIN_BLOCK_LOG_SIZE + shift) && blocks / group < GROUPS_MAX;
}

static void read_names(struct extfs *fs, const struct ext2_super_block *super) {
    const uint8_t *u = super->s_uuid;
    snprintf(fs->uuid, sizeof fs->uuid,
        "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", u[0], u[1], u[2], u[3], u[4],
        u[5], u[6], u[7], u[8], u[9], u[10], u[11], u[12], u[13], u[14], u[15]);
    memcpy(fs->label, super->s_volume_name, EXT2_LABEL_LEN);
}

struct extfs *extfs_open(
    struct storage *disk, const struct partition *where, uint64_t *budget, struct error *e) {
    struct ext2_super_block super;
    if (read_superblock(disk, where, &super) < 0 || !is_plausible(where, &super)) {
        error_set(e, "its ext file system is damaged");
        return NULL;
    }
    struct extfs *fs = calloc(1, sizeof *fs);
    if (!fs) {
        error_set(e, "out of memory");
        return NULL;
    }
    *fs = (struct extfs){.disk = disk, .where = *where, .budget = budget};
    read_names(fs, &super);
    opening = fs;
    initialize_ext2_error_table();
    errcode_t failed = ext2fs_open2("partition", NULL, EXT2_FLAG_64BITS, 0, 0, &manager, &fs->fs);
    opening = NULL;
    if (failed) {
        error_set(e, "its ext file system cannot be read: %s", error_message(failed));
        free(fs);
        return NULL;
    }
    return fs;
}

void extfs_close(struct extfs *fs) {
    if (!fs)
        return;
    ext2fs_free(fs->fs);
    free(fs);
}

const char *extfs_uuid(const struct extfs *fs) {
    return fs->uuid;
}

const char *extfs_label(const struct extfs *fs) {
    return fs->label;
}

/* --- inodes */

/* libext2fs goes as deep into a tree of extents as the inode says. */
static errcode_t read_inode(struct extfs *fs, ext2_ino_t number, struct ext2_inode *out) {
    enum { DEPTH = 6 }; /* struct ext3_extent_header */
    errcode_t failed = ext2fs_read_inode(fs->fs, number, out);
    if (!failed && (out->i_flags & EXT4_EXTENTS_FL) &&
        bytes_le16((const uint8_t *)out->i_block + DEPTH) > EXTENT_DEPTH_MAX)
        return EXT2_ET_EXTENT_HEADER_BAD;
    return failed;
}

/* At most size bytes, which the inode has. */
static errcode_t read_contents(
    struct extfs *fs, ext2_ino_t number, struct ext2_inode *inode, char *out, uint64_t size) {
    enum { READS_A_BLOCK = 1 + EXTENT_DEPTH_MAX, BLOCK_COST_MAX = 1 + (64 >> 2), CHUNK = 1 << 20 };
    ext2_file_t file;
    errcode_t failed = ext2fs_file_open2(fs->fs, number, inode, 0, &file);
    if (failed)
        return failed;
    uint64_t *search = fs->budget;
    uint64_t budget = READS_A_BLOCK * BLOCK_COST_MAX * (size / fs->fs->blocksize + 1);
    fs->budget = &budget;
    for (unsigned got; size && !failed; size -= got, out += got) {
        failed = ext2fs_file_read(file, out, size < CHUNK ? (unsigned)size : CHUNK, &got);
        if (!failed && !got)
            failed = EXT2_ET_SHORT_READ;
    }
    fs->budget = search;
    ext2fs_file_close(file);
    return failed;
}

static errcode_t read_link(
    struct extfs *fs, ext2_ino_t number, struct ext2_inode *inode, char out[PATH_SIZE]) {
    uint64_t size = EXT2_I_SIZE(inode);
    if (size == 0 || size >= PATH_SIZE)
        return EXT2_ET_SYMLINK_LOOP;
    out[size] = 0;
    if (!ext2fs_is_fast_symlink(inode))
        return read_contents(fs, number, inode, out, size);
    if (size > sizeof inode->i_block)
        return EXT2_ET_INODE_CORRUPTED;
    memcpy(out, inode->i_block, size);
    return 0;
}

/* Puts a link's target in front of what is left of the path behind it. */
static errcode_t insert_link(
    struct extfs *fs, ext2_ino_t number, struct ext2_inode *inode, char path[PATH_SIZE], const char *rest) {
    char target[PATH_SIZE];
    errcode_t failed = read_link(fs, number, inode, target);
    if (failed)
        return failed;
    size_t length = strlen(target), more = strlen(rest);
    if (length + 1 + more >= PATH_SIZE)
        return EXT2_ET_SYMLINK_LOOP;
    memmove(path + length + 1, rest, more + 1);
    memcpy(path, target, length);
    path[length] = '/';
    return 0;
}

/* The inode that a path leads to, all links followed. (ext2fs_namei() trusts a link's size.) */
static errcode_t find(struct extfs *fs, const char *name, ext2_ino_t *number, struct ext2_inode *inode) {
    char path[PATH_SIZE];
    if (strlen(name) >= sizeof path)
        return EXT2_ET_FILE_NOT_FOUND;
    strcpy(path, name);
    ext2_ino_t directory = EXT2_ROOT_INO;
    errcode_t failed = read_inode(fs, *number = EXT2_ROOT_INO, inode);
    unsigned links = 0;
    for (char *at = path; !failed;) {
        at += strspn(at, "/");
        size_t length = strcspn(at, "/");
        if (!length)
            return 0;
        if (!LINUX_S_ISDIR(inode->i_mode))
            return EXT2_ET_FILE_NOT_FOUND;
        directory = *number;
        failed = ext2fs_lookup(fs->fs, directory, at, (int)length, NULL, number);
        if (failed || (failed = read_inode(fs, *number, inode)))
            return failed;
        at += length;
        if (!LINUX_S_ISLNK(inode->i_mode))
            continue;
        if (++links > LINKS_MAX)
            return EXT2_ET_SYMLINK_LOOP;
        if ((failed = insert_link(fs, *number, inode, path, at)))
            return failed;
        at = path;
        failed = read_inode(fs, *number = *path == '/' ? EXT2_ROOT_INO : directory, inode);
    }
    return failed;
}

/* --- what others ask for */

bool extfs_exists(struct extfs *fs, const char *path) {
    ext2_ino_t number;
    struct ext2_inode inode;
    return find(fs, path, &number, &inode) == 0;
}

char *extfs_read(struct extfs *fs, const char *path, uint64_t limit, size_t *size, struct error *e) {
    ext2_ino_t number;
    struct ext2_inode inode;
    char *data = NULL;
    errcode_t failed = find(fs, path, &number, &inode);
    if (failed) {
        error_set(e, "%s", error_message(failed));
    } else if (!LINUX_S_ISREG(inode.i_mode)) {
        error_set(e, "not a regular file");
    } else if (EXT2_I_SIZE(&inode) > limit) {
        error_set(e, "larger than %llu KiB", (unsigned long long)limit >> 10);
    } else if (!(data = malloc(EXT2_I_SIZE(&inode) + 1))) {
        error_set(e, "out of memory");
    } else if ((failed = read_contents(fs, number, &inode, data, EXT2_I_SIZE(&inode)))) {
        error_set(e, "%s", error_message(failed));
        free(data);
        data = NULL;
    } else {
        *size = EXT2_I_SIZE(&inode);
        data[*size] = 0;
    }
    return data;
}

struct listing {
    bool (*found)(void *ctx, const char *name);
    void *ctx;
};

static int on_entry(struct ext2_dir_entry *entry, int offset, int block_size, char *buffer, void *ctx) {
    const struct listing *listing = ctx;
    char name[EXT2_NAME_LEN + 1] = {0};
    (void)offset;
    (void)block_size;
    (void)buffer;
    memcpy(name, entry->name, (size_t)ext2fs_dirent_name_len(entry));
    return listing->found(listing->ctx, name) ? 0 : DIRENT_ABORT;
}

void extfs_list(struct extfs *fs, const char *path, bool (*found)(void *ctx, const char *name), void *ctx) {
    struct listing listing = {found, ctx};
    ext2_ino_t number;
    struct ext2_inode inode;
    if (find(fs, path, &number, &inode) == 0 && LINUX_S_ISDIR(inode.i_mode))
        ext2fs_dir_iterate(fs->fs, number, 0, NULL, on_entry, &listing);
}
