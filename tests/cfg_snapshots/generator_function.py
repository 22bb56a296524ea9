def f(rows, close):
    try:
        sent = yield len(rows)
        yield from rows
    finally:
        close(sent)
