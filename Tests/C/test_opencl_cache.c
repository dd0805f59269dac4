// The directory of compiled programs: what lies in it is used while it is whole, and whatever is wrong with a file,
// results are right and the file goes. Programs stay in a process's memory, so each step is a process of its own: this
// program again, which computes, and with "save" keeps its programs.
#include <dirent.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

extern char **environ;

enum { COUNT = 1000, MAX_FILES = 32, MAX_PATH = 512, HEADER = 48, FORMAT_AT = 8, CHECKSUM_AT = 24 };

static char directory[] = "opencl-cache-XXXXXX"; // in the folder the test runs in

// ---- The child

static void check_row(apus_device device, apus_unary_op op) {
    apus_tensor *x = NULL, *there = NULL, *expected = NULL, *result = NULL, *actual = NULL;
    CHECK_OK(apus_tensor_linspace(&x, APUS_DTYPE_float32, 0.5, 4, COUNT, APUS_DEVICE_CPU));
    CHECK_OK(apus_tensor_to(&there, x, APUS_DTYPE_float32, device));
    CHECK_OK(apus_unary(&expected, op, x));
    CHECK_OK(apus_unary(&result, op, there));
    CHECK_OK(apus_tensor_to(&actual, result, APUS_DTYPE_float32, APUS_DEVICE_CPU));
    for (int64_t i = 0; i < COUNT && check_failures == 0; i++)
        CHECK_CLOSE(((const float *)apus_tensor_data(actual))[i], ((const float *)apus_tensor_data(expected))[i], 1e-5);
    apus_tensor *const all[] = {x, there, expected, result, actual};
    for (int i = 0; i < 5; i++) apus_tensor_release(all[i]);
}

static int compute(bool save) {
    apus_device device = APUS_DEVICE_OPENCL;
    (void)apus_opencl_default_device(&device);
    apus_opencl_set_fallback_strict(true);
    check_row(device, APUS_UNARY_exp);
    check_row(device, APUS_UNARY_log);
    if (save) CHECK_OK(apus_opencl_save_programs(device - APUS_DEVICE_OPENCL));
    return check_failures;
}

static int run_child(const char *program, const char *what) {
    char *const arguments[] = {(char *)program, (char *)what, NULL};
    pid_t child;
    int status = 1;
    if (posix_spawn(&child, program, NULL, NULL, arguments, environ) != 0 || waitpid(child, &status, 0) != child)
        return 1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

// ---- Files

typedef struct files {
    int count;
    char path[MAX_FILES][MAX_PATH];
} files;

static void list(files *f) {
    f->count = 0;
    DIR *d = opendir(directory);
    CHECK(d != NULL);
    for (struct dirent *e = d == NULL ? NULL : readdir(d); e != NULL && f->count < MAX_FILES; e = readdir(d))
        if (e->d_name[0] != '.') snprintf(f->path[f->count++], MAX_PATH, "%s/%s", directory, e->d_name);
    if (d != NULL) closedir(d);
}

typedef struct bytes {
    unsigned char *at;
    size_t count;
} bytes;

static bytes read_file(const char *path) {
    bytes b = {NULL, 0};
    struct stat info;
    FILE *file = fopen(path, "rb");
    CHECK(file != NULL && stat(path, &info) == 0 && info.st_size > HEADER);
    if (file == NULL) return b;
    b.count = (size_t)info.st_size;
    b.at = malloc(b.count);
    CHECK(b.at != NULL && fread(b.at, 1, b.count, file) == b.count);
    fclose(file);
    return b;
}

static void write_file(const char *path, bytes b) {
    FILE *file = fopen(path, "wb");
    CHECK(file != NULL && fwrite(b.at, 1, b.count, file) == b.count && fclose(file) == 0);
}

// ---- Damage

static void empty(bytes *b) { b->count = 0; }
static void half_a_header(bytes *b) { b->count = HEADER / 2; }
static void half_a_binary(bytes *b) { b->count = HEADER + (b->count - HEADER) / 2; }
static void other_magic(bytes *b) { b->at[0] ^= 1; }
static void other_format(bytes *b) { b->at[FORMAT_AT]++; }
static void other_key(bytes *b) { b->at[HEADER - 1] ^= 0x80; }
static void flipped_bit(bytes *b) { b->at[HEADER + (b->count - HEADER) / 2] ^= 4; }

/// What a driver that has changed without changing its version would be given: whole, but not its own.
static void foreign_binary(bytes *b) {
    uint64_t checksum = 0;
    for (size_t i = HEADER; i < b->count; i++) {
        b->at[i] = (unsigned char)(i * 37);
        checksum = (checksum ^ b->at[i]) * 0x100000001b3u;
    }
    memcpy(b->at + CHECKSUM_AT, &checksum, sizeof checksum);
}

static void test_damage(const char *program, void (*damage)(bytes *)) {
    files f;
    CHECK(run_child(program, "save") == 0);
    list(&f);
    CHECK(f.count > 0);
    for (int i = 0; i < f.count; i++) {
        bytes b = read_file(f.path[i]);
        damage(&b);
        write_file(f.path[i], b);
        free(b.at);
    }
    CHECK(run_child(program, "load") == 0);
    list(&f);
    CHECK(f.count == 0);
}

/// Whole files stay, and nothing else is ever left.
static void test_whole(const char *program) {
    files before, after;
    CHECK(run_child(program, "save") == 0);
    list(&before);
    CHECK(before.count > 0);
    CHECK(run_child(program, "load") == 0);
    list(&after);
    CHECK(after.count == before.count);
    for (int i = 0; i < after.count; i++) {
        CHECK(strstr(after.path[i], ".tmp") == NULL);
        (void)unlink(after.path[i]);
    }
}

/// NVIDIA's driver keeps compiled programs by itself.
static bool driver_keeps(void) {
    apus_device device = APUS_DEVICE_OPENCL;
    apus_opencl_info info;
    (void)apus_opencl_default_device(&device);
    CHECK_OK(apus_opencl_device_info(&info, device - APUS_DEVICE_OPENCL));
    return strstr(info.vendor, "NVIDIA") != NULL;
}

static void test_nothing_kept(const char *program) {
    files f;
    CHECK(run_child(program, "save") == 0);
    list(&f);
    CHECK(f.count == 0);
}

int main(int count, char **arguments) {
    if (apus_opencl_device_count() == 0) {
        printf("test_opencl_cache: skipped, there is no OpenCL device\n");
        return 0;
    }
    if (count > 1) return compute(strcmp(arguments[1], "save") == 0);
    CHECK(mkdtemp(directory) != NULL && setenv("APUS_OPENCL_CACHE", directory, 1) == 0);
    void (*const damages[])(bytes *) = {empty,        half_a_header, half_a_binary, other_magic,
                                        other_format, other_key,     flipped_bit,   foreign_binary};
    if (driver_keeps()) {
        test_nothing_kept(arguments[0]);
        CHECK(rmdir(directory) == 0);
        return check_result("test_opencl_cache");
    }
    test_whole(arguments[0]);
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) test_damage(arguments[0], damages[i]);
    CHECK(rmdir(directory) == 0);
    return check_result("test_opencl_cache");
}
