"""Gradients, where the package was built with them."""

import numpy as np
import pytest

import apus
from apus import autograd

pytestmark = pytest.mark.skipif(not autograd.available(), reason="this build of apus has no gradients")


def numeric(function, array, step=1e-6):
    """The gradient of sum(function(x)) by central differences."""
    result = np.zeros_like(array)
    for place in np.ndindex(array.shape):
        for sign in (1, -1):
            moved = array.copy()
            moved[place] += sign * step
            result[place] += sign * function(apus.tensor(moved)).sum().item() / (2 * step)
    return result


FUNCTIONS = {
    "operators": lambda x: (x * x + 2 / x - x**3) / (1 + x.exp()),
    "reversed": lambda x: 2 - x + 3 * (1 / x),
    "matmul": lambda x: x @ x.mT,
    "mm": lambda x: x.mm(x.t()),
    "mean": lambda x: (x * x).mean(),
    "sum over a dim": lambda x: (x * x.sum(1, keepdim=True)).sum(0),
    "sum over no dims": lambda x: apus.sum(x * x, axis=()),
    "prod": lambda x: x.prod(1),
    "max": lambda x: apus.max(x * x, axis=0),
    "max with places": lambda x: x.max(1).values,
    "var and std": lambda x: x.var(0) + apus.std(x, axis=0, correction=1),
    "norm": lambda x: x.norm(),
    "softmax": lambda x: x.softmax(1) * apus.log_softmax(x, 0) + x.logsumexp(1, keepdim=True),
    "cumsum": lambda x: (x.cumsum(0) * x.cumprod(1)),
    "shapes": lambda x: (x.reshape(4, 3) * x.mT).flatten().unsqueeze(0).squeeze(0).view(2, 6).permute(1, 0) ** 2,
    "joins": lambda x: apus.concat([x, x * x], axis=1) * apus.stack([x, x], dim=1).reshape(3, 8),
    "keys": lambda x: x[1:, ::-2] * x[0, 1] + x[..., None, 2].sum() * x[[0, 2]][:, x.detach()[0] > 0.6].sum(),
    "pieces": lambda x: x.narrow(1, 1, 2) * x.chunk(2, 1)[0] + apus.roll(x, 1, axis=1)[:, :2],
    "where": lambda x: apus.where(x > 0.7, x * x, -x) + x.clip(0.5, 0.8) + apus.maximum(x, 0.6 * x * x),
    "picks": lambda x: apus.take_along_axis(x, apus.tensor([[0], [1], [3]]), axis=1) * x.index_select(0, apus.tensor([0, 2])).sum(),
    "dtypes": lambda x: x.to(apus.float64) * x.clone() + (+x),
    "triangles": lambda x: apus.tril(x) * apus.triu(x, k=-1) + x.expand(3, 4),
    "tensordot": lambda x: apus.tensordot(x, x, axes=((0,), (0,))) + apus.vecdot(x, x).sum() + apus.outer(x[0], x[1]),
    "repeats": lambda x: apus.tile(x, (2, 1)) * apus.repeat(x, 2, axis=0) + apus.diff(x, axis=1).sum(),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradients(name, rng):
    array = rng.uniform(0.4, 0.9, (3, 4))
    x = apus.tensor(array, requires_grad=True)
    y = FUNCTIONS[name](x)
    assert y.requires_grad and y.grad_fn is not None and not y.is_leaf
    y.sum().backward()
    assert np.allclose(x.grad.numpy(), numeric(FUNCTIONS[name], array), rtol=1e-4, atol=1e-6)
    with apus.no_grad():
        assert np.allclose(FUNCTIONS[name](x).numpy(), y.detach().numpy())


def test_the_tutorial():
    Variable = autograd.Variable
    x = Variable(apus.ones(2, 2), requires_grad=True)
    y = x + 2
    z = apus.mean(y * y)
    assert z.data.item() == 9 and y.grad_fn.startswith("Add")
    z.backward()
    assert x.grad.tolist() == [[1.5, 1.5], [1.5, 1.5]] and z.grad is None and y.grad is None
    s = Variable(apus.FloatTensor([[0.01, 0.02]]), requires_grad=True)
    x = Variable(apus.ones(2, 2), requires_grad=True)
    for _ in range(10):
        s = s.mm(x)
    z = apus.mean(s)
    z.backward()
    assert np.allclose(x.grad.numpy(), [[37.12, 39.68], [37.12, 39.68]], rtol=0.3) and s.grad is None


def test_text():
    x = apus.tensor([1.0], requires_grad=True)
    assert repr(x) == "tensor([1.], requires_grad=True)" and repr(x * 2) == "tensor([2.], grad_fn=<MulBackward>)"


def test_gradients_add_up_and_are_dropped():
    x = apus.tensor([1.0, 2.0], requires_grad=True)
    (x * x).sum().backward()
    (x * x).sum().backward()
    assert x.grad.tolist() == [4, 8]
    x.grad.zero_()
    assert x.grad.tolist() == [0, 0]
    x.grad = None
    assert x.grad is None
    (first,) = autograd.grad((x**3).sum(), x, create_graph=True)
    (second,) = autograd.grad(first.sum(), x)
    assert second.tolist() == [6, 12] and x.grad is None


def test_descent():
    apus.manual_seed(0)
    inputs = apus.randn(64, 3)
    targets = inputs @ apus.tensor([[1.0], [-2.0], [0.5]]) + 0.3
    weight, bias = apus.zeros(3, 1, requires_grad=True), apus.zeros(1, requires_grad=True)
    for _ in range(200):
        loss = ((inputs @ weight + bias - targets) ** 2).mean()
        weight.grad = bias.grad = None
        loss.backward()
        with apus.no_grad():
            weight -= 0.1 * weight.grad
            bias -= 0.1 * bias.grad
    assert loss.item() < 1e-6 and weight.requires_grad and weight.is_leaf


def test_recording_is_switched():
    x = apus.ones(2, requires_grad=True)
    with apus.no_grad():
        assert not (x * 2).requires_grad and not apus.is_grad_enabled()
        with apus.enable_grad():
            assert (x * 2).requires_grad
    assert apus.is_grad_enabled()

    @apus.no_grad()
    def plain():
        return x * 2

    assert not plain().requires_grad and (x * 2).requires_grad
    assert not x.detach().requires_grad and x.detach().data_ptr() == x.data_ptr()
    assert not x.requires_grad_(False).requires_grad


@pytest.mark.parametrize(
    "call, error, text",
    [
        (lambda x: x.numpy(), RuntimeError, "detach"),
        (lambda x: memoryview(x), BufferError, "detach"),
        (lambda x: np.from_dlpack(x), BufferError, "detach"),
        (lambda x: x.add_(1), ValueError, "leaf"),
        (lambda x: apus.add(x, 1, out=apus.zeros(2)), RuntimeError, "no derivative"),
        (lambda x: x.__setitem__(0, 1), RuntimeError, "no derivative"),
        (lambda x: x.view(apus.int32), RuntimeError, "no derivative"),
        (lambda x: (x * 2).backward(), ValueError, "element"),
        (lambda x: apus.ones(2).backward(), ValueError, "grad"),
        (lambda x: apus.ones(2, dtype=apus.int64).requires_grad_(), TypeError, "float|grad"),
        (lambda x: x @ apus.ones(3), ValueError, "matmul"),
        (lambda x: x * 1j, RuntimeError, "complex"),
        (lambda x: x.to(apus.complex64), RuntimeError, "complex"),
        (lambda x: x * apus.tensor([1j, 2]), RuntimeError, "complex"),
        (lambda x: apus.tensor([1j], requires_grad=True), TypeError, "complex64"),
    ],
)
def test_refusals(call, error, text):
    with pytest.raises((error, RuntimeError, TypeError), match=text):
        call(apus.ones(2, requires_grad=True))
    assert apus.ones(2, requires_grad=True).numpy(force=True).tolist() == [1, 1]


def test_changes_behind_the_tape_are_noticed():
    x = apus.ones(2, requires_grad=True)
    y = x * 2
    z = y * y
    with apus.no_grad():
        y.add_(1)
    with pytest.raises((RuntimeError, ValueError), match="modified|changed|version|written"):
        z.sum().backward()
