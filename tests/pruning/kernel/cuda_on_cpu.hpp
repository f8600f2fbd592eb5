// What a CUDA kernel asks of its machine, on a CPU, for tests: blocks, threads, shared memory, barriers, shuffles.
//
// By default a block's threads are fibres of one thread that give way only at barriers and warp operations: quick, and
// under AddressSanitizer every access is seen. With -DREAL_THREADS each is a thread and blocks run side by side, so
// that ThreadSanitizer sees races. Every warp operation checks that all 32 lanes ask for the same one.
#pragma once
#include <atomic>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <thread>
#include <vector>
#ifdef REAL_THREADS
#include <pthread.h>
#elif !defined(__x86_64__)
#define FIBRES_BY_UCONTEXT
#endif
#ifdef FIBRES_BY_UCONTEXT
#include <ucontext.h>
#endif
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define __asan_unpoison_memory_region(address, size) ((void)0)
#endif

struct alignas(16) uint4 { unsigned x, y, z, w; };

namespace emulated {

[[noreturn]] inline void fail(const char* what) { std::fprintf(stderr, "emulation: %s\n", what), std::abort(); }

void give_way();  // to another fibre

#ifdef REAL_THREADS
struct Barrier {
    pthread_barrier_t barrier;
    explicit Barrier(unsigned count) { pthread_barrier_init(&barrier, nullptr, count); }
    ~Barrier() { pthread_barrier_destroy(&barrier); }
    void wait() { pthread_barrier_wait(&barrier); }
};
#define PER_THREAD thread_local
#else
struct Barrier {
    unsigned count, arrived = 0, turn = 0;
    explicit Barrier(unsigned count) : count(count) {}
    void wait() {
        if (++arrived == count) { arrived = 0, ++turn; return; }
        const unsigned mine = turn;
        for (long spins = 0; turn == mine; ++spins) {
            if (spins > 5'000'000) fail("a barrier that not all threads reach");
            give_way();
        }
    }
};
#define PER_THREAD static
#endif

// Two cells for each lane, used in turn: a lane may be one operation ahead of another, never two.
struct Exchange {
    Barrier barrier;
    std::vector<uint64_t> cells[2];
    std::vector<int> kinds[2];
    explicit Exchange(unsigned size)
        : barrier(size), cells{std::vector<uint64_t>(size), std::vector<uint64_t>(size)},
          kinds{std::vector<int>(size), std::vector<int>(size)} {}
    const uint64_t* all(unsigned place, unsigned& turn, int kind, uint64_t value) {
        const unsigned side = turn++ & 1;
        cells[side][place] = value, kinds[side][place] = kind;
        barrier.wait();
        for (int other : kinds[side])
            if (other != kind) fail("threads that belong together ask for different operations");
        return cells[side].data();
    }
};

struct Block {
    Exchange whole;
    std::vector<std::unique_ptr<Exchange>> warps;
    std::unique_ptr<float[]> memory;  // of just the size asked for, so that one element more is seen
    Block(unsigned threads, size_t shared) : whole(threads), memory(new float[shared / sizeof(float)]) {
        if (threads % 32) fail("a block of whole warps is wanted");
        for (unsigned warp = 0; warp < threads / 32; ++warp) warps.emplace_back(new Exchange(32));
    }
};

struct Index { unsigned x = 0; };
struct Lane {
    Block* block = nullptr;
    Index thread, place;
    unsigned warp_turn = 0, block_turn = 0;
};

PER_THREAD Lane* current = nullptr;
inline Index grid_size, block_size;

inline const uint64_t* in_warp(int kind, unsigned mask, uint64_t value) {
    if (mask != 0xffffffffu) fail("a warp operation without all lanes");
    Lane& lane = *current;
    return lane.block->warps[lane.thread.x / 32]->all(lane.thread.x % 32, lane.warp_turn, kind, value);
}

inline const uint64_t* in_block(int kind, uint64_t value) {
    Lane& lane = *current;
    return lane.block->whole.all(lane.thread.x, lane.block_turn, kind, value);
}

template <class Value> uint64_t packed(Value value) {
    uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof value);
    return bits;
}
template <class Value> Value unpacked(uint64_t bits) {
    Value value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}
template <class Value> Value shuffle(int kind, unsigned mask, Value value, int from) {
    const uint64_t* all = in_warp(kind, mask, packed(value));
    return from < 0 || from > 31 ? value : unpacked<Value>(all[from]);
}

}  // namespace emulated

#define __global__
#define __device__
#define __shared__
#define __launch_bounds__(threads)
#define threadIdx (emulated::current->thread)
#define blockIdx (emulated::current->place)
#define blockDim (emulated::block_size)
#define gridDim (emulated::grid_size)
// `extern __shared__ float block_memory[];` becomes the declaration of a function that finds the block's own
#define block_memory (*emulated_memory())
float (*emulated_memory())[];

#define __ballot_sync(mask, flag) emulated_ballot(mask, flag)
inline unsigned emulated_ballot(unsigned mask, bool flag) {
    const uint64_t* all = emulated::in_warp(1, mask, flag);
    unsigned bits = 0;
    for (int lane = 0; lane < 32; ++lane) bits |= (unsigned)all[lane] << lane;
    return bits;
}
template <class Value> Value __shfl_sync(unsigned mask, Value value, int from) {
    return emulated::shuffle(2, mask, value, from & 31);
}
template <class Value> Value __shfl_xor_sync(unsigned mask, Value value, int bits) {
    return emulated::shuffle(3, mask, value, (int)(threadIdx.x % 32) ^ bits);
}
template <class Value> Value __shfl_up_sync(unsigned mask, Value value, unsigned distance) {
    return emulated::shuffle(4, mask, value, (int)(threadIdx.x % 32) - (int)distance);
}
inline void __syncwarp() { emulated::in_warp(5, 0xffffffffu, 0); }
inline void __syncthreads() { emulated::in_block(6, 0); }
inline bool __syncthreads_or(bool flag) {
    const uint64_t* all = emulated::in_block(7, flag);
    for (unsigned thread = 0; thread < blockDim.x; ++thread)
        if (all[thread]) return true;
    return false;
}
inline void __threadfence() {}  // the atomic operation below orders what was written before it
inline unsigned atomicAdd(unsigned* cell, unsigned more) { return __atomic_fetch_add(cell, more, __ATOMIC_ACQ_REL); }
inline int __popc(unsigned bits) { return __builtin_popcount(bits); }
template <class Word> Word __ldcs(const Word* cell) { return *cell; }
template <class Word> void __stcs(Word* cell, Word value) { *cell = value; }
