/* A stand-in for CANN's collectives (libhccl): between processes of one machine, through a file that all map.
 *
 *   NPU_SIM_HCCL_DIR      where that file lies (/dev/shm)
 *   NPU_SIM_HCCL_WAIT_S   how long a rank waits for the others (60)
 *
 * All-reduce, reduce-scatter, all-gather and broadcast: what data-parallel training uses. The rest says that it
 * is not supported. Every call is over when it returns.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

typedef int32_t Status;
enum { OK = 0, WRONG_ARGUMENT = 1, OUT_OF_MEMORY = 2, INTERNAL = 4, NOT_SUPPORTED = 5, TIMED_OUT = 9 };
enum { SUM = 0, PRODUCT = 1, MAXIMUM = 2, MINIMUM = 3 };
#define REFUSES(name) Status name(void) { return NOT_SUPPORTED; }
#define MOST_RANKS 16
#define PORTION ((size_t)1 << 20) /* bytes that a rank shows the others at a time; the file is that times ranks */
#define TRY(call) do { Status failed_ = (call); if (failed_) return failed_; } while (0)

struct shared {
    _Atomic uint64_t arrivals; /* since the beginning: it only grows */
    char padding[4096 - sizeof(uint64_t)];
    char portions[MOST_RANKS][PORTION];
};
struct communicator { struct shared *shared; uint32_t ranks, rank; uint64_t meetings; char name[128]; };

/* Wait until every rank has come to its n-th meeting. */
static Status meet(struct communicator *of) {
    const char *text = getenv("NPU_SIM_HCCL_WAIT_S");
    uint64_t all = ++of->meetings * of->ranks;
    time_t last = time(NULL) + (text && *text ? atol(text) : 60);
    atomic_fetch_add(&of->shared->arrivals, 1);
    for (int turn = 0; atomic_load(&of->shared->arrivals) < all; turn++) {
        if (turn < 1000) continue;
        if (time(NULL) > last) return TIMED_OUT;
        usleep(50);
    }
    return OK;
}

/* ---- communicators: the root's word is the name of the file ---- */

#define WORD_BYTES 4108 /* what torch_npu hands round between the ranks */
Status HcclGetRootInfo(char *word) {
    static atomic_int made;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    memset(word, 0, WORD_BYTES);
    snprintf(word, 100, "/npu-sim-%d-%d-%lld", (int)getpid(), atomic_fetch_add(&made, 1), (long long)now.tv_nsec);
    return OK;
}
Status HcclCommInitRootInfo(uint32_t ranks, const char *word, uint32_t rank, void **made) {
    const char *folder = getenv("NPU_SIM_HCCL_DIR");
    char path[512];
    if (ranks > MOST_RANKS || rank >= ranks) return WRONG_ARGUMENT;
    struct communicator *fresh = calloc(1, sizeof *fresh);
    if (!fresh) return OUT_OF_MEMORY;
    snprintf(path, sizeof path, "%s%.100s", folder && *folder ? folder : "/dev/shm", word);
    int file = open(path, O_RDWR | O_CREAT, 0600);
    if (file < 0 || ftruncate(file, sizeof(struct shared))) return INTERNAL;
    fresh->shared = mmap(NULL, sizeof(struct shared), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (fresh->shared == MAP_FAILED) return INTERNAL;
    fresh->ranks = ranks;
    fresh->rank = rank;
    snprintf(fresh->name, sizeof fresh->name, "%.100s", word + 1);
    Status all_here = meet(fresh);
    if (rank == 0) unlink(path);
    *made = fresh;
    return all_here;
}
Status HcclCommInitRootInfoConfig(uint32_t ranks, const char *word, uint32_t rank, const void *configuration, void **made) {
    (void)configuration;
    return HcclCommInitRootInfo(ranks, word, rank, made);
}
Status HcclCommDestroy(struct communicator *of) { munmap(of->shared, sizeof(struct shared)); free(of); return OK; }
Status HcclGetRankSize(const struct communicator *of, uint32_t *ranks) { *ranks = of->ranks; return OK; }
Status HcclGetRankId(const struct communicator *of, uint32_t *rank) { *rank = of->rank; return OK; }
Status HcclGetCommName(const struct communicator *of, char *name) { strcpy(name, of->name); return OK; }
Status HcclGetCommAsyncError(void *of, Status *error) { (void)of; *error = OK; return OK; }
const char *HcclGetErrorString(Status code) { return code == OK ? "no error" : code == TIMED_OUT ? "time-out: another rank did not come" : "an error"; }
uint32_t HcclGetCommConfigCapability(void) { return 0; }
Status HcclSetConfig(void) { return OK; }
Status HcclGetConfig(int which, int *value) { (void)which; *value = 0; return OK; }

/* ---- numbers: HCCL's codes of types ---- */

static size_t width_of(int type) {
    static const uint8_t widths[] = {1, 2, 4, 2, 4, 8, 8, 1, 2, 4, 8, 2};
    return type >= 0 && type < (int)sizeof widths ? widths[type] : 0;
}
static float of_bfloat16(uint16_t half) {
    uint32_t bits = (uint32_t)half << 16;
    float number;
    memcpy(&number, &bits, 4);
    return number;
}
static uint16_t to_bfloat16(float number) { /* to the nearest, and of two to the even one */
    uint32_t bits;
    memcpy(&bits, &number, 4);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}
#define SAME(number) (number)
#define FOLD(TYPE, WIDER, READ, WRITE)                                                                        \
    for (size_t i = 0; i < count; i++) {                                                                      \
        WIDER a = READ(((TYPE *)into)[i]), b = READ(((const TYPE *)from)[i]);                                 \
        ((TYPE *)into)[i] = WRITE(how == SUM ? a + b : how == PRODUCT ? a * b : how == MAXIMUM ? (a > b ? a : b) : (a < b ? a : b)); \
    }                                                                                                         \
    return OK
static Status fold(void *into, const void *from, size_t count, int type, int how) {
    switch (type) {
    case 0: FOLD(int8_t, int, SAME, SAME);
    case 1: FOLD(int16_t, int, SAME, SAME);
    case 2: FOLD(int32_t, int64_t, SAME, SAME);
    case 3: FOLD(_Float16, float, SAME, SAME);
    case 4: FOLD(float, float, SAME, SAME);
    case 5: FOLD(int64_t, int64_t, SAME, SAME);
    case 7: FOLD(uint8_t, int, SAME, SAME);
    case 10: FOLD(double, double, SAME, SAME);
    case 11: FOLD(uint16_t, float, of_bfloat16, to_bfloat16);
    default: return NOT_SUPPORTED;
    }
}

/* ---- collectives, a portion at a time: show, meet, read, meet ---- */

static Status show(struct communicator *of, const char *bytes, size_t length) {
    memcpy(of->shared->portions[of->rank], bytes, length);
    return meet(of);
}
static Status fold_all(struct communicator *of, char *into, size_t length, int type, int how) {
    memcpy(into, of->shared->portions[0], length); /* in the order of ranks: everybody gets the same */
    for (uint32_t rank = 1; rank < of->ranks; rank++)
        TRY(fold(into, of->shared->portions[rank], length / width_of(type), type, how));
    return OK;
}
#define PORTIONS(length) for (size_t at = 0, part; at < (length) && (part = (length) - at < PORTION ? (length) - at : PORTION); at += part)

Status HcclAllReduce(const char *send, char *receive, uint64_t count, int type, int how, struct communicator *of, void *stream) {
    (void)stream;
    size_t length = count * width_of(type);
    if (!width_of(type)) return NOT_SUPPORTED;
    PORTIONS(length) {
        TRY(show(of, send + at, part));
        TRY(fold_all(of, receive + at, part, type, how));
        TRY(meet(of));
    }
    return OK;
}
Status HcclReduceScatter(const char *send, char *receive, uint64_t count, int type, int how, struct communicator *of, void *stream) {
    (void)stream;
    size_t length = count * width_of(type);
    if (!width_of(type)) return NOT_SUPPORTED;
    for (uint32_t rank = 0; rank < of->ranks; rank++)
        PORTIONS(length) {
            TRY(show(of, send + rank * length + at, part));
            if (rank == of->rank) TRY(fold_all(of, receive + at, part, type, how));
            TRY(meet(of));
        }
    return OK;
}
Status HcclAllGather(const char *send, char *receive, uint64_t count, int type, struct communicator *of, void *stream) {
    (void)stream;
    size_t length = count * width_of(type);
    if (!width_of(type)) return NOT_SUPPORTED;
    PORTIONS(length) {
        TRY(show(of, send + at, part));
        for (uint32_t rank = 0; rank < of->ranks; rank++) memcpy(receive + rank * length + at, of->shared->portions[rank], part);
        TRY(meet(of));
    }
    return OK;
}
Status HcclBroadcast(char *bytes, uint64_t count, int type, uint32_t root, struct communicator *of, void *stream) {
    (void)stream;
    size_t length = count * width_of(type);
    if (!width_of(type)) return NOT_SUPPORTED;
    PORTIONS(length) {
        TRY(show(of, bytes + at, of->rank == root ? part : 0));
        if (of->rank != root) memcpy(bytes + at, of->shared->portions[root], part);
        TRY(meet(of));
    }
    return OK;
}
Status HcclBarrier(struct communicator *of, void *stream) { (void)stream; return meet(of); }
REFUSES(HcclReduce)
REFUSES(HcclScatter)
REFUSES(HcclAlltoAll)
REFUSES(HcclAlltoAllV)
REFUSES(HcclSend)
REFUSES(HcclRecv)
REFUSES(HcclBatchSendRecv)
