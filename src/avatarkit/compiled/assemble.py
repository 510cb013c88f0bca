"""From the kernels as they are written to one object file, by way of numba. Takes some seconds, once on a machine."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from typing import Any, Final

from llvmlite import binding as llvm
from llvmlite import ir
from numba.core import types
from numba.np.numpy_support import from_dtype

from avatarkit.compiled.entries import Array, Entry, KernelSet
from avatarkit.compiled.machine import PREFIX, RefusedError, target_machine
from avatarkit.compiled.runtime import ALLOCATE, FREE, runtime_module

_WORD: Final = ir.IntType(64)
_STATUS: Final = ir.IntType(32)
_POINTER: Final = ir.IntType(8).as_pointer()
_RETURNED_NONE: Final = -2
"""Numba's status, beside 0, of a function that ended well."""

_KNOWN: Final = {
    ALLOCATE,
    FREE,
    "memcpy",
    "memmove",
    "memset",
    "sqrtf",
    "floorf",
    "ceilf",
    "fabsf",
    "fmaf",
    "rintf",
    "sinf",
}
"""Functions from outside that code may call: those of Python's memory, and what every processor's C library has."""


def dispatcher(kernels: KernelSet, name: str) -> Any:
    """A kernel as numba knows it."""
    return getattr(importlib.import_module(f"{kernels.package}.{kernels.entries[name].module}"), name)


def assemble(kernels: KernelSet) -> bytes:
    """The object file that :class:`.machine.MachineCode` loads.

    Raises ``RefusedError`` when this numba's code is not what is expected here, or calls what may not be there when
    it is loaded without numba.
    """
    if llvm.get_process_triple().split("-")[0] not in ("x86_64", "aarch64", "arm64"):
        raise RefusedError("this kind of processor is not known")
    module = llvm.parse_assembly(str(runtime_module()))
    for name, entry in kernels.entries.items():
        compiled = dispatcher(kernels, name)
        signature = tuple(_kernel_types(entry))
        compiled.compile(signature)
        inner = compiled.overloads[signature].fndesc.llvm_func_name
        own = llvm.parse_assembly(compiled.inspect_llvm(signature))
        _check(own.get_function(inner), entry)
        module.link_in(own)
        module.link_in(llvm.parse_assembly(str(_way_in(name, inner, entry))))
    machine = target_machine()
    _strip(module, machine)
    module.verify()
    code: bytes = machine.emit_object(module)
    return code


def _kernel_types(entry: Entry) -> Iterator[Any]:
    for kind in entry.shared:
        scalar = from_dtype(kind.dtype)
        yield types.Array(scalar, kind.dimensions, "C") if isinstance(kind, Array) else scalar
    for _ in range(entry.varying):
        yield types.int64


def _native_types(entry: Entry) -> list[Any]:
    """What numba passes: for an array its block of memory, its owner, two sizes, the data, the sides, the strides."""
    out: list[Any] = [_POINTER, _POINTER]
    for kind in entry.shared:
        if isinstance(kind, Array):
            out += [_POINTER, _POINTER, _WORD, _WORD, _POINTER, *[_WORD] * (2 * kind.dimensions)]
        else:
            out.append(_WORD if kind.dtype.kind == "i" else ir.FloatType())
    return out + [_WORD] * entry.varying


def _check(function: Any, entry: Entry) -> None:
    """Refuse a function that takes other arguments than those that :func:`_way_in` passes."""

    def plain(kind: Any) -> str:
        return re.sub(r"^.*\*$", "ptr", str(kind))

    found = [plain(argument.type) for argument in function.arguments]
    if found != [plain(kind) for kind in _native_types(entry)]:
        raise RefusedError("numba passes arguments in a way that is not known")


def _way_in(name: str, inner: str, entry: Entry) -> ir.Module:
    """A function that reads arguments from words and calls the kernel; see :data:`.machine.PREFIX`."""
    module = ir.Module(name)
    kernel = ir.Function(module, ir.FunctionType(_STATUS, _native_types(entry)), inner)
    takes = [_WORD.as_pointer(), *[_WORD] * entry.varying]
    function = ir.Function(module, ir.FunctionType(_STATUS, takes), PREFIX + name)
    build = ir.IRBuilder(function.append_basic_block())
    # Room for what it returns, which nobody reads, and for what it says about an error.
    room = [build.bitcast(build.alloca(_WORD, 4), _POINTER) for _ in range(2)]
    words = (build.load(build.gep(function.args[0], [_WORD(at)])) for at in range(2**20))
    passed = room
    for kind in entry.shared:
        if isinstance(kind, Array):
            passed = passed + _array(build, kind, words)
        elif kind.dtype.kind == "i":
            passed = [*passed, next(words)]
        else:
            passed = [*passed, build.bitcast(build.trunc(next(words), ir.IntType(32)), ir.FloatType())]
    status = build.call(kernel, [*passed, *function.args[1:]])
    well = build.or_(*(build.icmp_signed("==", status, _STATUS(code)) for code in (0, _RETURNED_NONE)))
    build.ret(build.select(well, _STATUS(0), _STATUS(1)))
    return module


def _array(build: Any, kind: Array, words: Iterator[Any]) -> list[Any]:
    none = ir.Constant(_POINTER, None)
    data = build.inttoptr(next(words), _POINTER)
    sides = [next(words) for _ in range(kind.dimensions)]
    item = _WORD(kind.dtype.itemsize)
    strides = [item]
    for side in sides[:0:-1]:
        strides.insert(0, build.mul(strides[0], side))
    count = sides[0]
    for side in sides[1:]:
        count = build.mul(count, side)
    return [none, none, count, item, data, *sides, *strides]


def _strip(module: Any, machine: Any) -> None:
    """Leave only what the ways in need, and refuse what would not be there without numba."""
    for part in (*module.functions, *module.global_variables):
        if not part.is_declaration and not part.name.startswith(PREFIX):
            part.linkage = "internal"
    passes = llvm.create_new_module_pass_manager()
    passes.add_global_dead_code_eliminate_pass()
    passes.add_strip_dead_prototype_pass()
    passes.run(module, llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options(speed_level=3)))
    outside = {part.name for part in module.functions if part.is_declaration and not part.name.startswith("llvm.")}
    outside |= {part.name for part in module.global_variables if part.is_declaration}
    foreign = sorted(outside - _KNOWN)
    if foreign:
        raise RefusedError(f"kernels call '{foreign[0]}'")
