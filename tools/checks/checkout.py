"""The checkout as the checks see it: its files, their includes, and what earlier runs found out."""
import functools
import hashlib
import json
import os
import pathlib
import re
import subprocess
from dataclasses import dataclass

ROOT = pathlib.Path(__file__).resolve().parents[2]
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "narthex" / "check"
CODE = (".cc", ".h")
OURS = ("source/", "filters/", "test/", "tools/", "api/", "examples/")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)


@dataclass(frozen=True, order=True)
class Finding:
    path: str
    line: int
    rule: str
    message: str
    warning: bool = False

    def __str__(self):
        return f"{self.path}:{self.line}: {'warning: ' if self.warning else ''}{self.message} [{self.rule}]"


@functools.lru_cache(maxsize=None)
def files():
    """Every file that is committed or about to be, relative to the root."""
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, check=True,
                            stdout=subprocess.PIPE).stdout.decode().split("\0")
    return sorted(name for name in set(listed) if name and (ROOT / name).is_file())


def files_with(*endings):
    """Our own files with one of the endings."""
    return [name for name in files() if name.endswith(endings) and name.startswith(OURS)]


@functools.lru_cache(maxsize=None)
def read(name):
    return (ROOT / name).read_text(encoding="utf-8", errors="replace")


def line_of(text, position):
    return text.count("\n", 0, position) + 1


@functools.lru_cache(maxsize=None)
def includes(name):
    """[(line, form, path)] with form '<' or '"'."""
    text = read(name)
    return [(line_of(text, m.start(2)), m[1], m[2]) for m in INCLUDE.finditer(text)]


def closure(name):
    """The file and everything of the checkout that it includes, directly or not."""
    known, found, todo = set(files()), set(), [name]
    while todo:
        current = todo.pop()
        if current in found:
            continue
        found.add(current)
        todo += [path for _, _, path in includes(current) if path in known]
    return sorted(found)


@functools.lru_cache(maxsize=None)
def tool_version(tool):
    return subprocess.run([tool, "--version"], stdout=subprocess.PIPE, check=True).stdout


def fingerprint(names, *more):
    """A name for the contents of the files and whatever else the outcome depends on."""
    digest = hashlib.sha256()
    for part in more:
        digest.update(part if isinstance(part, bytes) else str(part).encode())
        digest.update(b"\0")
    for name in names:
        digest.update(name.encode() + b"\0" + read(name).encode() + b"\0")
    return digest.hexdigest()


def remembered(kind, key, make):
    """What `make` returned (a list of lines) when it was last run for this key."""
    path = CACHE / kind / key
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        pass
    value = make()
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_suffix(f".{os.getpid()}")
    scratch.write_text(json.dumps(value))
    scratch.replace(path)
    return value


def is_remembered(kind, key):
    return (CACHE / kind / key).exists()
