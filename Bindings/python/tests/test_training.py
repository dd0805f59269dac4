"""Layers and optimizers, where the package was built with them."""

import numpy as np
import pytest

import apus
from apus import autograd, nn, optim
from apus.nn import functional as F

pytestmark = pytest.mark.skipif(not autograd.available(), reason="this build of apus has no gradients")


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden, self.out = nn.Linear(2, 16), nn.Linear(16, 2)
        self.scale = nn.Parameter(apus.ones(1))

    def forward(self, x):
        return self.out(self.hidden(x).tanh()) * self.scale


def spirals(count=100):
    angle = np.linspace(0.5, 6, count)
    points = np.concatenate([[angle * np.cos(angle + turn), angle * np.sin(angle + turn)] for turn in (0, np.pi)], 1).T
    return apus.tensor(points.astype("float32") / 3), apus.tensor(np.repeat([0, 1], count))


@pytest.mark.parametrize("kind, options", [("Adam", {"lr": 0.02}), ("AdamW", {"lr": 0.02}), ("SGD", {"lr": 0.3, "momentum": 0.9})])
def test_a_network_learns(kind, options):
    apus.manual_seed(0)
    x, y = spirals()
    network = Network()
    optimizer = getattr(optim, kind)(network.parameters(), **options)
    losses = []
    for _ in range(300):
        optimizer.zero_grad()
        loss = F.cross_entropy(network(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 3
    with apus.no_grad():
        assert (network(x).argmax(1) == y).to(apus.float32).mean().item() > 0.9


def test_names_and_states():
    network = Network()
    names = [name for name, _ in network.named_parameters()]
    assert sorted(names) == ["hidden.bias", "hidden.weight", "out.bias", "out.weight", "scale"]
    state = {name: value.clone() for name, value in network.state_dict().items()}
    other = Network()
    other.load_state_dict(state)
    x = apus.randn(3, 2)
    assert apus.all(network(x) == other(x))
    with pytest.raises(KeyError):
        other.load_state_dict({})
    with pytest.raises(ValueError, match="shape"):
        other.load_state_dict(state | {"scale": apus.ones(2)})
    assert "(hidden): Linear(2, 16" in repr(network)


def test_layers():
    layers = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Dropout(0.5),
        nn.Linear(64, 10),
    )  # fmt: skip
    x = apus.randn(5, 1, 8, 8)
    assert layers(x).shape == (5, 10) and len(layers) == 7
    layers.eval()
    assert apus.all(layers(x) == layers(x)) and not layers[5].training
    assert any("running_mean" in name for name, _ in layers.named_buffers())
    assert isinstance(layers[0].weight, apus.Tensor) and layers[0].weight.requires_grad
    layers(x).sum().backward()
    assert all(parameter.grad is not None for parameter in layers.parameters())
    layers.zero_grad()
    assert all(parameter.grad is None for parameter in layers.parameters())


def test_linear_is_what_it_says():
    layer = nn.Linear(3, 2)
    x = apus.randn(4, 3)
    expected = x.numpy() @ layer.weight.detach().numpy().T + layer.bias.detach().numpy()
    assert np.allclose(layer(x).detach().numpy(), expected, atol=1e-6)
    assert np.allclose(F.linear(x, layer.weight, layer.bias).detach().numpy(), expected, atol=1e-6)


def test_options():
    parameter = nn.Parameter(apus.ones(1))
    optimizer = optim.SGD([parameter], lr=0.5)
    (parameter * 3).sum().backward()
    optimizer.step()
    assert parameter.item() == -0.5 and optimizer["lr"] == 0.5
    optimizer["lr"] = 0.1
    optimizer.step()
    assert np.isclose(parameter.item(), -0.8) and "SGD" in dir(optim) and "Linear" in dir(nn)


@pytest.mark.parametrize(
    "call, error",
    [
        (lambda: nn.Linear(3), TypeError),
        (lambda: nn.Linear(3, 2, wrong=1), TypeError),
        (lambda: nn.Linear(1, 2, 3, 4, 5, 6, 7), TypeError),
        (lambda: nn.Linear(-1, 2), ValueError),
        (lambda: nn.Nothing(), AttributeError),
        (lambda: F.nothing(), AttributeError),
        (lambda: optim.SGD([], lr=1.0), ValueError),
        (lambda: optim.SGD([apus.ones(1)], lr=1.0), ValueError),
        (lambda: nn.Linear(3, 2)(apus.ones(4)), ValueError),
        (lambda: nn.Module()(1), NotImplementedError),
    ],
)
def test_refusals(call, error):
    with pytest.raises(error):
        call()
