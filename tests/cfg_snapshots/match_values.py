def f(mode):
    match mode:
        case "a" | "b":
            first()
        case None:
            second()
        case Mode.LAST if ready():
            third()
        case other:
            fourth(other)
