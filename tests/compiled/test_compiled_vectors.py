"""Moving sixteen numbers at once, against NumPy."""

from __future__ import annotations

import numpy as np

from avatarkit.compiled.jit import decorators
from avatarkit.compiled.vector_rows import load_fours, load_threes, store_columns, store_fours, store_threes
from avatarkit.compiled.vectors import append, largest, load, load_halves, smallest, store, store_halves

kernel, _ = decorators(set())


@kernel
def choose(numbers, limit, out):
    found = load(numbers, 0)
    return append(found > limit, out, 1, found)


@kernel
def extremes(wholes):
    return smallest(load(wholes, 0)), largest(load(wholes, 0))


@kernel
def move_halves(numbers, first, second, out):
    found = load_halves(numbers, first, second)
    store(out, 0, found)
    store_halves(out, 20, 30, found)


@kernel
def turn_rows(threes, fours, to_threes, to_fours):
    x, y, z = load_threes(threes, 2)
    store_threes(to_threes, 1, (z, x, y))
    a, b, c, d = load_fours(fours, 2)
    store_fours(to_fours, 1, (d, b, a, c))


@kernel
def write_columns(columns, which, out):
    a, b, c, d = load_fours(columns, 0)
    store_columns(out, 1, (a, b, c, d, a, b, c, d, a, b, c, d, a, b, c, d), which)


def test_what_is_chosen_is_written_behind_one_another():
    numbers = np.random.default_rng(1).permutation(16).astype(np.int32)
    for limit in range(-1, 17):
        out = np.full(20, -7, np.int32)
        wanted = numbers[numbers > limit]
        assert choose(numbers, np.int32(limit), out) == len(wanted)
        assert np.array_equal(out[1 : 1 + len(wanted)], wanted)
        assert out[0] == -7
        assert np.all(out[17:] == -7)


def test_the_least_and_the_greatest_are_found_wherever_they_are():
    for place in range(16):
        wholes = np.roll(np.arange(-8, 8, dtype=np.int32), place)
        assert extremes(wholes) == (-8, 7)


def test_halves_come_from_two_places_and_go_to_two():
    numbers, out = np.arange(60, dtype=np.float32), np.zeros(40, np.float32)
    move_halves(numbers, 3, 41, out)
    wanted = np.concatenate([numbers[3:11], numbers[41:49]])
    assert np.array_equal(out[:16], wanted)
    assert np.array_equal(np.concatenate([out[20:28], out[30:38]]), wanted)
    assert not out[16:20].any()
    assert not out[28:30].any()


def test_rows_are_read_as_columns_and_columns_written_as_rows():
    threes, fours = np.arange(60, dtype=np.float32).reshape(20, 3), np.arange(80, dtype=np.int32).reshape(20, 4)
    to_threes, to_fours = np.zeros_like(threes), np.zeros_like(fours)
    turn_rows(threes, fours, to_threes, to_fours)
    assert np.array_equal(to_threes[1:17], threes[2:18][:, [2, 0, 1]])
    assert np.array_equal(to_fours[1:17], fours[2:18][:, [3, 1, 0, 2]])
    assert not to_threes[[0, 17, 18, 19]].any()
    assert not to_fours[[0, 17, 18, 19]].any()


def test_only_the_columns_that_are_named_are_written():
    columns, out = np.arange(64, dtype=np.float32).reshape(16, 4), np.full((18, 16), -1, np.float32)
    wanted, named = out.copy(), [0, 5, 6, 15]
    write_columns(columns, sum(1 << column for column in named), out)
    wanted[1:17, named] = np.tile(columns, 4)[:, named]
    assert np.array_equal(out, wanted)
