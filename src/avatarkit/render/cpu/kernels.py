"""The kernels, ready to run: loaded from disk, or compiled and kept there."""

from __future__ import annotations

import functools
import logging
import threading
from typing import TYPE_CHECKING, Any, Final, Protocol

from avatarkit.render.cpu import store
from avatarkit.render.cpu.entries import ENTRIES

if TYPE_CHECKING:
    from avatarkit.render.cpu.machine import Task

_log: Final = logging.getLogger(__name__)
_lock: Final = threading.Lock()


class Kernels(Protocol):
    """All kernels of :data:`.entries.ENTRIES`."""

    def bind(self, name: str, *shared: Any) -> Task:
        """A kernel with the arguments that several calls share.

        Raises ``TypeError`` for an argument that the kernel would misread.
        """
        ...


class Dispatched:
    """The kernels as numba itself runs them, where its code is not what we can keep. Compiles on first calls."""

    def bind(self, name: str, *shared: Any) -> Task:
        """See :meth:`Kernels.bind`."""
        from avatarkit.render.cpu.assemble import dispatcher  # noqa: PLC0415 - numba is loaded when it is needed

        ENTRIES[name].words(name, shared)
        return functools.partial(dispatcher(name), *shared)


def load() -> Kernels:
    """The kernels, one set for the process. Compiles them for some seconds when this machine has not yet."""
    with _lock:
        return _load()


@functools.cache
def _load() -> Kernels:
    from avatarkit.render.cpu.machine import MachineCode, RefusedError, processor  # noqa: PLC0415 - loads LLVM

    name = store.key(processor())
    kept = store.read(name)
    try:
        if kept is not None:
            return MachineCode(kept)
        from avatarkit.render.cpu.assemble import assemble  # noqa: PLC0415 - numba is loaded when it is needed

        code = assemble()
        kernels = MachineCode(code)
    except RefusedError as reason:
        _log.warning("the CPU renderer is compiled anew in every process: %s", reason)
        return Dispatched()
    if store.write(name, code) is None:
        _log.warning("the CPU renderer is compiled anew in every process: no folder for machine code can be written")
    return kernels
