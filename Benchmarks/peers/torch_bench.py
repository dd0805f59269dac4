"""The workloads of apus-bench in PyTorch."""

from common import arguments, report

import torch
import torch.nn.functional as F

options = arguments()
torch.set_num_threads(options.threads)
torch.manual_seed(0)
torch.set_default_device(options.device)


def gemm(n):
    def setup():
        a, b = torch.randn(n, n), torch.randn(n, n)
        return lambda: a @ b, 2 * n**3 * 1e-9, None

    return setup


def elementwise(function, reads=2):
    def setup():
        a, b = torch.randn(10_000_000), torch.randn(10_000_000)
        return lambda: function(a, b), None, (reads + 1) * 0.04

    return setup


def add_out():
    a, b, out = (torch.randn(10_000_000) for _ in range(3))
    return lambda: torch.add(a, b, out=out), None, 0.12


def matrix(function, gigabytes=0.067):
    def setup():
        m, row = torch.randn(4096, 4096), torch.randn(4096)
        return lambda: function(m, row), None, gigabytes

    return setup


def rows(function):
    def setup():
        x = torch.randn(4096, 1024)
        weight, bias = torch.randn(1024), torch.randn(1024)
        return lambda: function(x, weight, bias), None, 2 * 4096 * 1024 * 4e-9

    return setup


def layer_norm_train():
    x = torch.randn(4096, 1024, requires_grad=True)
    weight, bias = torch.randn(1024, requires_grad=True), torch.randn(1024, requires_grad=True)
    gradient = torch.randn(4096, 1024)

    def run():
        F.layer_norm(x, (1024,), weight, bias).backward(gradient)

    return run, None, None


def attention():
    q, k, v = (torch.randn(8, 8, 512, 64) for _ in range(3))
    return lambda: F.scaled_dot_product_attention(q, k, v), 4e-9 * 64 * 512 * 512 * 64, None


def order(function, *shape):
    def setup():
        x = torch.randn(*shape)
        return lambda: function(x), None, None

    return setup


def gather_rows():
    table, index = torch.randn(50_000, 64), torch.randint(50_000, (65_536,))
    return lambda: table.index_select(0, index), None, None


def index_add():
    sums, source, index = torch.zeros(50_000), torch.randn(1_000_000), torch.randint(50_000, (1_000_000,))
    return lambda: sums.index_add(0, index, source), None, None


def masked_select():
    x = torch.randn(10_000_000)
    mask = x > 0
    return lambda: x.masked_select(mask), None, None


def uniform():
    return lambda: torch.rand(16_000_000), None, 0.064


def conv(channels, kernel):
    def setup():
        x, w = torch.randn(8, channels, 56, 56), torch.randn(channels, channels, kernel, kernel)
        flop = 2 * 8 * 56 * 56 * channels * channels * kernel * kernel * 1e-9
        return lambda: F.conv2d(x, w, padding=kernel // 2), flop, None

    return setup


def small_add():
    a, b = torch.randn(10), torch.randn(10)
    return lambda: a + b, None, None


def autograd_chain():
    x = torch.randn(10, requires_grad=True)

    def run():
        y = x
        for _ in range(500):
            y = (y * 1.0001) + 0.0001
        y.sum().backward()

    return run, None, None


def forward_chain(requires_grad):
    def setup():
        x = torch.randn(10, requires_grad=requires_grad)

        def run():
            y = x
            for _ in range(500):
                y = (y * 1.0001) + 0.0001

        return run, None, None

    return setup


def deep_graph():
    x = torch.randn(10, requires_grad=True)

    def run():
        y = x
        for _ in range(20_000):
            y = y.tanh()
        y.sum().backward()

    return run, None, None


def wide_graph():
    x = torch.randn(10, requires_grad=True)
    return lambda: torch.stack([(x * float(i)).sum() for i in range(1000)]).sum().backward(), None, None


def many_parameters():
    parameters = [torch.randn(10, requires_grad=True) for _ in range(1000)]

    def run():
        for parameter in parameters:
            parameter.grad = None
        torch.stack([parameter.square().sum() for parameter in parameters]).sum().backward()

    return run, None, None


def train(model, *shape):
    def setup():
        x, target = torch.randn(shape), torch.randint(0, 10, shape[:1])
        network = model()
        optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)

        def run():
            optimizer.zero_grad()
            F.cross_entropy(network(x), target).backward()
            optimizer.step()

        return run, None, None

    return setup


def mlp():
    nn = torch.nn
    return nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10))


def cnn():
    nn = torch.nn
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(32 * 7 * 7, 10))


workloads = [(f"gemm.f32.{n}", gemm(n)) for n in (32, 64, 128, 256, 512, 1024, 2048)]
workloads += [
    ("ew.add.10M", elementwise(lambda a, b: a + b)),
    ("ew.add_out.10M", add_out),
    ("ew.exp.10M", elementwise(lambda a, b: a.exp(), 1)),
    ("ew.tanh.10M", elementwise(lambda a, b: a.tanh(), 1)),
    ("ew.gelu.10M", elementwise(lambda a, b: F.gelu(a), 1)),
    ("ew.add_row.4096", matrix(lambda m, row: m + row, 0.134)),
    ("ew.add_transposed.4096", matrix(lambda m, row: m + m.t(), 0.201)),
    ("reduce.sum_all.4096", matrix(lambda m, row: m.sum())),
    ("reduce.sum_rows.4096", matrix(lambda m, row: m.sum(1))),
    ("reduce.sum_columns.4096", matrix(lambda m, row: m.sum(0))),
    ("softmax.4096x1024", rows(lambda x, w, b: x.softmax(1))),
    ("layer_norm.4096x1024", rows(lambda x, w, b: F.layer_norm(x, (1024,), w, b))),
    ("layer_norm_train.4096x1024", layer_norm_train),
    ("attention.8x8x512x64", attention),
    ("move.transpose.4096", matrix(lambda m, row: m.t().contiguous(), 0.134)),
    ("index.rows.65536x64", gather_rows),
    ("index.add.1M", index_add),
    ("index.masked_select.10M", masked_select),
    ("scan.cumsum.1M", order(lambda x: x.cumsum(0), 1_000_000)),
    ("random.uniform.16M", uniform),
    ("sort.f32.1M", order(lambda x: x.sort(), 1 << 20)),
    ("sort.f32.4096x1024", order(lambda x: x.sort(), 4096, 1024)),
    ("topk.f32.4096x1024.k16", order(lambda x: x.topk(16), 4096, 1024)),
    ("conv.3x3.64", conv(64, 3)),
    ("conv.1x1.256", conv(256, 1)),
    ("ovh.add.10", small_add),
    ("ovh.autograd_chain_1000ops", autograd_chain),
    ("ovh.forward_chain_1000ops", forward_chain(True)),
    ("ovh.forward_chain_1000ops_nograd", forward_chain(False)),
    ("autograd.deep.20000", deep_graph),
    ("autograd.wide.1000", wide_graph),
    ("autograd.parameters.1000", many_parameters),
    ("train.mlp.128", train(mlp, 128, 784)),
    ("train.cnn.128", train(cnn, 128, 1, 28, 28)),
]


def finished(setup):
    """The workload with its results waited for, where the device runs on by itself."""

    def prepare():
        run, gflop, gigabytes = setup()

        def run_and_wait():
            run()
            torch.cuda.synchronize()

        return run_and_wait, gflop, gigabytes

    return prepare if options.device.startswith("cuda") else setup


report("torch", options, [(name, finished(setup)) for name, setup in workloads])
