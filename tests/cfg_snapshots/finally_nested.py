def f(a, b):
    try:
        try:
            return a()
        finally:
            b(1)
    finally:
        b(2)
