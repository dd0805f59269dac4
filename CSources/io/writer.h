// What the writers of formats add to the public writer.
#ifndef APUS_IO_WRITER_H
#define APUS_IO_WRITER_H

#include "io/file.h"

/// Bytes written so far.
size_t apus__writer_position(const apus_writer *writer);
/// Overwrites bytes that were written before.
apus_status apus__writer_patch(apus_writer *writer, size_t position, const void *data, size_t bytes);
/// Appends zeros.
apus_status apus__writer_zeros(apus_writer *writer, size_t count);
/// Closes the writer, keeping the file where `status` is ok; returns the first failure.
apus_status apus__writer_end(apus_writer *writer, apus_status status);
/// The path the file will have.
const char *apus__writer_path(const apus_writer *writer);

/// A contiguous tensor on the CPU with t's elements: t itself, retained, where it is one.
apus_status apus__host_tensor(apus_tensor **out, const apus_tensor *t);
/// Checks a writer's names and tensors: none null, names UTF-8 without NUL and each once.
apus_status apus__check_named(const char *path, size_t count, const char *const *names,
                              const apus_tensor *const *tensors);

#endif
