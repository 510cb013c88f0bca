from __future__ import annotations

import subprocess
import sys

import pytest

from avatarkit.errors import AvatarError, ErrorCode
from avatarkit.render import open_renderer, registry
from avatarkit.render.warm import main, warm_up


def test_importing_the_package_loads_neither_numba_nor_av():
    program = (
        "import sys, avatarkit.render as r; r.Surface; r.open_renderer;"
        "sys.exit(any(m in sys.modules for m in ('numba', 'av', 'PIL')))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_auto_and_cpu_open_a_renderer():
    for name in ("auto", "cpu"):
        open_renderer(name).close()


def test_an_unknown_renderer_is_refused_with_the_choices():
    with pytest.raises(AvatarError, match=r"auto.*cpu") as caught:
        open_renderer("ray tracer")
    assert caught.value.code is ErrorCode.CONFIGURATION_INVALID


def test_without_numba_the_error_names_the_extra(monkeypatch):
    monkeypatch.setattr(registry.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(AvatarError, match=r"pyavatarkit\[render\]") as caught:
        open_renderer()
    assert caught.value.code is ErrorCode.MISSING_DEPENDENCY


def test_warming_up_compiles_and_says_so(capsys):
    assert warm_up() > 0
    assert main() == 0
    assert "compiled" in capsys.readouterr().out


def test_a_later_start_loads_no_compiler():
    """Whatever an avatar needs was compiled before, and its machine code is loaded alone."""
    warm_up()
    program = (
        "import sys; from avatarkit.avatars import read_bundle; from avatarkit.avatars.builtin import default_path;"
        "from avatarkit.frames import Pose; from avatarkit.render import open_renderer;"
        "from avatarkit.types import Camera;"
        "renderer = open_renderer('cpu'); renderer.load(read_bundle(default_path()));"
        "renderer.draw(Pose.neutral(), Camera(), (64, 64));"
        "sys.exit(any(m in sys.modules for m in ('numba', 'scipy')))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
