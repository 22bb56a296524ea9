async fn run(&mut self) -> Result<(), Error> {
    let (a, b) = tokio::try_join!(self.left(), self.right())?;
    let later = async { self.write(a + b).await };
    later.await?;
    Ok(())
}
