from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from dataclasses import replace

import numpy as np
import pytest
from llvmlite import binding as llvm
from render_fixtures import CAMERA, head_bundle
from renderer_suite import posed

from avatarkit.compiled import assemble, kernels, machine
from avatarkit.compiled.machine import MachineCode, RefusedError
from avatarkit.compiled.store import Store, file_in
from avatarkit.motion import entries as motion
from avatarkit.render.cpu.entries import KERNELS
from avatarkit.render.cpu.renderer import CpuRenderer
from avatarkit.render.planes import entries as planes

HERE = ("a processor", "+features")
STORE = Store(KERNELS)


def picture(ready=None):
    renderer = CpuRenderer(2)
    renderer.load(head_bundle())
    if ready is not None:
        renderer._buffers.bind = ready.bind
    image = renderer.draw(posed(jawOpen=0.6, head=(0.1, 0.35, 0.05, 0, 0, 0)), CAMERA, (200, 150))
    renderer.close()
    return image


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    return tmp_path / "avatarkit"


@pytest.fixture
def unloaded():
    """As in a process that has loaded no kernels yet."""
    kernels._load.cache_clear()
    yield
    kernels._load.cache_clear()


def stored(folder):
    return list(folder.glob("kernels-*.bin"))


@pytest.mark.parametrize("built", [KERNELS, motion.KERNELS, planes.KERNELS], ids=lambda built: built.title)
def test_every_set_is_machine_code_that_can_be_kept(built):
    assert isinstance(kernels.load(built), MachineCode)


def test_kept_code_new_code_and_numba_itself_draw_the_same_picture():
    first = picture()
    assert np.array_equal(first, picture(MachineCode(assemble.assemble(KERNELS), KERNELS.entries)))
    assert np.array_equal(first, picture(kernels.Dispatched(KERNELS)))


def test_what_was_written_is_read(folder):
    name = STORE.key(HERE)
    assert STORE.read(name) is None
    STORE.write(name, b"code" * 1000)
    assert STORE.read(name) == b"code" * 1000
    assert [path.name[0] for path in folder.iterdir()] == ["k"], "no part of a file is left"


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-1],
        lambda data: data[:30],
        lambda data: b"",
        lambda data: data + b"\0",
        lambda data: data[:-7] + b"\x90" + data[-6:],
        lambda data: b"\x7fELF" + data[4:],
    ],
)
def test_a_damaged_file_counts_as_none(folder, damage):
    name = STORE.key(HERE)
    path = STORE.write(name, bytes(range(256)) * 10)
    path.write_bytes(damage(path.read_bytes()))
    assert STORE.read(name) is None
    STORE.write(name, b"new")
    assert STORE.read(name) == b"new"


def test_code_for_another_processor_or_of_other_sources_is_not_taken(folder, tmp_path):
    name = STORE.key(HERE)
    path = STORE.write(name, b"code")
    others = {STORE.key(("another", "+features")), STORE.key(("a processor", "+more"))}
    (tmp_path / "raster.py").write_text("changed")
    others.add(Store(replace(KERNELS, folder=tmp_path)).key(HERE))
    assert len({name, *others}) == 4
    for other in others:
        (folder / f"kernels-{other[:32]}.bin").write_bytes(path.read_bytes())
        assert STORE.read(other) is None


def test_old_files_go(folder):
    for number in range(30):
        STORE.write(STORE.key((str(number), "")), b"code")
        os.utime(file_in(folder, STORE.key((str(number), ""))), (number, number))
    assert 1 <= len(stored(folder)) <= 20
    assert STORE.read(STORE.key(("29", ""))) == b"code"


def test_without_numba_s_setting_code_lies_beside_the_package_or_with_the_user(monkeypatch, tmp_path):
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "user"))
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    package = tmp_path / "package"
    package.mkdir()
    store = Store(replace(KERNELS, folder=package))
    name = store.key(HERE)
    assert store.write(name, b"code").parent == package / "__pycache__"
    (package / "__pycache__").rename(package / "away")
    (package / "__pycache__").write_text("no folder")
    assert (tmp_path / "user") in store.write(name, b"code").parents
    assert store.read(name) == b"code"


def test_where_nothing_can_be_written_it_still_draws_and_says_so(monkeypatch, tmp_path, unloaded, caplog):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "file"))
    with caplog.at_level(logging.WARNING):
        assert picture()[..., 3].max() == 255
    assert "written" in caplog.text


def test_code_that_calls_the_unknown_is_refused_and_numba_draws(folder, unloaded, monkeypatch, caplog):
    monkeypatch.setattr(assemble, "_KNOWN", set())
    with pytest.raises(RefusedError, match="PyMem_Raw"):
        assemble.assemble(KERNELS)
    with caplog.at_level(logging.WARNING):
        assert isinstance(kernels.load(KERNELS), kernels.Dispatched)
    assert "PyMem_Raw" in caplog.text
    assert not stored(folder)


def test_code_without_the_kernels_is_refused():
    empty = machine.target_machine().emit_object(llvm.parse_assembly(""))
    with pytest.raises(RefusedError, match="lacks"):
        MachineCode(empty, KERNELS.entries)


def test_where_machine_code_cannot_be_loaded_numba_draws(unloaded, monkeypatch, caplog):
    def refuse(*_):
        raise RuntimeError("no memory that may run")

    monkeypatch.setattr(machine.llvm, "create_mcjit_compiler", refuse)
    with caplog.at_level(logging.WARNING):
        assert picture()[..., 3].max() == 255
    assert "no memory that may run" in caplog.text


def test_kernels_are_compiled_once_for_all_threads_and_for_the_next_process(folder, unloaded, monkeypatch):
    times = []

    def counted(_):
        times.append(1)
        return b"code"

    monkeypatch.setattr(assemble, "assemble", counted)
    monkeypatch.setattr(machine, "MachineCode", lambda code, _: code)
    threads = [threading.Thread(target=kernels.load, args=(KERNELS,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kernels._load.cache_clear()
    assert kernels.load(KERNELS) == b"code"
    assert len(times) == 1


def test_a_set_that_is_being_compiled_keeps_nobody_waiting_for_another():
    with KERNELS.lock:
        assert kernels.load(replace(KERNELS)) is not None


def test_processes_may_write_at_the_same_time(folder):
    program = (
        "from avatarkit.compiled.store import Store\n"
        "from avatarkit.render.cpu.entries import KERNELS\n"
        "store = Store(KERNELS)\n"
        "for turn in range(200):\n"
        "    store.write('a' * 64, bytes([turn % 7]) * 300_000)\n"
        "    code = store.read('a' * 64)\n"
        "    assert code is not None and len(set(code)) == 1 and len(code) == 300_000"
    )
    both = [subprocess.Popen([sys.executable, "-c", program]) for _ in range(2)]
    assert [process.wait() for process in both] == [0, 0]
    assert len(list(folder.iterdir())) == 1


WRONG = {
    "another type": np.zeros((4, 3), np.float64),
    "fewer dimensions": np.zeros(12, np.float32),
    "not contiguous": np.zeros((3, 4), np.float32).T,
    "no array": [[0.0, 0.0, 0.0]],
}


@pytest.mark.parametrize("ready", [kernels.load, kernels.Dispatched], ids=["kept", "numba"])
@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_a_wrong_argument_is_an_error_and_not_damage(ready, wrong):
    depth, reach = np.zeros((512, 528), np.float32), np.zeros((256, 256, 2), np.float32)
    ready(KERNELS).bind("survey_shadow", depth, reach)(0, 4)
    for shared in ((wrong, reach), (depth, wrong), (depth,), (depth, reach, reach)):
        with pytest.raises(TypeError, match="survey_shadow"):
            ready(KERNELS).bind("survey_shadow", *shared)


def test_an_array_that_must_not_be_written_is_refused():
    reach = np.zeros((256, 256, 2), np.float32)
    reach.flags.writeable = False
    with pytest.raises(TypeError, match="writable"):
        kernels.load(KERNELS).bind("survey_shadow", np.zeros((512, 528), np.float32), reach)
