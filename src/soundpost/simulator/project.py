"""The project file of a stack: a zip with one XML of the same base name (devices.md 8), made of its state and read back.

The container, the root and the names of the stack are as a real file has them; `<Simulated>` is our own part. A file without
it, such as one that CONSOLE AI wrote, is kept as it came and handed out again byte for byte.
"""

import io
import zipfile
from xml.etree import ElementTree as Xml

from soundpost.simulator.parameters import PARAMETERS, number
from soundpost.simulator.stack import Stack

SUFFIX = ".PCCP2X"
STAMP = (2026, 1, 1, 0, 0, 0)  # the same state makes the same bytes
LARGEST = 32 << 20


def content(stack: Stack) -> bytes:
    return stack.project if stack.project is not None else _zipped(stack.spec.name, _written(stack))


def wrong(data: bytes) -> str:
    """Why it can't be loaded, or nothing."""
    return "" if _read(data) is not None else "BAD_FILE"


def load(stack: Stack, data: bytes) -> None:
    """Takes values, texts, matrix and rooms; credentials only if the switch says so."""
    root = _read(data)
    assert root is not None
    ours = root.find(".//Simulated")
    stack.project = data if ours is None else None
    if ours is None:
        return
    stack.values.clear()
    stack.matrix.clear()
    stack.rooms.clear()
    for row in ours.iter("Value"):
        parameter, value = PARAMETERS.get((row.get("block", ""), row.get("name", ""))), number(row.get("value", ""))
        ept, epn = row.get("type", ""), row.get("number", "")
        if parameter and value is not None and epn.isdecimal() and stack.has(ept, int(epn)):
            stack.values.load((ept, int(epn)), parameter, value)
    for row in ours.iter("Crosspoint"):
        stack.matrix[row.get("input", ""), row.get("output", "")] = row.get("type", "1")
    for row in ours.iter("Room"):
        stack.rooms[row.get("number", "")] = (row.get("part", ""), row.get("configuration", ""))
    settings = root.find(".//StackSettings")
    if settings is not None and stack.switches.project_sets_credentials:
        stack.user, stack.password = settings.get("UserName", stack.user), settings.get("Password", stack.password)


def _written(stack: Stack) -> bytes:
    root = Xml.Element("Root", Version="9")
    container = Xml.SubElement(Xml.SubElement(root, "CFileContainer"), "FileContainer", ApplicationID="2")
    Xml.SubElement(
        container, "Kernel_Kernel", StackName=stack.spec.name, SolutionName=stack.spec.name, LocateTimeout="30"
    )
    Xml.SubElement(container, "StackSettings", UserName=stack.user, Password=stack.password)
    for box in stack.boxes:
        Xml.SubElement(container, "Box", Name=box.spec.name, SerialNumber=box.serial, Model=box.spec.model)
    ours = Xml.SubElement(container, "Simulated")
    for key, value in sorted(stack.changed_values().items()):
        ept, epn, block, name = key.split(" ")
        Xml.SubElement(ours, "Value", type=ept, number=epn, block=block, name=name, value=value)
    for (source, sink), kind in sorted(stack.matrix.items()):
        Xml.SubElement(ours, "Crosspoint", input=source, output=sink, type=kind)
    for room, (part, configuration) in sorted(stack.rooms.items()):
        Xml.SubElement(ours, "Room", number=room, part=part, configuration=configuration)
    Xml.indent(root)
    text: bytes = Xml.tostring(root, encoding="utf-8", xml_declaration=True)
    return text


def _zipped(name: str, text: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(f"{name}{SUFFIX}", STAMP), text, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _read(data: bytes) -> Xml.Element | None:
    """The root of a container with exactly one XML of a bearable size; anything else is None."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            if len(entries) != 1 or entries[0].file_size > LARGEST:
                return None
            text = archive.read(entries[0])
        if b"<!DOCTYPE" in text[:4_096] or b"<!ENTITY" in text:
            return None
        return Xml.fromstring(text)  # noqa: S314 - entities were refused above
    except (zipfile.BadZipFile, Xml.ParseError, ValueError, EOFError, NotImplementedError, RuntimeError, OSError):
        return None
