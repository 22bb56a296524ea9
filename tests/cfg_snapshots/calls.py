def f(self, a, b):
    self.stats.update(n=a, **b)
    f(*a, 1, key=self.x.y)[0]()
    print(f"{a} rows", "x" "y", b"z", -1, 1.5, ...)
    return {**b, "k": [*a, 1], "s": {1, 2}}
