def f(rows, n):
    found = [y for x in rows if (y := x.get(n))]
    any((last := r) for r in rows)
    each = (total := total + r for r in rows)
    return y, last, total
