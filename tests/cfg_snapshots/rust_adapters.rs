impl Loader {
    fn pending(&self, runs: &[Run], days: &[String]) -> bool {
        let done: HashSet<&str> = runs.iter().filter(|r| r.good).map(|r| r.day.as_str()).collect();
        let last = self.last().filter(|r| r.good).is_some();
        days.iter().any(|day| !done.contains(day.as_str())) || last
    }
}
