"""Counter-based random numbers and exact elementary functions: the same bits on every platform.

A number is a hash of what it is for: seed, purpose, user, day, session, video. Nothing is drawn
from a running stream, so the order of evaluation does not matter and a further user or arm changes
no number of another. The finaliser is that of SplitMix64 (Steele, Lea and Flood 2014); the idea of
counters in place of a state is that of Salmon et al. 2011 ("Parallel random numbers: as easy as 1,
2, 3").

Hashes are integers, hence exact. `exp`, `log` and `sigmoid` are made of additions, products,
quotients and powers of two alone, each of which IEEE 754 rounds in one way; NumPy calls them one by
one and fuses none. `numpy.exp` would differ in the last place between processors.
"""

from __future__ import annotations

import numpy as np

_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15
_FIRST, _SECOND = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
_LN2 = 0.6931471805599453
_NORMAL_SCALE = (4 * (65536**2 - 1) / 12) ** 0.5


def mix_number(value: int) -> int:
    """Return the 64-bit hash of one Python integer."""
    value = (value + _GOLDEN) & _MASK
    value = ((value ^ (value >> 30)) * _FIRST) & _MASK
    value = ((value ^ (value >> 27)) * _SECOND) & _MASK
    return value ^ (value >> 31)


def mix(values: np.ndarray) -> np.ndarray:
    """Hash an array of uint64 in place and return it."""
    spare = np.empty_like(values)
    values += np.uint64(_GOLDEN)
    for shift, factor in ((30, _FIRST), (27, _SECOND)):
        np.right_shift(values, np.uint64(shift), out=spare)
        values ^= spare
        values *= np.uint64(factor)
    np.right_shift(values, np.uint64(31), out=spare)
    values ^= spare
    return values


def key(seed: int, *purpose: int | str) -> int:
    """Return the 64-bit key of a purpose in a world, for example `key(seed, "clicks")`."""
    value = mix_number(int(seed) & _MASK)
    for part in purpose:
        for number in part.encode() if isinstance(part, str) else [part]:
            value = mix_number(value ^ (int(number) & _MASK))
    return value


def hashes(parent: int | np.ndarray, counter: int | np.ndarray) -> np.ndarray:
    """Return one 64-bit hash for each counter under a parent key (both broadcast).

    Parents are keys or hashes themselves; counters are non-negative integers.
    """
    if isinstance(parent, int):
        parent = np.uint64(parent)
    counter = np.atleast_1d(counter).astype(np.uint64)
    # An odd multiplier spreads neighbouring counters before the finaliser sees them.
    return mix(counter * np.uint64(_SECOND) + parent)


def uniform(bits: np.ndarray) -> np.ndarray:
    """Return float64 in [0, 1), in steps of 2^-53."""
    return (bits >> np.uint64(11)) * 2.0**-53


def below(bits: np.ndarray, probability: float | np.ndarray) -> np.ndarray:
    """Return Boolean: true with the given probability."""
    return uniform(bits) < probability


def normal(bits: np.ndarray) -> np.ndarray:
    """Return float64 with mean 0 and variance 1, nearly normal, within 3.47.

    The sum of the four 16-bit parts of a hash (Irwin-Hall): exact, and its kurtosis is 2.7.
    """
    parts = np.uint64(0xFFFF)
    total = bits & parts
    for shift in (16, 32, 48):
        total += (bits >> np.uint64(shift)) & parts
    return (total.astype(np.float64) - 2 * 65535) / _NORMAL_SCALE


def exponential(bits: np.ndarray) -> np.ndarray:
    """Return float64 above 0 with an exponential distribution of mean 1."""
    return -log(uniform(bits) + 2.0**-54)


def exp(x: np.ndarray) -> np.ndarray:
    """Return e^x for x in [-700, 700] (values outside are clipped), relative error below 1e-9."""
    x = np.clip(x, -700.0, 700.0)
    power = np.rint(x * (1 / _LN2))
    rest = x - power * _LN2
    result = np.full_like(rest, 1.0 / 40320)
    for factorial in (5040, 720, 120, 24, 6, 2, 1, 1):
        result *= rest
        result += 1.0 / factorial
    return np.ldexp(result, power.astype(np.int32))


def log(x: np.ndarray) -> np.ndarray:
    """Return the natural logarithm of positive numbers, absolute error below 1e-10."""
    fraction, power = np.frexp(x)
    low = fraction < 0.7071067811865476
    fraction = np.where(low, fraction * 2, fraction)
    z = (fraction - 1) / (fraction + 1)
    square = z * z
    series = np.full_like(z, 1.0 / 13)
    for odd in (11, 9, 7, 5, 3, 1):
        series = series * square + 1.0 / odd
    return 2 * z * series + (power - low) * _LN2


def sigmoid(x: np.ndarray) -> np.ndarray:
    """Return 1 / (1 + e^-x)."""
    return 1 / (1 + exp(-x))
