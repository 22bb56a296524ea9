"""Imports a dotted name and tells what it is: PROBE NAME FOLDER…"""

import importlib
import json
import re
import sys


def main():
    name, *folders = sys.argv[1:]
    sys.path[:0] = folders
    parts = name.split(".")
    value, rest = importlib.import_module(parts[0]), parts[1:]
    for index, part in enumerate(rest):
        if not hasattr(value, part):
            try:
                importlib.import_module(".".join(parts[: index + 2]))
            except ImportError:
                pass
        if not hasattr(value, part):
            print("null")
            return
        value = getattr(value, part)
    # C functions tell their parameters in the first line of their text: "execute(query, vars=None) -- …".
    text = re.match(r"\w+\((.*?)\)", value.__doc__ or "")
    print(
        json.dumps(
            {
                "exception": isinstance(value, type) and issubclass(value, Exception),
                "parameters": re.findall(r"(\w+)(?:=[^,]*)?(?:,|$)", text[1]) if text else [],
            }
        )
    )


if __name__ == "__main__":
    main()
