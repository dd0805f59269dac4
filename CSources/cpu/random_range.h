// The ends of a uniform distribution as a dtype has them.
#ifndef APUS_CPU_RANDOM_RANGE_H
#define APUS_CPU_RANDOM_RANGE_H

#include "apus/tensor.h"

typedef struct apus__uniform_range {
    double low, width; ///< rounded to the dtype
    double top;        ///< the greatest result
    int32_t bits;      ///< of a word that count, where a word makes a number
} apus__uniform_range;

apus__uniform_range apus__uniform_range_of(apus_dtype dtype, double low, double high);

#endif
