fn both(&mut self) {
    #[cfg(feature = "stats")]
    self.stats.insert("a", 1);
    #[cfg(not(feature = "stats"))]
    self.skip();
    #[cfg(test)]
    self.never();
}
