// Choosing the kernels of an instruction set at run time.
//
// Kernels are written once, as ordinary loops over contiguous data in a header under simd/, and compiled once an
// instruction set: simd/<family>_<set>.c is `#define APUS_ISA_<SET>`, simd/isa_begin.h, the family's header,
// simd/isa_end.h. Each defines one table, apus__<family>_loops_<set>.
#ifndef APUS_CPU_ISA_H
#define APUS_CPU_ISA_H

typedef enum apus__isa { APUS__ISA_BASELINE, APUS__ISA_AVX2, APUS__ISA_AVX512, APUS__ISA_COUNT } apus__isa;

/// The set in use: the best the machine has, unless the environment or apus_cpu_set_isa asks for less.
apus__isa apus__isa_current(void);

#if defined(__x86_64__) || defined(_M_X64)
#define APUS__ISA_X86 1
#endif

/// Defines `const TYPE *apus__<family>_loops_current(void)`, the family's table for the set in use.
#ifdef APUS__ISA_X86
#define APUS__DEFINE_LOOPS(type, family)                                                                               \
    extern const type apus__##family##_loops_baseline, apus__##family##_loops_avx2, apus__##family##_loops_avx512;     \
    static inline const type *apus__##family##_loops_current(void) {                                                   \
        static const type *const tables[] = {&apus__##family##_loops_baseline, &apus__##family##_loops_avx2,           \
                                             &apus__##family##_loops_avx512};                                          \
        return tables[apus__isa_current()];                                                                            \
    }
#else
#define APUS__DEFINE_LOOPS(type, family)                                                                               \
    extern const type apus__##family##_loops_baseline;                                                                 \
    static inline const type *apus__##family##_loops_current(void) { return &apus__##family##_loops_baseline; }
#endif

#endif
