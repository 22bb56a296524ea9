def f(pair):
    match pair:
        case []:
            return 0
        case [x]:
            return x
        case (first, *_, [a, b]):
            return first
        case [_, *rest]:
            return rest
