// Finding OpenCL devices, and opening one: its context, its queue, its lock.
#include "opencl/device.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_PLATFORMS = 16, MAX_DEVICES = 32, COMMANDS_A_FLUSH = 64 };

static apus__cl_device devices[MAX_DEVICES];
static int32_t device_count;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t open_mutex = PTHREAD_MUTEX_INITIALIZER;
static bool any_open, forked;

// ---- What a device says of itself

/// What is not answered stays zero.
static void ask(cl_device_id id, cl_device_info what, void *value, size_t bytes) {
    memset(value, 0, bytes);
    (void)apus__cl()->GetDeviceInfo(id, what, bytes, value, NULL);
}

static void ask_text(cl_device_id id, cl_device_info what, char text[APUS_OPENCL_NAME]) {
    char all[4 * APUS_OPENCL_NAME];
    ask(id, what, all, sizeof all - 1);
    all[sizeof all - 1] = '\0';
    const char *start = all + strspn(all, " "); // some names are padded
    size_t length = strnlen(start, APUS_OPENCL_NAME - 1);
    memcpy(text, start, length);
    text[length] = '\0';
}

static bool has_extension(cl_device_id id, const char *name) {
    size_t bytes = 0;
    const apus__cl_api *cl = apus__cl();
    if (cl->GetDeviceInfo(id, CL_DEVICE_EXTENSIONS, 0, NULL, &bytes) != CL_SUCCESS || bytes == 0) return false;
    char *all = calloc(1, bytes + 1);
    if (all == NULL) return false;
    bool found =
        cl->GetDeviceInfo(id, CL_DEVICE_EXTENSIONS, bytes, all, NULL) == CL_SUCCESS && strstr(all, name) != NULL;
    free(all);
    return found;
}

bool apus__cl_is_llvmpipe(const apus__cl_device *d) {
    return strncmp(d->info.name, "llvmpipe", strlen("llvmpipe")) == 0;
}

static apus_opencl_class class_of(const apus__cl_device *d, cl_device_type type) {
    const char *forced = getenv("APUS_OPENCL_CLASS");
    if (forced != NULL && strcmp(forced, "cpu") == 0) return APUS_OPENCL_CLASS_cpu;
    if (forced != NULL && strcmp(forced, "gpu") == 0) return APUS_OPENCL_CLASS_gpu;
    return type & CL_DEVICE_TYPE_CPU && !apus__cl_is_llvmpipe(d) ? APUS_OPENCL_CLASS_cpu : APUS_OPENCL_CLASS_gpu;
}

static void describe(apus__cl_device *d, cl_device_type type) {
    apus_opencl_info *info = &d->info;
    ask_text(d->id, CL_DEVICE_NAME, info->name);
    ask_text(d->id, CL_DEVICE_VENDOR, info->vendor);
    ask_text(d->id, CL_DRIVER_VERSION, info->driver);
    ask_text(d->id, CL_DEVICE_VERSION, info->version);
    cl_ulong memory, local;
    cl_uint units, base_align;
    cl_bool unified;
    size_t work_group;
    cl_device_fp_config single_config;
    cl_device_local_mem_type local_type;
    ask(d->id, CL_DEVICE_GLOBAL_MEM_SIZE, &memory, sizeof memory);
    ask(d->id, CL_DEVICE_LOCAL_MEM_SIZE, &local, sizeof local);
    ask(d->id, CL_DEVICE_MAX_COMPUTE_UNITS, &units, sizeof units);
    ask(d->id, CL_DEVICE_HOST_UNIFIED_MEMORY, &unified, sizeof unified);
    ask(d->id, CL_DEVICE_MAX_WORK_GROUP_SIZE, &work_group, sizeof work_group);
    ask(d->id, CL_DEVICE_SINGLE_FP_CONFIG, &single_config, sizeof single_config);
    ask(d->id, CL_DEVICE_LOCAL_MEM_TYPE, &local_type, sizeof local_type);
    ask(d->id, CL_DEVICE_MEM_BASE_ADDR_ALIGN, &base_align, sizeof base_align);
    ask(d->id, CL_DEVICE_MAX_MEM_ALLOC_SIZE, &d->max_allocation, sizeof d->max_allocation);
    ask(d->id, CL_DEVICE_VENDOR_ID, &d->vendor_id, sizeof d->vendor_id);
    info->memory = (int64_t)memory;
    info->local_memory = (int64_t)local;
    info->compute_units = (int32_t)units;
    info->unified_memory = unified;
    info->max_work_group = (int64_t)work_group;
    info->local_is_fast = local_type == CL_LOCAL;
    info->is_cpu = (type & CL_DEVICE_TYPE_CPU) != 0;
    info->kernel_class = class_of(d, type);
    const char *float64 = getenv("APUS_OPENCL_FLOAT64");
    info->has_float64 = has_extension(d->id, "cl_khr_fp64") && (float64 == NULL || strcmp(float64, "0") != 0);
    info->has_float16 = has_extension(d->id, "cl_khr_fp16");
    d->alignment = base_align / CHAR_BIT;
    d->correctly_rounded = (single_config & CL_FP_CORRECTLY_ROUNDED_DIVIDE_SQRT) != 0;
}

/// Kernels take their parameters in the host's byte order; a device that cannot compile has no use.
static bool is_usable(cl_device_id id) {
    cl_bool little, available, compiler;
    ask(id, CL_DEVICE_ENDIAN_LITTLE, &little, sizeof little);
    ask(id, CL_DEVICE_AVAILABLE, &available, sizeof available);
    ask(id, CL_DEVICE_COMPILER_AVAILABLE, &compiler, sizeof compiler);
    return little && available && compiler;
}

// ---- Enumeration

static void add_platform(cl_platform_id platform) {
    const apus__cl_api *cl = apus__cl();
    cl_device_id ids[MAX_DEVICES];
    cl_uint count = 0;
    if (cl->GetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, MAX_DEVICES, ids, &count) != CL_SUCCESS) return;
    if (count > MAX_DEVICES) count = MAX_DEVICES;
    for (cl_uint i = 0; i < count && device_count < MAX_DEVICES; i++) {
        if (!is_usable(ids[i])) continue;
        apus__cl_device *d = &devices[device_count++];
        cl_device_type type;
        d->id = ids[i];
        ask(d->id, CL_DEVICE_TYPE, &type, sizeof type);
        describe(d, type);
        (void)cl->GetPlatformInfo(platform, CL_PLATFORM_NAME, sizeof d->platform - 1, d->platform, NULL);
    }
}

static int rank_of(const apus__cl_device *d) {
    cl_device_type type;
    ask(d->id, CL_DEVICE_TYPE, &type, sizeof type);
    return type & CL_DEVICE_TYPE_GPU ? 0 : type & CL_DEVICE_TYPE_CPU ? 2 : 1;
}

static bool comes_before(const apus__cl_device *a, const apus__cl_device *b) {
    int rank_a = rank_of(a), rank_b = rank_of(b);
    return rank_a != rank_b ? rank_a < rank_b : a->info.memory > b->info.memory;
}

static void enumerate(void) {
    const apus__cl_api *cl = apus__cl();
    cl_platform_id platforms[MAX_PLATFORMS];
    cl_uint count = 0;
    // No platform is an error (-1001) to the loader; to us it is no device.
    if (cl == NULL || cl->GetPlatformIDs(MAX_PLATFORMS, platforms, &count) != CL_SUCCESS) return;
    if (count > MAX_PLATFORMS) count = MAX_PLATFORMS;
    for (cl_uint i = 0; i < count; i++) add_platform(platforms[i]);
    for (int32_t i = 1; i < device_count; i++)
        for (int32_t j = i; j > 0 && comes_before(&devices[j], &devices[j - 1]); j--) {
            apus__cl_device swap = devices[j];
            devices[j] = devices[j - 1];
            devices[j - 1] = swap;
        }
    for (int32_t i = 0; i < device_count; i++) devices[i].index = i;
}

static apus_status find(apus__cl_device **out, int32_t index) {
    pthread_once(&once, enumerate);
    if (index < 0 || index >= device_count)
        return apus__fail(APUS_STATUS_device, "opencl:%d is not available: this machine has %d OpenCL devices", index,
                          device_count);
    *out = &devices[index];
    return APUS_STATUS_ok;
}

int32_t apus_opencl_device_count(void) {
    pthread_once(&once, enumerate);
    return device_count;
}

apus_status apus_opencl_device_info(apus_opencl_info *out, int32_t index) {
    APUS_REQUIRE("opencl_device_info", out);
    apus__cl_device *d;
    APUS_TRY(find(&d, index));
    *out = d->info;
    return APUS_STATUS_ok;
}

/// The device of "platform:index", in which the part before the colon may be empty.
static int32_t find_named(const char *wanted) {
    const char *colon = strrchr(wanted, ':');
    size_t length = colon == NULL ? strlen(wanted) : (size_t)(colon - wanted);
    long left = colon == NULL ? 0 : strtol(colon + 1, NULL, 10);
    for (int32_t i = 0; i < device_count; i++) {
        const char *platform = devices[i].platform;
        bool matches = length == 0;
        for (; !matches && *platform != '\0'; platform++) matches = strncasecmp(platform, wanted, length) == 0;
        if (matches && left-- == 0) return i;
    }
    return -1;
}

apus_status apus_opencl_default_device(apus_device *out) {
    APUS_REQUIRE("opencl_default_device", out);
    pthread_once(&once, enumerate);
    const char *wanted = getenv("APUS_OPENCL_DEVICE");
    int32_t index = -1;
    if (wanted != NULL && wanted[0] != '\0') {
        index = find_named(wanted);
        if (index < 0)
            return apus__fail(APUS_STATUS_device, "APUS_OPENCL_DEVICE is '%s', which none of %d OpenCL devices is",
                              wanted, device_count);
    } else if (device_count > 0 && !devices[0].info.is_cpu) {
        index = 0;
    }
    if (index < 0) return apus__fail(APUS_STATUS_device, "there is no OpenCL GPU on this machine");
    *out = APUS_DEVICE_OPENCL + index;
    return APUS_STATUS_ok;
}

// ---- Opening

static void in_child(void) { forked = any_open; }

bool apus__cl_is_forked(void) { return forked; }

/// What still runs ends before its memory does. Nothing is released.
static void wait_at_exit(void) {
    for (int32_t i = 0; i < device_count && !forked; i++)
        if (devices[i].open) (void)apus__cl()->Finish(devices[i].queue);
}

apus_status apus__cl_check_fork(void) {
    if (!forked) return APUS_STATUS_ok;
    return apus__fail(APUS_STATUS_device,
                      "opencl: this process was forked from one that had opened a device, which no driver survives; "
                      "open devices in the child alone");
}

static int64_t memory_limit(const apus__cl_device *d) {
    const char *text = getenv("APUS_OPENCL_MEMORY_LIMIT");
    int64_t whole = d->info.memory / 10 * 9, limit = text == NULL ? 0 : strtoll(text, NULL, 10);
    return limit > 0 && limit < whole ? limit : whole;
}

static apus_status open_device(apus__cl_device *d) {
    const apus__cl_api *cl = apus__cl();
    cl_int code;
    d->context = cl->CreateContext(NULL, 1, &d->id, NULL, NULL, &code);
    if (code != CL_SUCCESS) return apus__cl_fail("clCreateContext", code);
    d->queue = cl->CreateCommandQueue(d->context, d->id, 0, &code);
    if (code != CL_SUCCESS) return apus__cl_fail("clCreateCommandQueue", code);
    pthread_mutex_init(&d->mutex, NULL);
    d->pool.limit = memory_limit(d);
    if (!any_open) {
        pthread_atfork(NULL, NULL, in_child);
        atexit(wait_at_exit);
    }
    any_open = true;
    __atomic_store_n(&d->open, true, __ATOMIC_RELEASE);
    return APUS_STATUS_ok;
}

apus_status apus__cl_device_open(apus__cl_device **out, int32_t index) {
    APUS_TRY(apus__cl_check_fork());
    APUS_TRY(find(out, index));
    if (__atomic_load_n(&(*out)->open, __ATOMIC_ACQUIRE)) return APUS_STATUS_ok;
    pthread_mutex_lock(&open_mutex);
    apus_status status = (*out)->open ? APUS_STATUS_ok : open_device(*out);
    pthread_mutex_unlock(&open_mutex);
    return status;
}

apus__cl_device *apus__cl_device_of(const apus_storage *storage) {
    return &devices[storage->device - APUS_DEVICE_OPENCL];
}

void apus__cl_enqueued(apus__cl_device *d) {
    if (++d->unflushed < COMMANDS_A_FLUSH) return;
    d->unflushed = 0;
    (void)apus__cl()->Flush(d->queue);
}

apus_status apus_opencl_handles(void **context, void **queue, int32_t index) {
    APUS_REQUIRE("opencl_handles", context);
    APUS_REQUIRE("opencl_handles", queue);
    apus__cl_device *d;
    APUS_TRY(apus__cl_device_open(&d, index));
    *context = d->context;
    *queue = d->queue;
    return APUS_STATUS_ok;
}

void *apus_opencl_buffer(const apus_tensor *t) {
    return t == NULL || t->storage->device < APUS_DEVICE_OPENCL ? NULL : t->storage->data;
}
