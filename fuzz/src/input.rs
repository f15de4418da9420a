//! An input of a target read as a message: headers as JSON in the first line, the body after it.

use berth_broker::Message;
use serde_json::{Value, json};

/// The message that `input` stands for. Without a table in its first line all of it is the body, and there are no
/// headers, as with tasks of protocol 1.
#[must_use]
pub fn message(input: &[u8]) -> Message {
    let line = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
    match serde_json::from_slice(&input[..line]) {
        Ok(Value::Object(headers)) if line < input.len() => {
            let mut message = Message::json(input[line + 1..].to_vec());
            message.headers = headers.into();
            message
        }
        _ => Message::json(input.to_vec()),
    }
}

/// The input that stands for `message`.
#[must_use]
pub fn of(message: &Message) -> Vec<u8> {
    let mut input = json!(message.headers).to_string().into_bytes();
    input.push(b'\n');
    input.extend_from_slice(&message.body);
    input
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_stands_for_the_message_that_it_was_made_of() {
        let mut message = Message::json("[1,\n2]");
        message.headers.insert("task".to_owned(), Value::from("t"));
        assert_eq!(super::message(&of(&message)), message);
        assert_eq!(super::message(b"{\"task\": 1}"), Message::json("{\"task\": 1}"));
    }
}
