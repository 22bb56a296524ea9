fn save(&mut self, mode: Mode, rows: Option<Vec<Row>>) -> Result<(), Error> {
    match (mode, rows) {
        (Mode::Append | Mode::Merge, Some(rows)) if !rows.is_empty() => self.write(rows),
        (Mode::Replace, Some(rows)) => {
            self.clear();
            self.write(rows)
        }
        (_, None) => Err(Error::Missing),
        _ => Ok(()),
    }
}
