def f(self):
    try:
        self.load()
    except ValueError as e:
        self.log(e)
    else:
        self.ok()
    finally:
        self.close()
