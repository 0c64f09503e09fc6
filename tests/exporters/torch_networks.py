"""PyTorch modules that between them use every form of layer the importer promises."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional


class Function(nn.Module):
    """A function, with the modules it uses registered as its own."""

    def __init__(self, function: Callable[..., Tensor], *modules: nn.Module) -> None:
        super().__init__()
        self.function = function
        self.parts = nn.ModuleList(modules)

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x, *self.parts)


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with batch norm beside a 1x1 convolution, as in a ResNet."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(n_in, n_out, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(n_out),
            nn.ReLU(),
            nn.Conv2d(n_out, n_out, 3, padding=1, bias=False),
            nn.BatchNorm2d(n_out),
        )
        self.shortcut = nn.Sequential(
            nn.Conv2d(n_in, n_out, 1, stride=2, bias=False), nn.BatchNorm2d(n_out)
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.body(x) + self.shortcut(x))


class IdentityBlock(nn.Module):
    """A dense residual block: the input is added back unchanged."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Linear(width, width)
        self.second = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x + self.second(torch.relu(self.first(x))))


class SharedNorm(nn.Module):
    """One batch norm used twice, which the older exporter writes through Identity nodes."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(6)
        self.first, self.second = nn.Linear(6, 6), nn.Linear(6, 6)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.second(torch.relu(self.norm(self.first(x)))))


@dataclass(frozen=True)
class Case:
    """A module, the shape of one input, and how many hidden units it has.

    `units` is None where it depends on how a maximum of many is split into maxima of two.
    """

    build: Callable[[], nn.Module]
    shape: tuple[int, ...]
    units: int | None = None


def _activation(module: nn.Module) -> Callable[[], nn.Module]:
    return lambda: nn.Sequential(nn.Linear(4, 6), module, nn.Linear(6, 3))


def _image(*modules: Callable[[], nn.Module]) -> Callable[[], nn.Module]:
    return lambda: nn.Sequential(*(module() for module in modules))


IMAGE = (2, 6, 6)

CASES: dict[str, Case] = {
    # The three families that the acceptance list names.
    "mlp": Case(
        lambda: nn.Sequential(
            nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 2)
        ),
        (3,),
        16,
    ),
    "wide mlp": Case(
        lambda: nn.Sequential(
            nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 4)
        ),
        (8,),
        128,
    ),
    "cnn": Case(
        lambda: nn.Sequential(
            nn.Conv2d(2, 4, 3, padding=1),
            nn.BatchNorm2d(4),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(4, 4, 2),
            nn.ReLU(),
            nn.AvgPool2d(2, stride=1),
            nn.Flatten(),
            nn.Dropout(0.5),
            nn.Linear(4, 3),
        ),
        IMAGE,
    ),
    "resnet": Case(
        lambda: nn.Sequential(
            nn.Conv2d(2, 3, 3, padding=1, bias=False),
            nn.BatchNorm2d(3),
            nn.ReLU(),
            ResidualBlock(3, 4),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(4, 2),
        ),
        IMAGE,
        3 * 36 + 2 * 4 * 9,
    ),
    "dense residual": Case(
        lambda: nn.Sequential(IdentityBlock(5), IdentityBlock(5), nn.Linear(5, 2)), (5,), 20
    ),
    # Activations.
    "leaky relu": Case(_activation(nn.LeakyReLU(0.1)), (4,), 6),
    "leaky relu, slope above one": Case(_activation(nn.LeakyReLU(1.5)), (4,), 6),
    "prelu": Case(_activation(nn.PReLU(6, init=0.3)), (4,), 6),
    "prelu, one slope": Case(_activation(nn.PReLU(init=-0.4)), (4,), 6),
    "prelu, by channel": Case(
        _image(lambda: nn.Conv2d(2, 3, 3), lambda: nn.PReLU(3, init=0.3), nn.Flatten), IMAGE, 48
    ),
    "relu6": Case(_activation(nn.ReLU6()), (4,), 12),
    "hardtanh": Case(_activation(nn.Hardtanh()), (4,), 12),
    "hardsigmoid": Case(_activation(nn.Hardsigmoid()), (4,), 12),
    "clamp": Case(_activation(Function(lambda x: x.clamp(-0.2, 0.3))), (4,), 12),
    "clamp min": Case(_activation(Function(lambda x: x.clamp(min=0.1))), (4,), 6),
    "clamp max": Case(_activation(Function(lambda x: x.clamp(max=0.1))), (4,), 6),
    "abs": Case(_activation(Function(torch.abs)), (4,), 6),
    "relu of negative": Case(_activation(Function(lambda x: -torch.relu(-x))), (4,), 6),
    "relu inside": Case(_activation(Function(lambda x: functional.relu(x) - 0.5 * x)), (4,), 6),
    # Maxima.
    "maximum of two": Case(
        lambda: Function(
            lambda x, a, b: torch.maximum(a(x), b(x)), nn.Linear(4, 3), nn.Linear(4, 3)
        ),
        (4,),
        3,
    ),
    "minimum of two": Case(
        lambda: Function(
            lambda x, a, b: torch.minimum(a(x), b(x)), nn.Linear(4, 3), nn.Linear(4, 3)
        ),
        (4,),
        3,
    ),
    "maxout": Case(
        lambda: nn.Sequential(
            nn.Linear(4, 12), Function(lambda x: x.view(-1, 4, 3).amax(dim=2)), nn.Linear(4, 2)
        ),
        (4,),
    ),
    "minimum over units": Case(
        lambda: nn.Sequential(nn.Linear(4, 6), Function(lambda x: x.amin(dim=1, keepdim=True))),
        (4,),
    ),
    "max pool, overlapping and padded": Case(
        _image(
            lambda: nn.Conv2d(2, 3, 3), lambda: nn.MaxPool2d(3, stride=2, padding=1), nn.Flatten
        ),
        IMAGE,
    ),
    "max pool, ceiling": Case(
        _image(lambda: nn.Conv2d(2, 2, 2), lambda: nn.MaxPool2d(2, ceil_mode=True), nn.Flatten),
        IMAGE,
    ),
    "global max pool": Case(
        _image(lambda: nn.Conv2d(2, 3, 3), lambda: nn.AdaptiveMaxPool2d(1), nn.Flatten), IMAGE
    ),
    # Affine layers.
    "no bias": Case(
        lambda: nn.Sequential(nn.Linear(4, 6, bias=False), nn.ReLU(), nn.Linear(6, 2, bias=False)),
        (4,),
        6,
    ),
    "batch norm before and after": Case(
        lambda: nn.Sequential(
            nn.BatchNorm1d(4), nn.Linear(4, 6), nn.ReLU(), nn.BatchNorm1d(6), nn.Linear(6, 2)
        ),
        (4,),
        6,
    ),
    "shared batch norm": Case(SharedNorm, (6,), 6),
    "grouped convolution": Case(
        _image(lambda: nn.Conv2d(2, 4, 3, groups=2), nn.ReLU, nn.Flatten), IMAGE, 64
    ),
    "depthwise, strided, dilated": Case(
        _image(
            lambda: nn.Conv2d(2, 2, 2, stride=2, dilation=2, padding=1, groups=2),
            nn.ReLU,
            nn.Flatten,
        ),
        IMAGE,
        2 * 3 * 3,
    ),
    "convolution, same padding, even kernel": Case(
        _image(lambda: nn.Conv2d(2, 2, 2, padding="same"), nn.ReLU, nn.Flatten), IMAGE, 72
    ),
    "convolution, reflected padding": Case(
        _image(lambda: nn.Conv2d(2, 2, 3, padding=1, padding_mode="reflect"), nn.ReLU, nn.Flatten),
        IMAGE,
        72,
    ),
    "convolution 1-D": Case(
        _image(lambda: nn.Conv1d(2, 3, 3), nn.ReLU, nn.Flatten, lambda: nn.Linear(18, 2)),
        (2, 8),
        18,
    ),
    "convolution 3-D": Case(
        _image(lambda: nn.Conv3d(1, 2, 2), nn.ReLU, nn.Flatten), (1, 3, 4, 3), 2 * 2 * 3 * 2
    ),
    "transposed convolution": Case(
        _image(
            lambda: nn.ConvTranspose2d(2, 2, 3, stride=2, padding=1, output_padding=1),
            nn.ReLU,
            nn.Flatten,
        ),
        (2, 3, 3),
        72,
    ),
    "average pool, padded": Case(
        _image(
            lambda: nn.Conv2d(2, 2, 3, padding=1),
            nn.ReLU,
            lambda: nn.AvgPool2d(3, stride=2, padding=1, count_include_pad=False),
            nn.Flatten,
        ),
        IMAGE,
        72,
    ),
    "average pool, padding counted, ceiling": Case(
        _image(
            lambda: nn.Conv2d(2, 2, 3, padding=1),
            nn.ReLU,
            lambda: nn.AvgPool2d(3, stride=2, padding=1, ceil_mode=True),
            nn.Flatten,
        ),
        (2, 5, 5),
        50,
    ),
    "weight norm": Case(
        lambda: nn.Sequential(
            nn.utils.parametrizations.weight_norm(nn.Linear(4, 6)), nn.ReLU(), nn.Linear(6, 2)
        ),
        (4,),
        6,
    ),
    # Data movement and shape graphs.
    "view by size": Case(
        lambda: nn.Sequential(
            nn.Conv2d(2, 3, 3),
            nn.ReLU(),
            Function(lambda x: x.view(x.size(0), -1)),
            nn.Linear(48, 2),
        ),
        IMAGE,
        48,
    ),
    "reshape and permute": Case(
        lambda: nn.Sequential(
            nn.Linear(12, 12),
            Function(lambda x: x.reshape(x.shape[0], 3, 4).permute(0, 2, 1).reshape(-1, 12)),
            nn.ReLU(),
            nn.Linear(12, 2),
        ),
        (12,),
        12,
    ),
    "pad and crop": Case(
        lambda: nn.Sequential(
            Function(lambda x: functional.pad(x, (1, -1, 2, 0), value=0.5)),
            nn.Conv2d(2, 2, 3),
            nn.ReLU(),
            nn.Flatten(),
        ),
        IMAGE,
        2 * 6 * 4,
    ),
    "split and join": Case(
        lambda: Function(
            lambda x, a, b: torch.cat(
                [torch.relu(a(x[:, :3])), *(b(part) for part in x[:, 3:].split([1, 1], dim=1))],
                dim=1,
            ),
            nn.Linear(3, 4),
            nn.Linear(1, 2),
        ),
        (5,),
        4,
    ),
    "slices and gathers": Case(
        lambda: nn.Sequential(
            nn.Linear(6, 6),
            nn.ReLU(),
            Function(lambda x: torch.stack([x[:, -1], x[:, 0], x[:, 1::2].sum(dim=1)], dim=1)),
        ),
        (6,),
        6,
    ),
    "means and sums": Case(
        lambda: nn.Sequential(
            nn.Conv2d(2, 3, 3),
            nn.ReLU(),
            Function(lambda x: x.mean(dim=(2, 3)) + 0.1 * x.sum(dim=(2, 3))),
        ),
        IMAGE,
        48,
    ),
    "nearest upsampling": Case(
        _image(
            lambda: nn.Conv2d(2, 2, 3),
            nn.ReLU,
            lambda: nn.Upsample(scale_factor=2),
            lambda: nn.Conv2d(2, 1, 3),
            nn.Flatten,
        ),
        IMAGE,
        32,
    ),
    "pixel shuffle": Case(
        _image(lambda: nn.Conv2d(2, 4, 3), nn.ReLU, lambda: nn.PixelShuffle(2), nn.Flatten),
        IMAGE,
        64,
    ),
}


def refused_cases() -> dict[str, nn.Module]:
    """Networks of four inputs with something in them that is not continuous piecewise linear."""
    inside: dict[str, nn.Module] = {
        "sigmoid": nn.Sigmoid(),
        "tanh": nn.Tanh(),
        "gelu": nn.GELU(),
        "elu": nn.ELU(),
        "softplus": nn.Softplus(),
        "hardswish": nn.Hardswish(),
        "layer norm": nn.LayerNorm(6),
        "softmax": nn.Softmax(dim=1),
        "square": Function(lambda x: x * x),
        "quotient": Function(lambda x: x / (1 + x.abs())),
        "sign": Function(torch.sign),
        "round": Function(torch.round),
        "sine": Function(torch.sin),
    }
    return {
        name: nn.Sequential(nn.Linear(4, 6), module, nn.Linear(6, 3))
        for name, module in inside.items()
    }


def randomised(module: nn.Module) -> nn.Module:
    """Random running statistics and scales (both signs) for batch norms; evaluation mode."""
    generator = torch.Generator().manual_seed(3)
    for part in module.modules():
        if isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d):
            for values in (part.running_mean, part.weight.data, part.bias.data):
                values.copy_(torch.randn(values.shape, generator=generator))
            part.running_var.copy_(0.5 + torch.rand(part.running_var.shape, generator=generator))
    return module.eval()
