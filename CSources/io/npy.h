// NumPy's .npy: a magic, a Python dict literal that describes one array, the elements.
#ifndef APUS_IO_NPY_H
#define APUS_IO_NPY_H

#include "io/writer.h"

/// What a header says.
typedef struct apus__npy_header {
    apus__layout layout; ///< with its shape below
    int64_t shape[APUS_MAX_RANK];
    size_t data_offset; ///< the header's length
    size_t data_bytes;
} apus__npy_header;

/// The most bytes a header may take here; NumPy's own reader refuses more than 10,000 by default.
#define APUS__NPY_HEADER_LIMIT 65536

/// Reads a header from the first bytes of an array's file. `base` is what their start is called in messages.
apus_status apus__npy_parse(apus__npy_header *header, const char *path, int64_t base, const unsigned char *data,
                            size_t bytes);
/// The header of a row-major tensor like `t`, at most APUS__NPY_HEADER_LIMIT bytes; returns its length.
size_t apus__npy_format(char *header, const apus_tensor *t);

#endif
