"""The outline of a Cython module, as a Python module."""

import keyword
import re

LINE = re.compile(
    r"^(?P<indent> *)(?:(?P<class>(?:cdef |cpdef )?class) (?P<name>\w+)(?P<bases>\([\w., ]*\))?:"
    r"|(?:cpdef|def) (?:[\w.]+ )?(?P<def>\w+)\((?P<args>[^)]*)\))",
    re.MULTILINE,
)

INCLUDE = re.compile(r'^include "(.*)"', re.MULTILINE)
PLAIN_IMPORT = re.compile(r"(import [\w., ]+|from [\w.]+ import [\w., ]+)$")


def stub(path):
    """Classes, methods and functions of a module and of the files that it includes."""
    text = path.read_text(encoding="utf-8")
    text = INCLUDE.sub(lambda m: (path.parent / m[1]).read_text(encoding="utf-8"), text)
    lines = [line for line in text.splitlines() if PLAIN_IMPORT.match(line)]
    inside = False
    for match in LINE.finditer(text):
        if match["class"] and not match["indent"]:
            inside = True
            lines.append(f"class {match['name']}{match['bases'] or ''}:\n    pass")
        elif match["def"] and (not match["indent"] or inside and len(match["indent"]) == 4):
            inside = inside and bool(match["indent"])
            lines.append(f"{match['indent']}def {match['def']}({arguments(match['args'])}): pass")
    return "\n".join(lines)


def arguments(text):
    """The names of parameters, without types and defaults."""
    parts = [re.split(r"=| not None| or None", part)[0] for part in text.split(",")]
    names = [re.findall(r"\**\w+", part) for part in parts]
    names = [found[-1] for found in names if found]
    plain = [n for n in names if n.isidentifier() and not keyword.iskeyword(n)]
    return ", ".join(dict.fromkeys(plain))
