fn pick(&self, x: Option<u32>, y: Result<u32, Error>) -> u32 {
    let Some(n) = x else {
        return 0;
    };
    if let Ok(m) = y
        && m > n
        && self.fits(m)
    {
        m
    } else if n == 7 {
        n
    } else {
        1
    }
}
