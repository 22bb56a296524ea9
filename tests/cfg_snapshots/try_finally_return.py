def f(load, close):
    try:
        if load():
            return 1
        return load()
    finally:
        close()
