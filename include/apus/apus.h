/// Apus: tensors for the CPU and any OpenCL device, in plain C.
///
/// The library in one page:
///
///     apus_tensor *a = NULL, *b = NULL, *c = NULL;
///     int64_t shape[2] = {2, 3};
///     apus_scalar one = {.kind = APUS_SCALAR_float, .real = 1.0};
///     apus_tensor_full(&a, APUS_DTYPE_float32, 2, shape, &one, APUS_DEVICE_CPU);
///     apus_tensor_full(&b, APUS_DTYPE_float32, 2, shape, &one, APUS_DEVICE_CPU);
///     if (apus_binary(&c, APUS_BINARY_add, a, b) != APUS_STATUS_ok) puts(apus_last_error());
///     apus_tensor_release(a); apus_tensor_release(b); apus_tensor_release(c);
///
/// Rules that hold for every function:
/// - Whatever can fail returns `apus_status`; the text is in `apus_last_error()` of the calling thread.
///   Nothing here prints, exits or aborts.
/// - Outputs come first, as `apus_tensor **out`. Where `*out` is NULL a new tensor is made that the caller
///   owns. Where it is not, the result is written into that tensor, whose shape must match, whose dtype must
///   be able to hold the result, and which may overlap the inputs. So one function is the functional form, the
///   `out=` form and the in-place form. After a failure a NULL `*out` is still NULL.
/// - Handles are reference counted; views keep the memory they look at alive.
/// - A struct of options begins with its size, which the caller sets to sizeof the struct, so that later versions may
///   add fields; fields that are zero have their default. Other structs do not grow.
/// - Shapes and strides count elements. Negative dims count from the end.
/// - Any function may be called from any thread. Two threads may read one tensor at once; writing to memory
///   that another thread uses is the caller's to prevent.
#ifndef APUS_APUS_H
#define APUS_APUS_H

#include "apus/attention.h"
#include "apus/base.h"
#include "apus/dlpack.h"
#include "apus/elementwise.h"
#include "apus/index.h"
#include "apus/io.h"
#include "apus/linalg.h"
#include "apus/nn.h"
#include "apus/opencl.h"
#include "apus/optim.h"
#include "apus/random.h"
#include "apus/reduce.h"
#include "apus/sort.h"
#include "apus/tensor.h"
#include "apus/value.h"

#endif
