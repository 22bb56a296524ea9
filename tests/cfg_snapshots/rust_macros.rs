fn check(&self, rows: &[Row]) -> anyhow::Result<()> {
    anyhow::ensure!(!rows.is_empty(), "no rows");
    assert_eq!(rows.len(), self.expected, "lengths differ");
    debug_assert!(self.ready);
    if matches!(self.mode, Mode::Append | Mode::Merge if rows.len() > 1) {
        tracing::info!(count = rows.len(), "{} rows", rows.len());
    }
    let text = format!("{}_{kind}", self.table, kind = "rows");
    sqlx::query!("INSERT INTO t (name) VALUES ($1)", text).execute(&self.pool)?;
    if cfg!(feature = "strict") {
        bail!("strict");
    }
    unreachable!()
}
