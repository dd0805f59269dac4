R"CLSRC(
// 2-d convolution and its gradients on CPUs.
//
// The source is spread first: its planes get a border of zeros, and where the stride is not 1 they are parted into
// phases, one for each remainder of the coordinate. Then every element of the kernel meets the outputs in one contiguous
// run, from an offset of its own: outputs are counted as in a plane of the source's pitch, and those that fall between
// the end of a row and its pitch are computed and dropped. Gradients of the input are convolutions of the spread gradient,
// one for each phase of the input, with the kernel's elements that meet it.
typedef struct {
    long count;                    // of outputs
    long taps, stride, dilation;   // of the kernel
    long phase, base;              // backward: the phase of the outputs, and the source's position for the first of them
    long first, step;              // where outputs go
    long phases;                   // of the source
} axis;
typedef struct {
    long batch, groups, inputs, outputs; // inputs and outputs of a group
    long backward;
    long pitch, plane;           // of the source: a row, a plane of one phase
    long out_height, out_width;  // of a plane of the result
    long out_step, in_step;      // of the weights, as to outputs and inputs; groups are inputs * outputs * taps apart
    axis y, x;
} convolution;

// Where kernel element `tap` meets the first output. False where it meets none of them.
static inline bool find_tap(const axis *a, long backward, long tap, long *phase, long *at) {
    const long reach = tap * a->dilation - a->phase;
    const long whole = a->stride == 1 || reach < 0 ? reach : (long)divide(reach, a->stride);
    *phase = backward ? 0 : reach - whole * a->stride;
    *at = backward ? a->base - whole : whole;
    return !backward || (reach >= 0 && whole * a->stride == reach);
}
)CLSRC"
