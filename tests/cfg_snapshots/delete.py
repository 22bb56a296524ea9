def f(self, key):
    x = 1
    del x, self.stats[key], self.field
