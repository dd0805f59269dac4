// The directory of compiled programs. A file is a header and the driver's binary; it is named by a hash of all that the
// binary depends on. Whatever is wrong with a file, the program is compiled from its source instead.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "opencl/program.h"

enum { MAX_PATH = 1024, FORMAT = 1, VENDOR_NVIDIA = 0x10DE };

typedef struct file_header {
    char magic[8];
    uint64_t format, bytes, checksum;
    apus__cl_file_key key;
} file_header;

static const char magic[8] = "apus-cl";

/// FNV-1a, from two starts where a name is made of it.
static uint64_t hash(uint64_t start, const void *data, size_t bytes) {
    const unsigned char *at = data;
    for (size_t i = 0; i < bytes; i++) start = (start ^ at[i]) * 0x100000001b3u;
    return start;
}

apus__cl_file_key apus__cl_file_key_of(const apus__cl_device *d, const apus__cl_family *family, const char *options) {
    apus__cl_file_key key = {{0xcbf29ce484222325u, 0x9e3779b97f4a7c15u}};
    const char *const parts[] = {
        apus_version(), d->platform, d->info.name, d->info.vendor, d->info.driver, d->info.version, options,
    };
    for (int i = 0; i < 2; i++) {
        uint64_t *h = &key.hash[i];
        // Each part with the zero behind it, so that none runs into the next.
        for (int32_t k = 0; k < APUS__COUNT(parts); k++) *h = hash(*h, parts[k], strlen(parts[k]) + 1);
        for (int k = 0; k < APUS__CL_MAX_SOURCES && family->sources[k] != NULL; k++)
            *h = hash(*h, family->sources[k], strlen(family->sources[k]) + 1);
    }
    return key;
}

/// The directory, made where it is missing; false where nothing is to be kept.
static bool find_directory(char path[MAX_PATH], bool make) {
    const char *chosen = getenv("APUS_OPENCL_CACHE"), *base = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    int length;
    if (chosen != NULL && chosen[0] != '\0') {
        if (strcmp(chosen, "0") == 0) return false;
        length = snprintf(path, MAX_PATH, "%s", chosen);
    } else if (base != NULL && base[0] == '/') {
        length = snprintf(path, MAX_PATH, "%s/apus/opencl", base);
    } else if (home != NULL && home[0] == '/') {
        length = snprintf(path, MAX_PATH, "%s/.cache/apus/opencl", home);
    } else {
        return false;
    }
    if (length <= 0 || length >= MAX_PATH - 64) return false;
    for (char *slash = strchr(path + 1, '/'); make && slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(path, 0777);
        *slash = '/';
    }
    return !make || mkdir(path, 0777) == 0 || errno == EEXIST;
}

static bool find_path(char path[MAX_PATH], apus__cl_file_key key, bool make) {
    if (!find_directory(path, make)) return false;
    size_t length = strlen(path);
    snprintf(path + length, MAX_PATH - length, "/%016llx%016llx.bin", (unsigned long long)key.hash[0],
             (unsigned long long)key.hash[1]);
    return true;
}

/// NVIDIA's binaries are an intermediate language, and its driver keeps programs by itself.
static bool is_kept(const apus__cl_device *d) { return d->vendor_id != VENDOR_NVIDIA; }

static unsigned char *read_binary(FILE *file, apus__cl_file_key key, size_t *bytes) {
    file_header header;
    struct stat info;
    if (fread(&header, sizeof header, 1, file) != 1 || fstat(fileno(file), &info) != 0) return NULL;
    if (memcmp(header.magic, magic, sizeof magic) != 0 || header.format != FORMAT ||
        memcmp(&header.key, &key, sizeof key) != 0 || header.bytes == 0 ||
        header.bytes != (uint64_t)info.st_size - sizeof header)
        return NULL;
    unsigned char *binary = malloc(header.bytes);
    if (binary == NULL) return NULL;
    if (fread(binary, header.bytes, 1, file) == 1 && hash(0, binary, header.bytes) == header.checksum) {
        *bytes = header.bytes;
        return binary;
    }
    free(binary);
    return NULL;
}

unsigned char *apus__cl_file_load(const apus__cl_device *d, apus__cl_file_key key, size_t *bytes) {
    char path[MAX_PATH];
    if (!is_kept(d) || !find_path(path, key, false)) return NULL;
    FILE *file = fopen(path, "rb");
    if (file == NULL) return NULL;
    unsigned char *binary = read_binary(file, key, bytes);
    fclose(file);
    if (binary == NULL) (void)unlink(path);
    return binary;
}

void apus__cl_file_save(const apus__cl_device *d, apus__cl_file_key key, const unsigned char *binary, size_t bytes) {
    char path[MAX_PATH], beside[MAX_PATH + 32];
    if (!is_kept(d) || !find_path(path, key, true)) return;
    snprintf(beside, sizeof beside, "%s.%ld.tmp", path, (long)getpid());
    FILE *file = fopen(beside, "wb");
    if (file == NULL) return;
    file_header header = {.format = FORMAT, .bytes = bytes, .checksum = hash(0, binary, bytes), .key = key};
    memcpy(header.magic, magic, sizeof magic);
    bool whole = fwrite(&header, sizeof header, 1, file) == 1 && fwrite(binary, bytes, 1, file) == 1;
    whole = fclose(file) == 0 && whole;
    if (!whole || rename(beside, path) != 0) (void)unlink(beside);
}

void apus__cl_file_delete(apus__cl_file_key key) {
    char path[MAX_PATH];
    if (find_path(path, key, false)) (void)unlink(path);
}
