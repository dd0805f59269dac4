R"CLSRC(
// Max and average pooling of planes. Items of the CPU class take `chunk` planes, of the GPU class an element; both compute
// an element alike.
typedef struct {
    long planes;
    long in_height, in_width, out_height, out_width;
    long kernel_y, kernel_x, stride_y, stride_x, padding_y, padding_x, dilation_y, dilation_x;
    long count_include_pad;
} pooling;

// The elements of a window that are inside the image, along one dim: begin, begin + dilation, … below end.
typedef struct {
    long begin, end;
} span;

static inline span window(long i, long size, long kernel_, long stride, long padding, long dilation) {
    const long start = i * stride - padding;
    const long missed = start >= 0 ? 0 : (dilation - 1 - start) / dilation;
    return (span){start + missed * dilation, min(size, start + kernel_ * dilation)};
}

#ifdef CPU_CLASS
#define EACH_ELEMENT(height, width, CALL)                                                                              \
    const long first = get_global_id(0) * chunk, last = min(p.planes, first + chunk);                                  \
    for (long plane = first; plane < last; plane++)                                                                    \
        for (long y = 0; y < (height); y++)                                                                            \
            for (long x = 0; x < (width); x++) CALL;
#else
#define EACH_ELEMENT(height, width, CALL)                                                                              \
    const ulong line = divide(get_global_id(0), width), plane = divide(line, height);                                  \
    const long x = get_global_id(0) - line * (width), y = line - plane * (height);                                     \
    if (plane < (ulong)p.planes) CALL;
#endif
#define IN_SIZE (p.in_height * p.in_width)
#define OUT_SIZE (p.out_height * p.out_width)
)CLSRC"
