def f(rows):
    assert rows and len(rows) < 3, f"got {rows!r:>{width}}"
    assert False
