"""What the compiler's tools say: format, self-contained headers, and clang-tidy. Outcomes are remembered by content."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

from checks.checkout import (CACHE, ROOT, Finding, closure, files, files_with, fingerprint, includes, is_remembered,
                             read, remembered, tool_version)

CLANG, FORMAT, TIDY = "clang++-19", "clang-format-19", "clang-tidy-19"
DIAGNOSTIC = re.compile(r"^(?P<path>[^:\n]+):(?P<line>\d+):\d+: (?:fatal )?(?:error|warning): (?P<message>.*)$", re.M)
LINT_TIMEOUT_SECONDS = 240


def run(command):
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return done.returncode, done.stdout


def diagnostics(path, rule, output):
    """The findings in a tool's output; all are reported at `path`, with the place when that is another file."""
    for match in DIAGNOSTIC.finditer(output):
        where = os.path.relpath(match["path"], ROOT) if os.path.isabs(match["path"]) else match["path"]
        message = match["message"] if where == path else f"{where}:{match['line']}: {match['message']}"
        yield [path, int(match["line"]) if where == path else 1, rule, message]


def findings(rows):
    return [Finding(*row) for row in rows]


def in_parallel(work, names):
    with ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        for found in pool.map(work, names):
            yield from found


# ---- format --------------------------------------------------------------------

def check_format():
    style = (ROOT / ".clang-format").read_bytes()

    def one(path):
        def look():
            _, output = run([FORMAT, "--dry-run", "-Werror", path])
            lines = sorted({int(m["line"]) for m in DIAGNOSTIC.finditer(output)})
            return [[path, lines[0], "format", f"{FORMAT} -i changes this and {len(lines) - 1} other lines"]] if lines else []
        return findings(remembered("format", fingerprint([path], style, tool_version(FORMAT)), look))

    return in_parallel(one, files_with(".cc", ".h"))


# ---- headers -------------------------------------------------------------------

def generated_headers():
    """A folder with the C++ headers of all our protos, made anew when a proto changes."""
    protos = files_with(".proto")
    folder = CACHE / "pb" / fingerprint(protos, tool_version("protoc"))
    if folder.exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = pathlib.Path(tempfile.mkdtemp(dir=folder.parent))
    rooted = {"api": [p for p in protos if p.startswith("api/")], ".": [p for p in protos if not p.startswith("api/")]}
    for root, names in rooted.items():
        if names:
            code, output = run(["protoc", f"-I{root}", "-Iapi", f"--cpp_out={scratch}", *names])
            if code:
                shutil.rmtree(scratch)
                sys.exit(f"check: protoc failed:\n{output}")
    shutil.rmtree(folder, ignore_errors=True)
    scratch.rename(folder)
    return folder


def uses_generated(names):
    return any(path.endswith(".pb.h") for name in names for _, _, path in includes(name))


def compile_flags(names):
    flags = ["-std=c++20", "-I.", "-Wall", "-Wextra", "-Wno-unused-parameter", "-Wno-pragma-once-outside-header"]
    return flags + [f"-isystem{generated_headers()}"] if uses_generated(names) else flags


def dependencies(names):
    """Beyond the files themselves: the protos, for what includes their headers."""
    return fingerprint(files_with(".proto")) if uses_generated(names) else ""


def check_headers():
    def one(path):
        names = closure(path)

        def look():
            _, output = run([CLANG, "-fsyntax-only", "-x", "c++", *compile_flags(names), path])
            return list(diagnostics(path, "header", output))[:3]
        pragma = [] if "#pragma once" in read(path) else [Finding(path, 1, "header", "#pragma once is missing")]
        key = fingerprint(names, tool_version(CLANG), dependencies(names))
        return pragma + findings(remembered("header", key, look))

    return in_parallel(one, files_with(".h"))


# ---- lint -----------------------------------------------------------------------

def lint_key(path):
    names = closure(path)
    return fingerprint(names, *(read(name) for name in files() if name.endswith(".clang-tidy")), tool_version(TIDY), dependencies(names))


def check_lint(seconds):
    """clang-tidy over the sources that changed since it last looked, for at most about `seconds`."""
    end = time.monotonic() + seconds
    skipped = []

    def one(path):
        key = lint_key(path)
        if not is_remembered("lint", key) and time.monotonic() > end:
            skipped.append(path)
            return []

        def look():
            code, output = run(["timeout", str(LINT_TIMEOUT_SECONDS), TIDY, "--quiet", path,
                                "--", *compile_flags(closure(path))])
            rows = list(diagnostics(path, "lint", output))
            return rows or ([[path, 1, "lint", f"{TIDY} failed with {code}"]] if code else [])
        return findings(remembered("lint", key, look))

    yield from in_parallel(one, files_with(".cc"))
    if skipped:
        print(f"check: clang-tidy had no time for {len(skipped)} files; run it again", file=sys.stderr)
