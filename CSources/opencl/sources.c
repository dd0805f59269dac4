#include "opencl/sources.h"

const char apus__cl_common[] =
#include "opencl/kernels/common.cl"
    ;
const char apus__cl_functions[] =
#include "opencl/kernels/functions.cl"
    ;
const char apus__cl_elementwise[] =
#include "opencl/kernels/elementwise.cl"
    ;
const char apus__cl_complex[] =
#include "opencl/kernels/complex.cl"
    ;
const char apus__cl_move[] =
#include "opencl/kernels/move.cl"
    ;
const char apus__cl_convert[] =
#include "opencl/kernels/convert.cl"
    ;
const char apus__cl_lanes[] =
#include "opencl/kernels/lanes.cl"
    ;
const char apus__cl_matmul[] =
#include "opencl/kernels/matmul.cl"
    ;
const char apus__cl_matmul_blocks[] =
#include "opencl/kernels/matmul_blocks.cl"
    ;
const char apus__cl_matmul_vectors[] =
#include "opencl/kernels/matmul_vectors.cl"
    ;
const char apus__cl_matmul_tiles[] =
#include "opencl/kernels/matmul_tiles.cl"
    ;
const char apus__cl_matmul_finish[] =
#include "opencl/kernels/matmul_finish.cl"
    ;
const char apus__cl_norm[] =
#include "opencl/kernels/norm.cl"
    ;
const char apus__cl_softmax[] =
#include "opencl/kernels/softmax.cl"
    ;
const char apus__cl_layer_norm[] =
#include "opencl/kernels/layer_norm.cl"
    ;
const char apus__cl_batch_norm[] =
#include "opencl/kernels/batch_norm.cl"
    ;
const char apus__cl_conv[] =
#include "opencl/kernels/conv.cl"
    ;
const char apus__cl_conv_prepare[] =
#include "opencl/kernels/conv_prepare.cl"
    ;
const char apus__cl_conv_outputs[] =
#include "opencl/kernels/conv_outputs.cl"
    ;
const char apus__cl_conv_weights[] =
#include "opencl/kernels/conv_weights.cl"
    ;
const char apus__cl_conv_tiles[] =
#include "opencl/kernels/conv_tiles.cl"
    ;
const char apus__cl_pooling[] =
#include "opencl/kernels/pool.cl"
    ;
const char apus__cl_reduce[] =
#include "opencl/kernels/reduce.cl"
    ;
const char apus__cl_reduce_kernels[] =
#include "opencl/kernels/reduce_kernels.cl"
    ;
const char apus__cl_reduce_runs[] =
#include "opencl/kernels/reduce_runs.cl"
    ;
const char apus__cl_scan[] =
#include "opencl/kernels/scan.cl"
    ;
const char apus__cl_arg[] =
#include "opencl/kernels/arg.cl"
    ;
const char apus__cl_sort[] =
#include "opencl/kernels/sort.cl"
    ;
const char apus__cl_attention[] =
#include "opencl/kernels/attention.cl"
    ;
const char apus__cl_optim[] =
#include "opencl/kernels/optim.cl"
    ;
const char apus__cl_pool_max[] =
#include "opencl/kernels/pool_max.cl"
    ;
const char apus__cl_pool_average[] =
#include "opencl/kernels/pool_average.cl"
    ;
const char apus__cl_random[] =
#include "opencl/kernels/random.cl"
    ;
const char apus__cl_random_kernels[] =
#include "opencl/kernels/random_kernels.cl"
    ;
const char apus__cl_index[] =
#include "opencl/kernels/index.cl"
    ;
const char apus__cl_place[] =
#include "opencl/kernels/place.cl"
    ;
