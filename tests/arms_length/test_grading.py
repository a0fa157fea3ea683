"""Whole submissions at arm's length: a sandbox for the learner's cells, the checks apart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from autograde.arms_length.plan import Cell, Kind, Submission
from autograde.arms_length.service import MOST_WARM_LABS, GradingService
from autograde.sandbox import Limits, choose_tier

GIVEN = "import numpy as np\nlevel = 1"
GIVEN_BELOW = "level = 2\nlater = 'below'"
CHECK = "# Doubles\nanswer = double(4)\nassert answer == 8, f'twice 4 came out as {answer}'"
OTHER = "# Names itself\nassert other() == 'other', other()"
RIGHT = "def double(x):\n    return 2 * x"
OTHER_RIGHT = "def other():\n    return 'other'"
CALL_SECONDS = 2.0


@pytest.fixture(scope="module")
def service() -> Iterator[GradingService]:
    limits = Limits(memory_bytes=256 << 20)
    service = GradingService(choose_tier(), limits, workers=2)
    yield service
    service.close()


def given(source: str = GIVEN) -> tuple[Kind, str, str]:
    return Kind.GIVEN, source, ""


def answer(source: str, exercise: str = "double") -> tuple[Kind, str, str]:
    return Kind.LEARNER, source, exercise


def extra(source: str) -> tuple[Kind, str, str]:
    return Kind.LEARNER, source, ""


def play(source: str) -> tuple[Kind, str, str]:
    return Kind.PLAY, source, ""


def check(source: str = CHECK, exercise: str = "double") -> tuple[Kind, str, str]:
    return Kind.CHECK, source, exercise


def submission(*cells: tuple[Kind, str, str], files: dict[str, bytes] | None = None) -> Submission:
    made = []
    for index, (kind, source, exercise) in enumerate(cells):
        name = f"{exercise}_{index}" if kind is Kind.CHECK else ""
        made.append(Cell(index, kind, source, exercise, name, 2 if name else 0))
    return Submission(made, files or {}, call_seconds=CALL_SECONDS, total_seconds=60)


def graded(service: GradingService, *cells: tuple[Kind, str, str], **more: Any) -> dict[str, Any]:
    return service.grade(submission(*cells, **more))


def verdicts(result: dict[str, Any]) -> list[tuple[str, str]]:
    """Return status and message of each check, or the error that stands in its place."""
    found = []
    for _, cell in sorted(result["cells"].items()):
        if "verdict" in cell:
            found.append((cell["verdict"]["status"], cell["verdict"]["message"]))
        elif "error" in cell:
            found.append(tuple(cell["error"]))
    return found


def printed(result: dict[str, Any], index: int) -> str:
    return "".join(str(output.get("text", "")) for output in result["cells"][index]["outputs"])


def test_right_wrong_and_open(service: GradingService) -> None:
    right = graded(service, given(), answer(RIGHT), check())
    wrong = graded(service, given(), answer("def double(x):\n    return x"), check())
    stub = answer("def double(x):\n    raise NotImplementedError")
    unsolved = graded(service, given(), stub, check())
    assert verdicts(right) == [("passed", "")]
    assert verdicts(wrong) == [("failed", "twice 4 came out as 4")]
    assert verdicts(unsolved)[0][0] == "not started"


def test_given_names_are_as_in_a_notebook_that_runs_from_the_top(service: GradingService) -> None:
    """A given cell below takes its name back; until then the learner's value holds."""
    reads = "def double(x):\n    return 2 * x if level == {} else level"
    result = graded(
        service,
        given(),
        answer("level = 7\n" + reads.format(7)),
        check(),
        given(GIVEN_BELOW),
        answer(reads.format(2)),
        check(),
    )
    assert [status for status, _ in verdicts(result)] == ["passed", "passed"]


def test_a_name_that_is_given_further_down_is_not_there_yet(service: GradingService) -> None:
    result = graded(
        service, given(), answer(f"shown = later\n{RIGHT}"), check(), given(GIVEN_BELOW)
    )
    [(status, message)] = verdicts(result)
    assert status == "failed"
    assert message.startswith("The cell of `double` does not run: NameError: name 'later'")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("import os; os._exit(0)", "ended the Python process"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "ended the Python process"),
        ("while True: pass", "ran for more than 2 s and was stopped"),
        ("while True:\n        try:\n            pass\n        except BaseException: pass", "2 s"),
    ],
)
def test_a_function_that_does_not_come_back_costs_its_exercise(
    service: GradingService, body: str, reason: str
) -> None:
    result = graded(
        service,
        given(),
        answer(f"def double(x):\n    {body}"),
        check(),
        check(),
        extra("kept = 'still here'"),
        answer("def other():\n    return 'other' if kept else ''", "other"),
        check(OTHER, "other"),
    )
    stopped, not_run, other = verdicts(result)
    assert stopped[0] == "Stopped"
    assert reason in stopped[1]
    assert not_run[0] == "NotRun"
    assert other == ("passed", "")
    assert any(reason in note and "`double`" in note for note in result["notes"])


def test_a_cell_that_never_ends_is_left_out_when_the_rest_is_brought_back(
    service: GradingService,
) -> None:
    result = graded(
        service,
        given(),
        extra("before = 1"),
        answer(RIGHT),
        extra("while True: pass"),
        check(),
        answer("def other():\n    return 'other' if before else ''", "other"),
        check(OTHER, "other"),
    )
    assert [status for status, _ in verdicts(result)] == ["Stopped", "passed", "passed"]
    assert result["notes"] == ["A cell ran for more than 2 s and was stopped."]


@pytest.mark.parametrize(
    ("keep", "show"),
    [
        ("heard = []\ndef tell(x):\n    heard.append(x)", "print(heard)"),
        (
            "import pathlib\nkept = pathlib.Path('kept')\n"
            "def tell(x):\n    kept.write_text(str(x))",
            "print([] if not kept.exists() else kept.read_text())",
        ),
        (
            "import mmap, tempfile\nbelow = tempfile.TemporaryFile()\nbelow.truncate(10)\n"
            "kept = mmap.mmap(below.fileno(), 10)\ndef tell(x):\n    kept[0] = x",
            "print([byte for byte in kept[:] if byte])",
        ),
    ],
    ids=["object", "file", "shared memory"],
)
def test_what_a_check_asks_never_reaches_the_cells_below(
    service: GradingService, keep: str, show: str
) -> None:
    spy = f"{keep}\ndef double(x):\n    tell(x)\n    return 2 * x"
    result = graded(service, given(), answer(spy), check(), extra(show))
    assert verdicts(result) == [("passed", "")]
    assert printed(result, 3) == "[]\n"


def test_a_copy_that_died_is_replaced_for_the_next_exercise(service: GradingService) -> None:
    """Checks of several exercises stand together; each sees its own state."""
    result = graded(
        service,
        given(),
        answer("import os\ndef double(x):\n    os._exit(0)"),
        answer(OTHER_RIGHT, "other"),
        check(),
        check(OTHER, "other"),
        answer("def other():\n    return 'changed'", "other"),
        check(OTHER, "other"),
    )
    stopped, right, wrong = verdicts(result)
    assert stopped[0] == "Stopped"
    assert right == ("passed", "")
    assert wrong == ("failed", "changed")


def test_known_answers_spare_the_check_its_work_and_new_ones_do_not(
    service: GradingService,
) -> None:
    source = (
        "# Works hard\n"
        "worked = sum(range(100_000))\n"
        "first = double(worked)\n"
        "second = double(first)\n"
        "assert second == 4 * worked, f'{first} and then {second}'"
    )
    cells = given(), answer(RIGHT), check(source)
    first = graded(service, *cells)
    again = graded(service, given(), answer(f"# another way\n{RIGHT}"), check(source))
    late = "def double(x):\n    return 2 * x if x == 4999950000 else -1"
    wrong = graded(service, given(), answer(late), check(source))
    assert (first["spared"], again["spared"], wrong["spared"]) == (0, 1, 0)
    assert verdicts(first) == verdicts(again) == [("passed", "")]
    assert verdicts(wrong) == [("failed", "9999900000 and then -1")]


def test_a_check_that_asks_at_random_is_run_each_time(service: GradingService) -> None:
    source = (
        "# Random\nimport secrets\nx = secrets.randbelow(10**9)\n"
        "assert double(x) == 2 * x, 'not twice'"
    )
    results = [graded(service, given(), answer(RIGHT), check(source)) for _ in range(3)]
    wrong = graded(service, given(), answer("def double(x):\n    return 2 * x + 1"), check(source))
    assert [verdicts(result) for result in results] == [[("passed", "")]] * 3
    assert verdicts(wrong) == [("failed", "not twice")]


def test_a_verdict_is_not_handed_on_to_another_check(service: GradingService) -> None:
    """Same name, same questions, other source: another check."""
    softer = CHECK.replace("answer == 8", "answer >= 4").replace("# Doubles", "# Grows")
    same = answer("def double(x):\n    return x + 1")
    assert verdicts(graded(service, given(), same, check()))[0][0] == "failed"
    assert verdicts(graded(service, given(), same, check(softer)))[0][0] == "passed"


def test_all_checks_of_an_exercise_share_its_time(service: GradingService) -> None:
    slow = "import time\ndef double(x):\n    time.sleep(1.2)\n    return 2 * x"
    result = graded(service, given(), answer(slow), check(), check(CHECK + "\n"))
    assert [name for name, _ in verdicts(result)] == ["passed", "Stopped"]


def test_files_beside_the_notebook_can_be_read_and_imported(service: GradingService) -> None:
    files = {"helper.py": b"factor = 2", "numpy.py": b"raise SystemError", "data/a.txt": b"4"}
    source = "import numpy\nfrom helper import factor\ndef double(x):\n    return factor * x"
    read = extra("print(open('data/a.txt').read())")
    result = graded(service, given(), answer(source), read, check(), files=files)
    assert verdicts(result) == [("passed", "")]
    assert printed(result, 2) == "4\n"


def test_too_much_memory_is_named(service: GradingService) -> None:
    grab = (
        "import os, time\n"
        "def double(x):\n"
        "    for _ in range(4):\n"
        "        if os.fork() == 0:\n"
        "            kept = bytearray(150_000_000)\n"
        "            for place in range(0, len(kept), 4096): kept[place] = 1\n"
        "            time.sleep(60)\n"
        "    time.sleep(60)\n"
    )
    result = graded(service, given(), answer(grab), check())
    [(name, text)] = verdicts(result)
    assert name == "Stopped"
    assert "memory" in text


def test_play_cells_run_only_where_a_learners_cell_reads_what_they_bind(
    service: GradingService,
) -> None:
    plays = play("outcome = double(21)")
    plain = graded(service, given(), answer(RIGHT), plays, check())
    assert 2 not in plain["cells"]
    reading = graded(service, given(), answer(RIGHT), plays, check(), extra("print(outcome)"))
    assert printed(reading, 4) == "42\n"


@pytest.mark.parametrize(
    ("source", "needed"),
    [
        ("def double(outcome):\n    return outcome", False),
        ("def double(x):\n    outcome = x\n    return outcome", False),
        ("def double(x):\n    return outcome", True),
        ("%time print(outcome)", True),
        ("outcome = 3\nprint(outcome)", False),
        ("this is no Python", False),
    ],
)
def test_reading_a_name_of_a_play_cell_is_told_from_using_the_same_word(
    source: str, needed: bool
) -> None:
    made = submission(given(), answer(source), play("%%play double\noutcome = 1"), check())
    assert made.needs_plays() is needed


def test_a_submission_survives_the_way_to_another_machine() -> None:
    made = submission(given(), answer(RIGHT), check(), files={"a": b"\x00"})
    there = Submission.from_data(made.as_data())
    assert there == made
    assert there.key == made.key
    assert submission(given(), answer("x"), check()).key != made.key


def test_hosts_that_are_killed_are_started_anew(service: GradingService) -> None:
    with service._lab([GIVEN]) as lab:
        lab.given.result()
        lab._process.kill()
    assert verdicts(graded(service, given(), answer(RIGHT), check())) == [("passed", "")]


def test_an_answer_that_ends_the_checks_process_costs_its_exercise(
    service: GradingService,
) -> None:
    """What a learner returns must not do this; if ever it does, the rest is still graded."""
    deadly = "# Dies\nimport os\nif double(4) == 'end':\n    os._exit(1)\nassert double(4) == 8"
    ends = answer("def double(x):\n    return 'end'")
    other = answer(OTHER_RIGHT, "other")
    result = graded(service, given(), ends, check(deadly), other, check(OTHER, "other"))
    assert verdicts(result) == [
        ("Stopped", "Stopped: `double` gave an answer that could not be looked at."),
        ("passed", ""),
    ]
    assert result["notes"] == ["`double` gave an answer that could not be looked at."]


def test_outputs_beyond_all_bounds_cost_their_cell(service: GradingService) -> None:
    """A process that does not keep to its bounds is a hostile one."""
    flood = (
        "from autograde.arms_length import shell\nshell.MOST_TEXT = 10**9\nprint('x' * 15_000_000)"
    )
    result = graded(service, given(), extra(flood), answer(RIGHT), check())
    assert [name for name, _ in verdicts(result)] == ["Stopped", "passed"]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("2 ** 200_000", "too large"),
        ("__import__('fractions').Fraction(1, 2 ** 200_000)", "too large"),
        ("{n * (2 ** 61 - 1) for n in range(10, 5000)}", "too large for a key"),
        ("__import__('decimal').Decimal('1e999999')", "too large"),
    ],
)
def test_numbers_that_would_cost_the_checks_dearly_do_not_cross(
    service: GradingService, value: str, message: str
) -> None:
    costly = answer(f"def double(x):\n    return {value}")
    [(status, text)] = verdicts(graded(service, given(), costly, check()))
    assert status == "failed"
    assert message in text


def test_a_submission_of_many_megabytes_is_no_matter(service: GradingService) -> None:
    large = [extra(f"# {'é' * 150_000}") for _ in range(120)]
    result = graded(service, given(), answer(RIGHT), *large, check())
    assert verdicts(result) == [("passed", "")]


@pytest.mark.parametrize("reply", ["[]", "{'outputs': 3}", "{'outputs': [], 'error': 5}"])
def test_a_forged_reply_to_a_cell_costs_no_other_exercise(
    service: GradingService, reply: str
) -> None:
    forge = (
        "import gc\n"
        "from autograde.arms_length.channel import Channel\n"
        "[line] = [thing for thing in gc.get_objects() if isinstance(thing, Channel)]\n"
        f"line.send({reply})"
    )
    result = graded(
        service, given(), extra(forge), answer(OTHER_RIGHT, "other"), check(OTHER, "other")
    )
    assert all(name in ("Stopped", "passed", "NotRun") for name, _ in verdicts(result))


def test_what_an_answer_does_to_given_objects_ends_with_the_check(service: GradingService) -> None:
    """A change of an argument is seen by the check that passed it, and by nobody else."""
    table = given("spec = {'limit': 8}")
    passes_it = check("# Passes a given object\nassert double(4) == 8\nother(spec)", "double")
    judges = check("# Judges by it\nassert double(4) >= spec['limit'], spec", "double")
    sees = check("# Sees the change\nmine = [1]\nother(mine)\nassert mine == [], mine", "other")
    harmful = answer("def other(thing):\n    thing.clear()", "other")
    eight = answer("def double(x):\n    return 8")
    first = graded(service, given(), table, eight, harmful, passes_it, judges, sees)
    assert verdicts(first) == [("passed", "")] * 3
    poison = answer("def other(thing):\n    thing['limit'] = 0", "other")
    three = answer("def double(x):\n    return 8 if x == 4 else 3")
    other_judge = check("# Judges by it\nassert double(5) >= spec['limit'], spec", "double")
    cheat = graded(service, given(), table, three, poison, passes_it, other_judge)
    assert [status for status, _ in verdicts(cheat)] == ["passed", "failed"]
    accomplice = graded(service, given(), table, three, answer(OTHER_RIGHT, "other"), other_judge)
    assert verdicts(accomplice)[0][0] == "failed"
    honest = graded(service, given(), table, answer(RIGHT), poison, other_judge)
    assert verdicts(honest) == [("passed", "")]


@pytest.mark.parametrize(
    ("kept", "change"),
    [
        ("[3, 4]", "thing.append(5)"),
        ("[[3], 4]", "thing[0].append(5)"),
        ("{'a': 1}", "thing['a'] = 2"),
        ("{1, 2}", "thing.add(3)"),
        ("np.arange(4.0)", "thing[0] = 9"),
        ("np.random.default_rng(3)", "thing.random()"),
        ("pd.DataFrame({'a': [1, 2]})", "thing['b'] = 3"),
        ("pd.Series([1.0, 2.0], index=['x', 'y'])", "thing['x'] = 7"),
    ],
)
def test_a_check_finds_given_objects_as_they_are_given(
    service: GradingService, kept: str, change: str
) -> None:
    """Whatever an answer did to them when another check of the same submission ran."""
    table = given(f"import numpy as np\nimport pandas as pd\nkept = {kept}")
    text = "from autograde.arms_length.codec import encode\ntext = repr(encode(kept))\n"
    shown = check(f"# Shows it\n{text}assert double(4) == 9, (text, np.random.random())")
    changes = check(
        f"# Changes it\n{text}before = text\ndouble(kept)\n{text}"
        "assert double(4) == 9, 'seen' if text != before else 'not seen'"
    )
    answers = answer(
        f"def double(thing):\n    if type(thing) is not int:\n        {change}\n    return 8"
    )
    found = verdicts(graded(service, table, answers, shown, changes, shown, changes))
    assert found[0] == found[2]
    assert found[0][0] == "failed"
    assert found[1] == found[3] == ("failed", "seen")


def test_what_a_given_function_does_for_an_answer_ends_with_the_check(
    service: GradingService,
) -> None:
    log = given("log = []\ndef note(x):\n    log.append(x)\n    return len(log)")
    hands_it_over = check("# Hands it over\nassert double(note) == 2, (double(4), log)")
    shows = check("# Shows it\nassert double(4) == 9, log")
    twice = answer(
        "def double(thing):\n    return 8 if type(thing) is int else thing('a') and thing('b')"
    )
    found = verdicts(graded(service, log, twice, hands_it_over, shows, hands_it_over))
    assert found == [("passed", ""), ("failed", "[]"), ("passed", "")]


@pytest.mark.parametrize("more", ["", "print('mine')\n"])
def test_each_exercise_is_asked_with_the_names_of_its_place(
    service: GradingService, more: str
) -> None:
    """Whether one copy of the learner's process serves all checks, or each exercise has its own."""
    first = answer(f"{more}def double(x):\n    global seen\n    seen = x\n    return 2 * x")
    second = answer("def other():\n    return 'seen' if 'seen' in globals() else 'other'", "other")
    redefined = answer("def double(x):\n    return 3 * x", "again")
    thrice = check("# Thrice\nassert double(4) == 12, double(4)", "again")
    cells = given(), first, check(), second, check(OTHER, "other"), redefined, thrice
    assert verdicts(graded(service, *cells)) == [("passed", "")] * 3


@pytest.mark.parametrize("more", ["", "print('mine')\n"])
def test_an_exercise_that_ends_the_process_leaves_the_next_one_whole(
    service: GradingService, more: str
) -> None:
    ends = answer(f"{more}def double(x):\n    import os\n    os._exit(3)")
    cells = given(), ends, check(), answer(OTHER_RIGHT, "other"), check(OTHER, "other")
    found = verdicts(graded(service, *cells))
    assert found == [
        ("Stopped", "Stopped: `double` ended the Python process."),
        ("passed", ""),
    ]


def test_many_large_submissions_do_not_wait_for_each_other_for_ever() -> None:
    """All three parties had more to send than fits on the way, and none was listening."""
    service = GradingService(choose_tier(), workers=4)
    try:
        flood = extra("print('x' * 190_000)")
        made = [
            submission(
                given(), *[flood] * 10, answer(RIGHT), check(), files={"a": bytes([n]) * 2_000_000}
            )
            for n in range(12)
        ]
        for item in made:
            service.prepare(item)
        results = [service.grade(item) for item in made]
        assert all(verdicts(result) == [("passed", "")] for result in results)
    finally:
        service.close()


def test_an_exception_that_ends_loops_does_not_end_the_checks(service: GradingService) -> None:
    ends = answer("def double(x):\n    raise StopIteration")
    loop = check("# All\nassert all(map(lambda x: double(x) == 2 * x, [1, 2, 3])), 'no'")
    [(status, message)] = verdicts(graded(service, given(), ends, loop))
    assert status == "failed"
    assert "StopIteration" in message


REFERENCES = """\
def double(x):
    from autograde.arms_length import channel
    import struct
    plain = channel.Channel.send
    def send(self, value, reference=None):
        channel.Channel.send = plain
        tree = '["list",[' + ",".join(['["ref",["",0,"",[]]]'] * 150_000) + "]]"
        tree = '["dict",[["outcome","value"],["value",' + tree + "]]]"
        header = ('{"tree":' + tree + ',"sizes":[]}').encode()
        self.connection.sendall(struct.pack("!I", len(header)) + header)
    channel.Channel.send = send
    return 0
"""


def test_an_answer_that_fills_memory_does_not_cost_others_their_points(
    service: GradingService,
) -> None:
    """A million objects stay until they are collected; what needs memory then, fails."""
    loop = "def same(a, b):\n    return a == b\n"
    takes = [check(f"# {n}\n{loop}answer = double(4)\nassert same(answer, 8)") for n in range(4)]
    large = "# Large\ndata = np.ones(60_000_000)\nassert other() == 'other'\nassert data.sum()"
    cells = [answer(OTHER_RIGHT, "other"), check(large, "other")]
    attack = service.grade(
        replace(submission(given(), answer(REFERENCES), *takes, *cells), call_seconds=40)
    )
    honest = graded(service, given(), answer(RIGHT), *takes, *cells)
    assert verdicts(attack)[-1] == ("passed", "")
    assert verdicts(honest) == [("passed", "")] * 5


OUT_OF_BAND = """\
import os, socket, stat, time
def connections():
    for number in range(3, 50):
        try:
            if stat.S_ISSOCK(os.fstat(number).st_mode):
                yield socket.socket(fileno=os.dup(number))
        except OSError:
            pass
def double(x):
    for connection in connections():
        try:
            connection.send(b"x", socket.MSG_OOB)
        except OSError:
            pass
    time.sleep(60)
"""


def test_a_byte_out_of_band_does_not_make_the_checks_wait(service: GradingService) -> None:
    """With it a connection seems to have something to read, and has not."""
    cells = (
        given(),
        answer(OUT_OF_BAND),
        check(),
        answer(OTHER_RIGHT, "other"),
        check(OTHER, "other"),
    )
    stopped, passed = verdicts(graded(service, *cells))
    assert stopped[1] == "Stopped: `double` ran for more than 2 s and was stopped."
    assert passed == ("passed", "")


def test_an_answer_too_many_is_not_taken_for_the_next_exercises(service: GradingService) -> None:
    twice = (
        "def double(x):\n"
        "    from autograde.arms_length import channel\n"
        "    plain = channel.Channel.send\n"
        "    def send(self, value, reference=None):\n"
        "        channel.Channel.send = plain\n"
        "        plain(self, value, reference)\n"
        "        plain(self, value, reference)\n"
        "    channel.Channel.send = send\n"
        "    return 2 * x"
    )
    cells = given(), answer(twice), check(), answer(OTHER_RIGHT, "other"), check(OTHER, "other")
    assert verdicts(graded(service, *cells)) == [("passed", "")] * 2


def test_more_labs_at_once_than_are_kept_are_all_graded() -> None:
    service = GradingService(choose_tier(), workers=MOST_WARM_LABS + 2)
    slow = answer("import time\ndef double(x):\n    time.sleep(1)\n    return 2 * x")
    labs = [submission(given(f"lab = {n}"), slow, check()) for n in range(MOST_WARM_LABS + 2)]
    try:
        for lab in labs:
            service.prepare(lab)
        assert [verdicts(service.grade(lab)) for lab in labs] == [[("passed", "")]] * len(labs)
    finally:
        service.close()


def test_what_ends_the_checks_again_and_again_takes_no_more_than_twice_its_time() -> None:
    """Each attempt anew leaves the exercise out at which the last one ended."""
    service = GradingService(choose_tier())
    dies = "# Dies\nimport os, time\nif {0}() == 'end':\n    time.sleep(1.5)\n    os._exit(1)"
    names = ["one", "two", "three", "four"]
    cells = [given()]
    for name in names:
        cells += [answer(f"def {name}():\n    return 'end'", name), check(dies.format(name), name)]
    made = replace(submission(*cells), total_seconds=3)
    try:
        found = verdicts(service.grade(made))
    finally:
        service.close()
    assert {kind for kind, _ in found} <= {"Stopped", "NotRun"}
    assert found[-1] == ("NotRun", "Not run: the notebook used up its 3 s.")
