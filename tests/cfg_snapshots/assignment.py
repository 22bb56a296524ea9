def f(load):
    a = b = load()
    x, *y, z = load()
    (a, b), self.n = (b, a), 1
    [p, q] = a, b
    n: int
    m: int = load()
    s = m[1:], m[::2]
