def f(self):
    while True:
        if self.ready():
            break
        self.wait()
