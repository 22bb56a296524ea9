def f(a, b):
    if a:
        one()
    elif not b:
        two()
    else:
        three()
    return a
