/* A stand-in for CANN's runtime (libascendcl and four names beside it), for tests on machines without an NPU.
 *
 * The real torch_npu loads and runs on it: a "device" is a share of host memory, work is done at once, in the
 * order in which it is asked for. No operator is here: cpu_operators.py sends those to torch's CPU kernels. What
 * it shows is torch_npu's own code, never an NPU: no numerics, no speed, no driver.
 *
 *   NPU_SIM_DEVICES      how many devices there are (2)
 *   NPU_SIM_MEMORY_MIB   how much memory each has (1024)
 *   NPU_SIM_SOC          the chip's name (Ascend910B2); torch_npu refuses names that it does not know
 *   NPU_SIM_LOG          a file that gets a line for each copy and each allocation
 *   ASCEND_RT_VISIBLE_DEVICES is understood as the real runtime does: which devices, counted anew from 0.
 *
 * The names and arguments of the functions are those that torch_npu 2.13 calls.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

typedef int32_t Status;
enum {
    OK = 0,
    WRONG_ARGUMENT = 100000,
    INITIALISED_ALREADY = 100002,
    WRONG_DEVICE = 107001,
    NO_CONTEXT = 107002,
    NOT_SUPPORTED = 207000,
    OUT_OF_MEMORY = 207001,
    NO_SUCH_OPERATOR = 500002,
};
#define MOST_DEVICES 64

/* The caller's arguments stay where they are: a function that looks at none can be called with any. */
#define ACCEPTS(name) Status name(void) { return OK; }
#define REFUSES(name) Status name(void) { return NOT_SUPPORTED; }

static long setting(const char *name, long otherwise) {
    const char *text = getenv(name);
    return text && *text ? atol(text) : otherwise;
}

static void note(const char *format, ...) {
    const char *path = getenv("NPU_SIM_LOG");
    FILE *log = path && *path ? fopen(path, "a") : NULL;
    if (!log) return;
    va_list rest;
    va_start(rest, format);
    vfprintf(log, format, rest);
    va_end(rest);
    fclose(log);
}

/* ---- what CANN says of itself ---- */

static int initialised;
Status aclInit(const char *configuration) {
    (void)configuration;
    if (initialised) return INITIALISED_ALREADY;
    initialised = 1;
    return OK;
}
Status aclFinalize(void) { initialised = 0; return OK; }
const char *aclGetRecentErrMsg(void) { return ""; }
void aclAppLog(void) {}

const char *aclrtGetSocName(void) {
    const char *name = getenv("NPU_SIM_SOC");
    return name && *name ? name : "Ascend910B2";
}

#define CANN_VERSION "9.1.0"
struct package_version { char version[128], major[64], minor[64], release[64], patch[64], reserved[128]; };
Status aclsysGetCANNVersion(int package, struct package_version *found) {
    (void)package;
    memset(found, 0, sizeof *found);
    strcpy(found->version, CANN_VERSION);
    strcpy(found->major, "9");
    strcpy(found->minor, "1");
    strcpy(found->release, "0");
    return OK;
}
Status aclsysGetVersionStr(char *package, char *version) { (void)package; strcpy(version, CANN_VERSION); return OK; }
/* Infinity and NaN are numbers here (0), and so is bfloat16 (1), as on every chip since the 910B. */
Status aclGetCannAttribute(int which, int32_t *value) { *value = which == 0 || which == 1; return OK; }
Status aclGetCannAttributeList(const int **list, size_t *length) { static const int none[1]; *list = none; *length = 0; return OK; }

size_t aclGetCompileoptSize(int option) { (void)option; return 8; }
Status aclGetCompileopt(int option, char *value, size_t room) { (void)option; if (room) *value = 0; return OK; }
ACCEPTS(aclSetCompileopt)

/* ---- devices: each thread has a current one ---- */

static __thread int current = -1;
static int used[MOST_DEVICES];

static int devices(void) {
    long there = setting("NPU_SIM_DEVICES", 2), visible = 0;
    const char *list = getenv("ASCEND_RT_VISIBLE_DEVICES");
    if (!list) return (int)there;
    for (char *end; *list; list = *end == ',' ? end + 1 : end) {
        long device = strtol(list, &end, 10);
        if (end == list || device < 0 || device >= there) break;  /* what follows a wrong one is not seen */
        visible++;
    }
    return (int)visible;
}
static size_t memory_of_a_device(void) { return (size_t)setting("NPU_SIM_MEMORY_MIB", 1024) << 20; }

Status aclrtGetDeviceCount(uint32_t *count) { *count = (uint32_t)devices(); return *count ? OK : WRONG_DEVICE; }
Status aclrtSetDevice(int32_t device) {
    if (device < 0 || device >= devices() || device >= MOST_DEVICES) return WRONG_DEVICE;
    used[current = device] = 1;
    return OK;
}
Status aclrtGetDevice(int32_t *device) { *device = current; return current < 0 ? NO_CONTEXT : OK; }
ACCEPTS(aclrtResetDevice)
/* A context is its device, as a pointer that is not NULL. */
Status aclrtGetCurrentContext(void **context) { *context = (void *)(intptr_t)(current + 1); return current < 0 ? NO_CONTEXT : OK; }
Status aclrtSetCurrentContext(void *context) { current = (int)(intptr_t)context - 1; return OK; }
Status aclrtGetPrimaryCtxState(int32_t device, uint32_t *flags, int32_t *active) {
    if (flags) *flags = 0;
    *active = device >= 0 && device < MOST_DEVICES && used[device];
    return OK;
}
Status aclrtDeviceCanAccessPeer(int32_t *can, int32_t from, int32_t to) { (void)from; (void)to; *can = 1; return OK; }
ACCEPTS(aclrtDeviceEnablePeerAccess)
Status aclrtDeviceGetBareTgid(int32_t *process) { *process = getpid(); return OK; }
Status aclrtGetLogicDevIdByUserDevId(int32_t user, int32_t *logic) { *logic = user; return OK; }
/* Cores of each kind, the bytes of the second cache, of memory: 910B2's order of size, and of no meaning. */
Status aclGetDeviceCapability(uint32_t device, int which, int64_t *value) { (void)device; *value = which == 2 ? 192 << 20 : 24; return OK; }
Status aclrtGetDeviceInfo(uint32_t device, int which, int64_t *value) {
    (void)device;
    *value = which == 301 ? (int64_t)memory_of_a_device() : which < 300 ? 24 : 0;
    return OK;
}
struct utilization { int32_t cube, vector, cpu, memory; void *more; };
Status aclrtGetDeviceUtilizationRate(int32_t device, struct utilization *found) { (void)device; memset(found, 0, 4 * sizeof(int32_t)); return OK; }
Status aclrtGetSysParamOpt(int option, int64_t *value) { (void)option; *value = 0; return OK; }
ACCEPTS(aclrtSetSysParamOpt)
ACCEPTS(aclrtCtxSetSysParamOpt)
ACCEPTS(aclrtSetDeviceSatMode)
ACCEPTS(aclrtDeviceTaskAbort)
ACCEPTS(aclrtPeekAtLastError)
ACCEPTS(aclrtGetLastError)
ACCEPTS(aclrtSetOpExecuteTimeOut)
ACCEPTS(aclrtSetOpWaitTimeout)
Status aclrtSetOpExecuteTimeOutV2(uint64_t wanted, uint64_t *got) { *got = wanted; return OK; }

/* ---- memory: what is given out lies behind a head that tells how much it is, and whose ---- */

#define ALIGNMENT 512 /* bytes; the real runtime's */
struct head { size_t bytes; int device; };
static size_t taken[MOST_DEVICES];
static pthread_mutex_t counting = PTHREAD_MUTEX_INITIALIZER;

static int take(int device, size_t bytes) {
    pthread_mutex_lock(&counting);
    int fits = taken[device] + bytes <= memory_of_a_device();
    if (fits) taken[device] += bytes;
    pthread_mutex_unlock(&counting);
    return fits;
}
Status aclrtMalloc(void **memory, size_t bytes, int policy) {
    (void)policy;
    char *all;
    if (current < 0) return NO_CONTEXT;
    int fits = take(current, bytes);
    note("allocate %zu%s\n", bytes, fits ? "" : " refused");
    if (!fits || posix_memalign((void **)&all, ALIGNMENT, ALIGNMENT + bytes)) return OUT_OF_MEMORY;
    *(struct head *)all = (struct head){.bytes = bytes, .device = current};
    *memory = all + ALIGNMENT;
    return OK;
}
Status aclrtMallocAlign32(void **memory, size_t bytes, int policy) { return aclrtMalloc(memory, bytes, policy); }
Status aclrtFree(void *memory) {
    if (!memory) return OK;
    struct head *head = (struct head *)((char *)memory - ALIGNMENT);
    pthread_mutex_lock(&counting);
    taken[head->device] -= head->bytes;
    pthread_mutex_unlock(&counting);
    free(head);
    return OK;
}
Status aclrtGetMemInfo(int kind, size_t *left, size_t *all) {
    (void)kind;
    if (current < 0) return NO_CONTEXT;
    *all = memory_of_a_device();
    *left = *all - taken[current];
    return OK;
}
Status aclrtMallocHost(void **memory, size_t bytes) { return posix_memalign(memory, ALIGNMENT, bytes ? bytes : 1) ? OUT_OF_MEMORY : OK; }
Status aclrtFreeHost(void *memory) { free(memory); return OK; }

Status aclrtMemcpy(void *to, size_t room, const void *from, size_t bytes, int kind) {
    static const char *const kinds[] = {"host-to-host", "host-to-device", "device-to-host", "device-to-device"};
    note("copy %s %zu\n", kind >= 0 && kind < 4 ? kinds[kind] : "otherwise", bytes);
    if (bytes > room) return WRONG_ARGUMENT;
    if (bytes) memmove(to, from, bytes);
    return OK;
}
Status aclrtMemcpyAsync(void *to, size_t room, const void *from, size_t bytes, int kind, void *stream) {
    (void)stream;
    return aclrtMemcpy(to, room, from, bytes, kind);
}
Status aclrtMemset(void *to, size_t room, int32_t value, size_t bytes) {
    if (bytes > room) return WRONG_ARGUMENT;
    memset(to, value, bytes);
    return OK;
}
Status aclrtMemsetAsync(void *to, size_t room, int32_t value, size_t bytes, void *stream) { (void)stream; return aclrtMemset(to, room, value, bytes); }

/* ---- streams and events: all work is over when its call returns; an event is a time ---- */

struct stream { int32_t number; };
Status aclrtCreateStream(void **stream) {
    static int32_t made;
    struct stream *fresh = calloc(1, sizeof *fresh);
    if (!fresh) return OUT_OF_MEMORY;
    fresh->number = __atomic_fetch_add(&made, 1, __ATOMIC_RELAXED);
    *stream = fresh;
    return OK;
}
Status aclrtCreateStreamWithConfig(void **stream, uint32_t priority, uint32_t flags) { (void)priority; (void)flags; return aclrtCreateStream(stream); }
Status aclrtDestroyStream(void *stream) { free(stream); return OK; }
Status aclrtDestroyStreamForce(void *stream) { free(stream); return OK; }
Status aclrtStreamGetId(const struct stream *stream, int32_t *number) { *number = stream ? stream->number : 0; return OK; }
Status aclrtStreamQuery(void *stream, int *over) { (void)stream; *over = 0; return OK; } /* 0: complete */
ACCEPTS(aclrtSynchronizeDevice)
ACCEPTS(aclrtSynchronizeDeviceWithTimeout)
ACCEPTS(aclrtSynchronizeStream)
ACCEPTS(aclrtSynchronizeStreamWithTimeout)
ACCEPTS(aclrtStreamWaitEvent)
ACCEPTS(aclrtSetStreamFailureMode)
ACCEPTS(aclrtSetStreamAttribute)
ACCEPTS(aclrtSetStreamOverflowSwitch)
Status aclrtGetStreamOverflowSwitch(void *stream, uint32_t *on) { (void)stream; *on = 0; return OK; }
ACCEPTS(aclrtSubscribeReport)
ACCEPTS(aclrtUnSubscribeReport)
ACCEPTS(aclrtProcessReport)
Status aclrtLaunchCallback(void (*call)(void *), void *with, int blocking, void *stream) { (void)blocking; (void)stream; call(with); return OK; }
Status aclrtLaunchHostFunc(void *stream, void (*call)(void *), void *with) { (void)stream; call(with); return OK; }

Status aclrtCreateEventExWithFlag(void **event, uint32_t flags) { (void)flags; *event = calloc(1, sizeof(struct timespec)); return *event ? OK : OUT_OF_MEMORY; }
Status aclrtCreateEventWithFlag(void **event, uint32_t flags) { return aclrtCreateEventExWithFlag(event, flags); }
Status aclrtDestroyEvent(void *event) { free(event); return OK; }
Status aclrtRecordEvent(struct timespec *event, void *stream) { (void)stream; clock_gettime(CLOCK_MONOTONIC, event); return OK; }
ACCEPTS(aclrtResetEvent)
ACCEPTS(aclrtSynchronizeEvent)
Status aclrtQueryEventStatus(void *event, int *recorded) { (void)event; *recorded = 1; return OK; }
Status aclrtQueryEventWaitStatus(void *event, int *status) { (void)event; *status = 0; return OK; }
static double microseconds(const struct timespec *event) { return 1e6 * (double)event->tv_sec + 1e-3 * (double)event->tv_nsec; }
Status aclrtEventGetTimestamp(const struct timespec *event, uint64_t *time) { *time = (uint64_t)microseconds(event); return OK; }
Status aclrtEventElapsedTime(float *milliseconds, const struct timespec *from, const struct timespec *to) {
    *milliseconds = (float)((microseconds(to) - microseconds(from)) / 1e3);
    return OK;
}
Status aclmdlRICaptureGetInfo(void *stream, int *status, void **graph) { (void)stream; *status = 0; if (graph) *graph = NULL; return OK; }
ACCEPTS(aclmdlRICaptureThreadExchangeMode)

/* ---- operators that torch_npu's C++ asks for past torch's dispatcher: three are enough for collectives ---- */

struct description { int type, layout, dimensions; int64_t sizes[16]; };
struct buffer { char *bytes; size_t length; };

void *aclCreateTensorDesc(int type, int dimensions, const int64_t *sizes, int layout) {
    struct description *made = calloc(1, sizeof *made);
    made->type = type;
    made->layout = layout;
    made->dimensions = dimensions > 16 ? 16 : dimensions;
    memcpy(made->sizes, sizes, sizeof(int64_t) * (size_t)made->dimensions);
    return made;
}
void aclDestroyTensorDesc(void *description) { free(description); }
int aclGetTensorDescType(const struct description *of) { return of->type; }
int aclGetTensorDescFormat(const struct description *of) { return of->layout; }
size_t aclGetTensorDescNumDims(const struct description *of) { return (size_t)of->dimensions; }
Status aclGetTensorDescDimV2(const struct description *of, size_t which, int64_t *size) { *size = of->sizes[which]; return OK; }
ACCEPTS(aclSetTensorDescName)
ACCEPTS(aclSetTensorFormat)
ACCEPTS(aclSetTensorShape)
ACCEPTS(aclSetTensorPlaceMent)
void *aclCreateDataBuffer(void *bytes, size_t length) {
    struct buffer *made = calloc(1, sizeof *made);
    *made = (struct buffer){.bytes = bytes, .length = length};
    return made;
}
Status aclDestroyDataBuffer(void *buffer) { free(buffer); return OK; }
void *aclopCreateAttr(void) { return calloc(1, 1); }
void aclopDestroyAttr(void *attributes) { free(attributes); }
ACCEPTS(aclopSetAttrBool)
ACCEPTS(aclopSetAttrDataType)
ACCEPTS(aclopSetAttrFloat)
ACCEPTS(aclopSetAttrInt)
ACCEPTS(aclopSetAttrString)
ACCEPTS(aclopSetAttrListBool)
ACCEPTS(aclopSetAttrListFloat)
ACCEPTS(aclopSetAttrListInt)
ACCEPTS(aclopSetAttrListListInt)

static size_t width_of(int type) { /* ACL's codes */
    switch (type) {
    case 2: case 4: case 12: return 1;
    case 1: case 6: case 7: case 27: return 2;
    case 0: case 3: case 8: return 4;
    case 17: return 16;
    default: return 8;
    }
}
static void fill(char *bytes, size_t length, const char *value, size_t width) {
    for (size_t at = 0; at + width <= length; at += width) memcpy(bytes + at, value, width);
}
/* Copy what is there into a larger block, `before` places further along each dimension. */
static void place(const struct description *what, const char *from, const int64_t *before, const int64_t *after, char *to) {
    size_t width = width_of(what->type);
    int64_t count = 1;
    for (int i = 0; i < what->dimensions; i++) count *= what->sizes[i];
    for (int64_t number = 0; number < count; number++) {
        int64_t rest = number, target = 0, stride = 1;
        for (int i = what->dimensions - 1; i >= 0; i--) {
            target += (rest % what->sizes[i] + before[i]) * stride;
            stride *= before[i] + what->sizes[i] + after[i];
            rest /= what->sizes[i];
        }
        memcpy(to + (size_t)target * width, from + (size_t)number * width, width);
    }
}
static void pad(const struct description *what, const char *from, const char *widths, int widths_type, char *to) {
    int64_t sides[32];
    for (int i = 0; i < 2 * what->dimensions; i++)
        sides[i % 2 * 16 + i / 2] = widths_type == 3 ? ((const int32_t *)widths)[i] : ((const int64_t *)widths)[i];
    place(what, from, sides, sides + 16, to);
}

Status aclopCompileAndExecute(const char *name, int inputs, struct description *const in_what[], struct buffer *const in[],
                              int outputs, struct description *const out_what[], struct buffer *const out[]) {
    if (outputs == 1 && !strcmp(name, "ZerosLike")) {
        memset(out[0]->bytes, 0, out[0]->length);
        return OK;
    }
    if (outputs == 1 && inputs == 2 && !strcmp(name, "Fill")) { /* sizes, value */
        fill(out[0]->bytes, out[0]->length, in[1]->bytes, width_of(out_what[0]->type));
        return OK;
    }
    if (outputs == 1 && inputs >= 2 && !strcmp(name, "PadV3")) { /* tensor, widths, perhaps value */
        static const char zero[16];
        fill(out[0]->bytes, out[0]->length, inputs > 2 ? in[2]->bytes : zero, width_of(out_what[0]->type));
        pad(in_what[0], in[0]->bytes, in[1]->bytes, in_what[1]->type, out[0]->bytes);
        return OK;
    }
    fprintf(stderr, "stand-in CANN: there is no operator %s\n", name);
    return NO_SUCH_OPERATOR;
}
Status aclopCompileAndExecuteV2(const char *name, int inputs, struct description *const in_what[], struct buffer *const in[],
                                int outputs, struct description *const out_what[], struct buffer *const out[]) {
    return aclopCompileAndExecute(name, inputs, in_what, in, outputs, out_what, out);
}

/* ---- only the loader asks for these: kernels of one's own, memory between processes, profiling ---- */

REFUSES(aclrtBinaryGetFunction)
REFUSES(aclrtBinaryLoadFromData)
REFUSES(aclrtGetFunctionAddr)
REFUSES(aclrtMallocPhysical)
REFUSES(aclrtFreePhysical)
REFUSES(aclrtReserveMemAddress)
REFUSES(aclrtReleaseMemAddress)
REFUSES(aclrtMapMem)
REFUSES(aclrtUnmapMem)
REFUSES(aclrtMemExportToShareableHandle)
REFUSES(aclrtMemImportFromShareableHandle)
REFUSES(aclrtMemSetPidToShareableHandle)
REFUSES(rtDevBinaryRegister)
REFUSES(rtFunctionRegister)
REFUSES(rtGetC2cCtrlAddr)
REFUSES(rtKernelLaunch)
ACCEPTS(aclmdlInitDump)
ACCEPTS(aclmdlSetDump)
ACCEPTS(aclmdlFinalizeDump)
ACCEPTS(MsprofRegisterCallback)
ACCEPTS(MsprofReportAdditionalInfo)
ACCEPTS(MsprofReportApi)
ACCEPTS(MsprofReportCompactInfo)
uint64_t MsprofGetHashId(const char *text, size_t length) { (void)text; return length; }
uint64_t MsprofSysCycleTime(void) { return 0; }
