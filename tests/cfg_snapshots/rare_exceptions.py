def f(row):
    try:
        n = row.count + 1
    except AttributeError:
        n = 0
    try:
        return -n / row.total
    except (TypeError, ZeroDivisionError):
        return n
