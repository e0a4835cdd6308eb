#!/usr/bin/python3
"""Lists what the Envoy v3 API has and our .proto files do not carry.

    make_known_fields.py [--check] [--protoc PROTOC] FOLDER

Writes FOLDER/known_fields.txt (with --check: compares it with what it would write), in sorted lines:

    envoy.config.cluster.v3.Cluster health_checks    a field that our message leaves out
    envoy.config.trace.v3.Tracing *                  a message that we leave out

The configuration reader embeds the file, to tell "not supported" from "no such thing".
Exit status: 0 written or current, 1 not current, 2 it could not be made.
"""
import argparse
import os
import sys

import check_api

OUTPUT = "known_fields.txt"
PREFIXES = ("envoy.", "xds.", "udpa.")


def carried(folder, protoc):
    """Our messages: full name -> the names of its fields."""
    ours = {}

    def visit(message, scope):
        name = f"{scope}.{message.name}" if scope else message.name
        ours[name] = {f.name for f in message.field}
        for nested in message.nested_type:
            visit(nested, name)

    for file in check_api.compile_protos(folder, [], protoc).file:
        for message in file.message_type:
            visit(message, file.package)
    return ours


def known_fields(facts, ours):
    lines = []
    for name, fields in facts.messages.items():
        if not name.startswith(PREFIXES):
            continue
        if name in ours:
            lines += [f"{name} {f.name}" for f in fields
                      if f.name not in ours[name] and not f.name.startswith("[")]
        else:
            lines.append(f"{name} *")
    return "".join(line + "\n" for line in sorted(lines))


def main(argv=None):
    ap = argparse.ArgumentParser(description="List what Envoy v3 has and our .proto files do not.")
    ap.add_argument("folder", help="folder of .proto files")
    ap.add_argument("--check", action="store_true", help="write nothing; fail unless the file is current")
    ap.add_argument("--protoc", default="protoc")
    a = ap.parse_args(argv)
    path = os.path.join(a.folder, OUTPUT)
    try:
        facts = check_api.Facts(os.path.dirname(os.path.abspath(__file__)))
        text = known_fields(facts, carried(a.folder, a.protoc))
        if a.check:
            with open(path, encoding="utf-8") as f:
                if f.read() == text:
                    return 0
            print(f"{path} is not current: run tools/api_facts/make_known_fields.py {a.folder}")
            return 1
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
    except (check_api.CheckError, OSError) as e:
        print(f"make_known_fields: {e}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
