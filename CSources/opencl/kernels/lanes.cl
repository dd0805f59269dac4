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

// sums[i][j] += A_AT(row, k) * B_AT(k, column) over k in [first, last), for the rows y + i * SIDE and columns
// x + j * SIDE of the tile. A_AT and B_AT are expressions that give 0 outside their matrix. Neighbouring items read
// along k where `…_along_k`. All items of a work-group come here together.
#define ADD_TILE_PRODUCTS(sums, first, last, a_along_k, A_AT, b_along_k, B_AT)                                         \
    local T a_tile_[TILE_DEPTH][TILE + 1], b_tile_[TILE_DEPTH][TILE + 1];                                              \
    const int item_ = get_local_id(0), x_ = item_ % SIDE, y_ = item_ / SIDE;                                           \
    for (long k0_ = first; k0_ < (last); k0_ += TILE_DEPTH) {                                                          \
        for (int e_ = item_; e_ < TILE * TILE_DEPTH; e_ += ITEMS) {                                                    \
            int row = (a_along_k) ? e_ / TILE_DEPTH : e_ % TILE, step_ = (a_along_k) ? e_ % TILE_DEPTH : e_ / TILE;    \
            long k = k0_ + step_;                                                                                      \
            a_tile_[step_][row] = k < (last) ? A_AT(row, k) : (T)0;                                                    \
        }                                                                                                              \
        for (int e_ = item_; e_ < TILE * TILE_DEPTH; e_ += ITEMS) {                                                    \
            int column = (b_along_k) ? e_ / TILE_DEPTH : e_ % TILE, step_ = (b_along_k) ? e_ % TILE_DEPTH : e_ / TILE; \
            long k = k0_ + step_;                                                                                      \
            b_tile_[step_][column] = k < (last) ? B_AT(k, column) : (T)0;                                              \
        }                                                                                                              \
        barrier(CLK_LOCAL_MEM_FENCE);                                                                                  \
        for (int k_ = 0; k_ < TILE_DEPTH; k_++) {                                                                      \
            T a_[BLOCK], b_[BLOCK];                                                                                    \
            for (int i_ = 0; i_ < BLOCK; i_++) a_[i_] = a_tile_[k_][y_ + i_ * SIDE];                                   \
            for (int j_ = 0; j_ < BLOCK; j_++) b_[j_] = b_tile_[k_][x_ + j_ * SIDE];                                   \
            for (int i_ = 0; i_ < BLOCK; i_++)                                                                         \
                for (int j_ = 0; j_ < BLOCK; j_++) sums[i_][j_] = multiply_add_one(a_[i_], b_[j_], sums[i_][j_]);      \
        }                                                                                                              \
        barrier(CLK_LOCAL_MEM_FENCE);                                                                                  \
    }
#endif
)CLSRC"
