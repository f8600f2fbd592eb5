// Rollout pruning on a GPU in two launches: judge_rows decides which rows continue and where each one moves, move_rows
// copies the keys and values of the rows that have to move. ARRoL, arXiv:2603.24840; the slope with a sign and the
// fixed-size draw are ours. compact.py holds the same in torch, to the bit.
//
// After the score all is whole numbers: probabilities in units of 2^-24, slopes in units of 2^-12. Sums of whole
// numbers depend on no order, so every machine, and every order of the rows, decides alike. A warp judges a group,
// whatever its size; all 32 lanes reach every shuffle together. Every argument has 8 bytes.

typedef long long i64;
typedef unsigned char u8;

extern __shared__ float block_memory[];  // [row of a tile, hidden unit]

namespace {

const int UNIT_BITS = 24, SLOPE_BITS = 12, NOISE_BITS = 53;
const i64 UNIT = 1LL << UNIT_BITS;
const i64 FAR = 1LL << 32;          // beyond every shift: a line lies within 2^31
const int COUNT_BITS = 13;          // a call has at most 4096 rows
const unsigned ALL = 0xffffffffu;
const int GONE = 0, JUDGED = 2;     // states of a row; 1: stays, whatever its score
enum Rule { GROUP, SIGN, PAPER, RANDOM };
enum Draw { FIXED, BERNOULLI };

const int TILE = 8;                 // rows that a block scores together
const int LANE_UNITS = 4;           // hidden units that a lane adds up at a time
const i64 CHUNK = 32768;            // bytes that a block copies at a time

struct Policy { i64 rule, draw, keep, target, least, most, slope, steepest, shift, smallest; };

struct Head {
    const float *hidden, *first, *first_bias, *second, *second_bias;  // first [width, unit]
    i64 width, units;
};

struct Rows {
    const float* score;
    const int* posterior;  // [bin]
    i64 bins;
    const u8* state;
    const int* group;
    const i64* noise;  // 53 bits
    i64 rows;
};

struct Outcome { int* probability; u8* kept; int *source, *target, *order, *count; };

// The judged rows of one group in the order of their noise.
struct Members { int* row; int* likely; int size; };

struct Sums { i64 total; int rising, falling; };

__device__ i64 clip(i64 value, i64 least, i64 most) { return value < least ? least : value > most ? most : value; }

template <class Number> __device__ Number warp_sum(Number value) {
    for (int distance = 16; distance; distance >>= 1) value += __shfl_xor_sync(ALL, value, distance);
    return value;
}

__device__ int lane() { return threadIdx.x & 31; }
__device__ int below(unsigned ballot) { return __popc(ballot & ((1u << lane()) - 1)); }

// ------------------------------------------------------------------------------------------------ score

// Eight rows of `second . relu(first . hidden + first_bias) + second_bias`. Each warp adds up its slice of the width,
// then the slices are added in the order of the warps: the same rounding every time.
__device__ void score_tile(const Head& head, float* score, i64 begin, i64 rows) {
    const int warp = threadIdx.x >> 5, warps = blockDim.x >> 5;
    const i64 slice = (head.width + warps - 1) / warps;
    const i64 from = warp * slice, to = from + slice < head.width ? from + slice : head.width;
    for (i64 base = 0; base < head.units; base += 32 * LANE_UNITS) {
        float sum[TILE][LANE_UNITS] = {};
        for (i64 place = from; place < to; ++place) {
            float weight[LANE_UNITS];
            for (int part = 0; part < LANE_UNITS; ++part) {
                const i64 unit = base + 32 * part + lane();
                weight[part] = unit < head.units ? head.first[place * head.units + unit] : 0.0f;
            }
            for (int row = 0; row < TILE; ++row) {
                const float input = begin + row < rows ? head.hidden[(begin + row) * head.width + place] : 0.0f;
                for (int part = 0; part < LANE_UNITS; ++part) sum[row][part] += input * weight[part];
            }
        }
        for (int turn = 0; turn < warps; ++turn) {
            for (int row = 0; turn == warp && row < TILE; ++row)
                for (int part = 0; part < LANE_UNITS; ++part) {
                    const i64 unit = base + 32 * part + lane();
                    if (unit >= head.units) continue;
                    float* cell = block_memory + row * head.units + unit;
                    *cell = turn ? *cell + sum[row][part] : sum[row][part];
                }
            __syncthreads();
        }
    }
    for (int row = warp; row < TILE; row += warps) {
        float sum = 0.0f;
        for (i64 unit = lane(); unit < head.units; unit += 32)
            sum += fmaxf(block_memory[row * head.units + unit] + head.first_bias[unit], 0.0f) * head.second[unit];
        sum = warp_sum(sum) + *head.second_bias;
        if (lane() == 0 && begin + row < rows) score[begin + row] = 1.0f / (1.0f + expf(-sum));
    }
    __syncthreads();  // the next tile writes the same memory
}

// --------------------------------------------------------------------------------------------- survival

// A score that is no number falls into the first bin.
__device__ int likely(const Rows& in, int row) {
    const float score = *(const volatile float*)(in.score + row);  // another block may have written it
    const float place = score > 0.0f ? score * (float)in.bins : 0.0f;
    return in.posterior[place < (float)in.bins ? (i64)place : in.bins - 1];
}

__device__ bool before(const Rows& in, int left, int right) {
    return in.noise[left] != in.noise[right] ? in.noise[left] < in.noise[right] : left < right;
}

// Finds a group's judged rows and ranks them; `scratch` has three numbers per row and is shared by the groups.
__device__ Members find_members(const Rows& in, int group, int* scratch) {
    int size = 0, offset = 0;
    for (i64 base = 0; base < in.rows; base += 32) {
        const i64 row = base + lane();
        const bool judged = row < in.rows && in.state[row] == JUDGED;
        size += __popc(__ballot_sync(ALL, judged && in.group[row] == group));
        offset += __popc(__ballot_sync(ALL, judged && in.group[row] < group));
    }
    int* found = scratch + offset;
    const Members members = {found + in.rows, found + 2 * in.rows, size};
    int count = 0;
    for (i64 base = 0; base < in.rows; base += 32) {
        const i64 row = base + lane();
        const bool mine = row < in.rows && in.state[row] == JUDGED && in.group[row] == group;
        const unsigned ballot = __ballot_sync(ALL, mine);
        if (mine) found[count + below(ballot)] = (int)row;
        count += __popc(ballot);
    }
    __syncwarp();
    for (int place = lane(); place < size; place += 32) {
        int rank = 0;
        for (int other = 0; other < size; ++other) rank += before(in, found[other], found[place]);
        members.row[rank] = found[place];
        members.likely[rank] = likely(in, found[place]);
    }
    __syncwarp();
    return members;
}

// What a probability would be without bounds and without a shift.
__device__ i64 line(const Policy& policy, i64 slope, int likely) {
    return policy.keep + ((slope * (policy.target - likely)) >> SLOPE_BITS);
}

// The sum of the probabilities, and how many of them would change if the shift rose or fell by one unit.
__device__ Sums add_up(const Members& group, const Policy& policy, i64 slope, i64 shift) {
    i64 packed = 0;
    for (int place = lane(); place < group.size; place += 32) {
        const i64 value = line(policy, slope, group.likely[place]) + shift;
        const bool rises = value >= policy.least && value < policy.most;
        const bool falls = value > policy.least && value <= policy.most;
        packed += clip(value, policy.least, policy.most) << (2 * COUNT_BITS);
        packed += ((i64)rises << COUNT_BITS) + falls;
    }
    packed = warp_sum(packed);
    const i64 mask = (1LL << COUNT_BITS) - 1;
    return {packed >> (2 * COUNT_BITS), (int)(packed >> COUNT_BITS & mask), (int)(packed & mask)};
}

// The largest shift at which the probabilities add up to no more than `wanted`: Newton's steps from `guess` along a
// sum that is linear between corners, every third a bisection, until one unit more would be too much.
__device__ i64 solve_shift(const Members& group, const Policy& policy, i64 slope, i64 wanted, i64 guess) {
    if (wanted >= group.size * policy.most) return FAR;
    i64 low = -FAR, high = FAR;
    for (int turn = 1; high - low > 1; ++turn) {
        const i64 shift = clip(guess, low + 1, high - 1);
        const Sums sums = add_up(group, policy, slope, shift);
        const i64 missing = wanted - sums.total;
        if (missing >= 0 && missing < sums.rising) return shift;
        (missing >= 0 ? low : high) = shift;
        const int moving = missing >= 0 ? sums.rising : sums.falling;
        if (turn % 3 == 0 || moving == 0) guess = low + (high - low) / 2;
        else guess = missing >= 0 ? shift + missing / moving : shift - (moving - 1 - missing) / moving;
    }
    return low;
}

// By how much the survivors' posteriors exceed the target: sum of p (posterior - target).
__device__ i64 excess(const Members& group, const Policy& policy, i64 slope, i64 wanted, i64& shift) {
    shift = solve_shift(group, policy, slope, wanted, shift);
    i64 sum = 0;
    for (int place = lane(); place < group.size; place += 32) {
        const i64 value = line(policy, slope, group.likely[place]) + shift;
        sum += clip(value, policy.least, policy.most) * (group.likely[place] - policy.target);
    }
    return warp_sum(sum);
}

// The rule's slope; for `group` it is bisected, since the survivors' mean falls as the slope rises.
__device__ i64 solve_slope(const Members& group, const Policy& policy, i64 wanted, i64& shift) {
    if (policy.rule == PAPER) return policy.slope;
    if (policy.rule == RANDOM) return 0;
    i64 sum = 0;
    bool differs = false;
    for (int place = lane(); place < group.size; place += 32) {
        sum += group.likely[place] - policy.target;
        differs |= group.likely[place] != group.likely[0];
    }
    sum = warp_sum(sum);
    if (policy.rule == SIGN) return sum > 0 ? policy.slope : sum < 0 ? -policy.slope : 0;
    if (!__ballot_sync(ALL, differs)) return 0;
    i64 low = -policy.steepest, high = policy.steepest;
    if (excess(group, policy, low, wanted, shift) <= 0) return low;
    if (excess(group, policy, high, wanted, shift) >= 0) return high;
    while (high - low > 1) {
        const i64 middle = (low + high) >> 1;
        (excess(group, policy, middle, wanted, shift) > 0 ? low : high) = middle;
    }
    return low;
}

// What the probabilities of a group are to add up to: a whole number of survivors if their number is fixed.
__device__ i64 wanted_sum(const Policy& policy, i64 size) {
    i64 sum = policy.keep * size;
    if (policy.draw == FIXED) sum = (2 * sum + UNIT) / (2 * UNIT) * UNIT;
    return clip(sum, size * policy.least, size * policy.most);
}

// Probabilities and draw of one group. What rounding left of the sum goes, one unit each, to the first rows that are
// at no bound; the systematic draw lays the probabilities end to end and keeps those on which a mark falls.
__device__ void decide(const Members& group, const Rows& in, const Policy& policy, int start, const Outcome& out) {
    const i64 wanted = wanted_sum(policy, group.size);
    i64 shift = 0;
    const i64 slope = solve_slope(group, policy, wanted, shift);
    shift = policy.rule == PAPER ? policy.shift : solve_shift(group, policy, slope, wanted, shift);
    i64 left = policy.rule == PAPER ? 0 : wanted - add_up(group, policy, slope, shift).total;
    i64 end = 0;
    for (int base = 0; base < group.size; base += 32) {
        const int place = base + lane();
        const bool there = place < group.size;
        const i64 value = there ? line(policy, slope, group.likely[place]) + shift : 0;
        const bool free = there && value >= policy.least && value < policy.most;
        const unsigned ballot = __ballot_sync(ALL, free);
        i64 chance = there ? clip(value, policy.least, policy.most) : 0;
        if (free && below(ballot) < left) ++chance;
        left -= __popc(ballot) < left ? __popc(ballot) : left;
        i64 after = chance;
        for (int distance = 1; distance < 32; distance <<= 1) {
            const i64 other = __shfl_up_sync(ALL, after, distance);
            if (lane() >= distance) after += other;
        }
        after += end;
        end = __shfl_sync(ALL, after, 31);
        if (!there) continue;
        const int row = group.row[place];
        const bool marked = (after - 1 - start) >> UNIT_BITS > (after - chance - 1 - start) >> UNIT_BITS;
        out.probability[row] = (int)chance;
        out.kept[row] = policy.draw == FIXED ? marked : in.noise[row] >> (NOISE_BITS - UNIT_BITS) < chance;
    }
}

// ------------------------------------------------------------------------------------------------- plan

// One warp numbers holes and movers, both from the front: the j-th mover goes into the j-th hole.
__device__ void make_plan(i64 rows, const Outcome& out) {
    int kept = 0, holes = 0, movers = 0;
    for (i64 base = 0; base < rows; base += 32)
        kept += __popc(__ballot_sync(ALL, base + lane() < rows && out.kept[base + lane()]));
    for (i64 base = 0; base < rows; base += 32) {
        const i64 row = base + lane();
        const bool stays = row < rows && out.kept[row];
        const unsigned hole = __ballot_sync(ALL, row < kept && !stays), mover = __ballot_sync(ALL, row >= kept && stays);
        if (row < kept && !stays) out.target[holes + below(hole)] = (int)row;
        if (row >= kept && stays) out.source[movers + below(mover)] = (int)row;
        if (row < kept && stays) out.order[row] = (int)row;
        holes += __popc(hole);
        movers += __popc(mover);
    }
    __syncwarp();
    for (int place = lane(); place < movers; place += 32) out.order[out.target[place]] = out.source[place];
    if (lane() == 0) out.count[0] = kept, out.count[1] = movers;
}

template <class Word> __device__ void copy_words(const u8* from, u8* to, i64 bytes) {
    const i64 words = bytes / (i64)sizeof(Word), step = blockDim.x;
    const Word* source = (const Word*)from;
    Word* target = (Word*)to;
    i64 place = threadIdx.x;
    for (; place + 3 * step < words; place += 4 * step) {  // four loads in flight
        const Word a = __ldcs(source + place), b = __ldcs(source + place + step);
        const Word c = __ldcs(source + place + 2 * step), d = __ldcs(source + place + 3 * step);
        __stcs(target + place, a), __stcs(target + place + step, b);
        __stcs(target + place + 2 * step, c), __stcs(target + place + 3 * step, d);
    }
    for (; place < words; place += step) __stcs(target + place, __ldcs(source + place));
    for (i64 byte = words * (i64)sizeof(Word) + threadIdx.x; byte < bytes; byte += step) to[byte] = from[byte];
}

}  // namespace

// Scores by all blocks, unless `hidden` is null and `score` is given; then the block that ends last judges the groups,
// a warp each, and plans. `ticket` is 0 before and after. `scratch` [3 rows]; `source`, `target`, `order` [rows];
// `count` [2]: kept rows, moved rows; entries behind these counts are not written.
extern "C" __global__ void __launch_bounds__(512) judge_rows(
    const float* hidden, const float* first, const float* first_bias, const float* second, const float* second_bias,
    i64 width, i64 units, float* score, const int* posterior, i64 bins, const u8* state, const int* group,
    const i64* noise, const int* start, i64 rows, i64 groups, i64 rule, i64 draw, i64 keep, i64 target, i64 least,
    i64 most, i64 slope, i64 steepest, i64 shift, i64 smallest, int* probability, u8* kept, int* move_source,
    int* move_target, int* order, int* count, int* scratch, unsigned* ticket) {
    if (hidden) {
        const Head head = {hidden, first, first_bias, second, second_bias, width, units};
        for (i64 tile = blockIdx.x; tile * TILE < rows; tile += gridDim.x) score_tile(head, score, tile * TILE, rows);
        __threadfence();
    }
    __syncthreads();
    if (!__syncthreads_or(threadIdx.x == 0 && atomicAdd(ticket, 1u) == gridDim.x - 1)) return;
    __threadfence();
    const Policy policy = {rule, draw, keep, target, least, most, slope, steepest, shift, smallest};
    const Rows in = {score, posterior, bins, state, group, noise, rows};
    const Outcome out = {probability, kept, move_source, move_target, order, count};
    for (i64 row = threadIdx.x; row < rows; row += blockDim.x) {
        kept[row] = state[row] != GONE;
        probability[row] = state[row] != GONE ? (int)UNIT : 0;
    }
    __syncthreads();
    for (i64 number = threadIdx.x >> 5; number < groups; number += blockDim.x >> 5) {
        const Members members = find_members(in, (int)number, scratch);
        if (members.size >= policy.smallest) decide(members, in, policy, start[number], out);
    }
    __syncthreads();
    if (threadIdx.x < 32) make_plan(rows, out);
    if (threadIdx.x == 0) *ticket = 0;
}

// One thing that every row has: `segments` pieces (heads) of `whole` + `token` * length bytes each.
struct Plane { i64 base, row, segment, segments, token, whole; };

// Copies the moved rows, of every segment only what is valid. No row is both source and target, so no order matters.
// `segments`: most of any plane; `chunks`: most of any segment, by its capacity.
extern "C" __global__ void __launch_bounds__(512) move_rows(
    const Plane* planes, i64 plane_count, i64 segments, i64 chunks, const int* count, const int* source,
    const int* target, const int* length) {
    const i64 items = count[1] * plane_count * segments * chunks;
    for (i64 item = blockIdx.x; item < items; item += gridDim.x) {
        const i64 begin = item % chunks * CHUNK, segment = item / chunks % segments;
        const Plane plane = planes[item / (chunks * segments) % plane_count];
        const i64 mover = item / (chunks * segments * plane_count);
        const i64 bytes = plane.whole + plane.token * length[source[mover]] - begin;
        if (segment >= plane.segments || bytes <= 0) continue;
        const u8* from = (const u8*)plane.base + source[mover] * plane.row + segment * plane.segment + begin;
        u8* to = (u8*)plane.base + target[mover] * plane.row + segment * plane.segment + begin;
        const i64 size = bytes < CHUNK ? bytes : CHUNK, misfit = (i64)from | (i64)to;
        if (misfit % 16 == 0) copy_words<uint4>(from, to, size);
        else if (misfit % 8 == 0) copy_words<unsigned long long>(from, to, size);
        else if (misfit % 4 == 0) copy_words<unsigned>(from, to, size);
        else copy_words<u8>(from, to, size);
    }
}
