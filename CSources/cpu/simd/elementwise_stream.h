// float32 loops that write past the caches, for results too large to be read from a cache again: a line that is written
// whole need not be fetched first. Of the arithmetic rows of the binary table, which wait for memory and nothing else.
#if defined(__clang__)
#define STREAM(target, value) __builtin_nontemporal_store(value, target)
#else
#define STREAM(target, value) (*(target) = (value))
#endif
#if defined(__x86_64__)
#define STREAM_FENCE() __builtin_ia32_sfence()
#else
#define STREAM_FENCE() ((void)0)
#endif

// The vectoriser leaves such stores alone, so vectors are spelt out; arithmetic reads the same for them.
typedef float stream_lanes __attribute__((vector_size(APUS__STREAM_ALIGNMENT)));
typedef float stream_lanes_anywhere __attribute__((vector_size(APUS__STREAM_ALIGNMENT), aligned(4), may_alias));
enum { STREAM_WIDTH = APUS__STREAM_ALIGNMENT / sizeof(float) };

#define STREAM_LOOP(function, expression)                                                                              \
    static void function(int64_t n, void *out, const void *a, const void *b, const void *c, const void *parameter) {   \
        float *result = out;                                                                                           \
        (void)c, (void)parameter;                                                                                      \
        int64_t i = 0;                                                                                                 \
        for (; i + STREAM_WIDTH <= n; i += STREAM_WIDTH) {                                                             \
            const stream_lanes x = *(const stream_lanes_anywhere *)((const float *)a + i);                             \
            const stream_lanes y = *(const stream_lanes_anywhere *)((const float *)b + i);                             \
            STREAM((stream_lanes *)(result + i), expression);                                                          \
        }                                                                                                              \
        for (; i < n; i++) {                                                                                           \
            const float x = ((const float *)a)[i], y = ((const float *)b)[i];                                          \
            result[i] = expression;                                                                                    \
        }                                                                                                              \
        STREAM_FENCE();                                                                                                \
    }

// Which classes of rows are arithmetic.
#define STREAM_field(...) __VA_ARGS__
#define STREAM_signed_field(...) __VA_ARGS__
#define STREAM_real_field(...) __VA_ARGS__
#define STREAM_number(...)
#define STREAM_signed_(...)
#define STREAM_real(...)
#define STREAM_integer(...)
#define STREAM_bits(...)
#define STREAM_compare(...)
#define STREAM_equal(...)
#define STREAM_logic(...)

#define APUS_BINARY(number, name, class, expression, ...) STREAM_##class(STREAM_LOOP(stream_##name, expression))
#include "apus/binary.def"
#undef APUS_BINARY
