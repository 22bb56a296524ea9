//! The language server: what a run finds, for editors, over the protocol that they share.
//!
//! One thread reads messages, one writes them, one analyses, and one, the session, knows what is open and answers. The
//! session never analyses, so it always answers. A question about a document waits until what is known is about the text
//! that is open now: nobody is told of a position in a text that is no more.

mod actions;
mod callers;
mod client;
mod diagnostics;
mod documents;
mod exits;
mod hover;
mod links;
mod notifications;
mod publish;
mod requests;
mod roots;
mod session;
mod text;
mod uri;
mod view;
mod wire;
mod worker;

#[cfg(test)]
mod tests;

use std::io::{BufRead, Write};
use std::sync::mpsc::channel;
use std::thread;

use session::{Event, Session};
pub use worker::{Engine, Memory, Workspace};

/// Serves one editor until it says that it is done, or is gone. Returns the exit code: 0 if it said so.
///
/// # Panics
/// When no thread can be started.
pub fn serve(
    mut input: impl BufRead + Send + 'static,
    mut output: impl Write + Send + 'static,
    mut engine: Engine,
) -> u8 {
    let (events, incoming) = channel();
    let (outgoing, messages) = channel::<serde_json::Value>();
    let (jobs, work) = channel();
    let done = events.clone();
    // It waits for input that may never come, so nobody waits for it.
    thread::spawn(move || {
        loop {
            let event = match wire::read(&mut input) {
                Ok(Some(message)) => Event::Message(message),
                Ok(None) | Err(_) => Event::Closed,
            };
            let is_last = matches!(event, Event::Closed);
            if events.send(event).is_err() || is_last {
                return;
            }
        }
    });
    thread::spawn(move || worker::work(&work, &done, &mut engine));
    let writer = thread::spawn(move || {
        for message in messages {
            if wire::write(&mut output, &message).is_err() {
                // The editor is gone; the input tells so, too.
                return;
            }
        }
    });
    let code = Session::new(outgoing, jobs).run(&incoming);
    // What was said last is written.
    let _ = writer.join();
    code
}
