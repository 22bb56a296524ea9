"""Names in the sources of crates, found with regular expressions.

The search is tolerant: a type is known by its last name, whatever module re-exports it, and the bodies of `impl` and
`trait` are found by counting braces.
"""

import collections
import functools
import re


NOISE = re.compile(
    r"""//[^\n]*|/\*.*?\*/|\br(#*)".*?"\1|"(?:\\.|[^"\\])*"|'(?:\\.[^']*|[^\\'])'""",
    re.DOTALL,
)
DEFINED = re.compile(r"\b(?:struct|enum|trait|type|union|fn|const|as|macro_rules!) (\w+)")
HEADER = re.compile(r"\b(?:impl|trait|enum|struct)\b[^{;]*{")


def plain(text):
    """Source without comments and texts, so that braces can be counted."""
    return NOISE.sub(lambda m: '""' if m[0].endswith('"') else " ", text)


def parameters(text):
    """The names in a parameter list that may go on with what stands behind it."""
    names, depth, start = [], 0, 0
    for match in re.finditer(r"->|[(\[<{]|[)\]>}]|,|$", text):
        sign = match[0]
        ends = sign in ("", ",") and depth == 0 or sign == ")" and depth == 0
        if ends:
            name = re.match(r"\s*(?:mut )?(\w+)\s*:(?!:)", text[start : match.start()])
            start = match.end()
            if name and name[1] != "self":
                names.append(name[1])
            if sign != ",":
                break
        elif sign != "->":
            depth += (sign in "([<{" and bool(sign)) - (sign in ")]>}" and bool(sign))
    return names


class Crates:
    """The crates of one preset."""

    def __init__(self, roots, imports, _compiled):
        self.imports = set(imports)
        self.modules = set()
        texts = []
        for root in roots:
            for path in sorted(root.glob("src/**/*.rs")):
                texts.append(plain(path.read_text(encoding="utf-8", errors="replace")))
                self.modules.add(path.parent.name if path.stem == "mod" else path.stem)
        self.text = "\n".join(texts)
        self.modules |= set(re.findall(r"\bmod (\w+)", self.text)) | self.imports
        self.names = set(DEFINED.findall(self.text))
        # The headers of `impl` and the like, by the words in them.
        self.headers = collections.defaultdict(list)
        for match in HEADER.finditer(self.text):
            for word in set(re.findall(r"\w+", match[0])):
                self.headers[word].append(match)

    # What a preset can claim.

    @functools.cache
    def exists(self, path):
        first, *rest = path.split("::")
        if first not in self.imports:
            return f"{first} is not among the packages"
        if not rest:
            return True
        *middle, last = rest
        for name in middle:
            if name not in self.modules and not self.defined(name):
                return f"no module {name}"
        return last in self.modules or self.defined(last)

    def method(self, of, name):
        return bool(self.signatures(of, name))

    def parameter(self, of, call, parameter):
        """That a function has a parameter, at the place that is told: see `shape.py`."""
        known = self.places(of, call)
        return parameter in known or f"no parameter {parameter} among {sorted(known)}"

    def places(self, of, call):
        """The parameters of a function with their places."""
        return {f"{n}:{i}" for s in self.signatures(of, call) for i, n in enumerate(parameters(s))}

    def attribute(self, of, name):
        """That the type has a field or a method of this name."""
        last = of.split("::")[-1]
        fields = self.bodies(rf"struct {last}\b", last)
        return any(re.search(rf"\b{name}\s*:", body) for body in fields) or self.method(of, name)

    def key(self, *_):
        return "a result in Rust has no keys"

    def exception(self, path):
        """That an error type, or a variant of one, exists."""
        *_, owner, last = path.split("::")
        if self.exists(path) is True:
            return True
        return any(re.search(rf"\b{last}\b", body) for body in self.bodies(rf"enum {owner}\b", owner))

    # How names are found.

    def defined(self, name):
        return name in self.names

    @functools.cache
    def signatures(self, of, name):
        """The parameter lists of the functions of this name in the type, the trait or the module."""
        last = of.split("::")[-1]
        function = rf"\bfn {name}\s*(?:<[^(]*>)?\s*\(([^{{;]*)"
        if last in self.modules and last[0].islower():
            return re.findall(function, self.text)
        return [s for body in self.owned(last, 0) for s in re.findall(function, body)]

    def owned(self, name, depth):
        """The bodies of a type or a trait, and of the traits that it implements or extends."""
        yield from self.bodies(rf"(?:impl\b.*|trait ){name}\b", name)
        if depth > 2:
            return
        above = set()
        for match in self.headers[name]:
            header = match[0]
            above |= set(re.findall(rf"(\w+)\s*(?:<.*>)?\s+for\s+(?:[\w:]+::)?{name}\b", header, re.DOTALL))
            if re.match(rf"trait {name}\b", header):
                above |= set(re.findall(r"\b[A-Z]\w+", header.partition(":")[2]))
        for trait in sorted(above - {name}):
            yield from self.bodies(rf"trait {trait}\b", trait)

    @functools.cache
    def bodies(self, pattern, name):
        """What stands between the braces after each header that has the name and fits the pattern."""
        return [
            self.body(match.end()) for match in self.headers[name] if re.match(pattern, match[0], re.DOTALL)
        ]

    def body(self, start):
        depth = 1
        for brace in re.compile(r"[{}]").finditer(self.text, start):
            depth += 1 if brace[0] == "{" else -1
            if not depth:
                return self.text[start : brace.start()]
        return self.text[start:]
