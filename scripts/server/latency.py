"""Measures how long an editor waits for diagnostics after an edit.

    python3 scripts/server/latency.py PROGRAM FOLDER [--edits N] [--seed N]

Opens files of the folder one by one, in random order, and types into functions of each: a statement, a comment, and back
again. The time goes from the change that is sent to the diagnostics of that version of the text. The server does not wait
for the next edit (`debounce` is 0), as it otherwise does for 150 ms. Prints milliseconds, and the largest resident size.
"""

import argparse
import json
import os
import pathlib
import random
import subprocess
import sys
import time


class Server:
    """A server and the messages that it sends."""

    def __init__(self, program: str, folder: pathlib.Path) -> None:
        command = [program, "server"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=folder)
        self.number = 0

    def send(self, method: str, params: object, is_request: bool = False) -> None:
        """Sends a notification or a request."""
        message = {"jsonrpc": "2.0", "method": method, "params": params}
        if is_request:
            self.number += 1
            message["id"] = self.number
        self.write(message)

    def write(self, message: object) -> None:
        """Sends any message."""
        body = json.dumps(message).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self.process.stdin.flush()

    def read(self) -> dict:
        """The next message. Requests of the server are answered with nothing."""
        length = 0
        while (line := self.process.stdout.readline().strip()) != b"":
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        message = json.loads(self.process.stdout.read(length))
        if "method" in message and "id" in message:
            self.write({"jsonrpc": "2.0", "id": message["id"], "result": None})
        return message

    def wait(self, wanted) -> dict:
        """The next message that is wanted."""
        while not wanted(message := self.read()):
            pass
        return message

    def processor(self) -> float:
        """The processor time so far, in milliseconds."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")

    def peak(self) -> int:
        """The largest resident size so far, in MB."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) // 1024 for line in status.splitlines() if line.startswith("VmHWM"))


def bodies(text: str) -> list[tuple[int, str]]:
    """The lines at which the bodies of functions start, with their indentation."""
    lines = text.splitlines()
    starts = []
    for at, line in enumerate(lines[:-1]):
        indent = lines[at + 1][: len(lines[at + 1]) - len(lines[at + 1].lstrip())]
        if line.lstrip().startswith(("def ", "async def ")) and line.endswith(":") and indent:
            starts.append((at + 1, indent))
    return starts


def edits_of(text: str, chance: random.Random):
    """Edits that come after one another, as changes of lines: a statement comes, a comment comes, and both go."""
    line, indent = chance.choice(bodies(text) or [(0, "")])
    here, after = {"line": line, "character": 0}, {"line": line + 1, "character": 0}
    for new in (f"{indent}noted = {chance.randrange(1000)}\n", f"{indent}# {chance.random()}\n"):
        yield {"range": {"start": here, "end": here}, "text": new}
    for _ in range(2):
        yield {"range": {"start": here, "end": after}, "text": ""}


def measure(server: Server, folder: pathlib.Path, chance: random.Random, wanted: argparse.Namespace):
    """The times of the edits and the processor time that they took, in milliseconds."""
    files = sorted(folder.rglob("*.py"))
    times: list[float] = []
    spent: list[float] = []
    while len(times) < wanted.edits:
        path = chance.choice(files)
        uri, text, version = path.as_uri(), path.read_text(), 1
        document = {"uri": uri, "languageId": "python", "version": version, "text": text}
        server.send("textDocument/didOpen", {"textDocument": document})

        def is_known(message: dict) -> bool:
            params = message.get("params") or {}
            of_text = message.get("method") == "textDocument/publishDiagnostics" and params["uri"] == uri
            return of_text and params.get("version") == version

        server.wait(is_known)
        for change in edits_of(text, chance):
            version += 1
            before = server.processor()
            start = time.perf_counter()
            document = {"uri": uri, "version": version}
            server.send("textDocument/didChange", {"textDocument": document, "contentChanges": [change]})
            server.wait(is_known)
            times.append((time.perf_counter() - start) * 1000)
            spent.append(server.processor() - before)
        server.send("textDocument/didClose", {"textDocument": {"uri": uri}})
    return sorted(times), sorted(spent)


def main() -> None:
    """See above."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("program")
    arguments.add_argument("folder", type=pathlib.Path)
    arguments.add_argument("--edits", type=int, default=200)
    arguments.add_argument("--seed", type=int, default=1)
    wanted = arguments.parse_args()
    folder = wanted.folder.resolve()
    server = Server(wanted.program, folder)
    capabilities = {
        "window": {"workDoneProgress": True},
        "workspace": {"didChangeWatchedFiles": {"dynamicRegistration": True}},
        "textDocument": {"publishDiagnostics": {"versionSupport": True}},
    }
    start = time.perf_counter()
    server.send(
        "initialize",
        {
            "processId": None,
            "capabilities": capabilities,
            "workspaceFolders": [{"uri": folder.as_uri(), "name": "tree"}],
            "initializationOptions": {"debounce": 0},
        },
        is_request=True,
    )
    server.wait(lambda message: message.get("id") == 1)
    server.send("initialized", {})
    ends = lambda message: message.get("method") == "$/progress" and message["params"]["value"]["kind"] == "end"
    server.wait(ends)
    first = (time.perf_counter() - start) * 1000
    before = server.peak()
    print(f"first analysis {first:.0f} ms, {before} MB")
    for name, values in zip(("waited", "processor"), measure(server, folder, random.Random(wanted.seed), wanted)):
        at = [values[min(len(values) - 1, int(len(values) * share))] for share in (0.5, 0.95, 1)]
        print(f"{name}: median {at[0]:.0f} ms, p95 {at[1]:.0f} ms, most {at[2]:.0f} ms ({len(values)} edits)")
    print(f"{server.peak()} MB")
    server.process.kill()


if __name__ == "__main__":
    sys.exit(main())
