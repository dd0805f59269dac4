// DLPack in and out; see apus/dlpack.h. Only the layout of the structs comes from the specification.
#include "apus/dlpack.h"

#include <stddef.h>
#include <stdlib.h>

#include "apus/opencl.h"
#include "core/tensor.h"

#if UINTPTR_MAX == UINT64_MAX
_Static_assert(sizeof(apus_dlpack_tensor) == 48 && offsetof(apus_dlpack_tensor, rank) == 16 &&
                   offsetof(apus_dlpack_tensor, code) == 20 && offsetof(apus_dlpack_tensor, shape) == 24,
               "the layout of DLPack's tensor");
_Static_assert(sizeof(apus_dlpack_managed) == 64 && sizeof(apus_dlpack_versioned) == 80 &&
                   offsetof(apus_dlpack_versioned, deleter) == 16 && offsetof(apus_dlpack_versioned, tensor) == 32,
               "the layout of DLPack's managed tensors");
#endif

typedef struct element_kind {
    uint8_t code, bits;
} element_kind;

static const element_kind kinds[APUS_DTYPE_COUNT] = {
#define APUS_DTYPE(number, name, bytes, kind, dlpack, safetensors) [number] = {dlpack, 8 * bytes},
#include "apus/dtype.def"
#undef APUS_DTYPE
};

// ---- Out

// Both managed forms keep the tensor as their context, and its dims behind themselves in one block: they are the
// consumer's, who may write to them.

static void delete_managed(apus_dlpack_managed *self) {
    if (self == NULL) return;
    apus_tensor_release(self->context);
    free(self);
}

static void delete_versioned(apus_dlpack_versioned *self) {
    if (self == NULL) return;
    apus_tensor_release(self->context);
    free(self);
}

apus_status apus_tensor_dlpack_device(int32_t *type, int32_t *index, const apus_tensor *t) {
    APUS_REQUIRE("dlpack_device", type);
    APUS_REQUIRE("dlpack_device", index);
    APUS_REQUIRE("dlpack_device", t);
    apus_device device = t->storage->device;
    if (device != APUS_DEVICE_CPU && device < APUS_DEVICE_OPENCL)
        return apus__fail(APUS_STATUS_device, "to_dlpack: the tensor is on no device");
    *type = device == APUS_DEVICE_CPU ? APUS_DLPACK_CPU : APUS_DLPACK_OPENCL;
    *index = device == APUS_DEVICE_CPU ? 0 : device - APUS_DEVICE_OPENCL;
    return APUS_STATUS_ok;
}

/// Room for a managed form of `bytes` and t's dims, and the tensor to put in it: t, retained, or a copy.
static apus_status begin_export(void **managed, apus_tensor **source, const apus_tensor *t, bool copy, size_t bytes) {
    int32_t type, index;
    APUS_TRY(apus_tensor_dlpack_device(&type, &index, t));
    apus_tensor *tensor = NULL;
    if (copy)
        APUS_TRY(apus_tensor_to(&tensor, t, t->dtype, t->storage->device));
    else
        tensor = apus_tensor_retain((apus_tensor *)t);
    // The consumer knows nothing of the device's queue: what was asked for is done before it gets the memory.
    apus_status status = apus_synchronize(tensor->storage->device);
    if (status != APUS_STATUS_ok) {
        apus_tensor_release(tensor);
        return status;
    }
    *managed = malloc(bytes + 2 * (size_t)t->rank * sizeof(int64_t));
    if (*managed == NULL) {
        apus_tensor_release(tensor);
        return apus__fail(APUS_STATUS_out_of_memory, "out of memory: cannot export a tensor");
    }
    *source = tensor;
    return APUS_STATUS_ok;
}

static void fill_view(apus_dlpack_tensor *view, int64_t *dims, const apus_tensor *t) {
    bool on_host = t->storage->device == APUS_DEVICE_CPU;
    *view = (apus_dlpack_tensor){.device_type = on_host ? APUS_DLPACK_CPU : APUS_DLPACK_OPENCL,
                                 .device_id = on_host ? 0 : t->storage->device - APUS_DEVICE_OPENCL,
                                 .rank = t->rank,
                                 .code = kinds[t->dtype].code,
                                 .bits = kinds[t->dtype].bits,
                                 .lanes = 1,
                                 .shape = dims,
                                 .strides = dims + t->rank};
    for (int32_t i = 0; i < t->rank; i++) {
        view->shape[i] = t->shape[i];
        view->strides[i] = t->strides[i];
    }
    if (t->numel == 0) return;
    // Not every consumer heeds byte_offset, so it is part of the address where there is one.
    view->data = on_host ? apus__host_data(t) : t->storage->data;
    view->byte_offset = on_host ? 0 : (uint64_t)t->offset * apus__item_size(t);
}

apus_status apus_tensor_to_dlpack_versioned(apus_dlpack_versioned **out, const apus_tensor *t, bool copy) {
    APUS_REQUIRE("to_dlpack", out);
    APUS_REQUIRE("to_dlpack", t);
    void *block;
    apus_tensor *source;
    APUS_TRY(begin_export(&block, &source, t, copy, sizeof(apus_dlpack_versioned)));
    apus_dlpack_versioned *managed = block;
    *managed = (apus_dlpack_versioned){
        .major = APUS_DLPACK_MAJOR,
        .minor = APUS_DLPACK_MINOR,
        .context = source,
        .deleter = delete_versioned,
        .flags = (source->storage->read_only ? APUS_DLPACK_READ_ONLY : 0u) | (copy ? APUS_DLPACK_COPIED : 0u),
    };
    fill_view(&managed->tensor, (int64_t *)(managed + 1), source);
    *out = managed;
    return APUS_STATUS_ok;
}

apus_status apus_tensor_to_dlpack(apus_dlpack_managed **out, const apus_tensor *t, bool copy) {
    APUS_REQUIRE("to_dlpack", out);
    APUS_REQUIRE("to_dlpack", t);
    void *block;
    apus_tensor *source;
    APUS_TRY(begin_export(&block, &source, t, copy, sizeof(apus_dlpack_managed)));
    apus_dlpack_managed *managed = block;
    *managed = (apus_dlpack_managed){.context = source, .deleter = delete_managed};
    fill_view(&managed->tensor, (int64_t *)(managed + 1), source);
    if (source->storage->read_only) {
        delete_managed(managed);
        return apus__fail(APUS_STATUS_read_only, "to_dlpack: the memory is read-only, which DLPack's unversioned form "
                                                 "cannot say; use the versioned form or copy");
    }
    *out = managed;
    return APUS_STATUS_ok;
}

// ---- In

static const char *code_name(uint8_t code) {
    static const char *const names[] = {
        "int",
        "uint",
        "float",
        "opaque",
        "bfloat",
        "complex",
        "bool",
        "float8_e3m4",
        "float8_e4m3",
        "float8_e4m3b11fnuz",
        "float8_e4m3fn",
        "float8_e4m3fnuz",
        "float8_e5m2",
        "float8_e5m2fnuz",
        "float8_e8m0fnu",
        "float6_e2m3fn",
        "float6_e3m2fn",
        "float4_e2m1fn",
    };
    return code < APUS__COUNT(names) ? names[code] : "unknown";
}

static apus_status find_dtype(apus_dtype *out, const apus_dlpack_tensor *view) {
    for (int32_t i = 0; i < APUS_DTYPE_COUNT; i++) {
        if (kinds[i].code != view->code || kinds[i].bits != view->bits || view->lanes != 1) continue;
        *out = (apus_dtype)i;
        return APUS_STATUS_ok;
    }
    return apus__fail(APUS_STATUS_dtype,
                      "from_dlpack: no dtype stands for elements of kind %s (%d) with %d bits and %d "
                      "lanes",
                      code_name(view->code), view->code, view->bits, view->lanes);
}

/// Finds the first element on the host.
static apus_status find_data(void **out, const apus_dlpack_tensor *view) {
    if (view->device_type != APUS_DLPACK_CPU)
        return apus__fail(APUS_STATUS_device,
                          "from_dlpack: the memory is on device type %d, index %d; only the CPU's (type 1) can be "
                          "imported, so copy it there first",
                          view->device_type, view->device_id);
    uintptr_t start = (uintptr_t)view->data;
    if (view->byte_offset > UINTPTR_MAX - start)
        return apus__fail(APUS_STATUS_overflow, "from_dlpack: byte offset %llu leaves the address space",
                          (unsigned long long)view->byte_offset);
    *out = view->data == NULL ? NULL : (char *)view->data + view->byte_offset;
    return APUS_STATUS_ok;
}

/// A tensor over the view's memory. Only on success is `deleter` the storage's to call.
static apus_status import_view(apus_tensor **out, const apus_dlpack_tensor *view, bool read_only, apus_deleter deleter,
                               void *payload) {
    apus_dtype dtype;
    void *data;
    int64_t numel, end, strides[APUS_MAX_RANK];
    APUS_REQUIRE("from_dlpack", out);
    APUS_TRY(find_data(&data, view));
    APUS_TRY(find_dtype(&dtype, view));
    APUS_TRY(apus__checked_numel("from_dlpack", &numel, dtype, view->rank, view->shape));
    apus__foreign_strides(strides, view->rank, view->shape, view->strides, numel);
    APUS_TRY(apus__check_extent("from_dlpack", &end, view->rank, view->shape, strides, 0, numel, INT64_MAX));
    if (numel > 0) {
        APUS_REQUIRE("from_dlpack", data);
        APUS_TRY(apus__check_aligned("from_dlpack", data, dtype));
    }
    apus_storage *storage = NULL;
    size_t bytes = (size_t)end * apus_dtype_size(dtype);
    APUS_TRY(apus__storage_wrap(&storage, data, bytes, APUS_DEVICE_CPU, read_only, NULL, NULL));
    apus_status status = apus__tensor_over(out, storage, dtype, view->rank, view->shape, strides, 0);
    if (status == APUS_STATUS_ok) {
        storage->deleter = deleter;
        storage->payload = payload;
    }
    apus__storage_release(storage);
    return status;
}

static void release_managed(void *payload) {
    apus_dlpack_managed *managed = payload;
    if (managed->deleter != NULL) managed->deleter(managed);
}

static void release_versioned(void *payload) {
    apus_dlpack_versioned *managed = payload;
    if (managed->deleter != NULL) managed->deleter(managed);
}

apus_status apus_tensor_from_dlpack(apus_tensor **out, apus_dlpack_managed *managed) {
    APUS_REQUIRE("from_dlpack", managed);
    apus_status status = import_view(out, &managed->tensor, false, release_managed, managed);
    if (status != APUS_STATUS_ok) release_managed(managed);
    return status;
}

static apus_status import_versioned(apus_tensor **out, apus_dlpack_versioned *managed) {
    if (managed->major != APUS_DLPACK_MAJOR)
        return apus__fail(APUS_STATUS_unsupported, "from_dlpack: version %u.%u of DLPack, where %d is read",
                          (unsigned)managed->major, (unsigned)managed->minor, APUS_DLPACK_MAJOR);
    bool read_only = (managed->flags & APUS_DLPACK_READ_ONLY) != 0;
    return import_view(out, &managed->tensor, read_only, release_versioned, managed);
}

apus_status apus_tensor_from_dlpack_versioned(apus_tensor **out, apus_dlpack_versioned *managed) {
    APUS_REQUIRE("from_dlpack", managed);
    apus_status status = import_versioned(out, managed);
    if (status != APUS_STATUS_ok) release_versioned(managed);
    return status;
}
