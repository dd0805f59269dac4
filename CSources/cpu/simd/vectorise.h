// Telling the compiler that a loop's iterations are independent.
#ifndef APUS_CPU_SIMD_VECTORISE_H
#define APUS_CPU_SIMD_VECTORISE_H

#if defined(__clang__)
#define VECTORISE _Pragma("clang loop vectorize(assume_safety) interleave(enable)")
#pragma clang diagnostic ignored "-Wpass-failed"
#pragma clang diagnostic ignored "-Wtautological-compare"
#pragma clang diagnostic ignored "-Wunused-function"
#else
#define VECTORISE _Pragma("GCC ivdep")
#pragma GCC diagnostic ignored "-Wtype-limits"
#pragma GCC diagnostic ignored "-Wtautological-compare"
#pragma GCC diagnostic ignored "-Wunused-function"
#endif

#endif
