fn count(&self, row: Option<Row>) -> i64 {
    if row.as_ref().is_some_and(|r| r.n > 0) {
        return 1;
    }
    let n = self.last().unwrap_or(0);
    let m = self.fetch().unwrap_or_else(|e| self.log(e));
    n + m + self.total.lock().unwrap().len() as i64
}
