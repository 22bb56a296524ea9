def f(a, n):
    if 0 < n() <= a:
        return True
    return a < n() < 3
