"""A scripted scene from YAML. Whatever is wrong is told with its line and its field, before anything is played."""

import math
import re
from pathlib import Path
from typing import Any

import msgspec
import yaml

from soundpost.kernel.errors import Invalid
from soundpost.simulator import phones
from soundpost.simulator.faults import FAULTS, parse
from soundpost.simulator.script import Kinds, ScriptFile, Step

SUFFIXES = (".yaml", ".yml")
LARGEST = 1 << 20
MOST_STEPS = 10_000
SHORTEST_S = 0.05  # between two times of a repeated step
LONGEST_S = 30 * 86_400.0
ACTIONS = ("fault", "set", "push", "locate", "call")
_AT = re.compile(r"(.*) - at `\$\.?([^`]*)`", re.DOTALL)
_NAMED = re.compile(r"field `([^`]+)`")


class _Loader(yaml.SafeLoader):
    """`on` is a word here, as YAML 1.2 has it, and no truth value. Aliases are refused: they make little text endless."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.MarkedYAMLError(problem="aliases are not taken", problem_mark=self.peek_event().start_mark)  # type: ignore[no-untyped-call]
        return super().compose_node(parent, index)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in rows if tag != "tag:yaml.org,2002:bool"]
    for first, rows in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)


class _Wrong(Exception):
    """`field`: its path, such as `steps[2].args`."""

    def __init__(self, text: str, field: str = "") -> None:
        self.text, self.field = text, field
        super().__init__(text)


def read(path: Path, kinds: Kinds) -> ScriptFile:
    """Raises Invalid `scene_unreadable` or `scene_invalid`."""
    try:
        with path.open("rb") as file:
            text = file.read(LARGEST + 1)
    except OSError as error:
        raise Invalid(f"The scene {path} can't be read: {error.strerror}.", code="scene_unreadable") from error
    if len(text) > LARGEST:
        raise Invalid(f"The scene {path} is larger than a megabyte.", code="scene_unreadable")
    return parsed(text, str(path), kinds)


def parsed(text: bytes, name: str, kinds: Kinds) -> ScriptFile:
    lines: dict[str, int] = {"": 1}
    try:
        script = _shaped(_plain(text, lines))
        for number, step in enumerate(script.steps):
            _check(step, f"steps[{number}]", kinds)
        _check_repeat(script)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _told(name, mark.line + 1 if mark else 1, "", str(error.problem or error.context)) from error
    except yaml.YAMLError as error:
        raise _told(name, 1, "", " ".join(str(error).split())) from error
    except _Wrong as wrong:
        raise _told(name, _line_of(wrong.field, lines), wrong.field, wrong.text) from None
    return script


def _told(name: str, line: int, field: str, text: str) -> Invalid:
    where = f"{name}, line {line}" + (f", {field}" if field else "")
    return Invalid(f"{where}: {text}.", code="scene_invalid", file=name, line=line, field=field)


def _line_of(field: str, lines: dict[str, int]) -> int:
    """Of the field, or of what it would be in."""
    while field not in lines:
        field = field[: max(field.rfind("."), field.rfind("["), 0)]
    return lines[field]


# -- YAML to plain values, and the line of each


def _plain(text: bytes, lines: dict[str, int]) -> Any:
    loader = _Loader(text)
    try:
        root = loader.get_single_node()
        if not isinstance(root, yaml.MappingNode):
            raise _Wrong("a scene is a mapping with `steps`")
        return _value(loader, root, "", lines)
    finally:
        loader.dispose()


def _value(loader: _Loader, node: yaml.Node, field: str, lines: dict[str, int]) -> Any:
    lines.setdefault(field, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        found: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            key = loader.construct_object(key_node)
            inner = f"{field}.{key}" if field else str(key)
            lines[inner] = key_node.start_mark.line + 1
            if not isinstance(key, str):
                raise _Wrong("a name is expected here", inner)
            if key in found:
                raise _Wrong("it stands here twice", inner)
            found[key] = _value(loader, value_node, inner, lines)
        return found
    if isinstance(node, yaml.SequenceNode):
        return [_value(loader, item, f"{field}[{n}]", lines) for n, item in enumerate(node.value)]
    return loader.construct_object(node)


def _shaped(plain: Any) -> ScriptFile:
    try:
        return msgspec.convert(plain, ScriptFile)
    except msgspec.ValidationError as error:
        found = _AT.fullmatch(str(error))
        text, field = (found[1], found[2]) if found else (str(error), "")
        named = _NAMED.search(text)
        if named and "unknown" in text:
            field = f"{field}.{named[1]}" if field else named[1]
        raise _Wrong(text[:1].lower() + text[1:], field) from None


# -- what a shape can't say


def _check(step: Step, field: str, kinds: Kinds) -> None:
    actions = [action for action in ACTIONS if getattr(step, action) is not None]
    if len(actions) != 1:
        raise _Wrong(f"a step has one of {', '.join(ACTIONS)}; this one has {', '.join(actions) or 'none'}", field)
    _check_times(step, field)
    if step.pick is not None and step.pick < 1:
        raise _Wrong("at least 1 is drawn", f"{field}.pick")
    if step.fault is not None:
        _check_fault(step, field)
    elif step.args is not None:
        raise _Wrong("`args` are those of a `fault`", f"{field}.args")
    elif not step.on:
        raise _Wrong("`on` goes with a `fault`", f"{field}.on")
    elif step.lasts is not None:
        raise _Wrong("`for` goes with a `fault`", f"{field}.for")
    if step.push is not None and (not step.push or not step.push.isprintable()):
        raise _Wrong("it is one line without its end", f"{field}.push")
    if step.call is not None and step.call.do not in phones.FAR_END:
        raise _Wrong(f"a call can {', '.join(phones.FAR_END)}", f"{field}.call.do")
    if not step.of(kinds):
        raise _Wrong(f"no device that this can happen to has a name like {step.pattern!r}", f"{field}.stack")


def _check_times(step: Step, field: str) -> None:
    if step.at is None and step.every is None:
        raise _Wrong("a step has a time: `at`, `every` or both", field)
    for name, value, low in (
        ("at", step.at, 0.0),
        ("every", step.every, SHORTEST_S),
        ("until", step.until, 0.0),
        ("jitter", step.jitter, 0.0),
        ("for", step.lasts, 0.0),
    ):
        if value is not None and not (math.isfinite(value) and low <= value <= LONGEST_S):
            raise _Wrong(f"it is a number of seconds from {low:g} to {LONGEST_S:.0f}", f"{field}.{name}")
    if step.until is not None and step.every is None:
        raise _Wrong("`until` goes with `every`", f"{field}.until")
    begins = ("at", step.at) if step.at is not None else ("every", step.every)
    if step.until is not None and step.until < (begins[1] or 0.0):
        raise _Wrong(f"it ends before it begins (`{begins[0]}` {begins[1]:g})", f"{field}.until")
    if step.every is not None and step.jitter > step.every / 2:
        raise _Wrong("it is at most half of `every`", f"{field}.jitter")


def _check_fault(step: Step, field: str) -> None:
    assert step.fault is not None
    try:
        parse(step.fault, step.args or {})
    except Invalid as error:
        place = "fault" if step.fault not in FAULTS else "args"
        raise _Wrong(error.text.rstrip("."), f"{field}.{place}") from None
    if step.lasts is not None and (not step.on or not FAULTS[step.fault].lasts):
        raise _Wrong("this does not last, so it can't end after a time", f"{field}.for")


def _check_repeat(script: ScriptFile) -> None:
    if len(script.steps) > MOST_STEPS:
        raise _Wrong(f"a scene has at most {MOST_STEPS} steps", "steps")
    if script.repeat is None:
        return
    last = max((step.at or 0.0 for step in script.steps), default=0.0)
    if not (math.isfinite(script.repeat) and max(last, SHORTEST_S) < script.repeat <= LONGEST_S):
        raise _Wrong(f"it is a number of seconds above {max(last, SHORTEST_S):g}, the time of the last step", "repeat")
