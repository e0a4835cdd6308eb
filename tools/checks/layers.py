"""Layers: which folder may include what. The order is that of DESIGN section 7 and docs; Bazel's visibility says the
same of targets, this says it of every #include."""
import re

from checks.checkout import Finding, files, files_with, includes, line_of, read

# A folder of source/ may use only folders before it.
ORDER = ("profile", "base", "coro", "event", "stats", "net", "config", "overload", "tls", "http", "substitution", "upstream", "filter", "router",
         "manager", "tcp_proxy", "admin", "server")
RANK = {name: number for number, name in enumerate(ORDER)}
# Folders that may use less than the order allows.
ONLY = {"stats": ("base",)}
FILTERS_MAY_USE = ORDER[:RANK["router"] + 1]

# Libraries that one place wraps for all others.
WRAPPED = (
    (re.compile(r"^event2?/"), ("source/event/",), "libevent"),
    (re.compile(r"^ares(_\w+)?\.h"), ("source/net/",), "c-ares"),
    (re.compile(r"^openssl/"), ("source/tls/",), "OpenSSL"),
    (re.compile(r"^nghttp2/"), ("source/http/http2/",), "nghttp2"),
    (re.compile(r"^(yaml\.h|rapidjson/)"), ("source/config/",), "the YAML and JSON readers"),
)


def place(path):
    """('source', 'http') for source/http/codec.h; the folder is None for a file that lies at the top."""
    parts = path.split("/")
    return parts[0], parts[1] if len(parts) > 2 else None


def refusal(user, used):
    """Why a file of place `user` may not include one of place `used`, or None."""
    (area, folder), (used_area, used_folder) = user, used
    if used_area == "test":
        return None if area == "test" else "only tests may use test/"
    if used_area == "filters":
        return refuse_filter(area, folder, used_folder)
    if used_area != "source":
        return None
    if used_folder not in RANK:
        return f"source/{used_folder} is not in the order of layers (tools/checks/layers.py)"
    if area == "filters":
        return None if used_folder in FILTERS_MAY_USE else f"a filter may not use source/{used_folder}"
    if area == "test" and folder == "bench":
        return "the yardsticks of test/bench stand apart from source/"
    if folder not in RANK or (area not in ("source", "test")):
        return None if area == "test" else f"{area}/{folder} is not in the order of layers (tools/checks/layers.py)"
    if used_folder != folder and used_folder not in ONLY.get(folder, ORDER[:RANK[folder]]):
        return f"source/{folder} comes before source/{used_folder}"
    return None


def refuse_filter(area, folder, used_folder):
    if area == "test" or (area, folder) == ("source", "server"):
        return None
    if area == "filters":
        same = folder == used_folder or folder is None
        return None if same else "a filter never uses another filter's header"
    return f"source/{folder} may not use filters/; only source/server may"


def visibility_refusal(folder, label):
    """Why a target of source/<folder> may not be visible to `label`, or None."""
    if label == "//visibility:private" or label.startswith(("//test:", "//test/")):
        return None
    match = re.fullmatch(r"//(source|filters)(?:/(\w+))?:__(?:pkg|subpackages)__", label)
    if not match:
        # The binary at the top is linked from source/server.
        return None if folder == "server" and label == "//:__pkg__" else f"{label} is nobody of the layers"
    area, user = match[1], match[2]
    if area == "source" and user is None:
        return f"{label} is all layers; name those above source/{folder}"
    return refusal((area, user), ("source", folder))


def check_visibility():
    """Bazel's visibility of a folder's targets is no wider than the layers."""
    for path in (name for name in files() if re.fullmatch(r"source/\w+/BUILD\.bazel", name)):
        text, folder = read(path), path.split("/")[1]
        for block in re.finditer(r"visibility\s*=\s*\[([^\]]*)\]", text):
            for label in re.finditer(r'"([^"]*)"', block[1]):
                reason = visibility_refusal(folder, label[1])
                if reason:
                    yield Finding(path, line_of(text, block.start(1) + label.start()), "layer", f"visibility: {reason}")


def check():
    yield from check_visibility()
    for path in files_with(".cc", ".h"):
        user = place(path)
        for line, form, used in includes(path):
            if form == '"':
                reason = refusal(user, place(used))
                if reason:
                    yield Finding(path, line, "layer", f"{used}: {reason}")
            yield from check_library(path, line, used)


def check_library(path, line, used):
    for pattern, owners, name in WRAPPED:
        if pattern.match(used) and not path.startswith(owners + ("test/",)):
            yield Finding(path, line, "layer", f"{used}: only {owners[0]} may use {name}")
    if path.endswith(".h") and used.endswith(".pb.h") and not path.startswith(("source/config/", "test/")):
        yield Finding(path, line, "layer", f"{used}: generated headers are for .cc files; declare the message instead")
