def f(self, pairs):
    for key, (first, *rest) in pairs:
        self.stats[key] = rest
    for self.last in pairs:
        pass
