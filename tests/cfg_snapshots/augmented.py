def f(self, k, n):
    n += 1
    self.total -= n
    self.stats[k()] |= n
    self.rows[1:2] += [n]
