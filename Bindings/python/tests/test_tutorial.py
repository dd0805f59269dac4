"""The tutorial's steps in PyTorch's words."""

import subprocess
import sys

import numpy as np

import apus as torch


def test_tensors():
    x = torch.rand(5, 3)
    y = torch.ones(5, 3)
    z = x + y
    q = x.mm(y.t())
    assert z.shape == (5, 3) and q.shape == (5, 5)
    assert np.allclose(z.numpy(), x.numpy() + 1) and np.allclose(q.numpy(), x.numpy() @ y.numpy().T)
    if torch.cuda.is_available():
        x = x.cuda()
    assert torch.FloatTensor([[0.01, 0.02]]).dtype is torch.float32


def test_the_numpy_bridge():
    a = torch.ones(5)
    b = a.numpy()
    a.add_(1)
    assert str(a) == "tensor([2., 2., 2., 2., 2.])" and b.tolist() == [2.0] * 5
    a = np.ones(5)
    b = torch.from_numpy(a)
    np.add(a, 1, out=a)
    assert str(b) == "tensor([2., 2., 2., 2., 2.], dtype=float64)" and a.tolist() == [2.0] * 5


def test_numpy_is_not_imported_for_computing():
    program = "import sys, apus; x = apus.rand(3, 3); print(x @ x, x.sum().item()); assert 'numpy' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
