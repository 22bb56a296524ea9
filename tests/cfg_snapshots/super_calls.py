class A(B):
    def f(self):
        super().f()
        super(B, self).f()
        def inner():
            return super().f()
        return inner()
