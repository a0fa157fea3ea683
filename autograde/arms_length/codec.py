"""Values as data: what may cross from a learner's process to the checks', and back.

A value becomes a tree of JSON and a list of buffers. Decoding builds builtins, numpy and pandas
values only: nothing is unpickled, no class or attribute is looked up by a name that was sent. What
is no such value crosses as a reference, which the receiving side decides how to treat.
"""

from __future__ import annotations

import datetime
import decimal
import fractions
import json
import re
import zoneinfo
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

LARGEST_ARRAY = 256_000_000
"""Bytes of one array."""
LARGEST_TEXT = 20_000_000
MOST_ITEMS = 2_000_000
"""Items of all containers of one message together."""
DEEPEST = 40
MOST_BITS = 100_000
"""Bits of an integer, or of a fraction's parts; arithmetic with more takes too long."""
MOST_DIGITS = 5_000
MOST_TUPLE_KEYS = 20_000
"""Tuples that are hashed in one message: theirs can be made equal, and then cost its square."""
_OFFSET = re.compile(r"UTC|(UTC)?[+-]\d\d:\d\d")
_LARGEST_KEY = 2**61 - 2

_SAFE_KINDS = "biufcmMSU"
# Extension dtypes that are rebuilt by name; any other column crosses as objects.
_EXTENSION = re.compile(
    r"string|str|boolean|U?Int(8|16|32|64)|Float(32|64)"
    r"|datetime64\[(s|ms|us|ns), (?P<zone>[\w/+:\-]+)\]"
)


class CannotCrossError(TypeError):
    """A value that can't be sent as data, or data that is no value."""


Reference = Callable[[object], object]
"""Encoding: gives the data of a reference to an object. Decoding: gives the object for it."""


@dataclass
class Message:
    """A value as it crosses: a tree that JSON can hold, and the bytes of its arrays."""

    tree: object
    buffers: list[bytes] = field(default_factory=list)

    def header(self) -> bytes:
        """Return the tree and the sizes of the buffers, as JSON."""
        sizes = [len(buffer) for buffer in self.buffers]
        return json.dumps({"tree": self.tree, "sizes": sizes}).encode()


def encode(value: object, reference: Reference | None = None) -> Message:
    """Turn a value into data.

    Parameters
    ----------
    value
        The value.
    reference
        What to send for an object that is no plain value; without it, there can be none.

    Raises
    ------
    CannotCrossError
        If the value, or something in it, is no data, or it is too large or too deep.
    """
    encoder = _Encoder(reference)
    return Message(encoder.encode(value, 0), encoder.buffers)


def decode(message: Message, reference: Reference | None = None) -> Any:
    """Turn data back into a value.

    Raises
    ------
    CannotCrossError
        If the data is no value; nothing that a sender puts there raises anything else, but for a
        MemoryError where there is no memory for it.
    """
    try:
        return _Decoder(message.buffers, reference).decode(message.tree, 0)
    except (CannotCrossError, MemoryError):  # the second is no word on the data
        raise
    except Exception as error:
        raise CannotCrossError(f"malformed data ({type(error).__name__}: {error})") from None


class _Encoder:
    def __init__(self, reference: Reference | None) -> None:
        self.reference, self.buffers, self.items = reference, [], 0

    def encode(self, value: object, depth: int) -> object:
        self.items += 1
        if depth > DEEPEST or self.items > MOST_ITEMS:
            raise CannotCrossError("the value is nested too deep, or has too many items")
        kind = type(value)
        if value is None or kind is bool:
            return value
        if kind is str:
            return self._text(value)
        writer = _WRITERS.get(kind)
        if writer is not None:
            return writer(self, value, depth + 1)
        for base, of_subclass in _SUBCLASS_WRITERS:
            if isinstance(value, base):
                return of_subclass(self, value, depth + 1)
        if self.reference is not None:
            return ["ref", self.reference(value)]
        raise CannotCrossError(f"a value of type {kind.__name__} is no data")

    def _text(self, value: str) -> str:
        if len(value) > LARGEST_TEXT:
            raise CannotCrossError(f"a text of {len(value):,} characters is too long")
        return value

    def all(self, values: Any, depth: int) -> list[object]:
        return [self.encode(value, depth) for value in values]

    def buffer(self, content: bytes) -> int:
        if len(content) > LARGEST_ARRAY:
            raise CannotCrossError(f"an array of {len(content):,} bytes is too large")
        self.buffers.append(content)
        return len(self.buffers) - 1

    def array(self, value: np.ndarray, depth: int) -> list[object]:
        value = np.asarray(value)
        if value.dtype.kind in _SAFE_KINDS:
            content = np.ascontiguousarray(value).tobytes()
            return ["array", value.dtype.str, list(value.shape), self.buffer(content)]
        if value.dtype.kind == "O":
            return ["objects", list(value.shape), self.all(value.ravel().tolist(), depth)]
        if value.dtype.kind == "T":
            return ["objects", list(value.shape), self.all(value.ravel().tolist(), depth)]
        raise CannotCrossError(f"an array of {value.dtype} is no data")

    def scalar(self, value: np.generic, depth: int) -> list[object]:
        if value.dtype.kind not in _SAFE_KINDS:
            raise CannotCrossError(f"a {value.dtype} is no data")
        return ["scalar", value.dtype.str, self.buffer(value.tobytes())]

    def column(self, values: Any, depth: int) -> list[object]:
        """Encode the values of an index, a series or a frame's column."""
        if type(values) is pd.arrays.NumpyExtensionArray:  # its subclasses hold strings
            values = values.to_numpy()
        dtype = values.dtype
        if isinstance(dtype, np.dtype) and dtype.kind in _SAFE_KINDS:
            return ["plain", self.array(np.asarray(values), depth)]
        if isinstance(dtype, pd.CategoricalDtype):
            codes = np.asarray(values.codes if hasattr(values, "codes") else values.cat.codes)
            categories = self.column(dtype.categories.array, depth)
            return ["category", self.array(codes, depth), categories, bool(dtype.ordered)]
        name = str(dtype) if _EXTENSION.fullmatch(str(dtype)) else "object"
        return ["named", name, self.all(list(values), depth)]

    def index(self, value: pd.Index, depth: int) -> list[object]:
        if isinstance(value, pd.RangeIndex):
            bounds = [value.start, value.stop, value.step]
            return ["range index", *bounds, self.encode(value.name, depth)]
        if isinstance(value, pd.MultiIndex):
            levels = [
                self.column(value.get_level_values(i).array, depth) for i in range(value.nlevels)
            ]
            return ["multi index", levels, self.all(value.names, depth)]
        return ["index", self.column(value.array, depth), self.encode(value.name, depth)]

    def series(self, value: pd.Series, depth: int) -> list[object]:
        column = self.column(value.array, depth)
        return ["series", column, self.index(value.index, depth), self.encode(value.name, depth)]

    def frame(self, value: pd.DataFrame, depth: int) -> list[object]:
        columns = [self.column(value.iloc[:, i].array, depth) for i in range(value.shape[1])]
        return ["frame", columns, self.index(value.index, depth), self.index(value.columns, depth)]

    def generator(self, value: np.random.Generator, depth: int) -> list[object]:
        return ["generator", self.encode(value.bit_generator.state, depth)]


def _pairs(encoder: _Encoder, value: dict[object, object], depth: int) -> list[object]:
    pairs = [[encoder.encode(k, depth), encoder.encode(v, depth)] for k, v in value.items()]
    return ["dict", pairs]


def _hex(value: int) -> str:
    if value.bit_length() > MOST_BITS:
        raise CannotCrossError(f"an integer of {value.bit_length():,} bits is too large")
    return hex(value)


_WRITERS: dict[type, Callable[[_Encoder, Any, int], object]] = {
    int: lambda e, v, d: v if abs(v) < 2**53 else ["int", _hex(v)],
    float: lambda e, v, d: ["float", v.hex()],
    complex: lambda e, v, d: ["complex", v.real.hex(), v.imag.hex()],
    bytes: lambda e, v, d: ["bytes", e.buffer(v)],
    bytearray: lambda e, v, d: ["bytes", e.buffer(bytes(v))],
    list: lambda e, v, d: ["list", e.all(v, d)],
    tuple: lambda e, v, d: ["tuple", e.all(v, d)],
    set: lambda e, v, d: ["set", e.all(v, d)],
    frozenset: lambda e, v, d: ["frozenset", e.all(v, d)],
    dict: _pairs,
    range: lambda e, v, d: ["range", v.start, v.stop, v.step],
    slice: lambda e, v, d: ["slice", *e.all((v.start, v.stop, v.step), d)],
    datetime.datetime: lambda e, v, d: ["datetime", v.isoformat()],
    datetime.date: lambda e, v, d: ["date", v.isoformat()],
    datetime.time: lambda e, v, d: ["time", v.isoformat()],
    datetime.timedelta: lambda e, v, d: ["timedelta", v.days, v.seconds, v.microseconds],
    decimal.Decimal: lambda e, v, d: ["decimal", str(v)],
    fractions.Fraction: lambda e, v, d: ["fraction", _hex(v.numerator), _hex(v.denominator)],
    type(pd.NaT): lambda e, v, d: ["not a time"],
    type(pd.NA): lambda e, v, d: ["not available"],
    pd.Timestamp: lambda e, v, d: ["timestamp", v.isoformat(), str(v.tz) if v.tz else None, v.unit],
    pd.Timedelta: lambda e, v, d: ["duration", v.isoformat(), v.unit],
}
# In order: a learner may send a subclass, of which only the plain value crosses.
_SUBCLASS_WRITERS: tuple[tuple[type, Callable[[_Encoder, Any, int], object]], ...] = (
    (np.ndarray, _Encoder.array),
    (np.generic, _Encoder.scalar),
    (pd.DataFrame, _Encoder.frame),
    (pd.Series, _Encoder.series),
    (pd.Index, _Encoder.index),
    (pd.api.extensions.ExtensionArray, lambda e, v, d: ["values", e.column(v, d)]),
    (np.random.Generator, _Encoder.generator),
    (dict, lambda e, v, d: _pairs(e, dict(v), d)),
    (tuple, lambda e, v, d: ["tuple", e.all(tuple(v), d)]),
    (list, lambda e, v, d: ["list", e.all(list(v), d)]),
    (str, lambda e, v, d: e._text(str.__str__(v))),
    (int, lambda e, v, d: e.encode(int.__int__(v), d)),
    (float, lambda e, v, d: e.encode(float.__float__(v), d)),
)


class _Decoder:
    def __init__(self, buffers: list[bytes], reference: Reference | None) -> None:
        self.buffers, self.reference, self.items = buffers, reference, 0
        self.tuple_keys = 0

    def decode(self, tree: object, depth: int) -> Any:
        self.items += 1
        if depth > DEEPEST or self.items > MOST_ITEMS:
            raise CannotCrossError("the data is nested too deep, or has too many items")
        if tree is None or type(tree) in (bool, str, int):
            return tree
        if type(tree) is not list or not tree or type(tree[0]) is not str:
            raise CannotCrossError("the data is no value")
        reader = _READERS.get(tree[0])
        if reader is None:
            raise CannotCrossError(f"there is no kind of value named {tree[0][:40]!r}")
        return reader(self, tree[1:], depth + 1)

    def all(self, trees: object, depth: int) -> list[Any]:
        if type(trees) is not list:
            raise CannotCrossError("a list was expected in the data")
        return [self.decode(tree, depth) for tree in trees]

    def buffer(self, number: object) -> bytes:
        if type(number) is not int or not 0 <= number < len(self.buffers):
            raise CannotCrossError("the data refers to bytes that were not sent")
        return self.buffers[number]

    def dtype(self, name: object) -> np.dtype:
        dtype = np.dtype(str(name))
        if dtype.kind not in _SAFE_KINDS or dtype.hasobject:
            raise CannotCrossError(f"arrays of {dtype} do not cross")
        return dtype

    def array(self, parts: list[object], depth: int) -> np.ndarray:
        name, shape, number = parts
        flat = np.frombuffer(self.buffer(number), dtype=self.dtype(name))
        return flat.reshape([int(size) for size in shape]).copy()

    def objects(self, parts: list[object], depth: int) -> np.ndarray:
        shape, items = parts
        flat = _object_array(self.all(items, depth))
        return flat.reshape([int(size) for size in shape])

    def column(self, parts: list[object], depth: int) -> Any:
        kind, *rest = parts
        if kind == "plain":
            return self.decode(rest[0], depth)
        if kind == "category":
            codes, categories, ordered = rest
            return pd.Categorical.from_codes(
                self.decode(codes, depth), self.column(categories, depth), ordered=bool(ordered)
            )
        if kind != "named":
            raise CannotCrossError("a column was expected in the data")
        name, items = rest
        values = self.all(items, depth)
        if name == "object":
            return _object_array(values)
        match = _EXTENSION.fullmatch(str(name))
        if not match:
            raise CannotCrossError(f"columns of {str(name)[:40]} do not cross")
        if match["zone"]:
            _zone(match["zone"])
        return pd.Series(values, dtype=str(name)).array

    def index(self, parts: list[object], depth: int) -> pd.Index:
        column, name = parts
        return pd.Index(self.column(column, depth), name=self.decode(name, depth), copy=False)

    def multi_index(self, parts: list[object], depth: int) -> pd.MultiIndex:
        levels, names = parts
        arrays = [self.column(level, depth) for level in levels]
        return pd.MultiIndex.from_arrays(arrays, names=self.all(names, depth))

    def series(self, parts: list[object], depth: int) -> pd.Series:
        column, index, name = parts
        values, labels = self.column(column, depth), self.decode(index, depth)
        _check_lengths([values], labels)
        return pd.Series(values, index=labels, name=self.decode(name, depth))

    def frame(self, parts: list[object], depth: int) -> pd.DataFrame:
        columns, index, names = parts
        labels = self.decode(index, depth)
        decoded = [self.column(column, depth) for column in columns]
        _check_lengths(decoded, labels)
        values = {place: pd.Series(column, index=labels) for place, column in enumerate(decoded)}
        frame = pd.DataFrame(values, index=labels)
        frame.columns = self.decode(names, depth)
        return frame

    def generator(self, parts: list[object], depth: int) -> np.random.Generator:
        state = self.decode(parts[0], depth)
        kinds = {kind.__name__: kind for kind in _BIT_GENERATORS}
        bits = kinds[state["bit_generator"]]()
        # numpy takes these places as they are, also outside of its arrays.
        _check_place(state["state"].get("pos", 0), 624)
        _check_place(state.get("buffer_pos", 0), 4)
        bits.state = state
        return np.random.Generator(bits)

    def key(self, value: Any) -> Any:
        """Return a value that is to be hashed, unless there can be many with the same hash.

        Numbers that are equal modulo 2**61 - 1 have one hash: a set of such numbers takes the
        square of its size in time.
        """
        if isinstance(value, (decimal.Decimal, fractions.Fraction, complex)):
            raise CannotCrossError(f"a {type(value).__name__} does not cross as a key")
        if isinstance(value, int) and abs(value) > _LARGEST_KEY:
            raise CannotCrossError("an integer is too large for a key")
        if isinstance(value, (tuple, frozenset)):
            self.tuple_keys += 1
            if self.tuple_keys > MOST_TUPLE_KEYS:
                raise CannotCrossError("there are too many tuples for keys")
            for item in value:
                self.key(item)
        return value

    def refer(self, parts: list[object], depth: int) -> object:
        if self.reference is None:
            raise CannotCrossError("a reference has no place here")
        return self.reference(parts[0])


def _check_place(place: object, most: int) -> None:
    if not isinstance(place, (int, np.integer)) or not 0 <= place <= most:
        raise CannotCrossError("a generator's state is malformed")


_BIT_GENERATORS = (
    np.random.PCG64,
    np.random.PCG64DXSM,
    np.random.MT19937,
    np.random.Philox,
    np.random.SFC64,
)


def _check_lengths(columns: list[Any], labels: object) -> None:
    """Raise for a column that pandas would stretch to the length of its index."""
    if not isinstance(labels, pd.Index) or any(len(column) != len(labels) for column in columns):
        raise CannotCrossError("a column is not as long as its index")


def _object_array(values: list[object]) -> np.ndarray:
    array = np.empty(len(values), dtype=object)
    for place, value in enumerate(values):
        array[place] = value
    return array


def _int(text: str) -> int:
    if len(text) > MOST_BITS // 4 + 4:
        raise CannotCrossError("an integer is too large")
    return int(text, 16)


def _decimal(text: str) -> decimal.Decimal:
    value = decimal.Decimal(text)
    if value.is_finite() and abs(value.adjusted()) + len(value.as_tuple().digits) > MOST_DIGITS:
        raise CannotCrossError("a decimal is too large")
    return value


def _timestamp(text: str, zone: str | None, unit: str) -> pd.Timestamp:
    stamp = pd.Timestamp(str(text)).as_unit(str(unit))
    return stamp.tz_convert(_zone(str(zone))) if zone else stamp


def _zone(name: str) -> str:
    """Return the name of a time zone; other names would have files opened."""
    if not _OFFSET.fullmatch(name) and name not in zoneinfo.available_timezones():
        raise CannotCrossError(f"there is no time zone named {name[:40]!r}")
    return name


_READERS: dict[str, Callable[[_Decoder, list[Any], int], Any]] = {
    "int": lambda r, p, d: _int(p[0]),
    "float": lambda r, p, d: float.fromhex(p[0]),
    "complex": lambda r, p, d: complex(float.fromhex(p[0]), float.fromhex(p[1])),
    "bytes": lambda r, p, d: r.buffer(p[0]),
    "list": lambda r, p, d: r.all(p[0], d),
    "tuple": lambda r, p, d: tuple(r.all(p[0], d)),
    "set": lambda r, p, d: {r.key(item) for item in r.all(p[0], d)},
    "frozenset": lambda r, p, d: frozenset(r.key(item) for item in r.all(p[0], d)),
    "dict": lambda r, p, d: {r.key(r.decode(k, d)): r.decode(v, d) for k, v in p[0]},
    "range": lambda r, p, d: range(*map(int, p)),
    "slice": lambda r, p, d: slice(*r.all(list(p), d)),
    "datetime": lambda r, p, d: datetime.datetime.fromisoformat(p[0]),
    "date": lambda r, p, d: datetime.date.fromisoformat(p[0]),
    "time": lambda r, p, d: datetime.time.fromisoformat(p[0]),
    "timedelta": lambda r, p, d: datetime.timedelta(*map(int, p)),
    "decimal": lambda r, p, d: _decimal(p[0]),
    "fraction": lambda r, p, d: fractions.Fraction(_int(p[0]), _int(p[1])),
    "not a time": lambda r, p, d: pd.NaT,
    "not available": lambda r, p, d: pd.NA,
    "timestamp": lambda r, p, d: _timestamp(*p),
    "duration": lambda r, p, d: pd.Timedelta(p[0]).as_unit(str(p[1])),
    "array": _Decoder.array,
    "objects": _Decoder.objects,
    "scalar": lambda r, p, d: np.frombuffer(r.buffer(p[1]), dtype=r.dtype(p[0]))[0],
    "values": lambda r, p, d: r.column(p[0], d),
    "index": _Decoder.index,
    "range index": lambda r, p, d: pd.RangeIndex(*map(int, p[:3]), name=r.decode(p[3], d)),
    "multi index": _Decoder.multi_index,
    "series": _Decoder.series,
    "frame": _Decoder.frame,
    "generator": _Decoder.generator,
    "ref": _Decoder.refer,
}
