"""Names in the sources of crates, found with regular expressions.

The search is tolerant: a type is known by its last name, whatever module re-exports it, and the bodies of `impl` and
`trait` are found by counting braces.
"""

import functools
import re


def plain(text):
    """Source without comments and texts, so that braces can be counted."""
    text = re.sub(r"//[^\n]*", "", text)
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    return re.sub(r'"(?:\\.|[^"\\])*"', '""', text, flags=re.DOTALL)


class Crates:
    """The crates of one preset."""

    def __init__(self, roots, imports, _compiled):
        self.imports = set(imports.values())
        self.modules = set()
        texts = []
        for root in roots.values():
            for path in sorted(root.glob("src/**/*.rs")):
                texts.append(plain(path.read_text(encoding="utf-8", errors="replace")))
                self.modules.add(path.parent.name if path.stem == "mod" else path.stem)
        self.text = "\n".join(texts)
        self.modules |= set(re.findall(r"\bmod (\w+)", self.text)) | self.imports

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
        known = [n for s in self.signatures(of, call) for n in re.findall(r"(\w+)\s*:(?!:)", s)]
        return parameter in known or f"no parameter {parameter} among {sorted(set(known))}"

    def attribute(self, of, name):
        """That the type has a field or a method of this name."""
        last = of.split("::")[-1]
        fields = re.search(rf"\bstruct {last}\b[^;{{]*{{(.*?)}}", self.text, re.DOTALL)
        return bool(fields and re.search(rf"\b{name}\s*:", fields[1])) or self.method(of, name)

    def key(self, *_):
        return "a result in Rust has no keys"

    def exception(self, path):
        """That an error type, or a variant of one, exists."""
        *_, owner, last = path.split("::")
        if self.exists(path) is True:
            return True
        return any(re.search(rf"\b{last}\b", body) for body in self.bodies(rf"enum {owner}\b"))

    # How names are found.

    def defined(self, name):
        return bool(re.search(rf"\b(?:struct|enum|trait|type|union|fn|as|macro_rules!) {name}\b", self.text))

    @functools.cache
    def signatures(self, of, name):
        """The parameter lists of the functions of this name in the type, the trait or the module."""
        last = of.split("::")[-1]
        function = rf"\bfn {name}\s*(?:<[^(]*>)?\s*\(([^{{;]*)"
        if last in self.modules and not re.search(rf"\b(?:struct|enum|trait) {last}\b", self.text):
            return re.findall(function, self.text)
        return [s for body in self.owned(last, 0) for s in re.findall(function, body)]

    def owned(self, name, depth):
        """The bodies of a type or a trait, and of the traits that it implements or extends."""
        yield from self.bodies(rf"(?:impl\b[^{{;]*?|trait ){name}\b")
        if depth > 2:
            return
        traits = set(re.findall(rf"\bimpl\b[^{{;]*?(\w+)\s*(?:<[^{{;]*?>)?\s+for\s+(?:[\w:]+::)?{name}\b", self.text))
        above = re.findall(rf"\btrait {name}\b[^:{{]*:([^{{]*)", self.text)
        traits |= {t for text in above for t in re.findall(r"\b[A-Z]\w+", text)}
        for trait in sorted(traits - {name}):
            yield from self.bodies(rf"trait {trait}\b")

    @functools.cache
    def bodies(self, header):
        """What stands between the braces after each header."""
        found = []
        for match in re.finditer(rf"\b{header}[^{{;]*{{", self.text):
            depth, end = 1, match.end()
            for brace in re.finditer(r"[{}]", self.text[end:]):
                depth += 1 if brace[0] == "{" else -1
                if not depth:
                    found.append(self.text[end : end + brace.start()])
                    break
        return found
