R"CLSRC(
// Behind norm.cl: batch normalisation of images [batch, channels, size]. Images of one element are rows of channels.
#ifdef CPU_CLASS

// An item takes `chunk` planes, or rows where size is 1.
kernel void batch_norm(global T *out, long out_at, const global T *in, long in_at, const global T *means, long mean_at,
                       const global T *rstds, long rstd_at, const global T *weights, long weight_at,
                       const global T *biases, long bias_at, long batch, long channels, long size, long chunk) {
    const long first = get_global_id(0) * chunk, last = min(size == 1 ? batch : batch * channels, first + chunk);
    means += mean_at;
    rstds += rstd_at;
    weights += weights == 0 ? 0 : weight_at;
    biases += biases == 0 ? 0 : bias_at;
    for (long item = first; item < last; item++) {
        const long n = size == 1 ? channels : size, c = item % channels;
        const global T *x = in + in_at + item * n;
        global T *y = out + out_at + item * n;
        if (size > 1) {
            const T mean = means[c], scale = weights == 0 ? rstds[c] : rstds[c] * weights[c];
            const T shift = biases == 0 ? (T)0 : biases[c];
#define AFFINE(L) ((L(x, i) - mean) * scale + shift)
            STORE_RUN(y, n, AFFINE)
            continue;
        }
#define ROW_SCALED(L) ((L(x, i) - L(means, i)) * L(rstds, i))
#define ROW_WEIGHTED(L) ((L(x, i) - L(means, i)) * (L(rstds, i) * L(weights, i)))
#define ROW_SCALED_BIASED(L) (ROW_SCALED(L) + L(biases, i))
#define ROW_WEIGHTED_BIASED(L) (ROW_WEIGHTED(L) + L(biases, i))
        if (weights != 0 && biases != 0) {
            STORE_RUN(y, n, ROW_WEIGHTED_BIASED)
        } else if (weights != 0) {
            STORE_RUN(y, n, ROW_WEIGHTED)
        } else if (biases != 0) {
            STORE_RUN(y, n, ROW_SCALED_BIASED)
        } else {
            STORE_RUN(y, n, ROW_SCALED)
        }
    }
}

// Into `sums`, [chunks, 2, channels], the sums of grad and of grad * (x - mean) over a chunk of images. Items are
// channels by chunks; where size is 1, chunks alone.
kernel void batch_norm_sums(global T *sums, long sums_at, const global T *grad, long grad_at, const global T *in,
                            long in_at, const global T *means, long mean_at, long batch, long channels, long size,
                            long chunk) {
    const long part = get_global_id(1), first = part * chunk, last = min(batch, first + chunk), c = get_global_id(0);
    global T *plain = sums + sums_at + part * 2 * channels, *dots = plain + channels;
    means += mean_at;
    grad += grad_at;
    in += in_at;
    if (size == 1) {
        for (long i = 0; i < 2 * channels; i++) plain[i] = 0;
        for (long row = first; row < last; row++) {
            const global T *g = grad + row * channels, *x = in + row * channels;
#define WITH_DISTANCE(L) (L(dots, i) + L(g, i) * (L(x, i) - L(means, i)))
            STORE_RUN(plain, channels, WITH_GRADIENT)
            STORE_RUN(dots, channels, WITH_DISTANCE)
        }
        return;
    }
    const T mean = means[c];
    plain[c] = dots[c] = 0;
    for (long image = first; image < last; image++) {
        const global T *g = grad + (image * channels + c) * size, *x = in + (image * channels + c) * size;
        T total, dot;
        SUM_RUN(total, size, GRADIENT)
        SUM_RUN(dot, size, GRADIENT_DISTANCE)
        plain[c] += total;
        dots[c] += dot;
    }
}

// factors is [3, channels]: dx = (grad - first - (x - mean) * second) * scale. As batch_norm.
kernel void batch_norm_spread(global T *out, long out_at, const global T *grad, long grad_at, const global T *in,
                              long in_at, const global T *means, long mean_at, const global T *factors, long factors_at,
                              long batch, long channels, long size, long chunk) {
    const long begin = get_global_id(0) * chunk, end = min(size == 1 ? batch : batch * channels, begin + chunk);
    means += mean_at;
    const global T *firsts = factors + factors_at, *seconds = firsts + channels, *scales = seconds + channels;
    for (long item = begin; item < end; item++) {
        const long n = size == 1 ? channels : size, c = item % channels;
        const global T *g = grad + grad_at + item * n, *x = in + in_at + item * n;
        global T *dx = out + out_at + item * n;
        if (size > 1) {
            const T mean = means[c], first = firsts[c], second = seconds[c], scale = scales[c];
#define SPREAD(L) ((L(g, i) - first - (L(x, i) - mean) * second) * scale)
            STORE_RUN(dx, n, SPREAD)
            continue;
        }
#define ROW_SPREAD(L) ((L(g, i) - L(firsts, i) - (L(x, i) - L(means, i)) * L(seconds, i)) * L(scales, i))
        STORE_RUN(dx, n, ROW_SPREAD)
    }
}
#endif

kernel void batch_norm_factors(global T *factors, long factors_at, global T *dweight, long dweight_at, global T *dbias,
                               long dbias_at, const global T *sums, long sums_at, const global T *weights,
                               long weight_at, const global T *rstds, long rstd_at, long chunks, long channels,
                               long training, T count) {
    const long c = get_global_id(0);
    if (c >= channels) return;
    const T plain = sum_of_chunks(sums + sums_at + c, chunks, 2 * channels);
    const T dot = sum_of_chunks(sums + sums_at + channels + c, chunks, 2 * channels), rstd = rstds[rstd_at + c];
    if (dbias != 0) dbias[dbias_at + c] = plain;
    if (dweight != 0) dweight[dweight_at + c] = dot * rstd;
    factors += factors_at + c;
    factors[0] = training ? plain / count : (T)0;
    factors[channels] = training ? dot * rstd * rstd / count : (T)0;
    factors[2 * channels] = weights == 0 ? rstd : rstd * weights[weight_at + c];
}

#ifdef GPU_CLASS
kernel void batch_norm(global T *out, long out_at, const global T *in, long in_at, const global T *means, long mean_at,
                       const global T *rstds, long rstd_at, const global T *weights, long weight_at,
                       const global T *biases, long bias_at, long batch, long channels, long size) {
    const long i = get_global_id(0), c = divide(i, size) % channels;
    if (i >= batch * channels * size) return;
    const T scale = weights == 0 ? rstds[rstd_at + c] : rstds[rstd_at + c] * weights[weight_at + c];
    out[out_at + i] = (in[in_at + i] - means[mean_at + c]) * scale + (biases == 0 ? (T)0 : biases[bias_at + c]);
}

// A work-group is a channel of a chunk of images.
ROW_KERNEL batch_norm_sums(global T *sums, long sums_at, const global T *grad, long grad_at, const global T *in,
                           long in_at, const global T *means, long mean_at, long batch, long channels, long size,
                           long chunk) {
    local T room[GROUP];
    const long c = get_group_id(0), part = get_group_id(1), first = part * chunk, last = min(batch, first + chunk);
    const T mean = means[mean_at + c];
    T plain = 0, dot = 0;
    EACH(i, (last - first) * size) {
        const long image = divide(i, size), at = ((first + image) * channels + c) * size + i - image * size;
        const T g = grad[grad_at + at];
        plain += g;
        dot += g * (in[in_at + at] - mean);
    }
    plain = group_sum(plain, room);
    dot = group_sum(dot, room);
    if (get_local_id(0) > 0) return;
    sums[sums_at + part * 2 * channels + c] = plain;
    sums[sums_at + (part * 2 + 1) * channels + c] = dot;
}

kernel void batch_norm_spread(global T *out, long out_at, const global T *grad, long grad_at, const global T *in,
                              long in_at, const global T *means, long mean_at, const global T *factors, long factors_at,
                              long batch, long channels, long size) {
    const long i = get_global_id(0), c = divide(i, size) % channels;
    if (i >= batch * channels * size) return;
    factors += factors_at + c;
    out[out_at + i] = (grad[grad_at + i] - factors[0] - (in[in_at + i] - means[mean_at + c]) * factors[channels]) *
                      factors[2 * channels];
}
#endif
)CLSRC"
