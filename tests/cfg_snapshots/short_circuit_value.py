def f(a, b):
    x = a or b()
    y = not (a and b)
    a and b.run()
    return x
