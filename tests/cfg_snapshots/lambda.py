def f(rows, n):
    return sorted(rows, key=lambda row: row[n] or 0)
