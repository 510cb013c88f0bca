"""Makes the weights: corpus, training, export, card. Several hours of speech, about an hour on one core.

    python -m avatarkit.motion.training [--work FOLDER] [--steps N] [--share X] [--out FILE]

Needs flite, Festival and espeak-ng (it says which Debian packages are missing) and the extra ``train``. Nothing is
downloaded. Seeds are fixed; the bits of the result still depend on the versions of PyTorch and the synthesisers.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
from pathlib import Path

from avatarkit.errors import AvatarError, missing_dependency
from avatarkit.motion.training import prepare
from avatarkit.motion.training.synthesis import check_tools
from avatarkit.motion.training.voices import HELD_OUT_VOICES

STEPS = 5400
SEED = 1
SHIPPED = Path(__file__).parent.parent / "weights" / "articulatory.npz"


def _say(message: str) -> None:
    sys.stdout.write(f"{message}\n")
    sys.stdout.flush()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m avatarkit.motion.training", description="Make the weights.")
    parser.add_argument("--work", type=Path, default=Path("out/training"), help="folder for corpus and snapshots")
    parser.add_argument("--steps", type=int, default=STEPS, help="training steps")
    parser.add_argument("--share", type=float, default=1.0, help="part of the corpus to make, for a trial run")
    parser.add_argument("--out", type=Path, default=SHIPPED, help="weight file to write")
    return parser.parse_args()


def _prepare(work: Path, share: float) -> None:
    """Make what is not there yet."""
    work.mkdir(parents=True, exist_ok=True)
    if not (work / "validation.npz").exists():
        prepare.validation_set(work / "validation.npz", _say)
    if not (work / "held-out.npz").exists():
        prepare.held_out_set(work / "held-out.npz", HELD_OUT_VOICES, _say)
    if not (work / "training.npz").exists():
        prepare.training_set(work / "training.npz", _say, share)


def main() -> None:
    """Run the whole recipe."""
    arguments = _arguments()
    if importlib.util.find_spec("torch") is None:
        raise missing_dependency("torch", "train")
    check_tools()
    from avatarkit.motion.training import card, dataset, export, fit  # noqa: PLC0415 - these need PyTorch

    work: Path = arguments.work
    _prepare(work, arguments.share)
    tests = {name: dataset.load(work / f"{name}.npz") for name in ("validation", "held-out")}
    clips = dataset.load(work / "training.npz")
    network = fit.fit(
        clips, tests, steps=arguments.steps, seed=SEED, snapshot=work / "snapshot.pt", say=_say, threads=1
    )
    size = export.export(network, arguments.out)
    table = card.accuracy_table(arguments.out, tests)
    arguments.out.with_suffix(".md").write_text(
        card.card_of(clips, table, arguments.steps, SEED, size), encoding="utf-8"
    )
    _say(table)


if __name__ == "__main__":
    try:
        main()
    except AvatarError as reason:
        sys.exit(str(reason))
