def f(a, b):
    for x in a:
        with b:
            try:
                return x.run()
            finally:
                if x.skip():
                    continue
