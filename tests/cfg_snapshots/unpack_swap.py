def f(a, b):
    a, b = b, a
    a, b = a
    return a
