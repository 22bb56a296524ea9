def f(load, close):
    try:
        load()
    finally:
        close()
    after()
