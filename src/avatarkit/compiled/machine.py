"""Machine code of the kernels: loading it without numba, and calling it."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Mapping
from typing import Any, Final

from llvmlite import binding as llvm

from avatarkit.compiled.entries import Entry

PREFIX: Final = "avatarkit_"
"""Before a kernel's name: the symbol of the function that takes its arguments as words; 0 when all is well.

Its first argument points to the words (int64) of what the calls share, see :meth:`.Entry.words`; then each call's own
whole numbers (int64) follow.
"""

Task = Callable[..., None]
"""Runs a kernel with each call's own numbers. Any thread may call it, and runs without the GIL meanwhile."""


class RefusedError(Exception):
    """Machine code that cannot be made, or not be loaded, and why."""


def processor() -> tuple[str, str]:
    """Name and features that code is made for: this processor's, or what numba's own settings say."""
    name = os.environ.get("NUMBA_CPU_NAME") or llvm.get_host_cpu_name()
    features = os.environ.get("NUMBA_CPU_FEATURES")
    if features is None:
        features = "" if name.lower() == "generic" else llvm.get_host_cpu_features().flatten()
    return name, features


def target_machine() -> Any:
    """What writes machine code for :func:`processor`, as numba sets it up."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    target = llvm.Target.from_triple(llvm.get_process_triple())
    name, features = processor()
    return target.create_target_machine(
        cpu=name,
        features=features,
        opt=3,
        reloc="static" if target.name.startswith("x86") else "default",
        codemodel="jitdefault",
        jit=True,
    )


class MachineCode:
    """The kernels of one object file."""

    def __init__(self, code: bytes, entries: Mapping[str, Entry]) -> None:
        """Load the object file that :func:`.assemble.assemble` made of these kernels for this very machine.

        Raises ``RefusedError`` when it cannot be loaded. Damaged code must not come here: it would run.
        """
        self._entries = entries
        try:
            self._engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), target_machine())
            for name in ("PyMem_RawMalloc", "PyMem_RawFree"):
                llvm.add_symbol(name, ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value)
            self._engine.add_object_file(llvm.ObjectFileRef.from_data(code))
            self._engine.finalize_object()
            addresses = {name: self._engine.get_function_address(PREFIX + name) for name in entries}
        except (RuntimeError, AttributeError, OSError) as reason:
            raise RefusedError(f"the machine code does not load: {reason}") from reason
        if not all(addresses.values()):
            raise RefusedError("the machine code lacks a kernel")
        self._functions = {name: _function(entries[name], address) for name, address in addresses.items()}

    def bind(self, name: str, *shared: Any) -> Task:
        """A kernel with what its calls share; see :class:`.Entry`. Raises ``TypeError`` for a wrong argument."""
        words = self._entries[name].words(name, shared)
        packed = (ctypes.c_int64 * len(words))(*words)
        function = self._functions[name]
        held = (packed, shared)  # as long as the task lives, so do the arrays

        def run(*varying: int) -> None:
            if function(held[0], *varying):
                raise MemoryError(f"kernel {name} found no memory")

        return run


def _function(entry: Entry, address: int) -> Any:
    words = ctypes.POINTER(ctypes.c_int64)
    return ctypes.CFUNCTYPE(ctypes.c_int32, words, *[ctypes.c_int64] * entry.varying)(address)
