fn store(&mut self, n: i64) {
    self.stats.insert("rows_inserted".to_string(), n);
    self.stats["other"] = n;
    self.counts.rows += n;
    *self.stats.entry("x".into()).or_default() += n;
    let old = std::mem::take(&mut self.stats);
    self.stats = Stats { rows: n, ..Default::default() };
    let s = &mut self.counts;
    *s = old.into();
    (self.a, self.b) = (1, n);
}
