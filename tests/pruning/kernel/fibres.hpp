// Runs a kernel's grid: by fibres block after block, or with -DREAL_THREADS all blocks and threads at once.
#pragma once
#include "cuda_on_cpu.hpp"

namespace emulated {

using Body = std::function<void()>;

#ifdef REAL_THREADS
inline void give_way() {}

inline void run(unsigned blocks, unsigned threads, size_t shared, bool, const Body& body) {
    std::vector<std::unique_ptr<Block>> made;
    std::vector<std::thread> running;
    for (unsigned place = 0; place < blocks; ++place) made.emplace_back(new Block(threads, shared));
    for (unsigned number = 0; number < blocks * threads; ++number)
        running.emplace_back([&, number] {
            Lane lane;
            lane.block = made[number / threads].get();
            lane.place.x = number / threads, lane.thread.x = number % threads;
            current = &lane;
            body();
        });
    for (std::thread& thread : running) thread.join();
}
#else
const size_t STACK = 64 * 1024;

struct Fibre {
    std::unique_ptr<char[]> stack{new char[STACK]};
    Lane lane;
    bool done = false;
#ifdef FIBRES_BY_UCONTEXT
    ucontext_t place;
#else
    void* place = nullptr;
#endif
};

static std::vector<std::unique_ptr<Fibre>> fibres;
static size_t running, living;
static bool backwards;
static const Body* work;
static Fibre home;

#ifdef FIBRES_BY_UCONTEXT
inline void jump(Fibre& from, Fibre& to) { swapcontext(&from.place, &to.place); }
#else
// Saves what a called function has to leave as it was, and goes on where the other fibre stopped.
__attribute__((naked, noinline)) static void jump_to(void**, void*) {
    asm("push %rbp; push %rbx; push %r12; push %r13; push %r14; push %r15; mov %rsp, (%rdi); mov %rsi, %rsp;"
        "pop %r15; pop %r14; pop %r13; pop %r12; pop %rbx; pop %rbp; ret");
}
inline void jump(Fibre& from, Fibre& to) { jump_to(&from.place, to.place); }
#endif

inline void switch_to_next(Fibre& from) {
    if (!living) return jump(from, home);
    do running = (running + (backwards ? fibres.size() - 1 : 1)) % fibres.size();
    while (fibres[running]->done);
    current = &fibres[running]->lane;
    if (fibres[running].get() != &from) jump(from, *fibres[running]);
}

inline void give_way() { switch_to_next(*fibres[running]); }

static void begin() {
    (*work)();
    Fibre& fibre = *fibres[running];
    fibre.done = true, --living;
    switch_to_next(fibre);
    fail("a fibre that had ended went on");
}

inline void prepare(Fibre& fibre) {
    __asan_unpoison_memory_region(fibre.stack.get(), STACK);  // what the last block left there
    fibre.done = false;
#ifdef FIBRES_BY_UCONTEXT
    getcontext(&fibre.place);
    fibre.place.uc_stack.ss_sp = fibre.stack.get(), fibre.place.uc_stack.ss_size = STACK;
    fibre.place.uc_link = nullptr;
    makecontext(&fibre.place, begin, 0);
#else
    const uintptr_t top = ((uintptr_t)fibre.stack.get() + STACK) & ~(uintptr_t)15;
    void** frame = (void**)top - 8;  // six registers, where to begin, and the place of a return address
    for (int cell = 0; cell < 8; ++cell) frame[cell] = nullptr;
    frame[6] = (void*)begin;
    fibre.place = frame;
#endif
}

inline void run(unsigned blocks, unsigned threads, size_t shared, bool reverse, const Body& body) {
    while (fibres.size() < threads) fibres.emplace_back(new Fibre);
    fibres.resize(threads);
    backwards = reverse, work = &body;
    for (unsigned number = 0; number < blocks; ++number) {
        Block block(threads, shared);
        for (unsigned thread = 0; thread < threads; ++thread) {
            Fibre& fibre = *fibres[thread];
            fibre.lane = Lane{};
            fibre.lane.block = &block;
            fibre.lane.place.x = reverse ? blocks - 1 - number : number, fibre.lane.thread.x = thread;
            prepare(fibre);
        }
        living = threads, running = 0, current = &fibres[0]->lane;
        jump(home, *fibres[0]);
    }
}
#endif

// Starts a grid of blocks; the threads, and the blocks, run in either direction.
inline void launch(unsigned blocks, unsigned threads, size_t shared, bool reverse, const Body& body) {
    grid_size.x = blocks, block_size.x = threads;
    run(blocks, threads, shared, reverse, body);
}

}  // namespace emulated

float (*emulated_memory())[] { return (float(*)[])emulated::current->block->memory.get(); }
