// Opens a region compiled for the instruction set that the including file chose; isa_end.h closes it.
// Gives APUS_ISA_NAME(x), which appends the set to a name, and APUS_HAS_FMA.
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(APUS_ISA_AVX512)
#define APUS_ISA_NAME(name) name##_avx512
#define APUS_HAS_FMA 1
#elif defined(APUS_ISA_AVX2)
#define APUS_ISA_NAME(name) name##_avx2
#define APUS_HAS_FMA 1
#elif defined(APUS_ISA_BASELINE)
#define APUS_ISA_NAME(name) name##_baseline
#if defined(__aarch64__)
#define APUS_HAS_FMA 1
#else
#define APUS_HAS_FMA 0
#endif
#else
#error "choose an instruction set before including isa_begin.h"
#endif

#if defined(__clang__)
#if defined(APUS_ISA_AVX512)
#pragma clang attribute push(                                                                                          \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c,bmi,bmi2,lzcnt,popcnt"))),                 \
    apply_to = function)
#elif defined(APUS_ISA_AVX2)
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c,bmi,bmi2,lzcnt,popcnt"))), apply_to = function)
#endif
#else
#pragma GCC push_options
#if defined(APUS_ISA_AVX512)
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c,bmi,bmi2,lzcnt,popcnt,prefer-vector-width=512")
#elif defined(APUS_ISA_AVX2)
#pragma GCC target("avx2,fma,f16c,bmi,bmi2,lzcnt,popcnt")
#endif
#endif
