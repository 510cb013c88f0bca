"""The three functions of numba's runtime that kernels need, written anew, so that they run where numba is not loaded.

Memory comes from ``PyMem_RawMalloc``, which any thread may call without the GIL.
"""

from __future__ import annotations

from typing import Any, Final

from llvmlite import ir

ALLOCATE: Final = "PyMem_RawMalloc"
FREE: Final = "PyMem_RawFree"

_WORD: Final = ir.IntType(64)
_INT: Final = ir.IntType(32)
_POINTER: Final = ir.IntType(8).as_pointer()
_HEADER_BYTES: Final = 64
"""Of a block of memory. Its first word counts references, the fourth points to the data; see numba's ``MemInfo``."""
_DATA: Final = 3


def runtime_module() -> ir.Module:
    """The functions, by the names that numba's code calls them."""
    module = ir.Module("runtime")
    allocate = ir.Function(module, ir.FunctionType(_POINTER, [_WORD]), ALLOCATE)
    free = ir.Function(module, ir.FunctionType(ir.VoidType(), [_POINTER]), FREE)
    _define_allocation(module, allocate)
    _define_release(module, free)
    _define_reshape(module)
    return module


def _define(module: ir.Module, name: str, gives: Any, takes: list[Any]) -> tuple[ir.Function, Any]:
    function = ir.Function(module, ir.FunctionType(gives, takes), name)
    return function, ir.IRBuilder(function.append_basic_block())


def _define_allocation(module: ir.Module, allocate: ir.Function) -> None:
    """``NRT_MemInfo_alloc_aligned(size, align)``: null when there is no memory."""
    function, build = _define(module, "NRT_MemInfo_alloc_aligned", _POINTER, [_WORD, _INT])
    size, align = function.args
    align = build.zext(align, _WORD)
    block = build.call(allocate, [build.add(build.add(size, align), _WORD(_HEADER_BYTES))])
    none = build.icmp_unsigned("==", block, ir.Constant(_POINTER, None))
    with build.if_then(none, likely=False):
        build.ret(block)
    first = build.add(build.ptrtoint(block, _WORD), build.add(align, _WORD(_HEADER_BYTES - 1)))
    data = build.sub(first, build.urem(first, align))
    words = build.bitcast(block, _WORD.as_pointer())
    build.store(_WORD(1), words)
    build.store(data, build.gep(words, [_WORD(_DATA)]))
    build.ret(block)


def _define_release(module: ir.Module, free: ir.Function) -> None:
    """``NRT_MemInfo_call_dtor(block)``, which is called when nothing refers to a block any longer."""
    function, build = _define(module, "NRT_MemInfo_call_dtor", ir.VoidType(), [_POINTER])
    build.call(free, function.args)
    build.ret_void()


def _define_reshape(module: ir.Module) -> None:
    """``numba_attempt_nocopy_reshape``: the strides of a contiguous array of another shape; 1.

    Kernels take, make and reshape contiguous arrays alone; what an array of numba's type ``C`` has as strides need
    not be looked at.
    """
    words = _WORD.as_pointer()
    takes = [_WORD, words, words, _WORD, words, words, _WORD, _INT]
    function, build = _define(module, "numba_attempt_nocopy_reshape", _INT, takes)
    _, _, _, count, sides, strides, item_bytes, _ = function.args
    entry = build.block
    loop, body, done = (function.append_basic_block() for _ in range(3))
    build.branch(loop)
    build.position_at_end(loop)
    left, stride = build.phi(_WORD), build.phi(_WORD)
    left.add_incoming(count, entry)
    stride.add_incoming(item_bytes, entry)
    build.cbranch(build.icmp_signed(">", left, _WORD(0)), body, done)
    build.position_at_end(body)
    axis = build.sub(left, _WORD(1))
    build.store(stride, build.gep(strides, [axis]))
    left.add_incoming(axis, body)
    stride.add_incoming(build.mul(stride, build.load(build.gep(sides, [axis]))), body)
    build.branch(loop)
    build.position_at_end(done)
    build.ret(_INT(1))
