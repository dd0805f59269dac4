R"CLSRC(
// Multiply-adds of matrix products and convolutions. The CPU class keeps blocks of ROWS rows by two registers of PARTS
// numbers in registers (both -D…, by the processor's registers); the GPU class tiles of TILE × TILE elements in a
// work-group's memory, BLOCK × BLOCK of them an item's.
//   P          what an element consists of: T, or one of complex T's two parts
//   N, LANES   a register of P, and how many elements it holds
//   COLUMNS    elements in a row of a block
#ifdef KIND_COMPLEX
#define P PART
#define PARTS_OF_T 2
#else
#define P T
#define PARTS_OF_T 1
#endif

// Fused where the device has that.
#pragma OPENCL FP_CONTRACT ON
#define FUSED(a, b, c) ((a) * (b) + (c))

static inline T multiply_add_one(T a, T b, T c) {
#ifdef KIND_COMPLEX
    return (T)(FUSED(a.x, b.x, FUSED(-a.y, b.y, c.x)), FUSED(a.x, b.y, FUSED(a.y, b.x, c.y)));
#else
    return FUSED(a, b, c);
#endif
}

#ifdef CPU_CLASS
#define N PASTE(P, PARTS)
#define LANES (PARTS / PARTS_OF_T)
#define COLUMNS (2 * LANES)

static inline N load_lanes(const global T *p) { return PASTE(vload, PARTS)(0, (const global P *)p); }
static inline void store_lanes(N x, global T *p) { PASTE(vstore, PARTS)(x, 0, (global P *)p); }
static inline N kept_lanes(const T *p) { return PASTE(vload, PARTS)(0, (const P *)p); }
static inline void keep_lanes(N x, T *p) { PASTE(vstore, PARTS)(x, 0, (P *)p); }

// i times complex b: what the imaginary part of a factor multiplies.
#ifdef KIND_COMPLEX
#if PARTS == 2
#define TURNED(b) ((b).s10 * (N)(-1, 1))
#elif PARTS == 4
#define TURNED(b) ((b).s1032 * (N)(-1, 1, -1, 1))
#elif PARTS == 8
#define TURNED(b) ((b).s10325476 * (N)(-1, 1, -1, 1, -1, 1, -1, 1))
#else
#define TURNED(b) ((b).s1032547698badcfe * (N)(-1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1))
#endif
static inline N multiply_add(T a, N b, N turned, N c) { return FUSED((N)a.x, b, FUSED((N)a.y, turned, c)); }
#else
#define TURNED(b) (b)
static inline N multiply_add(T a, N b, N turned, N c) { return FUSED((N)a, b, c); }
#endif

static inline void clear_block(N sums[ROWS][2]) {
#pragma unroll
    for (int i = 0; i < ROWS; i++) sums[i][0] = sums[i][1] = (N)(P)0;
}

// sums[i] += a[at[i] + k * a_step] * b[k * b_step …] over k.
static inline void add_products(N sums[ROWS][2], long depth, const global T *a, const long at[ROWS], long a_step,
                                const global T *b, long b_step) {
    for (long k = 0; k < depth; k++) {
        const N b0 = load_lanes(b), b1 = load_lanes(b + LANES), t0 = TURNED(b0), t1 = TURNED(b1);
#pragma unroll
        for (int i = 0; i < ROWS; i++) {
            const T x = a[at[i]];
            sums[i][0] = multiply_add(x, b0, t0, sums[i][0]);
            sums[i][1] = multiply_add(x, b1, t1, sums[i][1]);
        }
        a += a_step;
        b += b_step;
    }
}

// The same for packed rows: element i of step k is a[k * ROWS + i].
static inline void add_packed_products(N sums[ROWS][2], long depth, const global T *a, const global T *b, long b_step) {
    for (long k = 0; k < depth; k++) {
        const N b0 = load_lanes(b), b1 = load_lanes(b + LANES), t0 = TURNED(b0), t1 = TURNED(b1);
#pragma unroll
        for (int i = 0; i < ROWS; i++) {
            const T x = a[i];
            sums[i][0] = multiply_add(x, b0, t0, sums[i][0]);
            sums[i][1] = multiply_add(x, b1, t1, sums[i][1]);
        }
        a += ROWS;
        b += b_step;
    }
}

static inline void keep_block(T *to, N sums[ROWS][2]) {
#pragma unroll
    for (int i = 0; i < ROWS; i++) {
        keep_lanes(sums[i][0], to + i * COLUMNS);
        keep_lanes(sums[i][1], to + i * COLUMNS + LANES);
    }
}
#endif

#ifdef GPU_CLASS
#define SIDE (TILE / BLOCK)
#define ITEMS (SIDE * SIDE)
#define TILE_DEPTH 16
#define TILE_PART (TILE * TILE_DEPTH / ITEMS)
// Rows of a tile in shared memory lie so that vectors of four are aligned and banks differ.
#define TILE_PITCH (TILE + 4)
#define ALL_OF(i, n) _Pragma("unroll") for (int i = 0; i < (n); i++)

// Row i of an item's block by its y_, column i by its x_: runs of four, so that they are read as vectors.
#define IN_TILE(place, i) ((place)*4 + (i) % 4 + (i) / 4 * 4 * SIDE)

// Which element of a part of a matrix an item brings: along k or along the side.
#define PART_SIDE(along_k, e) ((along_k) ? (e) / TILE_DEPTH : (e) % TILE)
#define PART_STEP(along_k, e) ((along_k) ? (e) % TILE_DEPTH : (e) / TILE)
#define FETCH_PART(next, first, last, along_k, ELEMENT)                                                                \
    ALL_OF(e_, TILE_PART) {                                                                                            \
        const int place_ = item_ + e_ * ITEMS, side_ = PART_SIDE(along_k, place_);                                     \
        const long k = (first) + PART_STEP(along_k, place_);                                                           \
        next[e_] = k < (last) ? ELEMENT(k, side_) : (T)0;                                                              \
    }
#define KEEP_PART(tile, next, along_k)                                                                                 \
    ALL_OF(e_, TILE_PART) {                                                                                            \
        const int place_ = item_ + e_ * ITEMS;                                                                         \
        tile[PART_STEP(along_k, place_)][PART_SIDE(along_k, place_)] = next[e_];                                       \
    }

// sums[i][j] += A_AT(k, row) * B_AT(k, column) over k in [first, last), for the rows IN_TILE(y_, i) and columns
// IN_TILE(x_, j) of the tile. A_AT and B_AT are expressions that give 0 outside their matrix. Neighbouring items read
// along k where `…_along_k`. All items of a work-group come here together. The next part is fetched while the one at
// hand is multiplied.
#define ADD_TILE_PRODUCTS(sums, first, last, a_along_k, A_AT, b_along_k, B_AT)                                         \
    local T a_tile_[TILE_DEPTH][TILE_PITCH] __attribute__((aligned(16)));                                              \
    local T b_tile_[TILE_DEPTH][TILE_PITCH] __attribute__((aligned(16)));                                              \
    const int item_ = get_local_id(0), x_ = item_ % SIDE, y_ = item_ / SIDE;                                           \
    T a_next_[TILE_PART], b_next_[TILE_PART];                                                                          \
    FETCH_PART(a_next_, first, last, a_along_k, A_AT)                                                                  \
    FETCH_PART(b_next_, first, last, b_along_k, B_AT)                                                                  \
    for (long k0_ = first; k0_ < (last); k0_ += TILE_DEPTH) {                                                          \
        KEEP_PART(a_tile_, a_next_, a_along_k)                                                                         \
        KEEP_PART(b_tile_, b_next_, b_along_k)                                                                         \
        barrier(CLK_LOCAL_MEM_FENCE);                                                                                  \
        if (k0_ + TILE_DEPTH < (last)) {                                                                               \
            FETCH_PART(a_next_, k0_ + TILE_DEPTH, last, a_along_k, A_AT)                                               \
            FETCH_PART(b_next_, k0_ + TILE_DEPTH, last, b_along_k, B_AT)                                               \
        }                                                                                                              \
        ALL_OF(k_, TILE_DEPTH) {                                                                                       \
            T a_[BLOCK], b_[BLOCK];                                                                                    \
            ALL_OF(i_, BLOCK) a_[i_] = a_tile_[k_][IN_TILE(y_, i_)];                                                   \
            ALL_OF(j_, BLOCK) b_[j_] = b_tile_[k_][IN_TILE(x_, j_)];                                                   \
            ALL_OF(i_, BLOCK) ALL_OF(j_, BLOCK) sums[i_][j_] = multiply_add_one(a_[i_], b_[j_], sums[i_][j_]);         \
        }                                                                                                              \
        barrier(CLK_LOCAL_MEM_FENCE);                                                                                  \
    }
#endif
)CLSRC"
