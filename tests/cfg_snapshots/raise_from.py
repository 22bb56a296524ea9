def f(load):
    try:
        load()
    except ValueError as e:
        raise Wrapped("bad") from e
    raise
