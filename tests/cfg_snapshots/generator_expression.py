def f(rows, limit):
    return consume(r for r in rows if r < limit)
