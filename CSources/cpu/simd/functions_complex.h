// The helpers that the operator tables' expressions use, for a complex T with function suffix F.

static inline T conj_(T x) { return K((conj)(x)); }
