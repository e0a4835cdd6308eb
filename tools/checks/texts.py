"""Texts: the protos' facts, folders' READMEs, the names that documents mention, scripts, and words that stand for
something unfinished."""
import pathlib
import re
import subprocess
import sys

from checks.checkout import ROOT, Finding, files, files_with, line_of, read, remembered, fingerprint

README_LINES = 40
CHECK_API = "tools/api_facts/check_api.py"

# Words, and what to write instead.
BANNED = (
    (re.compile(r"\b(?:TODO|FIXME|XXX)\b(?!\(#\d+\))"), "name an issue: TODO(#12)"),
    (re.compile(r"\bv?sprintf\b"), "absl::StrFormat or snprintf"),
    (re.compile(r"\bsleep_for\b|\busleep\b|\bsleep_until\b"), "wait for what is to happen, with a bound"),
    (re.compile(r"\bDISABLED_\w|\bGTEST_SKIP\b"), "mend the test or remove it"),
)


def check():
    for part in (check_api, check_readmes, check_symbols, check_life, check_links, check_scripts, check_words):
        yield from part()


def check_api():
    """Numbers, names and types of the protos agree with the API that they stand for."""
    protos = [name for name in files_with(".proto") if name.startswith("api/")]
    if not protos:
        return []

    def look():
        done = subprocess.run(["/usr/bin/python3", CHECK_API, "api"], cwd=ROOT, text=True, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        lines = done.stdout.strip().splitlines()
        if done.returncode == 0:
            return []
        return [["api/" + line.split(":", 1)[0] if done.returncode == 1 else CHECK_API, 1, "api", line]
                for line in (lines[:-1] if done.returncode == 1 else lines[-1:])]
    facts = [name for name in files() if name.startswith("tools/api_facts/")]
    return [Finding(*row) for row in remembered("api", fingerprint(protos + facts), look)]


def check_readmes():
    """Every folder with code, and every top folder, says in at most a screen what lives there."""
    code = {str(pathlib.PurePath(name).parent) for name in files_with(".cc", ".h")
            if name.startswith(("source/", "filters/", "test/"))}
    top = {name.split("/", 1)[0] for name in files() if "/" in name and not name.startswith(".")}
    for folder in sorted(code | top):
        readme = f"{folder}/README.md"
        if readme not in files():
            yield Finding(readme, 1, "readme", "every folder with code has a README.md")
        elif read(readme).count("\n") > README_LINES:
            yield Finding(readme, README_LINES + 1, "readme", f"more than {README_LINES} lines")


def check_symbols():
    """`file.cc` and `Class::Function` in the life of a request and in READMEs are things that exist."""
    documents = [name for name in files() if name == "docs/life_of_a_request.md"
                 or (name.endswith("README.md") and name.startswith(("source/", "filters/", "test/")))]
    code = files_with(".cc", ".h")
    for document in documents:
        text = read(document)
        for match in re.finditer(r"`([\w/.]+\.(?:cc|h)|[\w:]+::~?\w+)(?:\(\))?`", text):
            name = match[1]
            found = any(("/" + path).endswith("/" + name) for path in code) if name.endswith((".cc", ".h")) \
                else name.startswith(("std::", "absl::")) or symbol_exists(name, code)
            if not found:
                yield Finding(document, line_of(text, match.start()), "doc", f"`{name}` does not exist")


def symbol_exists(name, code):
    """Defined out of line as Class::Function, or both named by one file."""
    *_, owner, function = name.removeprefix("narthex::").split("::")
    qualified = re.compile(rf"\b{re.escape(owner)}::{re.escape(function)}\b")
    inside = re.compile(rf"\b(?:class|struct|enum class|namespace)\s+{re.escape(owner)}\b")
    return any(qualified.search(read(path)) or (inside.search(read(path)) and re.search(rf"\b{function}\b", read(path)))
               for path in code)


def misplaced(text, contents):
    """[(position, what)] of the functions `Class::Function()` and `Function()` that no file named in the same step of the life of
    a request holds. A step is a paragraph, an item of a list or a row of a table; `contents(path)` is a file's text or None."""
    begins = [0, *(match.start() for match in re.finditer(r"\n(?=\n|\d+\. |\| )", text)), len(text)]
    for begin, end in zip(begins, begins[1:]):
        step = text[begin:end]
        paths = re.findall(r"`([\w/.]+\.(?:cc|h))`", step)
        for path in paths:
            if contents(path) is None:
                yield begin + step.index(path), f"`{path}` does not exist"
        held = [contents(path) or "" for path in paths]
        for match in re.finditer(r"`((?:\w+::)*)(\w+)\(\)`", step):
            owner = match[1].rstrip(":").rpartition(":")[2]
            if not any(re.search(rf"\b{match[2]}\(", held_by) and re.search(rf"\b{owner}", held_by) for held_by in held):
                yield begin + match.start(), f"`{match[1]}{match[2]}()` is in none of the files named beside it"


def check_life():
    """The life of a request names each function beside the file that holds it."""
    document = "docs/life_of_a_request.md"
    text = read(document)
    for position, what in misplaced(text, lambda path: read(path) if path in files() else None):
        yield Finding(document, line_of(text, position), "doc", what)


def check_links():
    """Relative links of Markdown files lead somewhere."""
    for document in (name for name in files() if name.endswith(".md")):
        text = read(document)
        for match in re.finditer(r"\]\((?!\w+:|#)([^)#\s]+)", text):
            if not (ROOT / document).parent.joinpath(match[1]).exists():
                yield Finding(document, line_of(text, match.start()), "doc", f"the link to {match[1]} leads nowhere")


def check_scripts():
    """Shell and Python scripts parse."""
    for path in files():
        first = read(path).split("\n", 1)[0] if "." not in pathlib.PurePath(path).name or path.endswith(".sh") else ""
        if path.endswith(".sh") or ("sh" in first and first.startswith("#!")):
            done = subprocess.run(["bash", "-n", path], cwd=ROOT, stderr=subprocess.PIPE, text=True, check=False)
            if done.returncode:
                yield Finding(path, 1, "shell", done.stderr.strip().splitlines()[0])
        elif path.endswith(".py") or (first.startswith("#!") and "python" in first):
            try:
                compile(read(path), path, "exec")
            except SyntaxError as error:
                yield Finding(path, error.lineno or 1, "python", f"{error.msg} (Python {sys.version.split()[0]})")


def check_words():
    for path in files_with(".cc", ".h", ".py", ".sh", ".proto", ".bzl", ".bazel"):
        text = read(path)
        for pattern, instead in BANNED:
            for match in pattern.finditer(text):
                yield Finding(path, line_of(text, match.start()), "word", f"{match[0]}: {instead}")
