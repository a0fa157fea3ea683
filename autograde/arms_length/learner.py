"""The learner's side: runs in the process that holds the learner's code, and answers calls.

Nothing here is trusted by the checks: whatever it answers is the learner's answer.
"""

from __future__ import annotations

import base64
import contextlib
import io
import pickle
import types
import warnings
from collections.abc import Callable, Mapping
from typing import Any

from autograde.arms_length.channel import CannotCrossError, Channel, ClosedError
from autograde.arms_length.codec import encode

_LONGEST_TEXT = 2_000
_ITERATORS = (types.GeneratorType, map, filter, zip, enumerate, range)
_MOST_ITERATED = 100_000


def serve(
    channel: Channel,
    namespace: dict[str, object],
    places: Mapping[int, dict[str, object]] | None = None,
) -> None:
    """Answer calls on the names of a namespace until the other side is gone.

    Parameters
    ----------
    channel
        The connection to the checks.
    namespace
        The names.
    places
        What the names were at certain points, to which the checks may have them go back.
    """
    learner = _Learner(channel, namespace, places or {})
    with contextlib.suppress(ClosedError):
        while True:
            learner.answer_one()


class _Learner:
    def __init__(
        self,
        channel: Channel,
        namespace: dict[str, object],
        places: Mapping[int, dict[str, object]],
    ) -> None:
        self.channel, self.namespace, self.places = channel, namespace, places
        self.objects: list[object] = []

    def answer_one(self) -> None:
        request = self.channel.receive(self._object_of)
        if request["do"] == "go to":
            self._go_to(request["place"])
            self.channel.send({"outcome": "value", "value": request["say"]})
            return
        try:
            reply = self._perform(request)
        except (KeyboardInterrupt, ClosedError):
            raise
        except BaseException as error:
            reply = {"outcome": "raised"} | self._describe(error)
        try:
            self.channel.send(reply, self._reference_to)
        except CannotCrossError as error:
            self.channel.send(
                {"outcome": "raised", "kinds": ["TypeError"], "message": str(error), "place": None}
            )

    def _go_to(self, place: int) -> None:
        """Have the names as they were at a place, as if nothing had been asked."""
        self.namespace.clear()
        self.namespace.update(self.places[place])
        self.objects = []

    def _perform(self, request: dict[str, Any]) -> dict[str, object]:
        what = request["do"]
        if what == "look up":
            if request["name"] not in self.namespace:
                return {"outcome": "undefined"}
            return {"outcome": "value", "value": self.namespace[request["name"]]}
        subject = request["on"]
        if what == "attribute":
            return {"outcome": "value", "value": getattr(subject, request["name"])}
        if what == "length":
            return {"outcome": "value", "value": len(subject)}
        if what == "items":
            items = [item for item, _ in zip(subject, range(_MOST_ITERATED), strict=False)]
            return {"outcome": "value", "value": items}
        if what == "text":
            return {"outcome": "value", "value": repr(subject)[:_LONGEST_TEXT]}
        return self._call(subject, request["arguments"], request["named"])

    def _call(
        self, function: Callable[..., object], arguments: list[object], named: dict[str, object]
    ) -> dict[str, object]:
        before = [_fingerprint(argument) for argument in arguments]
        with _quiet():
            value = function(*arguments, **named)
        changed = {
            place: argument
            for place, argument in enumerate(arguments)
            if before[place] is not None and before[place] != _fingerprint(argument)
        }
        return {"outcome": "value", "value": value, "changed": changed}

    def _reference_to(self, thing: object) -> list[object]:
        """Keep an object here and say what it is; the checks use it by that number."""
        self.objects.append(thing)
        kind = "iterator" if isinstance(thing, _ITERATORS) else "object"
        traits = [name for name in ("__len__", "__iter__", "__call__") if hasattr(thing, name)]
        return [kind, len(self.objects) - 1, type(thing).__name__, traits]

    def _object_of(self, data: object) -> object:
        """Return what the checks refer to: an object of ours, one of theirs, or a copy of it."""
        kind, content = data
        if kind == "yours":
            return self.objects[content]
        if kind == "callback":
            return self._callback(content)
        # What the checks send is trusted, and may be an estimator or a world's own object.
        return pickle.loads(base64.b64decode(content))

    def _callback(self, number: int) -> Callable[..., object]:
        def call_back(*arguments: object, **named: object) -> object:
            request = {
                "outcome": "callback",
                "number": number,
                "arguments": list(arguments),
                "named": named,
            }
            self.channel.send(request, self._reference_to)
            reply = self.channel.receive(self._object_of)
            if "raised" in reply:
                raise RuntimeError(reply["raised"])
            return reply["value"]

        return call_back

    def _describe(self, error: BaseException) -> dict[str, object]:
        """Say what was raised, and where in the learner's own code."""
        place, last, trace = None, None, error.__traceback__
        while trace is not None:
            last = trace.tb_frame.f_globals is self.namespace
            if last:
                place = [trace.tb_frame.f_code.co_name, trace.tb_lineno]
            trace = trace.tb_next
        return {
            "kinds": [kind.__name__ for kind in type(error).__mro__],
            "message": str(error)[:_LONGEST_TEXT],
            "place": place,
            "own": bool(last),
            "name": getattr(error, "name", None) if isinstance(error, NameError) else None,
        }


def _fingerprint(value: object) -> tuple[object, list[bytes]] | None:
    """Return what shows whether a value was changed in place, for those that can be."""
    if value is None or isinstance(value, (bool, int, float, str, bytes, tuple)):
        return None
    try:
        message = encode(value)
    except CannotCrossError:
        return None
    return message.tree, message.buffers


@contextlib.contextmanager
def _quiet():
    sink = io.StringIO()
    with (
        warnings.catch_warnings(),
        contextlib.redirect_stdout(sink),
        contextlib.redirect_stderr(sink),
    ):
        warnings.simplefilter("ignore")
        yield
