// Dtypes and PyTorch's promotion rules.
#include "apus/elementwise.h"
#include "core/tensor.h"

enum kind { kind_bool, kind_unsigned, kind_signed, kind_float, kind_complex };

typedef struct dtype_row {
    const char *name;
    enum kind kind;
    const char *safetensors_name;
} dtype_row;

static const dtype_row rows[APUS_DTYPE_COUNT] = {
#define APUS_DTYPE(number, name, bytes, kind, dlpack, safetensors) [number] = {#name, kind_##kind, safetensors},
#include "apus/dtype.def"
#undef APUS_DTYPE
};

const uint8_t apus__dtype_bytes[APUS_DTYPE_COUNT] = {
#define APUS_DTYPE(number, name, bytes, kind, dlpack, safetensors) [number] = bytes,
#include "apus/dtype.def"
#undef APUS_DTYPE
};

static bool is_dtype(apus_dtype dtype) { return (unsigned)dtype < APUS_DTYPE_COUNT; }

size_t apus_dtype_size(apus_dtype dtype) { return is_dtype(dtype) ? apus__dtype_bytes[dtype] : 0; }
const char *apus_dtype_name(apus_dtype dtype) { return is_dtype(dtype) ? rows[dtype].name : "invalid"; }
const char *apus_dtype_safetensors_name(apus_dtype dtype) {
    return is_dtype(dtype) ? rows[dtype].safetensors_name : "invalid";
}
bool apus_dtype_is_floating_point(apus_dtype dtype) { return is_dtype(dtype) && rows[dtype].kind == kind_float; }
bool apus_dtype_is_complex(apus_dtype dtype) { return is_dtype(dtype) && rows[dtype].kind == kind_complex; }
bool apus_dtype_is_signed(apus_dtype dtype) { return is_dtype(dtype) && rows[dtype].kind >= kind_signed; }

static apus_dtype signed_of_size(size_t bytes) {
    return bytes <= 2 ? APUS_DTYPE_int16 : bytes <= 4 ? APUS_DTYPE_int32 : APUS_DTYPE_int64;
}

/// An unsigned and a signed integer: the signed type that holds both. PyTorch leaves uint64 with a signed type open;
/// as in NumPy it becomes float64.
static apus_dtype promote_mixed_sign(apus_dtype u, apus_dtype s) {
    if (apus__dtype_bytes[u] < apus__dtype_bytes[s]) return s;
    return apus__dtype_bytes[u] == 8 ? APUS_DTYPE_float64 : signed_of_size(2 * apus__dtype_bytes[u]);
}

apus_dtype apus_promote_types(apus_dtype a, apus_dtype b) {
    if (!is_dtype(a) || !is_dtype(b) || a == b) return a;
    if (rows[a].kind > rows[b].kind) {
        apus_dtype swap = a;
        a = b;
        b = swap;
    }
    // b is of the higher kind, or both are of one kind.
    if (rows[a].kind == kind_unsigned && rows[b].kind == kind_signed) return promote_mixed_sign(a, b);
    if (rows[b].kind == kind_complex && a == APUS_DTYPE_float64) return APUS_DTYPE_complex128;
    if (rows[a].kind != rows[b].kind) return b;
    if (apus__dtype_bytes[a] == apus__dtype_bytes[b]) return APUS_DTYPE_float32; // float16 with bfloat16
    return apus__dtype_bytes[a] > apus__dtype_bytes[b] ? a : b;
}

apus_dtype apus__to_floating(apus_dtype dtype) { return apus__is_integral(dtype) ? APUS_DTYPE_float32 : dtype; }

bool apus__can_store(apus_dtype from, apus_dtype to) {
    if (from == to) return true;
    if (rows[to].kind == kind_bool) return false;
    if (rows[from].kind == kind_complex) return rows[to].kind == kind_complex;
    if (rows[from].kind == kind_float) return rows[to].kind >= kind_float;
    return true;
}

// The three strengths of an operand: a number outside any tensor, a 0-d tensor, a tensor with dims. A weaker one
// changes the result's dtype only when it is of a higher kind.
typedef struct strengths {
    bool has[3];
    apus_dtype dtype[3];
} strengths;

static void add_operand(strengths *s, const apus_tensor *t) {
    int strength = t->weak ? 0 : t->rank == 0 ? 1 : 2;
    apus_dtype dtype = t->dtype;
    if (t->weak && dtype == APUS_DTYPE_float64) dtype = APUS_DTYPE_float32;
    if (t->weak && dtype == APUS_DTYPE_complex128) dtype = APUS_DTYPE_complex64;
    s->dtype[strength] = s->has[strength] ? apus_promote_types(s->dtype[strength], dtype) : dtype;
    s->has[strength] = true;
}

static apus_dtype combine(apus_dtype stronger, apus_dtype weaker) {
    enum kind high = rows[stronger].kind, low = rows[weaker].kind;
    if (high == kind_complex) return stronger;
    if (high == kind_float) {
        if (low != kind_complex) return stronger;
        return stronger == APUS_DTYPE_float64 ? APUS_DTYPE_complex128 : APUS_DTYPE_complex64;
    }
    if (high == kind_bool || low >= kind_float) return apus_promote_types(stronger, weaker);
    return stronger;
}

apus_status apus_result_type(apus_dtype *out, const apus_tensor *a, const apus_tensor *b) {
    APUS_REQUIRE("result_type", out);
    APUS_REQUIRE("result_type", a);
    APUS_REQUIRE("result_type", b);
    if (a->dtype == b->dtype && !a->weak && !b->weak) {
        *out = a->dtype;
        return APUS_STATUS_ok;
    }
    strengths s = {0};
    add_operand(&s, a);
    add_operand(&s, b);
    bool found = false;
    for (int i = 0; i < 3; i++) {
        if (!s.has[i]) continue;
        *out = found ? combine(s.dtype[i], *out) : s.dtype[i];
        found = true;
    }
    return APUS_STATUS_ok;
}
