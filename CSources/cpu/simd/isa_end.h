// Closes the region that isa_begin.h opened.
#if defined(__clang__)
#if defined(APUS_ISA_AVX512) || defined(APUS_ISA_AVX2)
#pragma clang attribute pop
#endif
#else
#pragma GCC pop_options
#endif
