def f(self, limit):
    count = 0
    def add(n):
        nonlocal count
        def log():
            return self.log(count, limit)
        count += n
        return log()
    add(limit)
    return count
