def f(load, later):
    n = 0
    try:
        n = load()
    except ValueError as e:
        later(lambda: e.args)
    return n
