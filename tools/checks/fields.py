"""Fields: every field that the configuration accepts is read by some compile function, or listed in
tools/unread_fields.txt with the reason why it has no effect.

What is read is known exactly: each source that sees generated headers is compiled without optimisation, and every accessor
that it uses then is a symbol of the object. Outcomes are remembered by content.
"""
import os
import re
import tempfile
from typing import NamedTuple

from checks import compiled
from checks.checkout import ROOT, Finding, closure, files_with, fingerprint, read, remembered, tool_version

LIST = "tools/unread_fields.txt"
REASON_WORDS = 3
TOKEN = re.compile(r"(message|enum|oneof|service)\s+(\w+)\s*\{|[{}\[]|"
                   r"(?:repeated\s+|optional\s+)?(map\s*<[^>]*>|[\w.]+)\s+(\w+)\s*=\s*\d+\s*(?=[\[;])")
ACCESSOR = re.compile(r"^[0-9a-f]{16} \w ((?:envoy|narthex)::[\w:]+)::(\w+)(?:\[abi[^\]]*\])?\(", re.M)


class Field(NamedTuple):
    path: str
    line: int
    message: str
    owner: str  # the message's class in C++
    kind: str   # its type's last name
    name: str

    def is_read(self, used):
        name = self.name.lower()
        return any((self.owner, accessor) in used for accessor in (name, f"has_{name}", f"{name}_size"))


def skip_options(text, at):
    depth = 1
    while depth:
        depth += {"[": 1, "]": -1}.get(text[at], 0)
        at += 1
    return at


def fields_of(path, source):
    """[Field] of the source of a .proto file."""
    text = re.sub(r"//[^\n]*", "", source)
    text = re.sub(r'"(\\.|[^"\\\n])*"', lambda m: '"' + "_" * (len(m[0]) - 2) + '"', text)
    package = re.search(r"^package ([\w.]+);", text, re.M)[1]
    found, scopes, at = [], [], 0
    while match := TOKEN.search(text, at):
        at = match.end()
        if match[0] == "[":
            at = skip_options(text, at)
        elif match[0] == "}":
            scopes.pop()
        elif match[0] == "{":
            scopes.append(("other", ""))
        elif match[1]:
            scopes.append((match[1], match[2]))
        elif not any(kind in ("enum", "service", "other") for kind, _ in scopes):
            names = [name for kind, name in scopes if kind == "message"]
            line = text.count("\n", 0, match.start(4)) + 1
            kind = re.split(r"[.\s,<>]+", match[3].rstrip("> "))[-1]
            found.append(Field(path, line, ".".join([package, *names]),
                               f"{package.replace('.', '::')}::{'_'.join(names)}", kind, match[4]))
    return found


def accessors(path):
    """[[class, accessor]] that a source uses."""
    names = closure(path)

    def look():
        with tempfile.TemporaryDirectory() as scratch:
            target = os.path.join(scratch, "object")
            code, output = compiled.run([compiled.CLANG, "-O0", "-w", "-c", "-x", "c++", *compiled.compile_flags(names), path,
                                         "-o", target])
            if code:
                raise SystemExit(f"check: {path} does not compile:\n{output}")
            _, symbols = compiled.run(["nm", "-C", target])
        return sorted({(m[1], m[2]) for m in ACCESSOR.finditer(symbols)})
    return remembered("accessors", fingerprint(names, tool_version(compiled.CLANG), compiled.dependencies(names)), look)


def reasons():
    """{"message field": line} of the list, and findings about the list itself."""
    listed, wrong = {}, []
    for number, line in enumerate((ROOT / LIST).read_text().splitlines(), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if len(words) < 2 + REASON_WORDS:
            wrong.append(Finding(LIST, number, "field", "needs a message, a field and a reason"))
        else:
            listed[f"{words[0]} {words[1]}"] = number
    return listed, wrong


def accepted(fields, used):
    """The fields of messages that code names, and of those that these hold; a message that nothing holds can't be written."""
    owners = {owner for owner, _ in used}
    by_name = {}
    for field in fields:
        by_name.setdefault(field.message.rsplit(".", 1)[1], set()).add(field.owner)

    def types(field):
        named = by_name.get(field.kind, set())
        nested = {owner for owner in named if owner.startswith(field.owner + "_")}
        return nested or {owner for owner in named if "_" not in owner.rsplit("::", 1)[1]}

    while True:
        held = {owner for field in fields if field.owner in owners for owner in types(field)}
        if held <= owners:
            return [field for field in fields if field.owner in owners]
        owners |= held


def check():
    sources = [path for path in files_with(".cc") if path.startswith(("source/", "filters/"))]
    sources = [path for path in sources if compiled.uses_generated(closure(path))]
    compiled.generated_headers()  # once, before several ask for it
    used = {(owner, name) for owner, name in compiled.in_parallel(accessors, sources)}
    protos = [path for path in files_with(".proto") if path.startswith(("api/envoy/", "api/narthex/"))]
    fields = [field for path in protos for field in fields_of(path, read(path))]
    listed, findings = reasons()
    unread = {f"{field.message} {field.name}": field for field in accepted(fields, used) if not field.is_read(used)}
    findings += [Finding(field.path, field.line, "field", f"nothing reads {name}: implement it, leave it out, or say in {LIST} "
                                                          "why it has no effect")
                 for name, field in unread.items() if name not in listed]
    findings += [Finding(LIST, line, "field", f"is read by now, or not there any more: {name}", warning=True)
                 for name, line in listed.items() if name not in unread]
    return findings
