//! Named values of profiles as text (`proto::Profile`): one of them is changed, the others are the user's
//! and stay as they were written.
//!
//! Relies on the text being what pages make of them, which is JSON without blanks between its parts; what
//! is not, is left as it is.

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

/// With this value of a name instead of the former one, among those that everybody sees; empty takes it
/// away.
pub(crate) fn with(values: &str, name: &str, value: &str) -> String {
    let mut lines: Vec<&str> = values.lines().collect();
    let place = lines.iter().position(|line| line.starts_with('{'));
    let shown = place.map_or("", |place| lines.remove(place));
    let key = format!("\"{name}\":");
    let mut members: Vec<_> =
        members(shown).into_iter().filter(|member| !member.starts_with(&key)).collect();
    let added = format!("{key}{}", quoted(value));
    if !value.is_empty() {
        members.push(&added);
    }
    let shown = format!("{{{}}}", members.join(","));
    if !members.is_empty() {
        lines.insert(0, &shown);
    }
    lines.join("\n")
}

/// The members of an object, each with its name.
fn members(object: &str) -> Vec<&str> {
    let inside = object.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    let inside = inside.unwrap_or_default();
    let (mut found, mut from) = (Vec::new(), 0);
    let (mut depth, mut in_text, mut escaped) = (0_u32, false, false);
    for (at, letter) in inside.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' if in_text => escaped = true,
            '"' => in_text = !in_text,
            _ if in_text => {}
            '{' | '[' => depth += 1,
            '}' | ']' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                found.push(&inside[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    found.push(&inside[from..]);
    found.retain(|member| !member.is_empty());
    found
}

/// A text as JSON has it (RFC 8259 section 7).
fn quoted(text: &str) -> String {
    let mut quoted = "\"".to_string();
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            letter if u32::from(letter) < 0x20 => {
                quoted.push_str(&format!("\\u{:04x}", u32::from(letter)));
            }
            letter => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value_is_changed_and_the_others_stay_as_they_were() {
        for (before, value, after) in [
            ("", "a", r#"{"info":"a"}"#),
            ("", "", ""),
            (r#"{"info":"a"}"#, "", ""),
            (r#"{"info":"a"}"#, "b", r#"{"info":"b"}"#),
            (
                r#"{"x":[1,{"info":2}],"info":"a","y":"b,\"c"}"#,
                "d",
                r#"{"x":[1,{"info":2}],"y":"b,\"c","info":"d"}"#,
            ),
            ("{\"x\":1}\n3 {\"info\":7}", "a", "{\"x\":1,\"info\":\"a\"}\n3 {\"info\":7}"),
            ("3 {\"x\":7}", "a", "{\"info\":\"a\"}\n3 {\"x\":7}"),
            (r#"{"x":"}]\\"}"#, "a", r#"{"x":"}]\\","info":"a"}"#),
            ("", "say \"\\\n\u{e4}\"", "{\"info\":\"say \\\"\\\\\\u000a\u{e4}\\\"\"}"),
        ] {
            assert_eq!(with(before, "info", value), after, "{before} {value}");
        }
    }
}
