"""The checks' side: stands in for the learner's functions and never runs the learner's code."""

from __future__ import annotations

import base64
import builtins
import functools
import pickle
import time
import types
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

import numpy as np
import pandas as pd

from autograde.arms_length.channel import CannotCrossError, ClosedError, TooSlowError
from autograde.arms_length.codec import Reference


class Line(Protocol):
    """What values are sent and received over."""

    def send(self, value: object, reference: Reference | None = None) -> None:
        """Send a value, as `Channel.send` does."""

    def receive(self, reference: Reference | None = None, *, deadline: float | None = None) -> Any:
        """Wait for a value, as `Channel.receive` does."""


class LearnerError(Exception):
    """Something that the learner's code raised, of a kind that only it knows."""


class LearnerGoneError(Exception):
    """The learner's process ended, or took longer than it may.

    Parameters
    ----------
    text
        What happened, as a sentence.
    slow
        Whether it was too slow, rather than gone.
    """

    def __init__(self, text: str, *, slow: bool = False) -> None:
        super().__init__(text)
        self.slow = slow


class Learner:
    """The learner's process, as the checks see it.

    Parameters
    ----------
    channel
        The connection to it: a channel, or what stands in for one.
    seconds
        How long one call may take.
    """

    def __init__(self, channel: Line, *, seconds: float = 30) -> None:
        self.channel, self.seconds = channel, seconds
        self.callbacks: list[Callable[..., object]] = []

    def names(self, wanted: Iterable[str]) -> dict[str, object]:
        """Return those of the names that the learner has defined, as values or stand-ins."""
        found = {}
        for name in wanted:
            try:
                reply = self._exchange({"do": "look up", "name": name})
            except CannotCrossError:  # a value that is no data counts as none
                continue
            if reply["outcome"] == "value" and "value" in reply:
                found[name] = reply["value"]
        return found

    def ask(self, do: str, subject: Stub, **request: object) -> Any:
        """Have the learner's process do something with one of its objects."""
        return self._finish(self._exchange({"do": do, "on": subject} | request))

    def call(self, subject: Stub, arguments: tuple[object, ...], named: dict[str, object]) -> Any:
        """Call one of its objects; what it changed of the arguments is changed here, too."""
        request = {"do": "call", "on": subject, "arguments": list(arguments), "named": named}
        reply = self._exchange(request)
        for place, value in (reply.get("changed") or {}).items():
            if isinstance(place, int) and 0 <= place < len(arguments):
                self._change(arguments[place], value)
        return self._finish(reply)

    def _change(self, old: object, new: object) -> None:
        """Do to an argument what the learner's code did to its copy."""
        change_in_place(old, new)

    def _exchange(self, request: dict[str, object]) -> dict[str, Any]:
        deadline = time.monotonic() + self.seconds
        try:
            self.channel.send(request, self._reference_to)
            while True:
                reply = self.channel.receive(self._stub_for, deadline=deadline)
                if type(reply) is not dict or type(reply.get("outcome")) is not str:
                    raise LearnerGoneError("The learner's process gave no proper answer.")
                if reply["outcome"] != "callback":
                    return reply
                self.channel.send(self._call_back(reply), self._reference_to)
        except TooSlowError:
            text = f"It ran for more than {self.seconds:g} s."
            raise LearnerGoneError(text, slow=True) from None
        except ClosedError:
            raise LearnerGoneError("It ended the Python process.") from None

    def _finish(self, reply: dict[str, Any]) -> Any:
        if reply["outcome"] == "value":
            return reply.get("value")
        raise _as_exception(reply)

    def _call_back(self, request: dict[str, Any]) -> dict[str, object]:
        """Run a function that a check handed over, for the learner's code."""
        try:
            number = request["number"]
            if type(number) is not int or not 0 <= number < len(self.callbacks):
                raise IndexError("no such function was handed over")
            function = self.callbacks[number]
            return {"value": function(*request["arguments"], **request["named"])}
        except Exception as error:
            return {"raised": f"{type(error).__name__}: {error}"}

    def _reference_to(self, thing: object) -> list[object]:
        """Say what a check hands over that is no data."""
        if isinstance(thing, Stub):
            return ["yours", thing._number]
        if isinstance(thing, (types.FunctionType, types.MethodType, types.LambdaType)):
            self.callbacks.append(thing)
            return ["callback", len(self.callbacks) - 1]
        try:
            return ["copy", base64.b64encode(pickle.dumps(thing)).decode()]
        except Exception as error:
            raise CannotCrossError(f"a {type(thing).__name__} cannot be handed over") from error

    def _stub_for(self, data: object) -> Stub:
        kind, number, type_name, traits = data
        if not all(type(part) is str for part in (kind, type_name, *traits)) or kind == "yours":
            raise CannotCrossError("a malformed reference")
        return _stub_class(type_name[:80], frozenset(traits))(self, int(number), type_name[:80])


class Stub:
    """Stands for an object that stays in the learner's process.

    It equals nothing but itself and has no truth value, so that no check is passed by an object
    that claims to be whatever it is compared with.
    """

    def __init__(self, learner: Learner, number: int, type_name: str) -> None:
        self.__dict__.update(_learner=learner, _number=number, _type_name=type_name)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(f"a {self._type_name} has no attribute {name!r} here")
        return self._learner.ask("attribute", self, name=name)

    def __repr__(self) -> str:
        return str(self._learner.ask("text", self))

    def __bool__(self) -> bool:
        raise TypeError(f"a {self._type_name} is no plain value: it is neither true nor false here")

    def __eq__(self, other: object) -> bool:
        return self is other

    __hash__ = object.__hash__

    def __array__(self, *arguments: object, **named: object) -> np.ndarray:
        raise TypeError(f"a {self._type_name} is no array")


def _call_stub(self: Stub, *arguments: object, **named: object) -> Any:
    return self._learner.call(self, arguments, named)


def _length_of_stub(self: Stub) -> int:
    return int(self._learner.ask("length", self))


def _items_of_stub(self: Stub) -> Iterator[Any]:
    return iter(self._learner.ask("items", self))


_TRAITS = {"__call__": _call_stub, "__len__": _length_of_stub, "__iter__": _items_of_stub}


@functools.lru_cache(maxsize=1000)
def _stub_class(type_name: str, traits: frozenset[str]) -> type[Stub]:
    """Return a class of stubs with those of the special methods that the object has.

    It bears the name of the learner's class, for messages that show it. A class takes a thousand
    times the memory of a reference: answers can hold a million of them.
    """
    methods = {name: method for name, method in _TRAITS.items() if name in traits}
    return type(type_name, (Stub,), methods)


def _as_exception(reply: dict[str, Any]) -> Exception:
    """Return what the learner's code raised, as the nearest builtin exception."""
    kinds = reply.get("kinds")
    kinds = [kind for kind in kinds if type(kind) is str] if type(kinds) is list else []
    message = reply.get("message")
    message = message if type(message) is str else ""
    place = reply.get("place")
    well_formed = type(place) is list and [type(part) for part in place] == [str, int]
    error: Exception = LearnerError(message)
    # Of these two, one would end a loop of the check, the other say that the check is broken.
    known_here = [kind for kind in kinds if kind not in ("StopIteration", "StopAsyncIteration")]
    for kind in known_here if well_formed else [k for k in known_here if "Import" not in k]:
        known = getattr(builtins, kind, None)
        if isinstance(known, type) and issubclass(known, Exception) and known is not Exception:
            error = _made(known, message)
            break
    error.learner = {  # type: ignore[attr-defined]
        "kind": kinds[0] if kinds else "Exception",
        "message": message,
        "place": tuple(place) if well_formed else None,
        "own": bool(reply.get("own")),
    }
    return error


def _made(kind: type[Exception], message: str) -> Exception:
    try:
        return kind(message)
    except TypeError:  # UnicodeDecodeError and its like want more than a message
        return LearnerError(message)


def change_in_place(old: object, new: object) -> None:
    """Give a value the content of another of its type; for those that can be changed."""
    if type(old) is not type(new):
        return
    if isinstance(old, list):
        old[:] = new
    elif isinstance(old, (dict, set)):
        old.clear()
        old.update(new)
    elif isinstance(old, np.ndarray):
        if old.shape == new.shape and old.flags.writeable:
            old[...] = new
    elif isinstance(old, pd.DataFrame):
        old.drop(index=old.index, columns=old.columns, inplace=True)  # noqa: PD002 (the point)
        for name in new.columns:
            old[name] = new[name]
    elif isinstance(old, pd.Series) and len(old) == len(new):
        old.index = new.index
        old.iloc[:] = new.to_numpy()
    elif isinstance(old, np.random.Generator):
        old.bit_generator.state = new.bit_generator.state


__all__ = ["Learner", "LearnerError", "LearnerGoneError", "Stub", "change_in_place"]
