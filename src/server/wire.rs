//! Messages as bytes. A message that cannot be read is answered and skipped: what follows it is read again.

use std::io::{self, BufRead, Read, Write};

use lsp_server::{ErrorCode, Message, Notification, Request, RequestId, Response};
use serde_json::{Value, json};

/// Larger messages are skipped without being kept: files are smaller.
const MAX_BODY: u64 = 1 << 30;
/// No line of a header is longer; what is longer is read in pieces.
const MAX_LINE: u64 = 4096;
/// The only header that matters.
const LENGTH: &[u8] = b"content-length:";

/// What was read.
#[derive(Debug)]
pub(super) enum Incoming {
    /// A message.
    Message(Message),
    /// Something that is no message, with the answer that it gets.
    Malformed(Malformed),
}

/// What was wrong with a message.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Malformed {
    /// The id that it names; null if it names none that can be used.
    pub id: Value,
    /// One of [`ErrorCode`].
    pub code: i32,
    /// In words.
    pub message: String,
}

impl Malformed {
    fn new(id: Value, code: ErrorCode, message: String) -> Self {
        Self {
            id,
            code: code as i32,
            message,
        }
    }

    /// The answer, as JSON.
    pub fn answer(&self) -> Value {
        json!({
            "jsonrpc": "2.0",
            "id": self.id,
            "error": { "code": self.code, "message": self.message },
        })
    }
}

/// The next message; `None` at the end of the input.
///
/// # Errors
/// When the input cannot be read.
pub(super) fn read(input: &mut dyn BufRead) -> io::Result<Option<Incoming>> {
    let Some(length) = read_header(input)? else {
        return Ok(None);
    };
    let mut body = Vec::new();
    if length > MAX_BODY {
        let skipped = io::copy(&mut input.take(length), &mut io::sink())?;
        let message = format!("the message is too large: {skipped} bytes");
        let wrong = Malformed::new(Value::Null, ErrorCode::InvalidRequest, message);
        return Ok(Some(Incoming::Malformed(wrong)));
    }
    let read = input.take(length).read_to_end(&mut body)?;
    if (read as u64) < length {
        return Ok(None);
    }
    Ok(Some(match parse(&body) {
        Ok(message) => Incoming::Message(message),
        Err(wrong) => Incoming::Malformed(wrong),
    }))
}

/// Reads lines up to the empty one after a length. Anything that is no header is skipped, so that the next message is
/// found after one whose length was wrong.
fn read_header(input: &mut dyn BufRead) -> io::Result<Option<u64>> {
    let mut length = None;
    let mut line = Vec::new();
    loop {
        line.clear();
        if input.take(MAX_LINE).read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        let text = line.trim_ascii();
        match length {
            Some(length) if text.is_empty() => return Ok(Some(length)),
            _ => length = length_in(text).or(length),
        }
    }
}

/// The length that a line gives, which may follow the rest of a message that was longer than it said.
fn length_in(line: &[u8]) -> Option<u64> {
    let lower = line.to_ascii_lowercase();
    let mut starts = lower.windows(LENGTH.len());
    let at = starts.rposition(|part| part == LENGTH)?;
    let number = line.get(at + LENGTH.len()..)?.trim_ascii();
    std::str::from_utf8(number).ok()?.parse().ok()
}

fn parse(body: &[u8]) -> Result<Message, Malformed> {
    let value: Value = serde_json::from_slice(body)
        .map_err(|error| Malformed::new(Value::Null, ErrorCode::ParseError, error.to_string()))?;
    let invalid = |id: Value, message: &str| {
        Malformed::new(id, ErrorCode::InvalidRequest, message.to_owned())
    };
    let Value::Object(mut fields) = value else {
        return Err(invalid(Value::Null, "a message is an object"));
    };
    let raw_id = fields.remove("id");
    let id = raw_id.clone().map(serde_json::from_value::<RequestId>);
    let method = match fields.remove("method") {
        None => None,
        Some(Value::String(method)) => Some(method),
        Some(_) => {
            let id = raw_id.filter(|_| matches!(id, Some(Ok(_))));
            return Err(invalid(id.unwrap_or_default(), "`method` is a string"));
        }
    };
    let params = fields.remove("params").unwrap_or_default();
    match (id, method) {
        (None, Some(method)) => Ok(Message::Notification(Notification { method, params })),
        (Some(Ok(id)), Some(method)) => Ok(Message::Request(Request { id, method, params })),
        (Some(Ok(id)), None) if fields.contains_key("result") || fields.contains_key("error") => {
            let failed = fields.remove("error").filter(|error| !error.is_null());
            let response_result = match failed {
                Some(error) => Err(serde_json::from_value(error).map_err(|error| {
                    invalid(Value::Null, &format!("`error` is not one: {error}"))
                })?),
                None => Ok(fields.remove("result").unwrap_or_default()),
            };
            Ok(Message::Response(Response {
                id,
                response_result,
            }))
        }
        (Some(Ok(_)), None) => {
            let id = raw_id.unwrap_or_default();
            Err(invalid(id, "there is neither a method nor a result"))
        }
        (Some(Err(_)), _) => Err(invalid(
            Value::Null,
            "`id` is a string or a number of 32 bits",
        )),
        (None, None) => Err(invalid(Value::Null, "there is no method")),
    }
}

/// Writes JSON as a message.
///
/// # Errors
/// When the output cannot be written.
pub(super) fn write(output: &mut dyn Write, message: &Value) -> io::Result<()> {
    let text = message.to_string();
    write!(output, "Content-Length: {}\r\n\r\n{text}", text.len())?;
    output.flush()
}

/// A message as JSON.
pub(super) fn to_json(message: &Message) -> Value {
    let mut value = serde_json::to_value(message).unwrap_or_default();
    if let Value::Object(fields) = &mut value {
        fields.insert("jsonrpc".to_owned(), "2.0".into());
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(mut bytes: &[u8]) -> Vec<Incoming> {
        std::iter::from_fn(|| read(&mut bytes).unwrap()).collect()
    }

    fn framed(body: &str) -> String {
        format!("Content-Length: {}\r\n\r\n{body}", body.len())
    }

    /// The methods of what is read; the codes of what is wrong.
    fn told(text: &str) -> Vec<String> {
        let told = all(text.as_bytes()).into_iter();
        told.map(|incoming| match incoming {
            Incoming::Message(Message::Request(request)) => {
                format!("{} {}", request.method, request.id)
            }
            Incoming::Message(Message::Notification(told)) => told.method,
            Incoming::Message(Message::Response(answer)) => format!("answer {}", answer.id),
            Incoming::Malformed(wrong) => format!("{} {}", wrong.id, wrong.code),
        })
        .collect()
    }

    #[test]
    fn messages_are_read_one_after_the_other() {
        let text = framed(r#"{"id":1,"method":"a"}"#)
            + &framed(r#"{"id":"x","method":"b","params":{}}"#)
            + &framed(r#"{"method":"c"}"#)
            + &framed(r#"{"id":4,"result":null}"#)
            + &framed(r#"{"id":5,"error":{"code":1,"message":"no"}}"#);
        assert_eq!(told(&text), ["a 1", "b \"x\"", "c", "answer 4", "answer 5"]);
    }

    #[test]
    fn what_is_no_message_is_told_and_skipped() {
        let good = framed(r#"{"method":"good"}"#);
        for (bad, code) in [
            ("{", "null -32700"),
            ("[]", "null -32600"),
            ("5", "null -32600"),
            ("{}", "null -32600"),
            (r#"{"id":7}"#, "7 -32600"),
            (r#"{"id":7,"method":1}"#, "7 -32600"),
            (r#"{"id":null,"method":"a"}"#, "null -32600"),
            (r#"{"id":1.5,"method":"a"}"#, "null -32600"),
            (r#"{"id":5,"error":5}"#, "null -32600"),
        ] {
            let text = framed(bad) + &good;
            assert_eq!(told(&text), [code, "good"], "{bad}");
        }
        let deep = "[".repeat(100_000);
        assert_eq!(told(&(framed(&deep) + &good)), ["null -32700", "good"]);
    }

    #[test]
    fn the_next_message_is_found_after_a_wrong_header() {
        let good = framed(r#"{"method":"good"}"#);
        for bad in [
            "nonsense\r\n",
            "Content-Length: many\r\n\r\n",
            "Content-Length: -1\r\n\r\n",
            "\r\n\r\n\r\n",
            "Content-Type: x\r\n\r\n{}",
            // It is longer than it says.
            "Content-Length: 2\r\n\r\n{}, and more",
        ] {
            let read = told(&format!("{bad}{good}"));
            assert_eq!(read.last().map(String::as_str), Some("good"), "{bad:?}");
        }
        let other = r#"{"method":"good"}"#;
        let other = format!(
            "Content-Type: application/vscode-jsonrpc; charset=utf-8\r\ncontent-length:{}\n\n{other}",
            other.len()
        );
        assert_eq!(told(&other), ["good"]);
    }

    #[test]
    fn the_end_may_come_anywhere() {
        let text = framed(r#"{"id":1,"method":"a"}"#);
        for end in 0..text.len() {
            assert!(all(&text.as_bytes()[..end]).is_empty());
        }
    }

    #[test]
    fn what_is_written_can_be_read() {
        let message = Message::Request(Request::new(3.into(), "é".to_owned(), ()));
        let mut bytes = Vec::new();
        write(&mut bytes, &to_json(&message)).unwrap();
        assert_eq!(told(std::str::from_utf8(&bytes).unwrap()), ["é 3"]);
    }
}
