// Reads cases from one file, runs the kernels of compact.cu on them, writes every buffer back to another.
//
// All numbers are int64. A case: count of buffers, then each one's bytes and content padded to 8; count of addresses to
// fill in, each as (buffer, place in it in int64, buffer pointed to); count of launches, each as kernel, blocks,
// threads, bytes of shared memory, reverse, count of arguments, each as (is a buffer, number).
#include "fibres.hpp"

#include KERNEL_SOURCE

static FILE* input;

static long long number() {
    long long value;
    if (std::fread(&value, sizeof value, 1, input) != 1) emulated::fail("a case that ends too early");
    return value;
}

struct Buffer {
    size_t bytes;
    char* memory;  // of just this size: the sanitizer guards what lies beside it
};

struct Argument {
    long long value;
    template <class Item> operator Item*() const { return (Item*)value; }
    operator long long() const { return value; }
};

static Buffer read_buffer() {
    const size_t bytes = (size_t)number(), padded = (bytes + 7) / 8 * 8;
    std::vector<char> content(padded);
    if (padded && std::fread(content.data(), 1, padded, input) != padded) emulated::fail("a buffer that ends too early");
    Buffer buffer = {bytes, (char*)std::malloc(bytes)};
    if (bytes) std::memcpy(buffer.memory, content.data(), bytes);
    return buffer;
}

static void start(const std::vector<Buffer>& buffers) {
    const long long kernel = number(), blocks = number(), threads = number(), shared = number(), reverse = number();
    std::vector<Argument> a((size_t)number());
    for (Argument& argument : a) {
        const bool pointer = number();
        const long long value = number();
        argument.value = pointer ? (long long)buffers[(size_t)value].memory : value;
    }
    if (a.size() != (kernel == 0 ? 34u : 8u)) emulated::fail("a wrong number of arguments");
    emulated::launch((unsigned)blocks, (unsigned)threads, (size_t)shared, reverse, [&] {
        if (kernel == 0)
            judge_rows(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9], a[10], a[11], a[12], a[13], a[14],
                       a[15], a[16], a[17], a[18], a[19], a[20], a[21], a[22], a[23], a[24], a[25], a[26], a[27], a[28],
                       a[29], a[30], a[31], a[32], a[33]);
        else
            move_rows(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7]);
    });
}

int main(int count, char** words) {
    if (count != 3) emulated::fail("usage: harness CASES RESULTS");
    input = std::fopen(words[1], "rb");
    FILE* output = std::fopen(words[2], "wb");
    if (!input || !output) emulated::fail("a file that cannot be opened");
    for (long long cases = number(); cases > 0; --cases) {
        std::vector<Buffer> buffers((size_t)number());
        for (Buffer& buffer : buffers) buffer = read_buffer();
        for (long long left = number(); left > 0; --left) {
            long long* table = (long long*)buffers[(size_t)number()].memory;
            long long& cell = table[number()];
            cell += (long long)buffers[(size_t)number()].memory;
        }
        for (long long left = number(); left > 0; --left) start(buffers);
        for (Buffer& buffer : buffers) {
            std::fwrite(buffer.memory, 1, buffer.bytes, output);
            std::free(buffer.memory);
        }
    }
    std::fclose(output);
    std::fclose(input);
}
