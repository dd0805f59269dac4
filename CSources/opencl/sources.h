// The OpenCL C texts in kernels/, each a C string: the files are raw string literals that sources.c includes.
#ifndef APUS_OPENCL_SOURCES_H
#define APUS_OPENCL_SOURCES_H

extern const char apus__cl_common[];      ///< dtypes and walks: the first source of every family
extern const char apus__cl_functions[];   ///< what the operator tables' expressions call
extern const char apus__cl_elementwise[]; ///< macros that make kernels of the operator tables' rows
extern const char apus__cl_complex[];     ///< behind that, functions and macros for the rows of device/complex.def
extern const char apus__cl_move[];
extern const char apus__cl_convert[];
extern const char apus__cl_lanes[];  ///< multiply-adds of matrix products and convolutions
extern const char apus__cl_matmul[]; ///< before its others
extern const char apus__cl_matmul_blocks[];
extern const char apus__cl_matmul_vectors[];
extern const char apus__cl_matmul_tiles[];
extern const char apus__cl_matmul_finish[];
extern const char apus__cl_norm[]; ///< before the three below
extern const char apus__cl_softmax[];
extern const char apus__cl_layer_norm[];
extern const char apus__cl_batch_norm[];
extern const char apus__cl_conv[]; ///< before its others of the CPU class
extern const char apus__cl_conv_prepare[];
extern const char apus__cl_conv_outputs[];
extern const char apus__cl_conv_weights[];
extern const char apus__cl_conv_tiles[];
extern const char apus__cl_pooling[]; ///< before the two below
extern const char apus__cl_pool_max[];
extern const char apus__cl_pool_average[];
extern const char apus__cl_reduce[];         ///< macros that make the parts of a reduction of a row of reduce.def
extern const char apus__cl_reduce_runs[];    ///< runs of elements through these, behind the row
extern const char apus__cl_reduce_kernels[]; ///< and the walks over any dims
extern const char apus__cl_scan[];           ///< behind apus__cl_reduce_runs
extern const char apus__cl_arg[];
extern const char apus__cl_sort[];
extern const char apus__cl_attention[]; ///< behind apus__cl_norm
extern const char apus__cl_index[];
extern const char apus__cl_place[];
extern const char apus__cl_optim[];
extern const char apus__cl_random[];         ///< Philox, and what core/normal.def needs, which goes behind it
extern const char apus__cl_random_kernels[]; ///< behind that

#endif
