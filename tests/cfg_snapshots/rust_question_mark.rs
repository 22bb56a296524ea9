fn load(&mut self) -> Result<usize, Error> {
    let rows = self.client.fetch(self.query.as_str())?;
    let n = self.table.insert(&rows).map_err(Error::Insert)?;
    Ok(n)
}
