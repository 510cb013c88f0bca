"""The kernels, ready to run: loaded from disk, or compiled and kept there."""

from __future__ import annotations

import functools
import logging
from typing import TYPE_CHECKING, Any, Final, Protocol

from avatarkit.compiled.entries import KernelSet
from avatarkit.compiled.store import Store
from avatarkit.errors import missing_dependency

if TYPE_CHECKING:
    from avatarkit.compiled.machine import Task

_log: Final = logging.getLogger(__name__)


class Kernels(Protocol):
    """All kernels of a set."""

    def bind(self, name: str, *shared: Any) -> Task:
        """A kernel with the arguments that several calls share.

        Raises ``TypeError`` for an argument that the kernel would misread.
        """
        ...


class Dispatched:
    """The kernels as numba itself runs them, where its code is not what we can keep. Compiles on first calls."""

    def __init__(self, kernels: KernelSet) -> None:
        self._kernels = kernels

    def bind(self, name: str, *shared: Any) -> Task:
        """See :meth:`Kernels.bind`."""
        from avatarkit.compiled.assemble import dispatcher  # noqa: PLC0415 - numba is loaded when it is needed

        self._kernels.entries[name].words(name, shared)
        return functools.partial(dispatcher(self._kernels, name), *shared)


def load(kernels: KernelSet) -> Kernels:
    """A set of kernels, one for the process. Compiles them for some seconds when this machine has not yet.

    Raises ``AvatarError`` (missingDependency) without numba.
    """
    with kernels.lock:
        try:
            return _load(kernels)
        except ImportError as failure:
            raise missing_dependency("numba", kernels.extra) from failure


@functools.cache
def _load(kernels: KernelSet) -> Kernels:
    from avatarkit.compiled.machine import MachineCode, RefusedError, processor  # noqa: PLC0415 - loads LLVM

    store = Store(kernels)
    name = store.key(processor())
    kept = store.read(name)
    anew = f"{kernels.title} is compiled anew in every process"
    try:
        if kept is not None:
            return MachineCode(kept, kernels.entries)
        _log.info("%s is compiled, which takes some seconds, once on a machine", kernels.title)
        from avatarkit.compiled.assemble import assemble  # noqa: PLC0415 - numba is loaded when it is needed

        code = assemble(kernels)
        ready = MachineCode(code, kernels.entries)
    except RefusedError as reason:
        _log.warning("%s: %s", anew, reason)
        return Dispatched(kernels)
    if store.write(name, code) is None:
        _log.warning("%s: no folder for machine code can be written", anew)
    return ready
