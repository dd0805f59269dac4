"""The workloads in tinygrad on OpenCL: what it compiles for a call is kept by TinyJit, as a user would."""

import os

os.environ["DEV"] = "CL"

from tinygrad import Context, Device, Tensor, TinyJit, nn  # noqa: E402

from common import arguments, report  # noqa: E402

device = Device["CL"]


def call(function, *inputs):
    for x in inputs:
        x.realize()
    compiled = TinyJit(lambda *a: function(*a).realize())

    def run():
        compiled(*inputs)
        device.synchronize()

    run()
    return run


def gemm(n):
    return lambda: (call(lambda a, b: a @ b, Tensor.randn(n, n), Tensor.randn(n, n)), 2e-9 * n**3, None)


def ten_million(function):
    return lambda: (call(function, Tensor.randn(10_000_000), Tensor.randn(10_000_000)), None, None)


def matrix(function):
    return lambda: (call(function, Tensor.randn(4096, 4096), Tensor.randn(4096)), None, None)


def rows(function):
    return lambda: (call(function, Tensor.randn(4096, 1024), Tensor.randn(1024), Tensor.randn(1024)), None, None)


def conv(channels, kernel):
    def setup():
        x, w = Tensor.randn(8, channels, 56, 56), Tensor.randn(channels, channels, kernel, kernel)
        return call(lambda x, w: x.conv2d(w, padding=kernel // 2), x, w), None, None

    return setup


def attention():
    q, k, v = (Tensor.randn(8, 8, 512, 64) for _ in range(3))
    return call(lambda q, k, v: q.scaled_dot_product_attention(k, v), q, k, v), None, None


def gather_rows():
    index = Tensor.randint(65_536, high=50_000)
    return call(lambda table, index: table[index], Tensor.randn(50_000, 64), index), None, None


class MLP:
    def __init__(self):
        self.layers = [nn.Linear(784, 512), Tensor.relu, nn.Linear(512, 512), Tensor.relu, nn.Linear(512, 10)]

    def __call__(self, x):
        return x.sequential(self.layers)


class CNN:
    def __init__(self):
        self.layers = [
            nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm(16), Tensor.relu, Tensor.max_pool2d,
            nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm(32), Tensor.relu, Tensor.max_pool2d,
            lambda x: x.flatten(1), nn.Linear(32 * 7 * 7, 10)]

    def __call__(self, x):
        return x.sequential(self.layers)


def train(make_model, *shape):
    def setup():
        model = make_model()
        optimizer = nn.optim.Adam(nn.state.get_parameters(model), lr=1e-3)
        x, target = Tensor.randn(*shape).realize(), Tensor.randint(shape[0], high=10).realize()

        @TinyJit
        def step():
            optimizer.zero_grad()
            loss = model(x).sparse_categorical_crossentropy(target).backward()
            return loss.realize(*optimizer.schedule_step())

        def run():
            with Context(TRAINING=1):
                step()
            device.synchronize()

        run()
        return run, None, None

    return setup


workloads = [(f"gemm.f32.{n}", gemm(n)) for n in (512, 1024, 2048)] + [
    ("ew.add.10M", ten_million(lambda a, b: a + b)),
    ("ew.exp.10M", ten_million(lambda a, b: a.exp())),
    ("ew.tanh.10M", ten_million(lambda a, b: a.tanh())),
    ("ew.add_row.4096", matrix(lambda m, row: m + row)),
    ("ew.add_transposed.4096", matrix(lambda m, row: m + m.T)),
    ("reduce.sum_all.4096", matrix(lambda m, row: m.sum())),
    ("reduce.sum_rows.4096", matrix(lambda m, row: m.sum(1))),
    ("reduce.sum_columns.4096", matrix(lambda m, row: m.sum(0))),
    ("softmax.4096x1024", rows(lambda x, w, b: x.softmax(1))),
    ("layer_norm.4096x1024", rows(lambda x, w, b: x.layernorm() * w + b)),
    ("attention.8x8x512x64", attention),
    ("move.transpose.4096", matrix(lambda m, row: m.T.contiguous())),
    ("index.rows.65536x64", gather_rows),
    ("scan.cumsum.1M", lambda: (call(lambda x: x.cumsum(), Tensor.randn(1_000_000)), None, None)),
    ("random.uniform.16M", lambda: (call(lambda x: Tensor.rand(16_000_000), Tensor.zeros(1)), None, None)),
    ("conv.3x3.64", conv(64, 3)),
    ("conv.1x1.256", conv(256, 1)),
    ("ovh.add.10", lambda: (call(lambda a, b: a + b, Tensor.randn(10), Tensor.randn(10)), None, None)),
    ("train.mlp.128", train(MLP, 128, 784)),
    ("train.cnn.128", train(CNN, 128, 1, 28, 28)),
]
report("tinygrad", arguments(), workloads)
