def f(path):
    with open(path) as handle:
        handle.read()
    return path
