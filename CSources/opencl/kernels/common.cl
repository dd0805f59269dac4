R"CLSRC(
// What every program starts with. The dtype of the launch is DTYPE_<name>; from it come
//   S          the type that is stored (half as such, bfloat16 as ushort, bool as uchar)
//   T          the type that is computed in (float for the narrow floats, uchar for bool, float2 for complex64)
//   LOAD(p, i), STORE(p, i, x)   element i of a global S pointer as T, with conversion
//   KIND_FLOAT, KIND_INTEGER or KIND_COMPLEX
// and for the floats vectors V of W elements: LOADV(p, i), STOREV(p, i, x) for the W elements from i on.
// CPU_CLASS or GPU_CLASS is defined, and HAS_FLOAT64 where the device has it.
#ifdef HAS_FLOAT64
#pragma OPENCL EXTENSION cl_khr_fp64 : enable
#endif
#pragma OPENCL FP_CONTRACT OFF

#define PASTE_(a, b) a##b
#define PASTE(a, b) PASTE_(a, b)

// ---- Narrow floats

static inline float bfloat16_to_float(ushort h) { return as_float((uint)h << 16); }
static inline ushort float_to_bfloat16(float x) {
    uint u = as_uint(x), rounded = (u + 0x7fffu + (u >> 16 & 1u)) >> 16;
    return (ushort)((u & 0x7fffffffu) > 0x7f800000u ? u >> 16 | 0x40u : rounded);
}

#define LOAD(p, i) ((p)[i])
#define STORE(p, i, x) ((p)[i] = (x))

#if defined(DTYPE_float32) || defined(DTYPE_float16) || defined(DTYPE_bfloat16)
#define KIND_FLOAT
#define T float
#ifdef CPU_CLASS
#define W 16
#else
#define W 4
#endif
#elif defined(DTYPE_float64)
#define KIND_FLOAT
#define T double
#ifdef CPU_CLASS
#define W 8
#else
#define W 2
#endif
#elif defined(DTYPE_complex64)
#define KIND_COMPLEX
#define T float2
#define PART float
#elif defined(DTYPE_complex128)
#define KIND_COMPLEX
#define T double2
#define PART double
#else
#define KIND_INTEGER
#endif

#if defined(DTYPE_float16)
#define S half
#undef LOAD
#undef STORE
#define LOAD(p, i) vload_half(i, p)
#define STORE(p, i, x) vstore_half_rte(x, i, p)
#elif defined(DTYPE_bfloat16)
#define S ushort
#undef LOAD
#undef STORE
#define LOAD(p, i) bfloat16_to_float((p)[i])
#define STORE(p, i, x) ((p)[i] = float_to_bfloat16(x))
#elif defined(DTYPE_bool)
#define T uchar
#define S uchar
#undef STORE
#define STORE(p, i, x) ((p)[i] = (x) != 0)
#elif defined(DTYPE_uint8)
#define T uchar
#elif defined(DTYPE_uint16)
#define T ushort
#elif defined(DTYPE_uint32)
#define T uint
#elif defined(DTYPE_uint64)
#define T ulong
#elif defined(DTYPE_int8)
#define T char
#elif defined(DTYPE_int16)
#define T short
#elif defined(DTYPE_int32)
#define T int
#elif defined(DTYPE_int64)
#define T long
#endif
#ifndef S
#define S T
#endif

// ---- Vectors

#ifdef KIND_FLOAT
#define V PASTE(T, W)
#define VLOAD PASTE(vload, W)
#define VSTORE PASTE(vstore, W)
#if defined(DTYPE_float16)
#define LOADV(p, i) PASTE(vload_half, W)(0, (p) + (i))
#define STOREV(p, i, x) PASTE(PASTE(vstore_half, W), _rte)(x, 0, (p) + (i))
#elif defined(DTYPE_bfloat16)
static inline V loadv_bfloat16(const global ushort *p) {
    return PASTE(as_float, W)(PASTE(convert_uint, W)(VLOAD(0, p)) << 16);
}
static inline void storev_bfloat16(global ushort *p, V x) {
    PASTE(uint, W) u = PASTE(as_uint, W)(x), rounded = (u + 0x7fffu + (u >> 16 & 1u)) >> 16;
    VSTORE(PASTE(convert_ushort, W)((u & 0x7fffffffu) > 0x7f800000u ? u >> 16 | 0x40u : rounded), 0, p);
}
#define LOADV(p, i) loadv_bfloat16((p) + (i))
#define STOREV(p, i, x) storev_bfloat16((p) + (i), x)
#else
#define LOADV(p, i) VLOAD(0, (p) + (i))
#define STOREV(p, i, x) VSTORE(x, 0, (p) + (i))
#endif
#else
#define V T
#define W 1
#define LOADV(p, i) LOAD(p, i)
#define STOREV(p, i, x) STORE(p, i, x)
#endif

// A block of vectors is stored past the caches where the whole is larger than these: only Clang knows how.
#if defined(CPU_CLASS) && (defined(DTYPE_float32) || defined(DTYPE_float64)) && defined(__has_builtin)
#if __has_builtin(__builtin_nontemporal_store)
#define STREAMS
#endif
#endif
#ifdef STREAMS
#define IS_LARGE(count) ((count) >= 1 << 20)
static inline int streams(const global S *p, int large) { return large && ((size_t)p & (sizeof(V) - 1)) == 0; }
#define STORE_BLOCK(p, at, x, large)                                                                                   \
    if (streams((p) + (at), large)) __builtin_nontemporal_store(x, (global V *)((p) + (at)));                          \
    else STOREV(p, at, x)
#else
#define IS_LARGE(count) 0
#define STORE_BLOCK(p, at, x, large) STOREV(p, at, x)
#endif

// A constant of the dtype, in every lane.
#define K(value) ((V)((T)(value)))

// ---- Structs by value

// A kernel's struct parameter is written GIVEN(name) in its list and TAKE(type, name) in its first line. Drivers that
// read a struct wrongly within branches (COPY_PARAMETERS, see program.c) get a copy made before the first of them.
#ifdef COPY_PARAMETERS
#define GIVEN(name) name##_given
#define TAKE(type, name) const type name = name##_given
#else
#define GIVEN(name) name
#define TAKE(type, name)
#endif

// ---- Walks

// How elements of several arrays are walked together; see apus__plan. An item takes `chunk` elements of the innermost
// dim (dim 0), of which there are `chunks` pieces.
#define MAX_RANK 8
typedef struct {
    long offset;
    long is_number; // the operand is one number: `bits`
    ulong bits[2];
    long strides[MAX_RANK];
} walk_operand;
typedef struct {
    long rank, chunk, chunks, items;
    long shape[MAX_RANK];
    walk_operand o[4];
} walk;

// Divisions of 64 bits are slow everywhere, and most are not needed.
static inline ulong divide(ulong a, ulong b) {
    return (a | b) >> 32 == 0 ? (ulong)((uint)a / (uint)b) : a / b;
}

// Where operand k of an item starts.
static inline long locate(const walk *w, ulong item, int k) {
    ulong outer = divide(item, w->chunks), piece = item - outer * w->chunks;
    long at = w->o[k].offset + (long)piece * w->chunk * w->o[k].strides[0];
    for (int d = 1; d < w->rank; d++) {
        ulong rest = divide(outer, w->shape[d]);
        at += (long)(outer - rest * w->shape[d]) * w->o[k].strides[d];
        outer = rest;
    }
    return at;
}

// How many elements an item has.
static inline long item_length(const walk *w, ulong item) {
    ulong piece = item - divide(item, w->chunks) * w->chunks;
    return min(w->chunk, w->shape[0] - (long)piece * w->chunk);
}
)CLSRC"
