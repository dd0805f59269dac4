// Damaged and malicious files: every reader gets 100,000 inputs made from valid files by flipping bits, cutting,
// overwriting lengths and splicing. None may crash, leak or read beyond its end; what comes out is of no interest.
// APUS_HOSTILE_INPUTS sets another number, APUS_HOSTILE_SEED another start.
#include "check_files.h"
#include "hostile.h"
#include "io/zip.h"

typedef struct input {
    unsigned char *data;
    size_t bytes;
} input;

static uint64_t state;

/// splitmix64 (Steele, Lea, Flood 2014, doi:10.1145/2660193.2660195).
static uint64_t draw(void) {
    uint64_t z = state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

static size_t below(size_t limit) { return limit == 0 ? 0 : (size_t)(draw() % limit); }

static input read_fixture(const char *name) {
    apus_file *file = NULL;
    CHECK_OK(apus_file_map(&file, fixture(name), false));
    input in = {malloc(apus_file_bytes(file) + 1), apus_file_bytes(file)};
    memcpy(in.data, apus_file_data(file), in.bytes);
    apus_file_release(file);
    return in;
}

/// The pickle in a .pt file.
static input read_pickle(const char *name) {
    apus_file *file = NULL;
    apus__zip zip;
    input in = {NULL, 0};
    CHECK_OK(apus_file_map(&file, fixture(name), false));
    CHECK_OK(apus__zip_open(&zip, file));
    for (size_t i = 0; i < zip.count; i++) {
        if (!apus__zip_name_is(&zip.members[i], "data.pkl")) continue;
        in = (input){malloc(zip.members[i].bytes + 1), zip.members[i].bytes};
        CHECK_OK(apus__zip_unpack(&zip, &zip.members[i], in.data, in.bytes));
    }
    apus__zip_close(&zip);
    apus_file_release(file);
    return in;
}

// ---- Mutations

static void flip_bits(input *in) {
    for (size_t i = 1 + below(8); i > 0 && in->bytes > 0; i--)
        in->data[below(in->bytes)] ^= (unsigned char)(1 << below(8));
}

static void cut(input *in) { in->bytes = below(in->bytes + 1); }

/// Overwrites a place that may be a length with a number that tends to hurt.
static void set_length(input *in) {
    static const uint64_t numbers[] = {0,          1,
                                       0x7f,       0x80,
                                       0xff,       0x7fff,
                                       0xffff,     0x7fffffff,
                                       0x80000000, 0xffffffff,
                                       INT64_MAX,  (uint64_t)INT64_MAX + 1,
                                       UINT64_MAX, UINT64_MAX - 7};
    uint64_t number = numbers[below(sizeof numbers / sizeof *numbers)] + below(3) - 1;
    size_t width = (size_t)1 << below(4);
    if (in->bytes < width) return;
    memcpy(in->data + below(in->bytes - width + 1), &number, width);
}

/// Overwrites a digit, as headers in text have them.
static void set_digit(input *in) {
    for (size_t tries = 0; tries < 64 && in->bytes > 0; tries++) {
        unsigned char *c = &in->data[below(in->bytes)];
        if (*c < '0' || *c > '9') continue;
        *c = (unsigned char)"0123456789-.eE,]})"[below(18)];
        return;
    }
}

/// Puts a part of another input over a part of this one.
static void splice(input *in, const input *other) {
    size_t length = below(other->bytes < in->bytes ? other->bytes : in->bytes);
    if (length == 0) return;
    memmove(in->data + below(in->bytes - length), other->data + below(other->bytes - length), length);
}

/// Takes a part out.
static void take_out(input *in) {
    size_t start = below(in->bytes), length = below(in->bytes - start < 64 ? in->bytes - start : 64);
    memmove(in->data + start, in->data + start + length, in->bytes - start - length);
    in->bytes -= length;
}

static void mutate(input *in, const input *other) {
    for (size_t i = 1 + below(4); i > 0; i--) {
        switch (below(8)) {
        case 0: cut(in); break;
        case 1:
        case 2: set_length(in); break;
        case 3: set_digit(in); break;
        case 4: splice(in, other); break;
        case 5: take_out(in); break;
        default: flip_bits(in);
        }
    }
}

static void attack(hostile_reader reader, size_t count, const input *seeds, size_t seed_count) {
    size_t accepted = 0, largest = 0;
    for (size_t i = 0; i < seed_count; i++) {
        CHECK_OK(hostile_read(reader, seeds[i].data, seeds[i].bytes));
        if (seeds[i].bytes > largest) largest = seeds[i].bytes;
    }
    input in = {malloc(largest + 1), 0};
    for (size_t i = 0; i < count; i++) {
        const input *seed = &seeds[below(seed_count)];
        in.bytes = seed->bytes;
        memcpy(in.data, seed->data, seed->bytes);
        mutate(&in, &seeds[below(seed_count)]);
        accepted += hostile_read(reader, in.data, in.bytes) == APUS_STATUS_ok;
    }
    printf("reader %d: %zu inputs, %zu accepted\n", (int)reader, count, accepted);
    CHECK(accepted < count);
    free(in.data);
}

static void attack_files(hostile_reader reader, size_t count, size_t name_count, const char *const *names) {
    input seeds[8];
    for (size_t i = 0; i < name_count; i++)
        seeds[i] = reader == HOSTILE_pickle ? read_pickle(names[i]) : read_fixture(names[i]);
    attack(reader, count, seeds, name_count);
    for (size_t i = 0; i < name_count; i++) free(seeds[i].data);
}

static void test_mutations(size_t count) {
    attack_files(HOSTILE_safetensors, count, 3,
                 (const char *const[]){"bfloat16.safetensors", "model.safetensors", "dtypes.safetensors"});
    attack_files(HOSTILE_npy, count, 3, (const char *const[]){"float32.npy", "version2.npy", "bfloat16.npy"});
    attack_files(HOSTILE_npz, count, 3, (const char *const[]){"zip64.npz", "deflated.npz", "stored.npz"});
    attack_files(HOSTILE_torch, count, 3, (const char *const[]){"shared.pt", "values_2.pt", "model.pt"});
    attack_files(HOSTILE_legacy, count, 2, (const char *const[]){"shared_legacy.pt", "model_legacy.pt"});
    attack_files(HOSTILE_gguf, count, 1, (const char *const[]){"tiny.gguf"});
    attack_files(HOSTILE_pickle, count, 5,
                 (const char *const[]){"shared.pt", "values_2.pt", "values_5.pt", "adamw.pt", "dtypes.pt"});
    static char table[] = "1,\"2\",-3\r\n+4,5,123456789012345678\n\"6\",0,-0\n", plain[] = "1,2\n3,4\n";
    input tables[] = {{(unsigned char *)plain, sizeof plain - 1}, {(unsigned char *)table, sizeof table - 1}};
    attack(HOSTILE_csv, count, tables, 2);
}

// ---- Bombs: small files that would become large

static void check_refused(hostile_reader reader, const void *data, size_t bytes, const char *message) {
    apus_memory_stats before, after;
    CHECK_OK(apus_cpu_memory_stats(&before));
    CHECK_STATUS(hostile_read(reader, data, bytes), APUS_STATUS_format);
    if (strstr(apus_last_error(), message) == NULL) printf("%s\n", apus_last_error());
    CHECK(strstr(apus_last_error(), message) != NULL);
    CHECK_OK(apus_cpu_memory_stats(&after));
    CHECK(after.in_use == before.in_use);
}

/// A pickle of `count` times `unit` between a head and a tail.
static void check_pickle(const char *head, const char *unit, size_t unit_length, size_t count, const char *tail,
                         const char *message) {
    size_t head_length = strlen(head), tail_length = strlen(tail),
           length = head_length + unit_length * count + tail_length;
    char *data = malloc(length + 1);
    memcpy(data, head, head_length);
    for (size_t i = 0; i < count; i++) memcpy(data + head_length + i * unit_length, unit, unit_length);
    memcpy(data + length - tail_length, tail, tail_length);
    check_refused(HOSTILE_pickle, data, length, message);
    free(data);
}

static void test_pickle_bombs(void) {
    // A list in a list in a list …
    check_pickle("\x80\x02", "]", 1, 2000000, "N.", "leaves objects on its stack");
    check_pickle("\x80\x02N", "\x85", 1, 2000000, ".", "nested deeper than 100");
    check_pickle("\x80\x02", "(", 1, 2000000, "", "cut short");
    // Each tuple holds the one before twice: 2^60 in all.
    check_pickle("\x80\x02N", "2\x86", 2, 60, ".", "refer to one another too often");
    // A list that holds itself, at once and by way of a tuple.
    check_pickle("\x80\x02]q\x01h\x01"
                 "a.",
                 "", 0, 0, "", "a list holds itself");
    check_pickle("\x80\x02]q\x01h\x01\x85"
                 "a.",
                 "", 0, 0, "", "nested deeper than 100");
    check_pickle("\x80\x02}q\x01Nh\x01s.", "", 0, 0, "", "a dict holds itself");
    // A text that is encoded again and again.
    size_t length = 27 + 2048;
    char *many = malloc(length + 50000);
    memcpy(many,
           "\x80\x02"
           "c_codecs\nencode\nq\x01X\0\x08\0\0",
           25);
    memset(many + 25, 'x', 2048);
    memcpy(many + 25 + 2048, "q\x02", 2);
    for (size_t i = 0; i < 5000; i++) memcpy(many + length + 6 * i, "h\x01h\x02\x85R", 6);
    check_refused(HOSTILE_pickle, many, length + 30000, "copies its objects too often");
    free(many);
    // Lengths and places that are not there.
    static const char text_length[] = "\x80\x05\x8d\xff\xff\xff\xff\xff\xff\xff\x7f",
                      memo[] = "\x80\x02Nr\xff\xff\xff\xff.";
    check_refused(HOSTILE_pickle, text_length, sizeof text_length - 1, "leaves the pickle");
    check_refused(HOSTILE_pickle, memo, sizeof memo - 1, "the memo's place 4294967295 is too far");
    static const char *const names[] = {"os\nsystem", "builtins\neval", "posix\nsystem", "torch\nload",
                                        "numpy\nndarray"};
    for (int i = 0; i < 5; i++) {
        char call[64];
        snprintf(call, sizeof call,
                 "\x80\x02"
                 "c%s\nX\2",
                 names[i]);
        check_refused(HOSTILE_pickle, call, strlen(call), "is not among the names that are read");
    }
}

/// A zip file of one member, stored or deflated, whose directory claims `bytes` unpacked.
static size_t make_zip(unsigned char *zip, unsigned method, uint32_t claimed, const void *data, uint32_t packed) {
    unsigned char *at = zip;
    static const char name[] = "a.npy";
    for (int central = 0; central < 2; central++) {
        uint32_t mark = central ? 0x02014b50 : 0x04034b50, sizes[] = {0, packed, claimed};
        unsigned char head[46] = {0};
        size_t shift = central ? 2 : 0;
        memcpy(head, &mark, 4);
        head[8 + shift] = (unsigned char)method;
        memcpy(head + 14 + shift, sizes, 12);
        head[26 + shift] = sizeof name - 1;
        memcpy(at, head, central ? 46 : 30);
        at += central ? 46 : 30;
        memcpy(at, name, sizeof name - 1);
        at += sizeof name - 1;
        if (!central) memcpy(at, data, packed), at += packed;
    }
    uint32_t end = 0x06054b50, directory[] = {46 + sizeof name - 1, 30 + sizeof name - 1 + packed};
    unsigned char tail[22] = {0};
    memcpy(tail, &end, 4);
    tail[8] = tail[10] = 1;
    memcpy(tail + 12, directory, 8);
    memcpy(at, tail, 22);
    return (size_t)(at + 22 - zip);
}

static void test_zip_bombs(void) {
    unsigned char zip[4096], zeros[1000] = {0};
    size_t bytes = make_zip(zip, 8, 0xf0000000, zeros, 1000);
    check_refused(HOSTILE_npz, zip, bytes, "cannot hold 4026531840 bytes in 1000");
    bytes = make_zip(zip, 0, 2000, zeros, 1000);
    check_refused(HOSTILE_npz, zip, bytes, "cannot hold 2000 bytes in 1000");
    bytes = make_zip(zip, 99, 1000, zeros, 1000);
    check_refused(HOSTILE_npz, zip, bytes, "compressed by method 99");
    bytes = make_zip(zip, 8, 1000, zeros, 1000);
    check_refused(HOSTILE_npz, zip, bytes, "byte ");
    // A header that promises more elements than the member holds, by far and by one byte.
    static const char header[] =
        "\x93NUMPY\1\0\x76\0{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }";
    memset(zeros, ' ', 128);
    memcpy(zeros, header, sizeof header - 1);
    zeros[127] = '\n';
    bytes = make_zip(zip, 0, 128, zeros, 128);
    check_refused(HOSTILE_npz, zip, bytes, "takes 8000000000000 bytes, found 0");
    check_refused(HOSTILE_npy, zeros, 128, "float64[1000000000000] takes 8000000000000 bytes, found 0");
    input real = read_fixture("zip64.npz");
    check_refused(HOSTILE_npz, real.data, real.bytes - 1, "no end record");
    free(real.data);
}

int main(void) {
    const char *inputs = getenv("APUS_HOSTILE_INPUTS"), *seed = getenv("APUS_HOSTILE_SEED");
    size_t count = inputs == NULL ? 100000 : strtoull(inputs, NULL, 10);
    state = seed == NULL ? 1 : strtoull(seed, NULL, 10);
    test_pickle_bombs();
    test_zip_bombs();
    test_mutations(count);
    check_no_leaks();
    return check_result("io_hostile");
}
