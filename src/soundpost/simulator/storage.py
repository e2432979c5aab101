"""The folders of a stack's file service as aioftp wants them: `/project/<stack>.PCCP2X` is made when it is asked for."""

import io
import stat
from collections.abc import AsyncIterable
from os import stat_result
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import aioftp
from aioftp.common import AbstractAsyncLister

from soundpost.simulator import project
from soundpost.simulator.stack import Stack
from soundpost.simulator.transfers import FIRMWARE, PROJECT

FOLDERS = ("/", PROJECT.rstrip("/"), FIRMWARE.rstrip("/"))
FILES_LIMIT = 32

if TYPE_CHECKING:
    Base = aioftp.AbstractPathIO[PurePath]
else:
    Base = aioftp.AbstractPathIO


class Upload(io.BytesIO):
    """Becomes the stack's file when it is closed."""

    def __init__(self, content: bytes, path: str) -> None:
        super().__init__(content)
        self.path = path


class Storage(Base):
    """Uploaded files lie in `Stack.files`; only the two folders are there, and nobody makes others."""

    stack: Stack

    def _content(self, path: PurePath) -> bytes | None:
        name = path.as_posix()
        uploaded = self.stack.files.get(name)
        return project.content(self.stack) if uploaded is None and name == own_project(self.stack) else uploaded

    async def exists(self, path: PurePath) -> bool:
        return await self.is_dir(path) or await self.is_file(path)

    async def is_dir(self, path: PurePath) -> bool:
        return path.as_posix() in FOLDERS

    async def is_file(self, path: PurePath) -> bool:
        return path.as_posix() in (*self.stack.files, own_project(self.stack))

    async def mkdir(self, path: PurePath, *, parents: bool = False, exist_ok: bool = False) -> None:
        raise _refused("folders can't be made")

    async def rmdir(self, path: PurePath) -> None:
        raise _refused("folders can't be removed")

    async def unlink(self, path: PurePath) -> None:
        if self.stack.files.pop(path.as_posix(), None) is None:
            raise _refused("this file stays")

    def list(self, path: PurePath) -> AsyncIterable[PurePath]:
        names = sorted({*FOLDERS[1:], *self.stack.files, own_project(self.stack)})
        found = iter([path / name.rpartition("/")[2] for name in names if _folder(name) == path.as_posix()])

        class Lister(AbstractAsyncLister[PurePath]):
            async def __anext__(self) -> PurePath:
                for entry in found:
                    return entry
                raise StopAsyncIteration

        return Lister(timeout=self.timeout)

    async def stat(self, path: PurePath) -> stat_result:
        content = self._content(path)
        mode = stat.S_IFDIR | 0o755 if content is None else stat.S_IFREG | 0o644
        changed = self.stack.clock.now_ms() // 1_000
        size = max(0, len(content) + self.stack.hindrance.size_off) if content is not None else 0
        return stat_result((mode, 0, 0, 1, 0, 0, size, changed, changed, changed))

    async def _open(self, path: PurePath, mode: str = "rb") -> io.BytesIO:
        name, content = path.as_posix(), self._content(path)
        if mode == "rb":
            if content is None:
                raise _refused("there is no such file")
            return io.BytesIO(content)
        if _folder(name) not in FOLDERS[1:] or (name not in self.stack.files and len(self.stack.files) >= FILES_LIMIT):
            raise _refused("it can't be kept there")
        upload = Upload(b"" if mode == "wb" else content or b"", name)
        upload.seek(0, io.SEEK_END if mode == "ab" else io.SEEK_SET)
        return upload

    async def seek(self, file: io.BytesIO, offset: int, whence: int = io.SEEK_SET) -> int:
        return file.seek(offset, whence)

    async def write(self, file: io.BytesIO, buffer: Any) -> int:
        if file.tell() + len(buffer) > self.stack.switches.ftp_limit_mb << 20:
            raise _refused("the file is too large")
        taken = 0
        while taken < len(buffer):
            more = await self._allowed(file, len(buffer) - taken)
            if not more:
                break  # what comes after a quiet end is not kept
            taken += file.write(buffer[taken : taken + more])
        return len(buffer)

    async def _allowed(self, file: io.BytesIO, wanted: int) -> int:
        return await self.stack.hindrance.allowed(file.tell(), wanted, self.stack.clock)

    async def read(self, file: io.BytesIO, size: int | None = -1) -> bytes:
        there = len(file.getbuffer()) - file.tell()
        wanted = there if size is None or size < 0 else min(size, there)
        return file.read(await self._allowed(file, wanted)) if wanted > 0 else b""

    async def close(self, file: io.BytesIO) -> None:
        if isinstance(file, Upload):
            self.stack.files[file.path] = file.getvalue()
        file.close()

    async def rename(self, source: PurePath, destination: PurePath) -> PurePath:
        content = self.stack.files.get(source.as_posix())
        if content is None or _folder(destination.as_posix()) not in FOLDERS[1:]:
            raise _refused("it can't be renamed so")
        del self.stack.files[source.as_posix()]
        self.stack.files[destination.as_posix()] = content
        return destination


def own_project(stack: Stack) -> str:
    return f"{PROJECT}{stack.spec.name}{project.SUFFIX}"


def _folder(name: str) -> str:
    return name.rpartition("/")[0] or "/"


def _refused(why: str) -> aioftp.PathIOError:
    return aioftp.PathIOError(why)
