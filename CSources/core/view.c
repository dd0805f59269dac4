// Views: new geometry over the same storage.
#include <string.h>

#include "core/tensor.h"

/// A geometry being put together.
typedef struct geometry {
    int32_t rank;
    int64_t shape[APUS_MAX_RANK];
    int64_t strides[APUS_MAX_RANK];
    int64_t offset;
} geometry;

static apus_status begin(const char *op, geometry *g, apus_tensor **out, const apus_tensor *t) {
    APUS_REQUIRE(op, out);
    APUS_REQUIRE(op, t);
    if (*out != NULL)
        return apus__fail(APUS_STATUS_invalid_argument, "%s: *out is not null; a view is always a new tensor", op);
    g->rank = t->rank;
    g->offset = t->offset;
    for (int32_t i = 0; i < t->rank; i++) {
        g->shape[i] = t->shape[i];
        g->strides[i] = t->strides[i];
    }
    return APUS_STATUS_ok;
}

static apus_status finish(const geometry *g, apus_tensor **out, const apus_tensor *t) {
    return apus__tensor_over(out, t->storage, t->dtype, g->rank, g->shape, g->strides, g->offset);
}

static void remove_dim(geometry *g, int32_t dim) {
    g->rank--;
    for (int32_t i = dim; i < g->rank; i++) {
        g->shape[i] = g->shape[i + 1];
        g->strides[i] = g->strides[i + 1];
    }
}

static apus_status require_dims(const char *op, const apus_tensor *t) {
    if (t->rank == 0) return apus__fail(APUS_STATUS_shape, "%s: a 0-d tensor has no dim to take from", op);
    return APUS_STATUS_ok;
}

apus_status apus_tensor_alias(apus_tensor **out, const apus_tensor *t) {
    geometry g;
    APUS_TRY(begin("alias", &g, out, t));
    APUS_TRY(finish(&g, out, t));
    (*out)->weak = t->weak;
    return APUS_STATUS_ok;
}

/// Python's rule for a slice bound.
static int64_t clamp_bound(int64_t bound, int64_t size) {
    if (bound < 0) bound += size;
    return bound < 0 ? 0 : bound > size ? size : bound;
}

apus_status apus_tensor_slice(apus_tensor **out, const apus_tensor *t, int32_t dim, int64_t start, int64_t end,
                              int64_t step) {
    geometry g;
    APUS_TRY(begin("slice", &g, out, t));
    APUS_TRY(require_dims("slice", t));
    APUS_TRY(apus__normalize_dim("slice", &dim, t->rank));
    if (step <= 0)
        return apus__fail(APUS_STATUS_invalid_argument, "slice: step must be positive, got %lld", (long long)step);
    start = clamp_bound(start, g.shape[dim]);
    end = clamp_bound(end, g.shape[dim]);
    int64_t length = end > start ? (end - start - 1) / step + 1 : 0;
    g.offset += start * g.strides[dim];
    g.shape[dim] = length;
    if (length > 1) g.strides[dim] *= step;
    return finish(&g, out, t);
}

apus_status apus_tensor_select(apus_tensor **out, const apus_tensor *t, int32_t dim, int64_t index) {
    geometry g;
    APUS_TRY(begin("select", &g, out, t));
    APUS_TRY(require_dims("select", t));
    APUS_TRY(apus__normalize_dim("select", &dim, t->rank));
    int64_t size = g.shape[dim];
    if (index < -size || index >= size)
        return apus__fail(APUS_STATUS_index, "select: index %lld is out of range for dim %d with size %lld",
                          (long long)index, dim, (long long)size);
    g.offset += (index < 0 ? index + size : index) * g.strides[dim];
    remove_dim(&g, dim);
    return finish(&g, out, t);
}

apus_status apus_tensor_transpose(apus_tensor **out, const apus_tensor *t, int32_t dim0, int32_t dim1) {
    geometry g;
    APUS_TRY(begin("transpose", &g, out, t));
    APUS_TRY(apus__normalize_dim("transpose", &dim0, t->rank));
    APUS_TRY(apus__normalize_dim("transpose", &dim1, t->rank));
    if (t->rank > 0) {
        g.shape[dim0] = t->shape[dim1];
        g.shape[dim1] = t->shape[dim0];
        g.strides[dim0] = t->strides[dim1];
        g.strides[dim1] = t->strides[dim0];
    }
    return finish(&g, out, t);
}

apus_status apus_tensor_permute(apus_tensor **out, const apus_tensor *t, int32_t count, const int32_t *dims) {
    geometry g;
    APUS_TRY(begin("permute", &g, out, t));
    if (count > 0) APUS_REQUIRE("permute", dims);
    if (count != t->rank)
        return apus__fail(APUS_STATUS_shape, "permute: %d dims given for a tensor of rank %d", count, t->rank);
    bool used[APUS_MAX_RANK] = {false};
    for (int32_t i = 0; i < count; i++) {
        int32_t dim = dims[i];
        APUS_TRY(apus__normalize_dim("permute", &dim, t->rank));
        if (used[dim]) return apus__fail(APUS_STATUS_invalid_argument, "permute: dim %d appears twice", dim);
        used[dim] = true;
        g.shape[i] = t->shape[dim];
        g.strides[i] = t->strides[dim];
    }
    return finish(&g, out, t);
}

apus_status apus_tensor_expand(apus_tensor **out, const apus_tensor *t, int32_t rank, const int64_t *shape) {
    geometry g;
    APUS_TRY(begin("expand", &g, out, t));
    apus__text from, to;
    if (rank > 0) APUS_REQUIRE("expand", shape);
    if (rank < t->rank || rank > APUS_MAX_RANK)
        return apus__fail(APUS_STATUS_shape, "expand: cannot expand %s to rank %d", apus__describe(&from, t), rank);
    int32_t lead = rank - t->rank;
    for (int32_t i = rank - 1; i >= 0; i--) {
        int64_t own = i < lead ? 1 : t->shape[i - lead];
        int64_t size = shape[i] == -1 && i >= lead ? own : shape[i];
        if (size < 0 || (own != size && own != 1))
            return apus__fail(APUS_STATUS_shape, "expand: cannot expand %s to %s at dim %d", apus__describe(&from, t),
                              apus__describe_shape(&to, rank, shape), i);
        g.strides[i] = own == size && i >= lead ? t->strides[i - lead] : 0;
        g.shape[i] = size;
    }
    g.rank = rank;
    int64_t numel;
    APUS_TRY(apus__checked_numel("expand", &numel, t->dtype, rank, g.shape));
    return finish(&g, out, t);
}

/// Fills in the one size that may be -1 and checks the count of elements.
static apus_status resolve_shape(const char *op, geometry *g, const apus_tensor *t, int32_t rank,
                                 const int64_t *shape) {
    if (rank < 0 || rank > APUS_MAX_RANK)
        return apus__fail(APUS_STATUS_shape, "%s: rank %d is outside 0 to %d", op, rank, APUS_MAX_RANK);
    if (rank > 0) APUS_REQUIRE(op, shape);
    apus__text from, to;
    int32_t unknown = -1;
    int64_t known = 1;
    bool overflow = false, bad = false;
    for (int32_t i = 0; i < rank; i++) {
        g->shape[i] = shape[i];
        if (shape[i] == -1 && unknown < 0)
            unknown = i;
        else if (shape[i] < 0)
            bad = true;
        else
            overflow |= __builtin_mul_overflow(known, shape[i], &known);
    }
    if (unknown >= 0 && known > 0 && !bad && !overflow) {
        g->shape[unknown] = t->numel / known;
        overflow |= __builtin_mul_overflow(known, g->shape[unknown], &known);
    } else if (unknown >= 0) {
        bad = true;
    }
    g->rank = rank;
    if (bad || overflow || known != t->numel)
        return apus__fail(APUS_STATUS_shape, "%s: shape %s does not fit %s with %lld elements", op,
                          apus__describe_shape(&to, rank, shape), apus__describe(&from, t), (long long)t->numel);
    return APUS_STATUS_ok;
}

/// Finds strides for the new shape over the old memory; false where there are none. Old dims that form one run are
/// matched with as many new dims as make up their size.
static bool view_strides(geometry *g, const apus_tensor *t) {
    if (t->numel == 0 || t->contiguous) {
        int64_t stride = 1;
        for (int32_t i = g->rank - 1; i >= 0; i--) {
            g->strides[i] = stride;
            if (g->shape[i] > 1) stride *= g->shape[i];
        }
        return true;
    }
    int32_t next = g->rank - 1;
    int64_t run = 1, base = t->rank > 0 ? t->strides[t->rank - 1] : 1;
    for (int32_t i = t->rank - 1; i >= 0; i--) {
        run *= t->shape[i];
        bool ends = i == 0 || (t->shape[i - 1] != 1 && t->strides[i - 1] != run * base);
        if (!ends) continue;
        int64_t covered = 1;
        while (next >= 0 && (covered < run || g->shape[next] == 1)) {
            g->strides[next] = covered * base;
            covered *= g->shape[next--];
        }
        if (covered != run) return false;
        if (i > 0) base = t->strides[i - 1];
        run = 1;
    }
    return next < 0;
}

apus_status apus_tensor_view(apus_tensor **out, const apus_tensor *t, int32_t rank, const int64_t *shape) {
    geometry g;
    APUS_TRY(begin("view", &g, out, t));
    APUS_TRY(resolve_shape("view", &g, t, rank, shape));
    apus__text from, to;
    if (!view_strides(&g, t))
        return apus__fail(APUS_STATUS_shape,
                          "view: %s is not laid out so that it can be seen as %s without a copy; use reshape",
                          apus__describe(&from, t), apus__describe_shape(&to, rank, shape));
    return finish(&g, out, t);
}

apus_status apus_tensor_reshape(apus_tensor **out, const apus_tensor *t, int32_t rank, const int64_t *shape) {
    geometry g;
    APUS_TRY(begin("reshape", &g, out, t));
    APUS_TRY(resolve_shape("reshape", &g, t, rank, shape));
    if (view_strides(&g, t)) return finish(&g, out, t);
    apus_tensor *copy = NULL;
    APUS_TRY(apus__contiguous_as(&copy, t, t->dtype));
    g.offset = copy->offset;
    view_strides(&g, copy);
    apus_status status = finish(&g, out, copy);
    apus_tensor_release(copy);
    return status;
}

apus_status apus_tensor_unsqueeze(apus_tensor **out, const apus_tensor *t, int32_t dim) {
    geometry g;
    APUS_TRY(begin("unsqueeze", &g, out, t));
    APUS_TRY(apus__normalize_dim("unsqueeze", &dim, t->rank + 1));
    if (t->rank == APUS_MAX_RANK) return apus__fail(APUS_STATUS_shape, "unsqueeze: the rank is already %d", t->rank);
    int64_t stride = dim < t->rank ? t->shape[dim] * t->strides[dim] : 1;
    for (int32_t i = t->rank; i > dim; i--) {
        g.shape[i] = g.shape[i - 1];
        g.strides[i] = g.strides[i - 1];
    }
    g.shape[dim] = 1;
    g.strides[dim] = stride;
    g.rank++;
    return finish(&g, out, t);
}

apus_status apus_tensor_squeeze(apus_tensor **out, const apus_tensor *t, int32_t count, const int32_t *dims) {
    geometry g;
    APUS_TRY(begin("squeeze", &g, out, t));
    bool mask[APUS_MAX_RANK];
    APUS_TRY(apus__dims_mask("squeeze", mask, t->rank, count, dims));
    for (int32_t i = t->rank - 1; i >= 0; i--)
        if (mask[i] && t->shape[i] == 1) remove_dim(&g, i);
    return finish(&g, out, t);
}

apus_status apus_tensor_as_strided(apus_tensor **out, const apus_tensor *t, int32_t rank, const int64_t *shape,
                                   const int64_t *strides, int64_t offset) {
    geometry g;
    APUS_TRY(begin("as_strided", &g, out, t));
    int64_t numel;
    APUS_TRY(apus__checked_numel("as_strided", &numel, t->dtype, rank, shape));
    if (rank > 0) APUS_REQUIRE("as_strided", strides);
    int64_t end, limit = (int64_t)(t->storage->bytes / apus__item_size(t));
    if (offset < 0)
        return apus__fail(APUS_STATUS_invalid_argument, "as_strided: offset %lld is negative", (long long)offset);
    APUS_TRY(apus__check_extent("as_strided", &end, rank, shape, strides, offset, numel, limit));
    return apus__tensor_over(out, t->storage, t->dtype, rank, shape, strides, offset);
}

apus_status apus_tensor_diagonal(apus_tensor **out, const apus_tensor *t, int64_t offset, int32_t dim0, int32_t dim1) {
    geometry g;
    APUS_TRY(begin("diagonal", &g, out, t));
    if (t->rank < 2) return apus__fail(APUS_STATUS_shape, "diagonal: needs at least two dims, got rank %d", t->rank);
    APUS_TRY(apus__normalize_dim("diagonal", &dim0, t->rank));
    APUS_TRY(apus__normalize_dim("diagonal", &dim1, t->rank));
    if (dim0 == dim1) return apus__fail(APUS_STATUS_invalid_argument, "diagonal: dims are both %d", dim0);
    // Offsets beyond the matrix give an empty diagonal.
    int64_t rows = t->shape[dim0], columns = t->shape[dim1];
    int64_t down = offset < 0 ? (offset < -rows ? rows : -offset) : 0;
    int64_t right = offset > 0 ? (offset > columns ? columns : offset) : 0;
    int64_t height = rows - down, width = columns - right;
    int64_t length = height < width ? height : width;
    int64_t stride = t->strides[dim0] + t->strides[dim1];
    if (length > 0) g.offset += down * t->strides[dim0] + right * t->strides[dim1];
    remove_dim(&g, dim0 > dim1 ? dim0 : dim1);
    remove_dim(&g, dim0 > dim1 ? dim1 : dim0);
    g.shape[g.rank] = length;
    g.strides[g.rank++] = stride;
    return finish(&g, out, t);
}

/// Each element becomes `ratio` smaller ones.
static void split_elements(geometry *g, int64_t ratio) {
    for (int32_t i = 0; i < g->rank - 1; i++) g->strides[i] *= ratio;
    g->shape[g->rank - 1] *= ratio;
    g->strides[g->rank - 1] = 1;
    g->offset *= ratio;
}

/// `ratio` elements become one; false where they do not come out even.
static bool join_elements(geometry *g, int64_t ratio) {
    bool even = g->shape[g->rank - 1] % ratio == 0 && g->offset % ratio == 0;
    for (int32_t i = 0; i < g->rank - 1; i++) {
        even = even && (g->shape[i] <= 1 || g->strides[i] % ratio == 0);
        g->strides[i] /= ratio;
    }
    g->shape[g->rank - 1] /= ratio;
    g->offset /= ratio;
    return even;
}

static bool is_aligned(const apus_tensor *t, apus_dtype dtype) {
    size_t alignment = apus_dtype_is_complex(dtype) ? apus_dtype_size(dtype) / 2 : apus_dtype_size(dtype);
    return t->storage->device != APUS_DEVICE_CPU || (uintptr_t)t->storage->data % alignment == 0;
}

apus_status apus_tensor_view_dtype(apus_tensor **out, const apus_tensor *t, apus_dtype dtype) {
    geometry g;
    APUS_TRY(begin("view_dtype", &g, out, t));
    int64_t from = (int64_t)apus__item_size(t), to = (int64_t)apus_dtype_size(dtype);
    apus__text text;
    if (to == 0) return apus__fail(APUS_STATUS_dtype, "view_dtype: %d is not a dtype", (int)dtype);
    if (dtype == APUS_DTYPE_bool && t->dtype != APUS_DTYPE_bool)
        return apus__fail(APUS_STATUS_dtype, "view_dtype: the bytes of %s are no truth values",
                          apus__describe(&text, t));
    bool runs = g.rank > 0 && (g.shape[g.rank - 1] <= 1 || g.strides[g.rank - 1] == 1);
    bool fits = is_aligned(t, dtype) && (from == to || runs);
    if (fits && from > to) split_elements(&g, from / to);
    if (fits && from < to) fits = join_elements(&g, to / from);
    if (!fits)
        return apus__fail(APUS_STATUS_shape, "view_dtype: the memory of %s cannot be seen as %s",
                          apus__describe(&text, t), apus_dtype_name(dtype));
    return apus__tensor_over(out, t->storage, dtype, g.rank, g.shape, g.strides, g.offset);
}

apus_status apus_tensor_unfold(apus_tensor **out, const apus_tensor *t, int32_t dim, int64_t size, int64_t step) {
    geometry g;
    APUS_TRY(begin("unfold", &g, out, t));
    APUS_TRY(apus__normalize_dim("unfold", &dim, t->rank));
    int64_t extent = t->rank == 0 ? 1 : t->shape[dim], stride = t->rank == 0 ? 1 : t->strides[dim];
    if (step <= 0 || size < 0 || size > extent || t->rank == APUS_MAX_RANK)
        return apus__fail(APUS_STATUS_invalid_argument,
                          "unfold: size %lld and step %lld do not fit dim %d with size %lld", (long long)size,
                          (long long)step, dim, (long long)extent);
    if (t->rank > 0) {
        g.shape[dim] = (extent - size) / step + 1;
        if (g.shape[dim] > 1) g.strides[dim] = stride * step;
    }
    g.shape[g.rank] = size;
    g.strides[g.rank++] = stride;
    return finish(&g, out, t);
}
