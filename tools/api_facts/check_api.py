#!/usr/bin/python3
"""Checks our .proto files against the interface facts beside this script.

    check_api.py FOLDER [-I DIR]... [--protoc PROTOC] [--facts DIR]

Every message, field, extension, enum, enum value, service and method under
the prefixes below must agree with the facts; leaving things out is fine.
Exit status: 0 all agree, 1 something differs, 2 the check could not be made.
"""
import argparse
import os
import subprocess
import sys
import tempfile

try:
    from google.protobuf import descriptor_pb2 as pb
except ImportError:
    sys.exit(print("check_api: needs the Python package protobuf "
                   "(pip: protobuf, Debian: python3-protobuf)", file=sys.stderr) or 2)

PREFIXES = ("envoy.", "xds.", "udpa.", "google.rpc.", "opentelemetry.", "validate.")
F = pb.FieldDescriptorProto


class CheckError(Exception):
    """The check could not be made."""


# ---- the facts -------------------------------------------------------------

def rows(path, width):
    try:
        with open(path, encoding="utf-8") as f:
            for line in f:
                line = line.rstrip("\n")
                if line and not line.startswith("#"):
                    cells = line.split("\t")
                    yield cells + [""] * (width - len(cells))
    except OSError as e:
        raise CheckError(f"cannot read the facts: {e}") from e


class Field:
    """One field, ours or the facts': what must agree."""

    def __init__(self, name, number, label, type_, presence, json):
        self.name, self.number, self.label, self.type = name, number, label, type_
        self.presence, self.json = presence, json

    def key(self):
        return (self.name, self.number, self.label, self.type, self.presence, self.json)

    def text(self, other=None):
        """As one line; what is the same on both sides and rarely matters is left out."""
        s = f"{self.number} {self.name} {self.label} {self.type}"
        if other is None or other.presence != self.presence:
            s += " presence" if self.presence else " no-presence" if other else ""
        if other is not None and other.name == self.name and other.json != self.json:
            s += f" json={self.json}"
        return s


class Facts:
    def __init__(self, folder):
        self.messages = {}   # message (or extendee) -> [Field]
        self.enums = {}      # enum -> {value name: number}
        self.services = {}   # service -> {method: "request -> response streaming"}
        for m, number, name, label, type_, flags, _ in rows(os.path.join(folder, "envoy-v3.tsv"), 7):
            fields = self.messages.setdefault(m, [])
            if label == "empty":
                continue
            flags = flags.split(",")
            json = next((x[5:] for x in flags if x.startswith("json=")), json_name(name))
            fields.append(Field(name, int(number), label, type_, "presence" in flags, json))
        for e, number, name, _ in rows(os.path.join(folder, "enums.tsv"), 4):
            self.enums.setdefault(e, {})[name] = int(number)
        for s, method, req, resp, streaming, *_ in rows(os.path.join(folder, "services.tsv"), 7):
            self.services.setdefault(s, {})[method] = f"{req} -> {resp} {streaming}"
        # A nested type's parent looks like a package here too; it does no harm.
        self.packages = {n.rpartition(".")[0] for d in (self.messages, self.enums, self.services) for n in d}


def json_name(name):
    out, up = [], False
    for c in name:
        if c == "_":
            up = True
        else:
            out.append(c.upper() if up and "a" <= c <= "z" else c)
            up = False
    return "".join(out)


# ---- ours ------------------------------------------------------------------

def find_protos(folder):
    found = []
    for base, dirs, files in os.walk(folder):
        dirs[:] = sorted(d for d in dirs if not d.startswith("."))
        found += [os.path.join(base, f) for f in sorted(files) if f.endswith(".proto")]
    return found


def compile_protos(folder, includes, protoc):
    """The FileDescriptorSet of the folder's files (not of what they import)."""
    protos = find_protos(folder)
    if not protos:
        raise CheckError(f"no .proto file under {folder}")
    real = os.path.realpath(folder)
    roots = list(includes)
    if not any(os.path.commonpath([real, os.path.realpath(i)]) == os.path.realpath(i) for i in includes):
        roots.insert(0, folder)
    with tempfile.TemporaryDirectory() as tmp:
        out, args = os.path.join(tmp, "set.pb"), os.path.join(tmp, "args")
        with open(args, "w", encoding="utf-8") as f:
            f.writelines(a + "\n" for a in
                         ["--descriptor_set_out=" + out] + ["--proto_path=" + r for r in roots] + protos)
        try:
            p = subprocess.run([protoc, "@" + args], capture_output=True, text=True, check=False)
        except OSError as e:
            raise CheckError(f"cannot run {protoc}: {e}") from e
        if p.returncode != 0:
            raise CheckError(f"{protoc} failed:\n{p.stderr.rstrip()}")
        with open(out, "rb") as f:
            return pb.FileDescriptorSet.FromString(f.read())


def type_text(f):
    if f.type in (F.TYPE_MESSAGE, F.TYPE_GROUP, F.TYPE_ENUM):
        return f.type_name.lstrip(".")
    return F.Type.Name(f.type)[len("TYPE_"):].lower()


def our_field(f, syntax, message=None, scope=""):
    """A descriptor's field as a Field; message is the one that holds it, scope its full name."""
    entry = None
    if message is not None and f.label == F.LABEL_REPEATED and f.type == F.TYPE_MESSAGE:
        entry = next((n for n in message.nested_type
                      if n.options.map_entry and f.type_name == f".{scope}.{n.name}"), None)
    presence = False
    type_ = type_text(f)
    if entry is not None:
        label = "map"
        kv = {x.number: type_text(x) for x in entry.field}
        type_ = f"map<{kv[1]},{kv[2]}>"
    elif f.label == F.LABEL_REPEATED:
        label = "repeated"
    elif f.HasField("oneof_index") and not f.proto3_optional:
        label = "oneof:" + message.oneof_decl[f.oneof_index].name
    elif f.label == F.LABEL_REQUIRED:
        label = "required"
    else:
        label = "optional"
        presence = (message is not None and f.type not in (F.TYPE_MESSAGE, F.TYPE_GROUP)
                    and (syntax != "proto3" or f.proto3_optional))
    if message is None:
        name = f"[{scope}.{f.name}]"
        json = json_name(name)
    else:
        name, json = f.name, f.json_name or json_name(f.name)
    return Field(name, f.number, label, type_, presence, json)


# ---- the check -------------------------------------------------------------

class Checker:
    def __init__(self, facts, say=print):
        self.facts, self.say = facts, say
        self.checked = self.differ = 0
        self.file = ""

    def item(self, name, ours, facts):
        """Counts one thing; reports it unless the two texts are the same."""
        self.checked += 1
        if ours != facts:
            self.differ += 1
            self.say(f"{self.file}: {name}: ours {ours} facts {facts}")

    def known(self, name, kind, table):
        """Whether the facts have this message, enum or service; counts and reports it."""
        here = "none"
        for k, t in (("message", self.facts.messages), ("enum", self.facts.enums),
                     ("service", self.facts.services)):
            if name in t:
                here = k
        if here == "none" and name.rpartition(".")[0] not in self.facts.packages:
            here = f"none (nothing of {name.rpartition('.')[0]} is in the table)"
        self.item(name, kind, kind if name in table else here)
        return name in table

    def field(self, where, ours, theirs):
        named = next((f for f in theirs if f.name == ours.name), None)
        numbered = next((f for f in theirs if f.number == ours.number), None)
        fact = named or numbered
        name = f"{where}.{ours.name}"
        if fact is None:
            self.item(name, ours.text(), "none")
        elif fact.key() == ours.key():
            self.item(name, "", "")
        else:
            more = ""
            if named and numbered and named is not numbered:
                more = f" (and {ours.number} is {numbered.name})"
            self.item(name, ours.text(fact), fact.text(ours) + more)

    def enum(self, e, scope):
        name = f"{scope}.{e.name}" if scope else e.name
        if not name.startswith(PREFIXES) or not self.known(name, "enum", self.facts.enums):
            return
        fact = self.facts.enums[name]
        for v in e.value:
            if v.name in fact:
                self.item(f"{name}.{v.name}", str(v.number), str(fact[v.name]))
            else:
                same = [n for n, x in fact.items() if x == v.number]
                self.item(f"{name}.{v.name}", f"{v.number} {v.name}",
                          f"{v.number} {same[0]}" if same else "none")

    def extension(self, x, scope, syntax):
        if not f"{scope}.{x.name}".startswith(PREFIXES):
            return
        extendee = x.extendee.lstrip(".")
        self.field(extendee, our_field(x, syntax, None, scope),
                   [f for f in self.facts.messages.get(extendee, []) if f.name.startswith("[")])

    def message(self, m, scope, syntax):
        name = f"{scope}.{m.name}" if scope else m.name
        if m.options.map_entry:
            return
        if name.startswith(PREFIXES) and self.known(name, "message", self.facts.messages):
            fact = [f for f in self.facts.messages[name] if not f.name.startswith("[")]
            for f in m.field:
                self.field(name, our_field(f, syntax, m, name), fact)
        for n in m.nested_type:
            self.message(n, name, syntax)
        for e in m.enum_type:
            self.enum(e, name)
        for x in m.extension:
            self.extension(x, name, syntax)

    def service(self, s, scope):
        name = f"{scope}.{s.name}" if scope else s.name
        if not name.startswith(PREFIXES) or not self.known(name, "service", self.facts.services):
            return
        for m in s.method:
            streaming = {(0, 0): "unary", (1, 0): "client", (0, 1): "server", (1, 1): "bidi"}[
                int(m.client_streaming), int(m.server_streaming)]
            ours = f"{m.input_type.lstrip('.')} -> {m.output_type.lstrip('.')} {streaming}"
            self.item(f"{name}.{m.name}", ours, self.facts.services[name].get(m.name, "none"))

    def files(self, fds):
        for f in fds.file:
            if f.syntax not in ("", "proto2", "proto3"):
                raise CheckError(f"{f.name}: syntax {f.syntax} is not supported")
            self.file = f.name
            for m in f.message_type:
                self.message(m, f.package, f.syntax)
            for e in f.enum_type:
                self.enum(e, f.package)
            for x in f.extension:
                self.extension(x, f.package, f.syntax)
            for s in f.service:
                self.service(s, f.package)


def main(argv=None):
    ap = argparse.ArgumentParser(description="Check our .proto files against the interface facts.")
    ap.add_argument("folder", help="folder of .proto files; also the import root, unless -I has one above it")
    ap.add_argument("-I", dest="includes", action="append", default=[], metavar="DIR",
                    help="another import root (repeatable)")
    ap.add_argument("--protoc", default="protoc")
    ap.add_argument("--facts", default=os.path.dirname(os.path.abspath(__file__)), metavar="DIR",
                    help="folder of the .tsv files (default: this script's)")
    a = ap.parse_args(argv)
    try:
        c = Checker(Facts(a.facts))
        c.files(compile_protos(a.folder, a.includes, a.protoc))
        if c.checked == 0:
            raise CheckError("nothing to check: no name begins with " + ", ".join(PREFIXES))
    except CheckError as e:
        print(f"check_api: {e}", file=sys.stderr)
        return 2
    print(f"{c.checked} checked, {c.differ} differ")
    return 1 if c.differ else 0


if __name__ == "__main__":
    sys.exit(main())
