// PyTorch's checkpoints: the zip form and the one before it.
#ifndef APUS_IO_TORCH_H
#define APUS_IO_TORCH_H

#include "io/archive.h"
#include "io/pickle.h"

/// The form before PyTorch 1.6: pickles of a magic number, a protocol, the machine, the data and the storages' keys,
/// then the storages. The caller frees the pickle, on failure too.
apus_status apus__torch_read_legacy(apus__pickle *pickle, apus_archive *archive);

#endif
