// The double functions of math.h. Where a last bit is at stake a value is a pair, the unevaluated sum of a double and
// a correction.
#ifndef APUS_SIMD_MATH_F64_H
#define APUS_SIMD_MATH_F64_H

#define APUS_INF_F64 __builtin_inf()
#define APUS_NAN_F64 __builtin_nan("")

// Exponentials, as in float.

APUS_MATH double exp_reduce_f64(double x, double *n, double *lost) {
    *n = round_small_f64(x * 0x1.71547652b82fep+0);
    double t = fma_f64(*n, -0x1.62e42fefa2p-1, x), r = fma_f64(*n, -0x1.9ef35793c7673p-41, t);
    *lost = fma_f64(*n, -0x1.9ef35793c7673p-41, t - r);
    return r;
}

// exp(r + lost) - 1, relative error 2^-61.
APUS_MATH double expm1_poly_f64(double r, double lost) {
    double p = 2.09128137868029e-09;
    p = fma_f64(p, r, 2.510933463665367e-08);
    p = fma_f64(p, r, 2.755727733147496e-07);
    p = fma_f64(p, r, 2.755724341937115e-06);
    p = fma_f64(p, r, 2.480158732377011e-05);
    p = fma_f64(p, r, 0.0001984126988684015);
    p = fma_f64(p, r, 0.0013888888888883588);
    p = fma_f64(p, r, 0.008333333333321381);
    p = fma_f64(p, r, 0.04166666666666667);
    p = fma_f64(p, r, 0.16666666666666677);
    p = fma_f64(p, r, 0.5);
    return r + fma_f64(r * r, p, fma_f64(lost, r, lost));
}

// exp(x + tail) 2^shift for |x| < 1000 and a tail of some ulps of x; it joins r before the polynomial, as r's lost bits
// do after.
APUS_MATH double exp_inside_f64(double x, double tail, double shift) {
    double n, lost, r = exp_reduce_f64(x, &n, &lost), t = r + (lost + tail);
    return scale_f64(1.0 + expm1_poly_f64(t, (r - t) + (lost + tail)), n + shift);
}

// The same for all x.
APUS_MATH double exp_pair_f64(double x, double tail, double shift) {
    double c = x > 711.0 ? 711.0 : x;
    c = c < -750.0 ? -750.0 : c;
    return exp_inside_f64(c, tail, shift);
}

APUS_MATH double exp_f64(double x) { return exp_pair_f64(x, 0.0, 0.0); }

APUS_MATH double exp2_f64(double x) {
    double c = x > 1025.0 ? 1025.0 : x;
    c = c < -1080.0 ? -1080.0 : c;
    double n = round_small_f64(c), r = c - n;
    // (2^r - 1) / r on [-1/2, 1/2], relative error 2^-59.
    double p = -2.800838818817566e-11;
    p = fma_f64(p, r, 2.5160852675055462e-11);
    p = fma_f64(p, r, 4.685589395095913e-10);
    p = fma_f64(p, r, 7.0552879634806535e-09);
    p = fma_f64(p, r, 1.0177331778578748e-07);
    p = fma_f64(p, r, 1.321548581420053e-06);
    p = fma_f64(p, r, 1.5252734941065407e-05);
    p = fma_f64(p, r, 0.0001540353039451621);
    p = fma_f64(p, r, 0.0013333558145595917);
    p = fma_f64(p, r, 0.009618129107627904);
    p = fma_f64(p, r, 0.055504108664824185);
    p = fma_f64(p, r, 0.24022650695910072);
    p = fma_f64(p, r, 0.6931471805599453);
    return scale_f64(fma_f64(r, p, 1.0), n);
}

APUS_MATH double expm1_f64(double x) {
    double n, lost, c = x > 710.0 ? 710.0 : x;
    c = c < -50.0 ? -50.0 : c;
    double r = exp_reduce_f64(c, &n, &lost), m = expm1_poly_f64(r, lost);
    double s = pow2_f64(n - 1.0), y = fma_f64(s, m, s - 0.5) * 2.0;
    return copysign_f64(n == 0.0 ? m : y, x);
}

// Logarithms. x = 2^e (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)). The exponent field, put under the exponent of 2^52,
// is a double without a 64-bit integer conversion, which AVX2 lacks.
APUS_MATH double log_reduce_f64(double x, double *e) {
    int subnormal = x < 0x1p-1022;
    uint64_t u = bits_f64(subnormal ? x * 0x1p52 : x) + (0x3ff0000000000000u - 0x3fe6a09e667f3bcdu);
    *e = from_bits_u64(u >> 52 | 0x4330000000000000u) - (subnormal ? 0x1p52 + 1075.0 : 0x1p52 + 1023.0);
    return from_bits_u64((u & 0xfffffffffffffu) + 0x3fe6a09e667f3bcdu) - 1.0;
}

APUS_MATH double log_special_f64(double x, double y) {
    double pole = x == 0.0 ? -APUS_INF_F64 : APUS_NAN_F64;
    return x > 0.0 ? (x < APUS_INF_F64 ? y : x) : pole;
}

// log(1 + f + tail) as a pair with relative error about 2^-65: 2 atanh(s) for s = f / (2 + f), all leading terms as
// pairs.
APUS_MATH double log_pair_f64(double f, double tail, double *low) {
    double d = 2.0 + f, d_low = (f - (d - 2.0)) + tail, inverse = 1.0 / d;
    double s = f * inverse, p = s * d;
    double s_low = (((f - p) - product_error_f64(s, d, p)) + (tail - s * d_low)) * inverse;
    // (atanh(s) / s - 1 - s^2 / 3) / s^4 in z = s^2 <= 0.0295, error relative to the logarithm 2^-73.
    double z = s * s, z_low = product_error_f64(s, s, z) + 2.0 * s * s_low;
    double h = 0.059911038457636415;
    h = fma_f64(h, z, 0.058378645990140796);
    h = fma_f64(h, z, 0.06668133427295424);
    h = fma_f64(h, z, 0.07692279186617414);
    h = fma_f64(h, z, 0.09090909422345647);
    h = fma_f64(h, z, 0.1111111110889264);
    h = fma_f64(h, z, 0.14285714285721926);
    h = fma_f64(h, z, 0.1999999999999999);
    double t = z * 0x1.5555555555555p-2;
    double t_low = product_error_f64(z, 0x1.5555555555555p-2, t) + z * 0x1.5555555555555p-56;
    t_low = t_low + fma_f64(z * z, h, z_low * 0x1.5555555555555p-2);
    double s2 = 2.0 * s, q = s2 * t, hi = s2 + q;
    *low = ((s2 - hi) + q) + (product_error_f64(s2, t, q) + fma_f64(s2, t_low, 2.0 * s_low * (1.0 + t)));
    return hi;
}

// e ln 2 + (hi + low), the pair of ln 2 having an exact e ln2_hi.
APUS_MATH double log_join_f64(double e, double hi, double low, double *tail) {
    double a = e * 0x1.62e42fefa2p-1, y = a + hi;
    *tail = ((a - y) + hi) + fma_f64(e, 0x1.9ef35793c7673p-41, low);
    return y;
}

APUS_MATH double log_f64(double x) {
    double e, low, tail, f = log_reduce_f64(x, &e), hi = log_pair_f64(f, 0.0, &low);
    double y = log_join_f64(e, hi, low, &tail);
    return log_special_f64(x, y + tail);
}

APUS_MATH double log2_f64(double x) {
    double e, low, f = log_reduce_f64(x, &e), hi = log_pair_f64(f, 0.0, &low);
    double y = hi * 0x1.71547652b82fep+0, error = product_error_f64(hi, 0x1.71547652b82fep+0, y);
    double tail = error + fma_f64(hi, 0x1.777d0ffda0d24p-56, low * 0x1.71547652b82fep+0), s = e + y;
    return log_special_f64(x, s + (((e - s) + y) + tail));
}

APUS_MATH double log10_f64(double x) {
    double e, low, f = log_reduce_f64(x, &e), hi = log_pair_f64(f, 0.0, &low);
    double y = hi * 0x1.bcb7b1526e50ep-2, error = product_error_f64(hi, 0x1.bcb7b1526e50ep-2, y);
    double tail = error + fma_f64(hi, 0x1.95355baaafad3p-57, low * 0x1.bcb7b1526e50ep-2);
    double a = e * 0x1.34413509f6p-2, s = a + y;
    return log_special_f64(x, s + (((a - s) + y) + fma_f64(e, 0x1.9fef311f12b36p-42, tail)));
}

// log(1 + x) + shift ln 2 for a finite x > -1.
APUS_MATH double log1p_pair_f64(double x, double shift) {
    double u = 1.0 + x, e, low, tail, f = log_reduce_f64(u, &e);
    // What rounding 1 + x lost, in units of 2^e, becomes the fraction's tail.
    double lost = sum_error_f64(1.0, x, u) * scale_f64(1.0, -e), g = f + lost;
    double hi = log_pair_f64(g, (f - g) + lost, &low), y = log_join_f64(e + shift, hi, low, &tail);
    return y + tail;
}

APUS_MATH double log1p_f64(double x) {
    double y = log1p_pair_f64(x, 0.0);
    return fabs_f64(x) < 0x1p-60 ? x : log_special_f64(1.0 + x, y);
}

// Trigonometric functions. Payne and Hanek's reduction, branch-free: x 2^-32i, an integer below 2^85 unless i is 0,
// times 2^32i / (2 pi) modulo 1 as four doubles from a table of 1 KB, one array for each of the four, as compilers make
// gathers of that. Ordinary arguments, below 2^84, all have the first entries, and need no other path.
static const double trig_pieces_f64[4][31] = {
    {0x1.45f306dc9c883p-3, -0x1.b1bbead603d8bp-2, 0x1.fc2757d1f534ep-2,  0x1.f534ddc0db629p-2,  0x1.b6c52b3278872p-3,
     0x1.3c439041fe516p-2, 0x1.fe5163abdebbcp-2,  -0x1.0a21d4f246dc9p-5, 0x1.b7246e3a424ddp-2,  -0x1.bdb22d1ff9b6dp-2,
     0x1.924bba8274648p-8, -0x1.f62e6de301e21p-2, 0x1.fc3bd63962535p-3,  0x1.62534e7dd1047p-3,  -0x1.177dca0ad144cp-2,
     0x1.2ebb4484e99c7p-2, 0x1.d338e04d68bfp-3,   -0x1.4ba081bec66e3p-2, 0x1.3991d63983534p-2,  0x1.835339f49c846p-2,
     0x1.3908bf177bf25p-3, -0x1.081b5f13801dap-4, -0x1.c00ed00043f4dp-3, -0x1.0fd33f8086877p-5, -0x1.0d0ee74a5f593p-6,
     -0x1.4beb25c12593p-3, -0x1.25930261b069fp-3, -0x1.b069ec9161738p-3, -0x1.61738132c3403p-3, -0x1.61a015d28ad84p-2,
     0x1.7527bac7ebe5fp-2},
    {-0x1.6b01ec5417056p-57, 0x1.f47d4d377036ep-56,  -0x1.1f924eb53361ep-57, 0x1.664f10e4107f9p-56,
     0x1.07f9458eaf7afp-60,  0x1.d5ef5de2b0db9p-57,  0x1.586dc91b8e909p-56,  0x1.d2126e9700325p-61,
     0x1.700324977504fp-57,  -0x1.15f62e6de301ep-58, 0x1.cfe1deb1cb12ap-62,  -0x1.38d3b5963045ep-56,
     -0x1.822efb9415a29p-59, -0x1.0568a25dbd8b3p-57, 0x1.213a671c09ad1p-56,  0x1.35a2fbf209cc9p-61,
     -0x1.bec66e29c67cbp-58, 0x1.8e60d4ce7d272p-56,  -0x1.82d8dee81d108p-56, -0x1.d1081b5f13802p-60,
     0x1.d8ffc4bffef03p-61,  -0x1.0fd33f8086877p-69, 0x1.fde5e2316b415p-63,  -0x1.d297d64b824b2p-60,
     0x1.f6d367ecf27cbp-62,  -0x1.30d834f648b0cp-58, 0x1.b74f463f669e6p-58,  -0x1.32c3402ba515bp-59,
     0x1.16ba93dd63f5fp-57,  -0x1.4e050683a130cp-56, 0x1.7b3d0739f78a5p-58},
    {-0x1.6447e493ad4cep-111, -0x1.d6a66c3bc6fbep-110, 0x1.c820ff28b1d5fp-113,  0x1.163abdebbc562p-110,
     -0x1.d4f246dc8e2dfp-117, 0x1.1b8e909374b8p-112,   0x1.ba5c00c925dd4p-111,  -0x1.a22bec5cdbc6p-115,
     -0x1.cdbc603c429c7p-111, -0x1.0a71a76b2c609p-113, -0x1.63045df7282b4p-116, 0x1.1afa975da2427p-113,
     0x1.a24274ce38136p-113,  -0x1.c7eca5d040df6p-113, 0x1.f7e413991d63ap-110,  -0x1.4e33e566305b2p-117,
     0x1.9cfa4e422fc5ep-113,  0x1.17e2ef7e4a0ecp-112,  -0x1.b5f13801da001p-112, 0x1.2fffbc0b301fep-115,
     -0x1.9fc04343b9d29p-116, -0x1.d297d64b824b2p-124, -0x1.2e092c98130d8p-118, -0x1.8130d834f648bp-114,
     0x1.36e9e8c7ecd3dp-119,  0x1.8fd9a797fa8b6p-112,  -0x1.5d28ad8453814p-118, -0x1.14e050683a131p-116,
     0x1.7c5ecf41ce7dep-112,  0x1.ce7de294a4baap-112,  0x1.497535fdafd89p-113},
    {0x1.e21c820ff28b2p-165,  -0x1.ae9c5421443aap-170, -0x1.443a9e48db91cp-170, -0x1.236e4716f6c8bp-164,
     0x1.374b801924bbbp-172,  0x1.924bba8274648p-168,  0x1.3a32439fc3bd6p-167,  -0x1.e214e34ed658cp-170,
     0x1.894d39f74411bp-165,  0x1.1046bea5d7689p-167,  -0x1.44bb7b16638fep-170, 0x1.338e04d68befdp-167,
     -0x1.741037d8cdc54p-167, -0x1.9b8a719f2b318p-168, -0x1.f2b3182d8dee8p-164, 0x1.08bf177bf2507p-171,
     -0x1.036be27003b4p-169,  0x1.ff897ffde0598p-166,  0x1.e05980fef2f12p-166,  -0x1.a1dce94beb25cp-171,
     -0x1.f592e092c9813p-170, -0x1.8130d834f648bp-178, -0x1.a7b24585ce04dp-173, -0x1.738132c3402bap-171,
     -0x1.00ae9456c229cp-173, -0x1.5b08a7028341dp-167, -0x1.a0e84c2f8c608p-174, 0x1.0739f78a5292fp-170,
     0x1.4a525d4d7f6bfp-167,  -0x1.404a04ee072a3p-166, -0x1.ca8bdea7f33eep-172}};

// x = quadrant pi / 2 + r for a pair r.
APUS_MATH double trig_reduce_f64(double x, uint64_t *quadrant, double *r_low) {
    double a = fabs_f64(x);
    uint64_t exponent = bits_f64(a) >> 52, over = exponent < 1075u ? 0u : exponent - 1075u;
    uint64_t row = over >> 5 > 30u ? 30u : over >> 5;
    double b = a * from_bits_u64((uint64_t)(1023u - row * 32u) << 52);
    double c0 = trig_pieces_f64[0][row], c1 = trig_pieces_f64[1][row];
    double c2 = trig_pieces_f64[2][row], c3 = trig_pieces_f64[3][row];
    double p0 = b * c0, e0 = product_error_f64(b, c0, p0);
    double p1 = b * c1, e1 = product_error_f64(b, c1, p1);
    double p2 = b * c2, e2 = product_error_f64(b, c2, p2);
    double p3 = b * c3;
    p0 -= rint_f64(p0);
    e0 -= rint_f64(e0);
    p1 -= rint_f64(p1);
    double q = 4.0 * (p0 + e0 + p1) + 0x1.8p52;
    *quadrant = bits_f64(q);
    // p0, e0 and p1 are multiples of 2^-55 where they can cancel; carrying the sums' errors keeps all later bits.
    double s = p0 - (q - 0x1.8p52) * 0.25;
    double h1 = s + e0, l1 = sum_error_f64(s, e0, h1);
    double h2 = h1 + p1, l2 = sum_error_f64(h1, p1, h2) + l1;
    double h3 = h2 + l2, l3 = sum_error_f64(h2, l2, h3);
    double h4 = h3 + e1, l4 = sum_error_f64(h3, e1, h4);
    double h5 = h4 + p2, l5 = sum_error_f64(h4, p2, h5);
    double low = l3 + l4 + l5 + e2 + p3;
    double t = h5 + low, t_low = (h5 - t) + low;
    double r = t * 0x1.921fb54442d18p+2;
    double r_error =
        product_error_f64(t, 0x1.921fb54442d18p+2, r) + fma_f64(t, 0x1.1a62633145c07p-52, t_low * 0x1.921fb54442d18p+2);
    // The errors of tiny products underflow, but a tiny argument is its own remainder.
    *r_low = a < 0x1p-100 ? 0.0 : r_error;
    return a < 0x1p-100 ? a : r;
}

// Sine and cosine of r + r_low, |r| <= pi / 4, each less its leading term (r, 1), relative errors 2^-63 and
// 2^-68.
APUS_MATH double sin_rest_f64(double r, double r_low) {
    double z = r * r;
    double p = -7.379660323390202e-13;
    p = fma_f64(p, z, 1.6054126350307626e-10);
    p = fma_f64(p, z, -2.50520696007565e-08);
    p = fma_f64(p, z, 2.7557319069596587e-06);
    p = fma_f64(p, z, -0.00019841269840955867);
    p = fma_f64(p, z, 0.008333333333333038);
    return fma_f64(r * z, fma_f64(z, p, -0x1.5555555555555p-3), r_low * fma_f64(z, -0.5, 1.0));
}

APUS_MATH double cos_rest_f64(double r, double r_low) {
    double z = r * r, half = 0.5 * z, w = 1.0 - half;
    double p = 4.592669452494446e-14;
    p = fma_f64(p, z, -1.1466861428833606e-11);
    p = fma_f64(p, z, 2.087672200586536e-09);
    p = fma_f64(p, z, -2.7557319060672383e-07);
    p = fma_f64(p, z, 2.4801587301180807e-05);
    p = fma_f64(p, z, -0.0013888888888888389);
    p = fma_f64(p, z, 0.041666666666666664);
    return (w - 1.0) + (((1.0 - w) - half) + fma_f64(z * z, p, -r * r_low));
}

APUS_MATH double sin_f64(double x) {
    uint64_t q;
    double low, r = trig_reduce_f64(x, &q, &low);
    double y = (q & 1u) != 0u ? 1.0 + cos_rest_f64(r, low) : r + sin_rest_f64(r, low);
    return from_bits_u64(bits_f64(y) ^ (q & 2u) << 62 ^ (bits_f64(x) & 0x8000000000000000u));
}

APUS_MATH double cos_f64(double x) {
    uint64_t q;
    double low, r = trig_reduce_f64(x, &q, &low);
    double y = (q & 1u) != 0u ? r + sin_rest_f64(r, low) : 1.0 + cos_rest_f64(r, low);
    return from_bits_u64(bits_f64(y) ^ ((q + 1u) & 2u) << 62);
}

APUS_MATH double tan_f64(double x) {
    uint64_t q;
    double low, r = trig_reduce_f64(x, &q, &low);
    double sr = sin_rest_f64(r, low), s = r + sr, s_low = (r - s) + sr;
    double cr = cos_rest_f64(r, low), c = 1.0 + cr, c_low = (1.0 - c) + cr;
    int odd = (q & 1u) != 0u;
    double n = odd ? -c : s, n_low = odd ? -c_low : s_low, d = odd ? s : c, d_low = odd ? s_low : c_low;
    double t = n / d, p = t * d;
    double more = (((n - p) - product_error_f64(t, d, p)) + (n_low - t * d_low)) / d;
    t = fabs_f64(x) < 0x1p-100 ? t : t + more;
    return from_bits_u64(bits_f64(t) ^ (bits_f64(x) & 0x8000000000000000u));
}

// Inverse trigonometric functions.

// asin(s) - s for s^2 = z <= 1/4, error relative to asin 2^-59.
APUS_MATH double asin_rest_f64(double s, double z) {
    double p = 0.03269659395512725;
    p = fma_f64(p, z, -0.02110806681979047);
    p = fma_f64(p, z, 0.02178471736455455);
    p = fma_f64(p, z, 0.0036745430692854244);
    p = fma_f64(p, z, 0.010788718925947152);
    p = fma_f64(p, z, 0.011397396327286036);
    p = fma_f64(p, z, 0.01398100645699388);
    p = fma_f64(p, z, 0.017351596458784365);
    p = fma_f64(p, z, 0.022372215855490877);
    p = fma_f64(p, z, 0.030381942676953388);
    p = fma_f64(p, z, 0.04464285717525387);
    p = fma_f64(p, z, 0.07499999999970129);
    p = fma_f64(p, z, 0.16666666666666763);
    return s * z * p;
}

// asin(min(a, sqrt((1 - a) / 2))) as a pair: from 1/2 on, asin(a) = pi / 2 - 2 asin(sqrt((1 - a) / 2)).
APUS_MATH double asin_half_f64(double a, double *low) {
    double z = a > 0.5 ? 0.5 - 0.5 * a : a * a, root = sqrt_f64(z), p = root * root;
    double lost = ((z - p) - product_error_f64(root, root, p)) * 0.5 / root;
    lost = root > 0.0 ? lost : 0.0;
    double s = a > 0.5 ? root : a;
    *low = asin_rest_f64(s, z) + (a > 0.5 ? lost : 0.0);
    return s;
}

APUS_MATH double asin_f64(double x) {
    double a = fabs_f64(x), low, s = asin_half_f64(a, &low);
    double side = 0x1.921fb54442d18p+0 - 2.0 * s;
    side += ((0x1.921fb54442d18p+0 - side) - 2.0 * s) + (0x1.1a62633145c07p-54 - 2.0 * low);
    double y = a > 0.5 ? side : s + low;
    return copysign_f64(a <= 1.0 ? y : APUS_NAN_F64, x);
}

APUS_MATH double acos_f64(double x) {
    double a = fabs_f64(x), low, s = asin_half_f64(a, &low), t = copysign_f64(s, x), t_low = copysign_f64(low, x);
    double centre = 0x1.921fb54442d18p+0 - (t - (0x1.1a62633145c07p-54 - t_low));
    double left = 0x1.921fb54442d18p+1 - (2.0 * s - (0x1.1a62633145c07p-53 - 2.0 * low));
    double side = x < 0.0 ? left : 2.0 * (s + low), y = a > 0.5 ? side : centre;
    return a <= 1.0 ? y : APUS_NAN_F64;
}

// atan(n / d) for n, d >= 0, not both 0 or infinite: the quotient of the smaller by the larger, or from tan(pi / 8) on
// its angle to pi / 4, as a pair.
APUS_MATH double atan_ratio_f64(double n, double d) {
    int swap = n > d;
    double a = swap ? d : n, b = swap ? n : d;
    int middle = a > b * 0.41421356237309503;
    double u = middle ? a - b : a, u_low = middle ? sum_error_f64(a, -b, u) : 0.0;
    double v = middle ? a + b : b, v_low = middle ? sum_error_f64(a, b, v) : 0.0;
    double t = u / v, p = t * v, z = t * t;
    double t_low = (((u - p) - product_error_f64(t, v, p)) + (u_low - t * v_low)) / v;
    // Not where the exact product would overflow or underflow.
    t_low = b <= 0x1p1000 && a >= 0x1p-900 ? t_low : 0.0;
    // (atan(t) / t - 1) / t^2 for |t| <= tan(pi / 8), relative error 2^-59.
    double h = -0.017911514655968068;
    h = fma_f64(h, z, 0.0380687113825864);
    h = fma_f64(h, z, -0.050394765796958015);
    h = fma_f64(h, z, 0.058479292662904164);
    h = fma_f64(h, z, -0.06663109771326174);
    h = fma_f64(h, z, 0.07692060735907716);
    h = fma_f64(h, z, -0.09090897787826431);
    h = fma_f64(h, z, 0.11111110784528108);
    h = fma_f64(h, z, -0.14285714280218223);
    h = fma_f64(h, z, 0.19999999999953805);
    h = fma_f64(h, z, -0.333333333333332);
    double rest = fma_f64(t * z, h, t_low);
    double base = middle ? 0x1.921fb54442d18p-1 : 0.0, base_low = middle ? 0x1.1a62633145c07p-55 : 0.0;
    double y = base + t;
    rest += ((base - y) + t) + base_low;
    double r = 0x1.921fb54442d18p+0 - y, r_low = ((0x1.921fb54442d18p+0 - r) - y) + (0x1.1a62633145c07p-54 - rest);
    return swap ? r + r_low : y + rest;
}

APUS_MATH double atan_f64(double x) {
    double y = atan_ratio_f64(fabs_f64(x), 1.0);
    return x == 0.0 ? x : copysign_f64(y, x);
}

APUS_MATH double atan2_f64(double y, double x) {
    double a = fabs_f64(x), b = fabs_f64(y), big = b > a ? b : a;
    double scale = big > 0x1p1000 ? 0x1p-200 : 1.0;
    scale = big < 0x1p-700 ? 0x1p200 : scale;
    int same = a == b;
    // 0 / 0 is the angle 0 and inf / inf that of the diagonal.
    double diagonal = b > 0.0 ? 1.0 : 0.0;
    double r = atan_ratio_f64(same ? diagonal : b * scale, same ? 1.0 : a * scale);
    double s = 0x1.921fb54442d18p+1 - r;
    r = __builtin_signbit(x) ? s + (((0x1.921fb54442d18p+1 - s) - r) + 0x1.1a62633145c07p-53) : r;
    return copysign_f64(x != x || y != y ? APUS_NAN_F64 : r, y);
}

// Hyperbolic functions.

APUS_MATH double sinh_f64(double x) {
    double a = fabs_f64(x), z = x * x, e = exp_pair_f64(a, 0.0, -1.0);
    // (sinh(x) / x - 1) / x^2 on [0, 1], relative error 2^-62.
    double p = 6.4749749580354266e-15;
    p = fma_f64(p, z, 7.503276783636134e-13);
    p = fma_f64(p, z, 1.6061339019802632e-10);
    p = fma_f64(p, z, 2.5052089413719158e-08);
    p = fma_f64(p, z, 2.7557319310087554e-06);
    p = fma_f64(p, z, 0.00019841269841061162);
    p = fma_f64(p, z, 0.008333333333333573);
    p = fma_f64(p, z, 0.16666666666666666);
    return copysign_f64(a < 1.0 ? fma_f64(a * z, p, a) : e - 0.25 / e, x);
}

APUS_MATH double cosh_f64(double x) {
    double e = exp_pair_f64(fabs_f64(x), 0.0, -1.0);
    return e + 0.25 / e;
}

APUS_MATH double tanh_f64(double x) {
    double a = fabs_f64(x), z = x * x, e = exp_pair_f64(a > 20.0 ? 40.0 : 2.0 * a, 0.0, 0.0);
    // (tanh(x) / x - 1) / x^2 on [0, 0.55], relative error 2^-60.
    double p = -1.9491135702872594e-05;
    p = fma_f64(p, z, 8.331048135322815e-05);
    p = fma_f64(p, z, -0.00023337722010725393);
    p = fma_f64(p, z, 0.0005884426898659754);
    p = fma_f64(p, z, -0.0014555423824437795);
    p = fma_f64(p, z, 0.0035920919533094517);
    p = fma_f64(p, z, -0.008863232593163226);
    p = fma_f64(p, z, 0.02186948838530149);
    p = fma_f64(p, z, -0.053968253963739166);
    p = fma_f64(p, z, 0.1333333333332658);
    p = fma_f64(p, z, -0.333333333333333);
    return copysign_f64(a < 0.55 ? fma_f64(a * z, p, a) : 1.0 - 2.0 / (e + 1.0), x);
}

// log(a + sqrt(a^2 + 1)) as log1p; beyond 2^60 it is log(2 a).
APUS_MATH double asinh_f64(double x) {
    double a = fabs_f64(x), z = a * a, u = a + z / (1.0 + sqrt_f64(1.0 + z));
    double y = log1p_pair_f64(a < 0x1p60 ? u : a, a < 0x1p60 ? 0.0 : 1.0);
    return copysign_f64(a < APUS_INF_F64 ? y : a, x);
}

APUS_MATH double acosh_f64(double x) {
    double t = x - 1.0, u = t + sqrt_f64(t * (t + 2.0));
    double y = log1p_pair_f64(x < 0x1p60 ? u : x, x < 0x1p60 ? 0.0 : 1.0);
    return x >= 1.0 ? (x < APUS_INF_F64 ? y : x) : APUS_NAN_F64;
}

APUS_MATH double atanh_f64(double x) {
    double a = fabs_f64(x), y = 0.5 * log1p_pair_f64(2.0 * a / (1.0 - a), 0.0);
    double pole = a == 1.0 ? APUS_INF_F64 : APUS_NAN_F64;
    return copysign_f64(a < 1.0 ? y : pole, x);
}

// Error function.

// erf(x) for |x| <= 1, relative error 2^-56.
APUS_MATH double erf_small_f64(double x) {
    double z = x * x;
    double p = 1.4418621150748992e-09;
    p = fma_f64(p, z, -1.0150647083226805e-08);
    p = fma_f64(p, z, 3.197593819004207e-08);
    p = fma_f64(p, z, -6.025585252071994e-08);
    p = fma_f64(p, z, 8.63037898832944e-08);
    p = fma_f64(p, z, -2.2315701086587858e-07);
    p = fma_f64(p, z, 1.6809730246702259e-06);
    p = fma_f64(p, z, -1.493996556763841e-05);
    p = fma_f64(p, z, 0.00012055744103311548);
    p = fma_f64(p, z, -0.0008548335044977294);
    p = fma_f64(p, z, 0.0052239777269524655);
    p = fma_f64(p, z, -0.026866170652837015);
    p = fma_f64(p, z, 0.11283791670985702);
    p = fma_f64(p, z, -0.3761263890318423);
    p = fma_f64(p, z, 0.1283791670955126);
    return fma_f64(x, p, x);
}

// erfc(a) for a >= 0 as exp(-a^2) E(t) / (1 + 2 a) with the smooth E of t = (a - 4) / (a + 4).
APUS_MATH double erfc_large_f64(double a) {
    a = a > 28.0 ? 28.0 : a;
    double t = (a - 4.0) / (a + 4.0), z = a * a;
    // For a in [0, 28], relative error 2^-54.
    double p = -7.141065889357981e-09;
    p = fma_f64(p, t, -1.8859679735639355e-08);
    p = fma_f64(p, t, 8.221928183174772e-09);
    p = fma_f64(p, t, 4.91081861339301e-08);
    p = fma_f64(p, t, 5.462939721982422e-09);
    p = fma_f64(p, t, 2.5144621319538563e-08);
    p = fma_f64(p, t, 1.9749615626434143e-08);
    p = fma_f64(p, t, -7.618226601418529e-07);
    p = fma_f64(p, t, 3.472506495143751e-07);
    p = fma_f64(p, t, 5.68070327119508e-06);
    p = fma_f64(p, t, -1.1251898650080195e-05);
    p = fma_f64(p, t, -2.4390939957069927e-05);
    p = fma_f64(p, t, 0.00015063209398849783);
    p = fma_f64(p, t, -0.0001992581418803418);
    p = fma_f64(p, t, -0.0007577755962274192);
    p = fma_f64(p, t, 0.005031970123267282);
    p = fma_f64(p, t, -0.016197733740185735);
    p = fma_f64(p, t, 0.03716751553043405);
    p = fma_f64(p, t, -0.06633036583773627);
    p = fma_f64(p, t, 0.09373283499842505);
    p = fma_f64(p, t, -0.10103906603525026);
    p = fma_f64(p, t, 0.068097054254696);
    p = fma_f64(p, t, 0.015379652102602715);
    p = fma_f64(p, t, -0.13962111684056255);
    p = fma_f64(p, t, 1.2329951186255526);
    return exp_inside_f64(-z, -product_error_f64(a, a, z), 0.0) * (p / fma_f64(2.0, a, 1.0));
}

APUS_MATH double erf_f64(double x) {
    double a = fabs_f64(x), y = a < 1.0 ? erf_small_f64(a) : 1.0 - erfc_large_f64(a);
    return copysign_f64(y, x);
}

APUS_MATH double erfc_f64(double x) {
    double a = fabs_f64(x), y = a < 0.5 ? 1.0 - erf_small_f64(a) : erfc_large_f64(a);
    double left = a < 0.5 ? 1.0 + erf_small_f64(a) : 2.0 - y;
    return x < 0.0 ? left : y;
}

// One step of Halley's method, of third order, from 28 bits; from 0.7 on erfc, as 1 - |y| is exact from
// 1/2 on and erf's errors weigh more then.
APUS_MATH double erfinv_f64(double y) {
    double a = fabs_f64(y), x = erfinv_d(a);
    double error = a < 0.7 ? erf_small_f64(x) - a : (1.0 - a) - erfc_large_f64(x);
    double u = error * exp_inside_f64(x * x, 0.0, 0.0) * 0x1.c5bf891b4ef6bp-1;
    double r = x - u / fma_f64(x, u, 1.0);
    double pole = a == 1.0 ? APUS_INF_F64 : APUS_NAN_F64;
    return copysign_f64(a < 1.0 ? r : pole, y);
}

// Gamma function. libm's is accurate, and re-entrant in this form; it does not vectorise.

extern double lgamma_r(double x, int *sign);

APUS_MATH double lgamma_f64(double x) {
    int sign;
    return lgamma_r(x, &sign);
}

// digamma by its asymptotic series from 10 on, below by digamma(a + 10) less the sum of 1 / (a + k), kept as a pair,
// and by reflection: digamma(-a) = digamma(a) + 1 / a + pi / tan(pi a).
APUS_MATH double digamma_f64(double x) {
    double a = fabs_f64(x), sum = 0.0, sum_low = 0.0;
    int low = a < 10.0, negative = x < 0.0;
    for (int k = 9; k >= 0; k--) {
        double d = a + k, q = 1.0 / d, p = q * d;
        // 1 / (a + k) as a pair: the residual counts both the quotient's and the sum's rounding.
        double residual = ((1.0 - p) - product_error_f64(q, d, p)) - q * sum_error_f64(a, (double)k, d);
        double s = sum + q;
        sum_low += sum_error_f64(sum, q, s) + residual * q;
        sum = s;
    }
    double z = low ? a + 10.0 : a, w = 1.0 / z / z, e, l_low, l_tail;
    // B(2k) / 2k; the next term is below 2^-60 at 10.
    double p = fma_f64(w, -3617.0 / 8160, 1.0 / 12);
    p = fma_f64(w, p, -691.0 / 32760);
    p = fma_f64(w, p, 1.0 / 132);
    p = fma_f64(w, p, -1.0 / 240);
    p = fma_f64(w, p, 1.0 / 252);
    p = fma_f64(w, p, -1.0 / 120);
    p = fma_f64(w, p, 1.0 / 12);
    double f = log_reduce_f64(z, &e), hi = log_pair_f64(f, 0.0, &l_low), l = log_join_f64(e, hi, l_low, &l_tail);
    double rest = l_tail - 0.5 / z - w * p;
    sum = low ? sum : 0.0;
    double y = l - sum, y_low = sum_error_f64(l, -sum, y) + (low ? rest - sum_low : rest);
    double t = a - rint_f64(a), angle = t * 0x1.921fb54442d18p+1;
    double angle_low = product_error_f64(t, 0x1.921fb54442d18p+1, angle) + t * 0x1.1a62633145c07p-53;
    // The angle is at most pi / 2; past pi / 4 its complement has the polynomials' range.
    double c = 0x1.921fb54442d18p+0 - fabs_f64(angle);
    double c_low = 0x1.1a62633145c07p-54 - copysign_f64(1.0, t) * angle_low;
    int past = fabs_f64(t) > 0.25;
    double r = past ? c : fabs_f64(angle), r_low = past ? c_low : copysign_f64(1.0, t) * angle_low;
    double sr = sin_rest_f64(r, r_low), sine = r + sr, sine_low = (r - sine) + sr;
    double cr = cos_rest_f64(r, r_low), cosine = 1.0 + cr, cosine_low = (1.0 - cosine) + cr;
    // pi / tan(angle) and 1 / a as pairs, as both may cancel digamma(a).
    double n = past ? sine : cosine, n_low = past ? sine_low : cosine_low;
    double d = past ? cosine : sine, d_low = past ? cosine_low : sine_low;
    double v = n / d, v_low = (((n - v * d) - product_error_f64(v, d, v * d)) + (n_low - v * d_low)) / d;
    double g = v * 0x1.921fb54442d18p+1;
    double g_low =
        product_error_f64(v, 0x1.921fb54442d18p+1, g) + fma_f64(v, 0x1.1a62633145c07p-53, v_low * 0x1.921fb54442d18p+1);
    g = copysign_f64(g, t);
    g_low = t < 0.0 ? -g_low : g_low;
    double b = 1.0 / a, b_low = ((1.0 - b * a) - product_error_f64(b, a, b * a)) / a;
    double u = y + g, u_low = sum_error_f64(y, g, u), w2 = u + b;
    u_low += sum_error_f64(u, b, w2) + (y_low + g_low + b_low);
    y = negative ? w2 + u_low : y + y_low;
    // Next to 0 only the pole is left, and the pairs overflow.
    y = a < 0x1p-500 ? -1.0 / x : y;
    double pole = a == 0.0 ? copysign_f64(APUS_INF_F64, -x) : APUS_NAN_F64;
    double finite = a < APUS_INF_F64 ? y : x;
    return a == 0.0 || x != x || (negative && !(fabs_f64(t) > 0.0)) ? pole : finite;
}

// Powers.

APUS_MATH double pow_f64(double x, double y) {
    double a = fabs_f64(x), e, low, tail, f = log_reduce_f64(a, &e), hi = log_pair_f64(f, 0.0, &low);
    double l = log_join_f64(e, hi, low, &tail), l_hi = l + tail;
    tail = (l - l_hi) + tail;
    l_hi = a == 0.0 ? -APUS_INF_F64 : l_hi;
    l_hi = a < APUS_INF_F64 ? l_hi : a;
    double p = y * l_hi, p_low = product_error_f64(y, l_hi, p) + y * tail;
    // Beyond the range of exp the correction is irrelevant and may not be finite.
    p_low = fabs_f64(p) < 800.0 && fabs_f64(y) < 0x1p1000 ? p_low : 0.0;
    double r = exp_pair_f64(p, p_low, 0.0), half = y * 0.5;
    int integral = rint_f64(y) == y, odd = integral && rint_f64(half) != half;
    r = a == 1.0 && fabs_f64(y) == APUS_INF_F64 ? 1.0 : r;
    r = odd ? copysign_f64(r, x) : r;
    r = x < 0.0 && a < APUS_INF_F64 && !integral ? APUS_NAN_F64 : r;
    r = x != x || y != y ? APUS_NAN_F64 : r;
    return y == 0.0 || x == 1.0 ? 1.0 : r;
}

// The root of the sum of squares as a pair, corrected by what the root's rounding left.
APUS_MATH double hypot_f64(double x, double y) {
    double a = fabs_f64(x), b = fabs_f64(y), big = b > a ? b : a;
    double scale = big > 0x1p500 ? 0x1p-600 : (big < 0x1p-400 ? 0x1p600 : 1.0);
    double back = big > 0x1p500 ? 0x1p600 : (big < 0x1p-400 ? 0x1p-600 : 1.0);
    double u = a * scale, v = b * scale, uu = u * u, vv = v * v, s = uu + vv;
    double s_low = sum_error_f64(uu, vv, s) + (product_error_f64(u, u, uu) + product_error_f64(v, v, vv));
    double h = sqrt_f64(s), hh = h * h;
    double more = (((s - hh) - product_error_f64(h, h, hh)) + s_low) * 0.5 / h;
    double r = (h > 0.0 ? h + more : h) * back;
    return a == APUS_INF_F64 || b == APUS_INF_F64 ? APUS_INF_F64 : r;
}

#endif
