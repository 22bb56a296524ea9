def f(a):
    with a, b() as self.x:
        work()
