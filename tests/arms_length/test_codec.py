"""Values that cross between processes: what arrives is what was sent, and nothing else can."""

from __future__ import annotations

import datetime
import decimal
import fractions
import json
import math

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal, assert_index_equal, assert_series_equal

from autograde.arms_length.codec import CannotCrossError, Message, decode, encode


def crossed(value: object) -> object:
    """Send a value as bytes would be sent: through JSON and back."""
    import json

    message = encode(value)
    header = json.loads(message.header())
    return decode(Message(header["tree"], message.buffers))


PLAIN = [
    None,
    True,
    0,
    -(2**70),
    0.1,
    -0.0,
    math.inf,
    1 + 2j,
    "tëxt",
    b"bytes",
    [1, [2.5, "x"]],
    (1, (2,)),
    {1, 2},
    frozenset({"a"}),
    {"a": 1, 2: [3]},
    range(1, 9, 2),
    slice(1, None, 2),
    datetime.datetime(2025, 3, 1, 12, tzinfo=datetime.UTC),
    datetime.date(2025, 3, 1),
    datetime.time(1, 2, 3),
    datetime.timedelta(days=-1, microseconds=5),
    decimal.Decimal("1.10"),
    fractions.Fraction(1, 3),
    pd.Timestamp("2025-03-01 12:00", tz="Europe/Berlin"),
    pd.Timedelta(days=3, seconds=1),
]


@pytest.mark.parametrize("value", PLAIN, ids=repr)
def test_plain_values_cross(value: object) -> None:
    arrived = crossed(value)
    assert type(arrived) is type(value)
    assert arrived == value


def test_the_values_that_equal_nothing_cross() -> None:
    assert math.isnan(crossed(math.nan))
    assert crossed(pd.NaT) is pd.NaT
    assert crossed(pd.NA) is pd.NA


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6, dtype=np.int16).reshape(2, 3),
        np.array([0.1, np.nan]),
        np.array([True, False]),
        np.array(["a", "longer"]),
        np.array(["2025-01-01"], dtype="datetime64[s]"),
        np.array([], dtype=float),
        np.array(3.0),
        np.array([[1, 2], [3, 4]])[:, ::-1],
        np.array([1, "x", None], dtype=object),
    ],
    ids=lambda array: f"{array.dtype} {array.shape}",
)
def test_arrays_cross(array: np.ndarray) -> None:
    arrived = crossed(array)
    assert arrived.dtype == array.dtype
    assert arrived.shape == array.shape
    np.testing.assert_array_equal(arrived, array)


def test_a_numpy_scalar_stays_one() -> None:
    arrived = crossed(np.float32(0.1))
    assert type(arrived) is np.float32
    assert arrived == np.float32(0.1)


def frame() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "count": [1, 2, 3],
            "share": [0.5, np.nan, 1],
            "name": ["a", None, "c"],
            "kind": pd.Categorical(["x", "y", "x"], categories=["y", "x"], ordered=True),
            "seen": pd.to_datetime(["2025-01-01", None, "2025-01-03"]),
            "zoned": pd.to_datetime(["2025-01-01"] * 3, utc=True),
            "maybe": pd.array([1, None, 3], dtype="Int64"),
        },
        index=pd.Index([7, 5, 6], name="row"),
    )


def test_frames_series_and_indexes_cross() -> None:
    assert_frame_equal(crossed(frame()), frame())
    assert_frame_equal(crossed(frame().iloc[:0]), frame().iloc[:0])
    assert_frame_equal(crossed(pd.DataFrame()), pd.DataFrame())
    assert_series_equal(crossed(frame()["kind"]), frame()["kind"])
    several = frame().set_index(["name", "count"]).index
    assert_index_equal(crossed(several), several)
    assert_index_equal(crossed(pd.RangeIndex(1, 9, 3)), pd.RangeIndex(1, 9, 3))


def test_columns_of_one_name_cross() -> None:
    twice = pd.DataFrame([[1, 2.5]], columns=["a", "a"])
    assert_frame_equal(crossed(twice), twice)


def test_a_generator_goes_on_where_it_was() -> None:
    generator = np.random.default_rng(3)
    generator.random(5)
    assert crossed(generator).random() == generator.random()


def test_of_a_subclass_only_the_plain_value_crosses() -> None:
    class AlwaysEqual(int):
        def __eq__(self, other: object) -> bool:
            return True

        __hash__ = int.__hash__

    arrived = crossed(AlwaysEqual(3))
    assert type(arrived) is int
    assert arrived != 4


@pytest.mark.parametrize(
    "value",
    [object(), lambda: 1, type, open, np.dtype([("a", int)]), np.zeros(2, dtype=[("a", int)])],
    ids=["object", "function", "class", "builtin", "dtype", "structured"],
)
def test_what_is_no_data_does_not_cross(value: object) -> None:
    with pytest.raises(CannotCrossError):
        encode(value)


def test_depth_and_number_of_items_are_bounded() -> None:
    deep: list[object] = []
    for _ in range(100):
        deep = [deep]
    with pytest.raises(CannotCrossError, match="too deep"):
        encode(deep)
    looped: list[object] = []
    looped.append(looped)
    with pytest.raises(CannotCrossError, match="too deep"):
        encode(looped)


HOSTILE = [
    ["pickle", "x"],
    ["array", "|O", [1], 0],
    ["array", "<f8", [10**12], 0],
    ["array", "<f8", [-1, -1], 0],
    ["array", "<f8", [1], 5],
    ["array", "<f8", [1], True],
    ["scalar", "O", 0],
    ["dict", [[["list", []], 1]]],
    ["dict", [[1]]],
    ["int", "not hex"],
    ["timestamp", "never", None, "s"],
    ["series", ["named", "builtins.eval", []], ["range index", 0, 0, 1, None], None],
    ["generator", ["dict", [["bit_generator", "os.system"]]]],
    ["ref", ["object", 1, "x", []]],
    [["list"]],
    {"a": 1},
    [],
    3.5,
]


@pytest.mark.parametrize("tree", HOSTILE, ids=str)
def test_hostile_data_is_refused_and_nothing_else_happens(tree: object) -> None:
    with pytest.raises(CannotCrossError):
        decode(Message(tree, [b"12345678"]))


def test_nested_data_is_bounded_when_it_is_read() -> None:
    tree: list[object] = ["list", []]
    for _ in range(200):
        tree = ["list", [tree]]
    with pytest.raises(CannotCrossError, match="too deep"):
        decode(Message(tree))


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        ("MT19937", {"key": np.zeros(624, np.uint32), "pos": 700}),
        ("Philox", {"counter": np.zeros(4, np.uint64), "key": np.zeros(2, np.uint64)}),
    ],
)
def test_a_generator_that_would_read_beside_its_state_is_refused(
    kind: str, state: dict[str, object]
) -> None:
    places = {"buffer": np.zeros(4, np.uint64), "buffer_pos": -2} if kind == "Philox" else {}
    forged = {"bit_generator": kind, "state": state, "has_uint32": 0, "uinteger": 0} | places
    message = encode(forged)
    with pytest.raises(CannotCrossError, match="state is malformed"):
        decode(Message(["generator", message.tree], message.buffers))


@pytest.mark.parametrize("zone", ["dateutil//etc/hosts", "../../etc/hosts", "Nowhere/Town"])
def test_a_time_zone_that_would_open_a_file_is_refused(zone: str) -> None:
    with pytest.raises(CannotCrossError, match="no time zone"):
        decode(Message(["timestamp", "2026-01-01T00:00:00", zone, "ns"]))


def test_a_column_is_not_stretched_to_a_long_index() -> None:
    whole = encode(pd.DataFrame({"a": [1.0]}))
    tree = json.loads(json.dumps(whole.tree))
    tree[2] = ["range index", 0, 10**9, 1, None]
    with pytest.raises(CannotCrossError, match="not as long as its index"):
        decode(Message(tree, whole.buffers))
