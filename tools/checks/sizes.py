"""Sizes: files, headers and functions."""
import re

from checks.checkout import Finding, files_with, read

FILE_WARN, FILE_FAIL, HEADER_WARN, FUNCTION_WARN, FUNCTION_FAIL = 300, 500, 150, 40, 80

COMMENT_OR_LITERAL = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<tag>[^(\s]*)\(.*?\)(?P=tag)"|"(?:\\.|[^"\\\n])*"|(?<![0-9a-zA-Z])\'(?:\\.|[^\'\\\n])+\'', re.S)
PREPROCESSOR = re.compile(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.M)
CONTAINER = re.compile(r"\b(?:namespace|class|struct|union|enum)\b|^\s*extern\b")
BEFORE_DECLARATION = re.compile(r"\s*(?:(?:public|private|protected)\s*:\s*)*")
# A member's initialiser in a constructor: `: size_{0}`; the formatter puts a space before a body's brace.
INITIALISER = re.compile(r"\)[^;]*:.*[\w>]$", re.S)


def blank(match):
    """As many lines, and nothing on them that looks like code; a literal stays one word."""
    return ('""' if match[0][0] in "\"'R" else "") + "\n" * match[0].count("\n")


def functions(text):
    """(name, first line, number of lines) of each function with a body; a lambda counts to the one around it."""
    text = PREPROCESSOR.sub(blank, COMMENT_OR_LITERAL.sub(blank, text))
    stack, head = [], 0  # stack: (kind, start of head) of each open brace; head: where the present declaration begins
    for match in re.finditer(r"[{};]", text):
        at, char = match.start(), match[0]
        outside = all(kind == "container" for kind, _ in stack)
        if char == "{":
            declaration = text[head:at]
            stack.append((kind_of(declaration) if outside else "block", head))
            if stack[-1][0] == "initialiser":
                continue
        elif char == "}" and stack:
            kind, start = stack.pop()
            if kind == "initialiser":
                head = start
                continue
            if kind == "function":
                yield describe(text, start, at)
        elif not outside or (stack and stack[-1][0] == "initialiser"):
            continue
        head = at + 1


def kind_of(declaration):
    if "(" in declaration and INITIALISER.search(declaration):
        return "initialiser"
    if CONTAINER.search(declaration) and not re.search(r"\)\s*(?:const|noexcept|override|->.*|\s)*$", declaration, re.S):
        return "container"
    return "function" if "(" in declaration else "block"


def describe(text, start, end):
    begin = BEFORE_DECLARATION.match(text, start).end()
    name = re.search(r"([~\w:]+|operator\S+)\s*\(", text[begin:end])
    first = text.count("\n", 0, begin) + 1
    return (name[1] if name else "?"), first, text.count("\n", begin, end) + 1


def check():
    for path in files_with(".cc", ".h", ".py"):
        lines = read(path).count("\n")
        if lines > FILE_FAIL:
            yield Finding(path, 1, "size", f"{lines} lines, at most {FILE_FAIL}")
        elif lines > (HEADER_WARN if path.endswith(".h") else FILE_WARN):
            yield Finding(path, 1, "size", f"{lines} lines", warning=True)
        if not path.endswith(".py"):
            yield from check_functions(path)


def check_functions(path):
    for name, line, lines in functions(read(path)):
        if lines > FUNCTION_FAIL:
            yield Finding(path, line, "function", f"{name} has {lines} lines, at most {FUNCTION_FAIL}")
        elif lines > FUNCTION_WARN:
            yield Finding(path, line, "function", f"{name} has {lines} lines", warning=True)
