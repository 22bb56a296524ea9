def f(rows, keys):
    a = [row.id for row in rows if row.ok and row.id]
    b = {x for row in rows for x in row}
    c = {k: load(k) for k in keys}
    return a, b, c
