class A(B):
    def f(self, rows):
        return consume(super().f(r) for r in rows for _ in self.g(r) if r)
