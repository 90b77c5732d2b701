//! What an answer has to look like: values, and the matchers of the conformance table.

use serde_json::Value;

/// What of `found` is not as `expected`; `None` when all is.
pub fn mismatch(expected: &Value, found: Option<&Value>) -> Option<String> {
    let wrong = || Some(format!("{} is not {expected}", found.unwrap_or(&Value::Null)));
    if expected == "$absent" {
        return found.is_some().then(|| format!("{} should not be there", found.unwrap()));
    }
    let Some(found) = found else { return Some(format!("missing, should be {expected}")) };
    match expected {
        Value::String(word) if word.starts_with('$') => {
            let text = found.as_str();
            let fits = match word.as_str() {
                "$int" => found.as_u64().is_some_and(|number| number > 0),
                "$int0" => found.as_u64().is_some(),
                "$str" => text.is_some_and(|text| !text.is_empty()),
                "$str64" => text.is_some_and(|text| {
                    let plain = |byte: u8| byte.is_ascii_digit() || byte.is_ascii_lowercase();
                    text.len() == 64 && text.bytes().all(plain)
                }),
                "$arr" => found.is_array(),
                other => panic!("no such matcher: {other}"),
            };
            if fits { None } else { wrong() }
        }
        Value::Object(fields) => fields.iter().find_map(|(name, expected)| {
            mismatch(expected, found.get(name)).map(|text| format!("{name}: {text}"))
        }),
        Value::Array(items) if items.first().is_some_and(|first| first == "$has") => {
            let among = found.as_array();
            let has = |item: &Value| mismatch(&items[1], Some(item)).is_none();
            if among.is_some_and(|among| among.iter().any(has)) { None } else { wrong() }
        }
        _ => {
            if expected == found {
                None
            } else {
                wrong()
            }
        }
    }
}
