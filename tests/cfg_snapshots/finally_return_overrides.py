def f(load):
    try:
        load()
    finally:
        return 0
