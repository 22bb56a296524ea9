fn tally(&mut self, rows: Vec<Row>) -> usize {
    let mut total = 0;
    let factor = self.factor;
    let mut add = |n: usize| total += n * factor;
    for row in &rows {
        add(row.n);
    }
    rows.iter().for_each(|row| self.log(row));
    total
}
