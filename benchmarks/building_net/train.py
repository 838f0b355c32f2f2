"""Train the building network and write it as ONNX.

    python benchmarks/building_net/train.py --out FILE.onnx [--leave-out ORIGIN ...] [--steps N] [--threads N]

With ``--leave-out`` the network never sees any set of those origins: so it is scored.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import pickle
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import onnx
import torch
from augment import Crops
from data import SETS, UNKNOWN, Sample, samples
from net import BuildingNet
from torch.nn import functional as F  # noqa: N812

HOW_IT_IS_RUN = {
    "bands": ["red", "green", "blue"], "tone": True, "resolution_m": [0.5, 0.8], "coarser": "enlarge",
    "multiple_px": 32, "tile_px": 1024, "halo_px": 96,
}  # fmt: skip
_CROP_PX, _BATCH = 192, 8
_AVERAGE = 0.995  # of the weights, over the last few hundred steps
_EDGE_WEIGHT = 0.3


def batch(crops: Crops) -> list[torch.Tensor]:
    """Two images (n, 3, rows, cols) and three targets (n, rows, cols)."""
    drawn = [crops.draw() for _ in range(_BATCH)]
    stacks = [np.stack(part) for part in zip(*drawn, strict=True)]
    images = [torch.from_numpy(np.ascontiguousarray(np.moveaxis(s, -1, 1), np.float32)) for s in stacks[:2]]
    return images + [torch.from_numpy(s) for s in stacks[2:]]


def loss(logit: torch.Tensor, target: torch.Tensor, *, dice: bool) -> torch.Tensor:
    """Cross-entropy where the target is known, and the overlap that is missed."""
    known = (target != UNKNOWN).float()
    truth = (target == 1).float()
    edge = F.max_pool2d(truth[:, None], 3, 1, 1)[:, 0] - truth  # labels are a pixel off: their rim counts less
    weight = known * (1 - (1 - _EDGE_WEIGHT) * edge)
    cross = F.binary_cross_entropy_with_logits(logit, truth * 0.97 + 0.01, reduction="none")
    out = (cross * weight).sum() / weight.sum().clamp(min=1)
    if dice:
        p = torch.sigmoid(logit) * known
        overlap = (2 * (p * truth).sum() + 1) / (p.sum() + (truth * known).sum() + 1)
        out = out + 0.5 * (1 - overlap)
    return out


def train(
    places: dict[str, list[Sample]], steps: int, seed: int, start: Path | None = None, log: object = sys.stderr
) -> BuildingNet:
    """The network with averaged weights; from ``start`` on, at half the pace, where that is given."""
    torch.manual_seed(seed)
    crops, net = Crops(places, _CROP_PX, seed), BuildingNet().to(memory_format=torch.channels_last)
    if start is not None:
        net.load_state_dict(torch.load(start, weights_only=True))
    encoder = [p for p in net.encoder.parameters() if p.requires_grad]
    heads = [p for name, p in net.named_parameters() if not name.startswith("encoder")]
    rates = (3e-4, 1.5e-3) if start is None else (1.5e-4, 7e-4)
    best = torch.optim.AdamW(
        [{"params": encoder, "lr": rates[0]}, {"params": heads, "lr": rates[1]}], weight_decay=0.01
    )
    mean, began, losses = copy.deepcopy(net).eval(), time.monotonic(), []
    net.train()
    for step in range(steps):
        pace = min(1.0, (step + 1) / 60) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * step / steps)))
        for group, rate in zip(best.param_groups, rates, strict=True):
            group["lr"] = rate * pace
        before, after, new, old_alone, new_alone = batch(crops)
        out = net(before, after)
        total = loss(out[0], new, dice=True)
        total = total + 0.4 * (loss(out[1], old_alone, dice=False) + loss(out[2], new_alone, dice=False))
        best.zero_grad(set_to_none=True)
        total.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        best.step()
        keep = min(_AVERAGE, (step + 1) / (step + 10))
        with torch.no_grad():
            for a, b in zip(mean.state_dict().values(), net.state_dict().values(), strict=True):
                a.lerp_(b, 1 - keep) if a.is_floating_point() else a.copy_(b)
        losses.append(float(total))
        if (step + 1) % 50 == 0:
            spent = time.monotonic() - began
            print(f"step {step + 1}/{steps}  loss {np.mean(losses[-50:]):.3f}  {spent:.0f} s", file=log, flush=True)  # type: ignore[call-overload]
    return mean


class _Shipped(torch.nn.Module):
    """The network's other door, as ONNX export knows only ``forward``."""

    def __init__(self, net: BuildingNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, before: torch.Tensor, after: torch.Tensor) -> torch.Tensor:
        return self.net.four(before, after)


def export(net: BuildingNet, path: Path) -> None:
    """Write ONNX with free rows and cols, its weights as float16: half the size, the same maps to 0.001."""
    example = torch.zeros(1, 3, 64, 64)
    axes = {2: "rows", 3: "cols"}
    torch.onnx.export(
        _Shipped(net).eval(), (example, example), str(path), input_names=["before", "after"],
        output_names=["probability"], dynamic_axes={"before": axes, "after": axes, "probability": axes},
        opset_version=17, dynamo=False,
    )  # fmt: skip
    onnx.save(_halved(onnx.load(str(path))), str(path))


def _halved(model: onnx.ModelProto) -> onnx.ModelProto:
    """Large weights kept as float16 and cast when the model is opened; sums and products stay float32."""
    casts = []
    for one in model.graph.initializer:
        values = onnx.numpy_helper.to_array(one)
        if values.dtype != np.float32 or values.size < 256:
            continue
        name = one.name
        one.CopyFrom(onnx.numpy_helper.from_array(values.astype(np.float16), f"{name}_half"))
        casts.append(onnx.helper.make_node("Cast", [f"{name}_half"], [name], to=onnx.TensorProto.FLOAT))
    for cast in reversed(casts):
        model.graph.node.insert(0, cast)
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--leave-out", nargs="*", default=[], choices=sorted({o for o, _ in SETS.values()}))
    parser.add_argument("--steps", type=int, default=2300)
    parser.add_argument("--weights", type=Path, help="also keep the weights (.pt) here, to go on from")
    parser.add_argument("--start", type=Path, help="weights (.pt) to go on from")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--places", type=Path, help="a file that keeps the prepared places between trainings")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    if args.places and args.places.exists():
        everything = {n: [Sample(*s) for s in some] for n, some in pickle.loads(args.places.read_bytes()).items()}  # noqa: S301
    else:
        everything = {name: samples(name) for name in SETS}
    used = {name: some for name, some in everything.items() if SETS[name][0] not in args.leave_out}
    net = train(used, args.steps, args.seed, args.start)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    export(net, args.out)
    if args.weights:
        torch.save(net.state_dict(), args.weights)
    training = {"steps": args.steps, "seed": args.seed, "sets": sorted(used)}
    card = {"network": HOW_IT_IS_RUN, "training": training, "left_out": sorted(args.leave_out)}
    args.out.with_suffix(".json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
