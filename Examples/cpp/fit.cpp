// A line fitted to points from C++: handles that release themselves, and exceptions from statuses.
//
//     c++ -std=c++17 fit.cpp $(pkg-config --cflags --libs apus)
#include <apus/apus.h>

#include <cstdio>
#include <initializer_list>
#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

namespace apus {

/// What went wrong, with the library's one line of text.
struct error : std::runtime_error {
    apus_status status;
    explicit error(apus_status s) : std::runtime_error(apus_last_error()), status(s) {}
};

inline void check(apus_status status) {
    if (status != APUS_STATUS_ok) throw error(status);
}

/// Owns one reference to a tensor. Copies share it, as everywhere in the library.
class tensor {
  public:
    tensor() = default;
    explicit tensor(apus_tensor *owned) : handle_(owned, apus_tensor_release) {}
    tensor(const std::vector<float> &values, const std::vector<int64_t> &shape)
        : tensor(make([&](apus_tensor **out) {
              return apus_tensor_from_data(out, APUS_DTYPE_float32, static_cast<int32_t>(shape.size()), shape.data(),
                                           values.data(), APUS_DEVICE_CPU);
          })) {}

    /// The tensor that a function of the library makes.
    template <typename Function> static tensor make(Function &&function) {
        apus_tensor *out = nullptr;
        check(function(&out));
        return tensor(out);
    }

    const apus_tensor *get() const { return handle_.get(); }
    tensor t() const {
        return make([&](apus_tensor **out) { return apus_tensor_transpose(out, get(), 0, 1); });
    }
    tensor matmul(const tensor &b) const {
        return make([&](apus_tensor **out) { return apus_matmul(out, get(), b.get()); });
    }
    tensor sum() const {
        return make([&](apus_tensor **out) { return apus_reduce(out, APUS_REDUCE_sum, get(), 0, nullptr, false); });
    }
    double item() const {
        apus_scalar value;
        check(apus_tensor_item(get(), &value));
        return value.real;
    }
    /// The operator into this tensor's own memory.
    tensor &apply(apus_binary_op op, const tensor &b) {
        apus_tensor *self = handle_.get();
        check(apus_binary(&self, op, self, b.get()));
        return *this;
    }
    tensor &operator-=(const tensor &b) { return apply(APUS_BINARY_sub, b); }

  private:
    std::shared_ptr<apus_tensor> handle_;
};

inline tensor binary(apus_binary_op op, const tensor &a, const tensor &b) {
    return tensor::make([&](apus_tensor **out) { return apus_binary(out, op, a.get(), b.get()); });
}
inline tensor operator-(const tensor &a, const tensor &b) { return binary(APUS_BINARY_sub, a, b); }
inline tensor operator*(const tensor &a, const tensor &b) { return binary(APUS_BINARY_mul, a, b); }
inline tensor operator*(const tensor &a, double b) {
    apus_scalar scalar{};
    scalar.kind = APUS_SCALAR_float;
    scalar.real = b;
    return tensor::make(
        [&](apus_tensor **out) { return apus_binary_scalar(out, APUS_BINARY_mul, a.get(), &scalar, false); });
}

} // namespace apus

int main() try {
    // y = 2x + 1, by steepest descent on the squared error of [x 1] @ w.
    const apus::tensor x({0, 1, 1, 1, 2, 1, 3, 1}, {4, 2}), y({1, 3, 5, 7}, {4, 1});
    apus::tensor w({0, 0}, {2, 1});
    for (int step = 0; step < 500; step++) w -= x.t().matmul(x.matmul(w) - y) * 0.1;
    const apus::tensor error = x.matmul(w) - y;
    const auto *values = static_cast<const float *>(apus_tensor_data(w.get()));
    std::printf("y = %.3f x + %.3f, squared error %.6f\n", values[0], values[1], (error * error).sum().item());

    try {
        x.matmul(y);
    } catch (const apus::error &e) {
        std::printf("refused: %s\n", e.what());
    }
    return 0;
} catch (const std::exception &e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
}
