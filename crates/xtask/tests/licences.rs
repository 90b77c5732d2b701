//! Every dependency may be given away with ours: `deny.toml` names the licences.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

#[test]
fn every_dependency_has_a_licence_that_deny_toml_allows() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let allowed = allowed(&std::fs::read_to_string(root.join("deny.toml")).unwrap());
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--locked", "--format-version", "1"])
        .current_dir(&root)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let refused: Vec<_> = metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|package| !package["source"].is_null())
        .filter(|package| !may_be_used(package["license"].as_str().unwrap_or("none"), &allowed))
        .map(|package| {
            format!("{} {}: {}", package["name"], package["version"], package["license"])
        })
        .collect();
    assert!(refused.is_empty(), "not allowed by deny.toml:\n{}", refused.join("\n"));
}

#[test]
fn an_expression_is_allowed_when_one_way_to_read_it_is() {
    let allowed: Vec<String> = ["MIT", "ISC"].map(Into::into).into();
    let yes = ["MIT", "MIT/GPL-3.0", "GPL-3.0 OR MIT", "(MIT OR GPL-3.0) AND ISC", "ISC AND (MIT)"];
    let no = ["GPL-3.0", "MIT AND GPL-3.0", "(GPL-3.0 OR AGPL-3.0) AND MIT", "none"];
    assert!(yes.iter().all(|expression| may_be_used(expression, &allowed)));
    assert!(!no.iter().any(|expression| may_be_used(expression, &allowed)));
}

/// The quoted names of `allow = [ … ]`.
fn allowed(deny: &str) -> Vec<String> {
    let list = deny.split_once("allow = [").unwrap().1.split_once(']').unwrap().0;
    list.split('"').skip(1).step_by(2).map(Into::into).collect()
}

/// SPDX: `AND` binds tighter than `OR`, `/` is an old `OR`, `WITH` belongs to its licence.
fn may_be_used(expression: &str, allowed: &[String]) -> bool {
    let split = |word: &str| split_outside(expression, word);
    let alternatives = [split(" OR "), split("/")].into_iter().find(|parts| parts.len() > 1);
    if let Some(alternatives) = alternatives {
        return alternatives.iter().any(|part| may_be_used(part, allowed));
    }
    let all = split(" AND ");
    if all.len() > 1 {
        return all.iter().all(|part| may_be_used(part, allowed));
    }
    let one = expression.trim();
    match one.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        Some(inner) => may_be_used(inner, allowed),
        None => allowed.iter().any(|name| name == one),
    }
}

/// Splits where no parenthesis is open.
fn split_outside<'a>(text: &'a str, word: &str) -> Vec<&'a str> {
    let (mut parts, mut from, mut depth) = (Vec::new(), 0, 0);
    for (at, letter) in text.char_indices() {
        match letter {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ if depth == 0 && at >= from && text[at..].starts_with(word) => {
                parts.push(&text[from..at]);
                from = at + word.len();
            }
            _ => {}
        }
    }
    parts.push(&text[from..]);
    parts
}
