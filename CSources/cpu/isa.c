// What the processor is and can do.
#include "cpu/isa.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apus/base.h"
#include "core/error.h"
#if defined(APUS__ISA_X86)
#include <cpuid.h>
#endif

#if defined(__aarch64__)
static const char *const names[APUS__ISA_COUNT] = {"neon", "avx2", "avx512"};
#else
static const char *const names[APUS__ISA_COUNT] = {"baseline", "avx2", "avx512"};
#endif

static pthread_once_t once = PTHREAD_ONCE_INIT;
static atomic_int current;

static apus__isa best_isa(void) {
#if defined(APUS__ISA_X86)
    __builtin_cpu_init();
    bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
    bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                  __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    return avx512 ? APUS__ISA_AVX512 : avx2 ? APUS__ISA_AVX2 : APUS__ISA_BASELINE;
#else
    return APUS__ISA_BASELINE;
#endif
}

static int find_isa(const char *name) {
    for (int i = 0; i < APUS__ISA_COUNT; i++)
        if (strcmp(name, names[i]) == 0) return i;
    return -1;
}

static void initialise(void) {
    int chosen = (int)best_isa();
    const char *asked = getenv("APUS_CPU_ISA");
    int wanted = asked == NULL ? -1 : find_isa(asked);
    if (wanted >= 0 && wanted < chosen) chosen = wanted;
    atomic_store(&current, chosen);
}

apus__isa apus__isa_current(void) {
    pthread_once(&once, initialise);
    return (apus__isa)atomic_load_explicit(&current, memory_order_relaxed);
}

const char *apus_cpu_isa(void) { return names[apus__isa_current()]; }

apus_status apus_cpu_set_isa(const char *name) {
    APUS_REQUIRE("set_isa", name);
    pthread_once(&once, initialise);
    int wanted = find_isa(name);
    if (wanted < 0) return apus__fail(APUS_STATUS_invalid_argument, "set_isa: there is no instruction set '%s'", name);
    if (wanted > (int)best_isa())
        return apus__fail(APUS_STATUS_unsupported, "set_isa: this processor does not have %s", name);
    atomic_store(&current, wanted);
    return APUS_STATUS_ok;
}

const char *apus_cpu_name(void) {
#if defined(APUS__ISA_X86)
    static _Thread_local union {
        unsigned words[12];
        char text[49];
    } brand;
    for (unsigned i = 0; i < 3; i++) {
        unsigned *w = brand.words + 4 * i;
        if (__get_cpuid(0x80000002u + i, &w[0], &w[1], &w[2], &w[3]) == 0) return "x86-64";
    }
    brand.text[48] = 0;
    return brand.text;
#elif defined(__aarch64__)
    return "arm64";
#else
    return "unknown";
#endif
}

const char *apus_version(void) {
#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)
    return TEXT(APUS_VERSION_MAJOR) "." TEXT(APUS_VERSION_MINOR) "." TEXT(APUS_VERSION_PATCH);
}
