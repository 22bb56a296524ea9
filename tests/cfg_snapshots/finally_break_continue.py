def f(rows, close):
    for row in rows:
        try:
            if row.skip():
                continue
            if row.stop():
                break
        finally:
            close(row)
    return rows
