R"CLSRC(
// Behind matmul.cl: adding pieces up.

// The addend comes last. An item takes `chunk` elements.
kernel void finish(const product GIVEN(p), global T *out, long out_at, const global T *partial, long partial_at,
                   const global T *addend, long addend_at, ALPHA alpha, long chunk) {
    TAKE(product, p);
    const long size = p.m * p.n, count = size * p.batch_count;
    const long first = get_global_id(0) * chunk, last = min(first + chunk, count);
    for (long i = first; i < last; i++) {
        T sum = partial[partial_at + i];
        for (long piece = 1; piece < p.pieces; piece++) sum += partial[partial_at + piece * count + i];
        sum *= (T)alpha;
        if (addend != 0) {
            const ulong entry = divide(i, size), place = i - entry * size;
            const ulong row = divide(place, p.n), column = place - row * p.n;
            sum += addend[addend_at + batch_at(&p, p.addend.batch, entry) + (long)row * p.addend.row +
                          (long)column * p.addend.column];
        }
        out[out_at + i] = sum;
    }
}
)CLSRC"
