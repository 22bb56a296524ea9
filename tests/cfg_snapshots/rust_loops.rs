fn spin(&mut self, rows: &[Row]) -> usize {
    let found = 'outer: loop {
        for (i, row) in rows.iter().enumerate() {
            if row.skip {
                continue;
            }
            if row.stop {
                break 'outer i;
            }
        }
        while let Some(next) = self.next() {
            if next.last {
                break 'outer 0;
            }
        }
    };
    let big = 'big: {
        if found > 10 {
            break 'big true;
        }
        false
    };
    if big { found } else { 0 }
}
