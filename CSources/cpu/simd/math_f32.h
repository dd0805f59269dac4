// The float functions of math.h. Those that matter most for speed (exp, log, tanh, erf and kin) work in float; the
// others work in double with polynomials of about 2^-35, which makes them correct to little over half an ulp and
// needs no care with cancellation; their names of shared parts end in _d.
#ifndef APUS_SIMD_MATH_F32_H
#define APUS_SIMD_MATH_F32_H

#define APUS_INF_F32 __builtin_inff()
#define APUS_NAN_F32 __builtin_nanf("")

// Exponentials. x = n ln 2 + r with |r| <= ln 2 / 2. The high part of ln 2 has few enough bits for an exact n ln2_hi.

APUS_MATH float exp_reduce_f32(float x, float *n) {
    *n = round_small_f32(x * 0x1.715476p+0f);
    return fma_f32(*n, -0x1.7f7d1cp-20f, fma_f32(*n, -0x1.62e4p-1f, x));
}

// exp(r) - 1, relative error 2^-29.
APUS_MATH float expm1_poly_f32(float r) {
    float p = 0.00019949187f;
    p = fma_f32(p, r, 0.001391455f);
    p = fma_f32(p, r, 0.008333202f);
    p = fma_f32(p, r, 0.041666683f);
    p = fma_f32(p, r, 0.16666667f);
    p = fma_f32(p, r, 0.5f);
    return fma_f32(r * r, p, r);
}

APUS_MATH float exp_f32(float x) {
    float n, c = x > 89.0f ? 89.0f : x;
    c = c < -104.5f ? -104.5f : c;
    float r = exp_reduce_f32(c, &n);
    return scale_f32(1.0f + expm1_poly_f32(r), n);
}

APUS_MATH float exp2_f32(float x) {
    float c = x > 129.0f ? 129.0f : x;
    c = c < -151.0f ? -151.0f : c;
    float n = round_small_f32(c), r = c - n;
    // (2^r - 1) / r on [-1/2, 1/2], relative error 2^-31.
    float p = 1.4638165e-05f;
    p = fma_f32(p, r, 0.00015451935f);
    p = fma_f32(p, r, 0.0013336813f);
    p = fma_f32(p, r, 0.009618088f);
    p = fma_f32(p, r, 0.05550406f);
    p = fma_f32(p, r, 0.2402265f);
    p = fma_f32(p, r, 0.6931472f);
    return scale_f32(fma_f32(r, p, 1.0f), n);
}

APUS_MATH float expm1_f32(float x) {
    float n, c = x > 89.0f ? 89.0f : x;
    c = c < -30.0f ? -30.0f : c;
    float m = expm1_poly_f32(exp_reduce_f32(c, &n));
    // Half of 2^n (m + 1) - 1, as 2^128 is no float.
    float s = pow2_f32(n - 1.0f), y = fma_f32(s, m, s - 0.5f) * 2.0f;
    return copysign_f32(n == 0.0f ? m : y, x);
}

// Logarithms. x = 2^e (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)).

APUS_MATH float log_reduce_f32(float x, float *e) {
    int subnormal = x < 0x1p-126f;
    uint32_t u = bits_f32(subnormal ? x * 0x1p23f : x) - 0x3f3504f3u;
    *e = (float)((int32_t)u >> 23) - (subnormal ? 23.0f : 0.0f);
    return from_bits_u32((u & 0x7fffffu) + 0x3f3504f3u) - 1.0f;
}

// What any logarithm gives where y, computed as for an ordinary number, does not hold.
APUS_MATH float log_special_f32(float x, float y) {
    float pole = x == 0.0f ? -APUS_INF_F32 : APUS_NAN_F32;
    return x > 0.0f ? (x < APUS_INF_F32 ? y : x) : pole;
}

// (log(1 + f) - f) / f^2, error relative to the logarithm 2^-27.
APUS_MATH float log_poly_f32(float f) {
    float p = 0.07112135f;
    p = fma_f32(p, f, -0.11834737f);
    p = fma_f32(p, f, 0.1181959f);
    p = fma_f32(p, f, -0.12375932f);
    p = fma_f32(p, f, 0.14224046f);
    p = fma_f32(p, f, -0.16669725f);
    p = fma_f32(p, f, 0.20002f);
    p = fma_f32(p, f, -0.24999979f);
    p = fma_f32(p, f, 0.33333313f);
    p = fma_f32(p, f, -0.5f);
    return p;
}

APUS_MATH float log_f32(float x) {
    float e, f = log_reduce_f32(x, &e);
    float y = f + fma_f32(f * f, log_poly_f32(f), e * 0x1.7f7d1cp-20f);
    return log_special_f32(x, fma_f32(e, 0x1.62e4p-1f, y));
}

APUS_MATH float log1p_f32(float x) {
    float u = 1.0f + x, e, f = log_reduce_f32(u, &e);
    // What rounding 1 + x lost; it matters unless e is 0, when x itself is the fraction.
    float t = u - x, lost = ((1.0f - t) + (x - (u - t))) / u;
    f = e == 0.0f ? x : f;
    lost = e == 0.0f ? 0.0f : lost;
    float y = f + fma_f32(f * f, log_poly_f32(f), fma_f32(e, 0x1.7f7d1cp-20f, lost));
    y = fma_f32(e, 0x1.62e4p-1f, y);
    return x == 0.0f ? x : log_special_f32(u, y);
}

APUS_MATH float log2_f32(float x) {
    float e, f = log_reduce_f32(x, &e);
    // log2(1 + f) / f - 1, error relative to the logarithm 2^-26.
    float p = 0.10814343f;
    p = fma_f32(p, f, -0.20650224f);
    p = fma_f32(p, f, 0.18775718f);
    p = fma_f32(p, f, -0.17333382f);
    p = fma_f32(p, f, 0.20196897f);
    p = fma_f32(p, f, -0.24070112f);
    p = fma_f32(p, f, 0.28875577f);
    p = fma_f32(p, f, -0.36067185f);
    p = fma_f32(p, f, 0.48089454f);
    p = fma_f32(p, f, -0.7213475f);
    p = fma_f32(p, f, 0.44269505f);
    return log_special_f32(x, e + fma_f32(f, p, f));
}

APUS_MATH float log10_f32(float x) {
    float e, f = log_reduce_f32(x, &e);
    // log10(1 + f) / f less a float near log10(e), error relative to the logarithm 2^-29.
    float p = 0.029845497f;
    p = fma_f32(p, f, -0.050958186f);
    p = fma_f32(p, f, 0.051465943f);
    p = fma_f32(p, f, -0.053796124f);
    p = fma_f32(p, f, 0.061769973f);
    p = fma_f32(p, f, -0.07239685f);
    p = fma_f32(p, f, 0.08686768f);
    p = fma_f32(p, f, -0.108573295f);
    p = fma_f32(p, f, 0.14476474f);
    p = fma_f32(p, f, -0.21714725f);
    p = fma_f32(p, f, -9.828858e-09f);
    float y = fma_f32(f, 0x1.bcb7b2p-2f, fma_f32(f, p, e * 0x1.3509f8p-18f));
    return log_special_f32(x, fma_f32(e, 0x1.344p-2f, y));
}

APUS_MATH float tanh_f32(float x) {
    float a = fabs_f32(x), z = x * x, n;
    // (tanh(x) / x - 1) / x^2 on [0, 0.6], relative error 2^-32.
    float p = 0.0021851698f;
    p = fma_f32(p, z, -0.00822138f);
    p = fma_f32(p, z, 0.02171765f);
    p = fma_f32(p, z, -0.05394971f);
    p = fma_f32(p, z, 0.13333228f);
    p = fma_f32(p, z, -0.3333333f);
    float small = fma_f32(x * z, p, x);
    // 1 - 2 / (exp(2 a) + 1), which is 1 from 9.02 on.
    float r = exp_reduce_f32(a > 10.0f ? 20.0f : 2.0f * a, &n);
    float e = (1.0f + expm1_poly_f32(r)) * pow2_f32(n);
    float y = a < 0.6f ? small : 1.0f - 2.0f / (e + 1.0f);
    return copysign_f32(y, x);
}

APUS_MATH float erf_f32(float x) {
    float a = fabs_f32(x), z = x * x, n;
    // erf(x) / x - 1 on [0, 1], relative error 2^-28.
    float p = -2.1396768e-06f;
    p = fma_f32(p, z, 8.613099e-05f);
    p = fma_f32(p, z, -0.00081163726f);
    p = fma_f32(p, z, 0.0051957252f);
    p = fma_f32(p, z, -0.026856476f);
    p = fma_f32(p, z, 0.112836316f);
    p = fma_f32(p, z, -0.3761263f);
    p = fma_f32(p, z, 0.12837917f);
    float small = fma_f32(x, p, x);
    // -log(erfc(a)) on [1, 4], error relative to erf 2^-28; erf is 1 from 3.92 on.
    float c = a > 4.0f ? 4.0f : a;
    float q = 2.1695623e-05f;
    q = fma_f32(q, c, -0.0004414516f);
    q = fma_f32(q, c, 0.0042051934f);
    q = fma_f32(q, c, -0.025210131f);
    q = fma_f32(q, c, 0.10842184f);
    q = fma_f32(q, c, 0.63321656f);
    q = fma_f32(q, c, 1.1295803f);
    q = fma_f32(q, c, -0.00018846562f);
    float r = exp_reduce_f32(-q, &n);
    float y = a < 1.0f ? small : 1.0f - (1.0f + expm1_poly_f32(r)) * pow2_f32(n);
    return copysign_f32(y, x);
}

// Shared parts in double.

// exp(x) for |x| < 700, relative error 2^-33.
APUS_MATH double exp_d(double x) {
    double n = round_small_f64(x * 0x1.71547652b82fep+0);
    double r = fma_f64(n, -0x1.9ef35793c7673p-41, fma_f64(n, -0x1.62e42fefa2p-1, x));
    double p = 0.00019887248294982244;
    p = fma_f64(p, r, 0.0013945966092567012);
    p = fma_f64(p, r, 0.008333314130243533);
    p = fma_f64(p, r, 0.04166627082983501);
    p = fma_f64(p, r, 0.166666666775718);
    p = fma_f64(p, r, 0.5000000077994003);
    p = fma_f64(p, r, 1.0);
    return fma_f64(r, p, 1.0) * pow2_f64(n);
}

APUS_MATH double log_reduce_f64(double x, double *e);

// e ln 2 + log(1 + f), relative error 2^-37.
APUS_MATH double log_join_d(double e, double f) {
    double s = f / (2.0 + f), z = s * s;
    double p = 0.23582761966814633;
    p = fma_f64(p, z, 0.28537278305350033);
    p = fma_f64(p, z, 0.400003356326298);
    p = fma_f64(p, z, 0.6666666564368666);
    return fma_f64(e, 0x1.62e42fefa39efp-1, fma_f64(s * z, p, 2.0 * s));
}

// log(x) for a positive finite x.
APUS_MATH double log_d(double x) {
    double e, f = log_reduce_f64(x, &e);
    return log_join_d(e, f);
}

// log(1 + x) for a finite x > -1, relative to the result even for a small x.
APUS_MATH double log1p_d(double x) {
    double e, f = log_reduce_f64(1.0 + x, &e);
    return log_join_d(e, e == 0.0 ? x : f);
}

// Sine and cosine of 2 pi t for |t| <= 1/8, relative errors 2^-37 and 2^-43.
APUS_MATH double sin_turns_d(double t) {
    double r = t * 0x1.921fb54442d18p+2, z = r * r;
    double p = 2.7183028532841787e-06;
    p = fma_f64(p, z, -0.00019839333939170723);
    p = fma_f64(p, z, 0.008333329383130854);
    p = fma_f64(p, z, -0.16666666641602906);
    return fma_f64(r * z, p, r);
}

APUS_MATH double cos_turns_d(double t) {
    double r = t * 0x1.921fb54442d18p+2, z = r * r;
    double p = -2.717470263070487e-07;
    p = fma_f64(p, z, 2.479895953945867e-05);
    p = fma_f64(p, z, -0.0013888880653846233);
    p = fma_f64(p, z, 0.04166666655332591);
    p = fma_f64(p, z, -0.49999999999488814);
    return fma_f64(z, p, 1.0);
}

// Trigonometric functions. The reduction is Payne and Hanek's: x / (2 pi) modulo 1 from enough bits of 1 / (2 pi),
// here cut into pieces so short that their products with the 24 bits of x are exact doubles, whose integers drop out
// exactly. All floats share the code, without a table or a branch: from 2^75 on, x 2^-52 and the pieces of
// 2^52 / (2 pi) modulo 1 take the place of x and 1 / (2 pi). Gives the quadrant's last bits and the rest in turns.
// The pieces' widths make the sums of the integral case exact as long as they can still cancel.
APUS_MATH double trig_reduce_f32(float x, uint64_t *quadrant) {
    double a = fabs_f64((double)x);
    int huge = a >= 0x1p75;
    a = huge ? a * 0x1p-52 : a;
    double p0 = a * (huge ? 0x1.529fc27p-2 : 0x1.45f306ep-3);
    double p1 = a * (huge ? 0x1.5f47dp-32 : -0x1.b1bcp-34);
    double p2 = a * (huge ? 0x1.34ddc0ep-54 : 0x1.529fc28p-54);
    double p3 = a * (huge ? -0x1.275a99b0ef1bfp-84 : -0x1.505c1596447e5p-83);
    p0 -= rint_f64(p0);
    p1 -= rint_f64(p1);
    p2 -= rint_f64(p2);
    double q = 4.0 * (p0 + p1 + p2 + p3) + 0x1.8p52;
    *quadrant = bits_f64(q);
    return (((p0 - (q - 0x1.8p52) * 0.25) + p1) + p2) + p3;
}

APUS_MATH float sin_f32(float x) {
    uint64_t q;
    double t = trig_reduce_f32(x, &q), s = sin_turns_d(t), c = cos_turns_d(t);
    // The second bit of the quadrant is the sign; x's own sign comes on top, also for a zero.
    double y = (q & 1u) != 0u ? c : s;
    y = from_bits_u64(bits_f64(y) ^ (q & 2u) << 62 ^ (bits_f64((double)x) & 0x8000000000000000u));
    return (float)y;
}

APUS_MATH float cos_f32(float x) {
    uint64_t q;
    double t = trig_reduce_f32(x, &q), s = sin_turns_d(t), c = cos_turns_d(t);
    double y = (q & 1u) != 0u ? s : c;
    return (float)from_bits_u64(bits_f64(y) ^ ((q + 1u) & 2u) << 62);
}

APUS_MATH float tan_f32(float x) {
    uint64_t q;
    double t = trig_reduce_f32(x, &q), s = sin_turns_d(t), c = cos_turns_d(t);
    int odd = (q & 1u) != 0u;
    double y = (odd ? -c : s) / (odd ? s : c);
    return (float)from_bits_u64(bits_f64(y) ^ (bits_f64((double)x) & 0x8000000000000000u));
}

// Inverse trigonometric functions. Above 1/2, asin(a) = pi / 2 - 2 asin(sqrt((1 - a) / 2)).

// asin(s) for s^2 = z <= 1/4, relative error 2^-35.
APUS_MATH double asin_poly_d(double s, double z) {
    double p = 0.03469251329187706;
    p = fma_f64(p, z, 0.0074694751813602365);
    p = fma_f64(p, z, 0.024618261989281708);
    p = fma_f64(p, z, 0.03011026614757377);
    p = fma_f64(p, z, 0.044660162751379906);
    p = fma_f64(p, z, 0.07499948157593811);
    p = fma_f64(p, z, 0.1666666718984277);
    return fma_f64(s * z, p, s);
}

APUS_MATH float asin_f32(float x) {
    double a = fabs_f64((double)x), z = a > 0.5 ? 0.5 - 0.5 * a : a * a;
    double p = asin_poly_d(a > 0.5 ? sqrt_f64(z) : a, z);
    return copysign_f32((float)(a > 0.5 ? 0x1.921fb54442d18p+0 - 2.0 * p : p), x);
}

APUS_MATH float acos_f32(float x) {
    double a = fabs_f64((double)x), z = a > 0.5 ? 0.5 - 0.5 * a : a * a;
    double p = asin_poly_d(a > 0.5 ? sqrt_f64(z) : a, z);
    double centre = 0x1.921fb54442d18p+0 - copysign_f64(p, (double)x);
    double side = x < 0.0f ? 0x1.921fb54442d18p+1 - 2.0 * p : 2.0 * p;
    return (float)(a > 0.5 ? side : centre);
}

// atan(t) for t in [0, 1], relative error 2^-36.
APUS_MATH double atan_poly_d(double t) {
    double z = t * t;
    double p = 0.00044065142978217433;
    p = fma_f64(p, z, -0.0033262516485967034);
    p = fma_f64(p, z, 0.01177806304052844);
    p = fma_f64(p, z, -0.02654696352726521);
    p = fma_f64(p, z, 0.04417837954993526);
    p = fma_f64(p, z, -0.06056914149666577);
    p = fma_f64(p, z, 0.07510495044241278);
    p = fma_f64(p, z, -0.09053625508577715);
    p = fma_f64(p, z, 0.11106142789617247);
    p = fma_f64(p, z, -0.14285320827710676);
    p = fma_f64(p, z, 0.19999984219245018);
    p = fma_f64(p, z, -0.33333333111067953);
    return fma_f64(t * z, p, t);
}

APUS_MATH float atan_f32(float x) {
    double a = fabs_f64((double)x), p = atan_poly_d(a > 1.0 ? 1.0 / a : a);
    return copysign_f32((float)(a > 1.0 ? 0x1.921fb54442d18p+0 - p : p), x);
}

APUS_MATH float atan2_f32(float y, float x) {
    double a = fabs_f64((double)x), b = fabs_f64((double)y);
    double big = b > a ? b : a, t = (b > a ? a : b) / big;
    // 0 / 0 and inf / inf count as 0 and 1.
    t = big == 0.0 ? 0.0 : t;
    t = a == b && b > 0.0 ? 1.0 : t;
    double p = atan_poly_d(t);
    p = b > a ? 0x1.921fb54442d18p+0 - p : p;
    p = __builtin_signbit(x) ? 0x1.921fb54442d18p+1 - p : p;
    return x == x && y == y ? copysign_f32((float)p, y) : APUS_NAN_F32;
}

// Hyperbolic functions.

APUS_MATH float sinh_f32(float x) {
    double a = fabs_f64((double)x), z = a * a;
    double e = exp_d(a > 100.0 ? 100.0 : a);
    // (sinh(x) / x - 1) / x^2 on [0, 1], relative error 2^-34.
    double p = 2.816950716572906e-06;
    p = fma_f64(p, z, 0.0001983615987508292);
    p = fma_f64(p, z, 0.00833335005760105);
    p = fma_f64(p, z, 0.1666666649757043);
    return copysign_f32((float)(a < 1.0 ? fma_f64(a * z, p, a) : 0.5 * (e - 1.0 / e)), x);
}

APUS_MATH float cosh_f32(float x) {
    double a = fabs_f64((double)x), e = exp_d(a > 100.0 ? 100.0 : a);
    return (float)(0.5 * (e + 1.0 / e));
}

APUS_MATH float asinh_f32(float x) {
    double a = fabs_f64((double)x), z = a * a;
    double y = log1p_d(a + z / (1.0 + sqrt_f64(1.0 + z)));
    return copysign_f32(a < __builtin_inf() ? (float)y : fabs_f32(x), x);
}

APUS_MATH float acosh_f32(float x) {
    double t = (double)x - 1.0, y = log1p_d(t + sqrt_f64(t * (t + 2.0)));
    float inside = x < APUS_INF_F32 ? (float)y : x;
    return x >= 1.0f ? inside : APUS_NAN_F32;
}

APUS_MATH float atanh_f32(float x) {
    double a = fabs_f64((double)x), y = 0.5 * log1p_d(2.0 * a / (1.0 - a));
    float pole = a == 1.0 ? APUS_INF_F32 : APUS_NAN_F32;
    return copysign_f32(a < 1.0 ? (float)y : pole, x);
}

// Error function. erfc(a) = exp(-a^2) E(t) / (1 + 2 a) with the smooth E of t = (a - 4) / (a + 4).

APUS_MATH float erfc_f32(float x) {
    double a = fabs_f64((double)x);
    a = a > 12.0 ? 12.0 : a;
    double t = (a - 4.0) / (a + 4.0);
    // For a in [0, 12], relative error 2^-27.
    double p = -0.0006130620922717515;
    p = fma_f64(p, t, -0.0010432511673876882);
    p = fma_f64(p, t, 0.005140273616524537);
    p = fma_f64(p, t, -0.016009330319896348);
    p = fma_f64(p, t, 0.037189802116200286);
    p = fma_f64(p, t, -0.06636771689825532);
    p = fma_f64(p, t, 0.09372495354818927);
    p = fma_f64(p, t, -0.10103592670937661);
    p = fma_f64(p, t, 0.06809756659842688);
    p = fma_f64(p, t, 0.015379511006935525);
    p = fma_f64(p, t, -0.13962112693686765);
    p = fma_f64(p, t, 1.2329951198301226);
    double y = exp_d(-a * a) * p / fma_f64(2.0, a, 1.0);
    return (float)(x < 0.0f ? 2.0 - y : y);
}

// The inverse of erf for y in (-1, 1), in w = -log(1 - y^2); relative error 2^-28, also near the ends of doubles.
APUS_MATH double erfinv_d(double y) {
    double a = fabs_f64(y), w = -log_d((1.0 - a) * (1.0 + a));
    // erfinv(a) / a for w <= 6, relative error 2^-28.
    double c = w > 6.0 ? 6.0 : w;
    double p = 3.531769626281686e-11;
    p = fma_f64(p, c, -4.859901908564259e-10);
    p = fma_f64(p, c, -9.206765551977344e-09);
    p = fma_f64(p, c, 2.6854478128456704e-07);
    p = fma_f64(p, c, -2.376093123132175e-06);
    p = fma_f64(p, c, 5.640596835206081e-06);
    p = fma_f64(p, c, 4.060647467690883e-05);
    p = fma_f64(p, c, -0.00012191528908756434);
    p = fma_f64(p, c, -0.002338716652385777);
    p = fma_f64(p, c, 0.011550425349255983);
    p = fma_f64(p, c, 0.23201354146460038);
    p = fma_f64(p, c, 0.8862269278001209);
    // erfinv(a) for w in [6, 38], in its square root, relative error 2^-31.
    double s = sqrt_f64(w > 6.0 ? w : 6.0);
    double q = -6.492760895148923e-09;
    q = fma_f64(q, s, 3.755257197121053e-07);
    q = fma_f64(q, s, -9.896829219431609e-06);
    q = fma_f64(q, s, 0.00015711000571148913);
    q = fma_f64(q, s, -0.001672386575236694);
    q = fma_f64(q, s, 0.012565098262340445);
    q = fma_f64(q, s, -0.06822561366795653);
    q = fma_f64(q, s, 0.2690317740922384);
    q = fma_f64(q, s, -0.7606855599561932);
    q = fma_f64(q, s, 1.4876563860071976);
    q = fma_f64(q, s, -1.8612663835129222);
    q = fma_f64(q, s, 2.2537216810143414);
    q = fma_f64(q, s, -0.4448191023083161);
    return copysign_f64(w > 6.0 ? q : a * p, y);
}

APUS_MATH float erfinv_f32(float y) {
    float a = fabs_f32(y), pole = a == 1.0f ? copysign_f32(APUS_INF_F32, y) : APUS_NAN_F32;
    return a < 1.0f ? (float)erfinv_d((double)y) : pole;
}

// Gamma function.

// log(gamma(a)) by Stirling's series from 8 on, and by gamma(a + 8) below; log(gamma(-a)) by reflection. One
// logarithm serves both the shift's product and the reflection's sine.
APUS_MATH float lgamma_f32(float x) {
    double a = fabs_f64((double)x);
    int low = a < 8.0, negative = x < 0.0f;
    double z = low ? a + 8.0 : a, v = 1.0 / z, w = v * v;
    // The series' next term is below 2^-35 at 8.
    double series = v * fma_f64(w, fma_f64(w, fma_f64(w, -1.0 / 1680, 1.0 / 1260), -1.0 / 360), 1.0 / 12);
    double y = fma_f64(z - 0.5, log_d(z), series - z) + 0x1.d67f1c864beb5p-1;
    // a (a + 1) ... (a + 7), whose factors pair up to u = a (a + 7) plus 0, 6, 10 and 12.
    double u = a * (a + 7.0), product = u * (u + 6.0) * ((u + 10.0) * (u + 12.0));
    product = low ? product : 1.0;
    double t = a - rint_f64(a), half = fabs_f64(t) * 0.5;
    double sine = half > 0.125 ? cos_turns_d(0.25 - half) : sin_turns_d(half);
    double rest = log_d(negative ? product * 0x1.921fb54442d18p+1 / (a * sine) : product);
    y = negative ? rest - y : y - rest;
    y = t == 0.0 && (negative || a == 0.0) ? __builtin_inf() : y;
    y = x == 1.0f || x == 2.0f ? 0.0 : y;
    return a < __builtin_inf() ? (float)y : fabs_f32(x);
}

// digamma by its asymptotic series from 6 on, below by digamma(a + 6) less the sum of 1 / (a + k), and by reflection:
// digamma(-a) = digamma(a) + 1 / a + pi / tan(pi a).
APUS_MATH float digamma_f32(float x) {
    double a = fabs_f64((double)x), sum = 1.0, product = a;
    for (int k = 1; k < 6; k++) {
        sum = fma_f64(sum, a + k, product);
        product *= a + k;
    }
    int low = a < 6.0, negative = x < 0.0f;
    double z = low ? a + 6.0 : a, w = 1.0 / (z * z);
    double series = fma_f64(w, fma_f64(w, fma_f64(w, 1.0 / 132, -1.0 / 240), 1.0 / 252), -1.0 / 120);
    double y = log_d(z) - 0.5 / z - w * fma_f64(w, series, 1.0 / 12) - (low ? sum / product : 0.0);
    double t = a - rint_f64(a), half = fabs_f64(t) * 0.5;
    double s = half > 0.125 ? cos_turns_d(0.25 - half) : sin_turns_d(half);
    double c = half > 0.125 ? sin_turns_d(0.25 - half) : cos_turns_d(half);
    y = negative ? y + 1.0 / a + copysign_f64(0x1.921fb54442d18p+1 * c / s, t) : y;
    float pole = a == 0.0 ? copysign_f32(APUS_INF_F32, -x) : APUS_NAN_F32;
    float finite = a < __builtin_inf() ? (float)y : x;
    return a == 0.0 || x != x || (negative && (t == 0.0 || t != t)) ? pole : finite;
}

// Powers.

APUS_MATH float pow_f32(float x, float y) {
    double a = fabs_f64((double)x), l = log_d(a);
    l = a == 0.0 ? -__builtin_inf() : l;
    l = a < __builtin_inf() ? l : a;
    double p = l * (double)y;
    p = p > 100.0 ? 100.0 : p;
    p = p < -120.0 ? -120.0 : p;
    float r = (float)exp_d(p), half = y * 0.5f;
    int integral = rint_f32(y) == y, odd = integral && rint_f32(half) != half;
    r = a == 1.0 && fabs_f32(y) == APUS_INF_F32 ? 1.0f : r;
    r = odd ? copysign_f32(r, x) : r;
    r = x < 0.0f && a < __builtin_inf() && !integral ? APUS_NAN_F32 : r;
    r = x != x || y != y ? APUS_NAN_F32 : r;
    return y == 0.0f || x == 1.0f ? 1.0f : r;
}

APUS_MATH float hypot_f32(float x, float y) {
    double a = (double)x, b = (double)y;
    float r = (float)sqrt_f64(fma_f64(a, a, b * b));
    return fabs_f32(x) == APUS_INF_F32 || fabs_f32(y) == APUS_INF_F32 ? APUS_INF_F32 : r;
}

#endif
