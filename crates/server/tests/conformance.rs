//! The conformance cases of the backend API (`backend-api.md` 11), run against the program, with
//! what connected clients see of them.
//!
//! The cases are data (`conformance/cases.json`). A suite is one test, which lists all that failed.

#[path = "conformance/effects.rs"]
mod effects;
#[path = "conformance/hooks.rs"]
mod hooks;
#[path = "conformance/matcher.rs"]
mod matcher;
#[path = "conformance/request.rs"]
mod request;
#[path = "conformance/runner.rs"]
mod runner;
mod support;

use runner::Runner;

/// Cases that are known to fail, and why. Empty of release R1 when the backend is whole.
const PENDING: &[(&str, &str)] = &[];

async fn suite(name: &str, setup: &[&str]) {
    suite_with(name, setup, &[]).await;
}

async fn suite_with(name: &str, setup: &[&str], arguments: &[&str]) {
    let failures = Runner::start_with(arguments).await.suite(name, setup).await;
    let mut wrong = Vec::new();
    for (id, reason) in PENDING {
        if failures.ran(id) && failures.of(id).is_none() {
            wrong.push(format!("{id} passes now and is not pending any more ({reason})"));
        }
    }
    for (id, text) in failures.failed() {
        if !PENDING.iter().any(|(pending, _)| pending == id) {
            wrong.push(format!("{id}: {text}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {name} failed:\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_read_as_backends_in_the_field_send_them() {
    suite("transport", &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn users_and_tokens_do_what_the_specification_says() {
    suite("users", &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_do_what_the_specification_says() {
    suite("groups", &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_do_what_the_specification_says() {
    suite("messages", &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn feature_classes_are_kept_told_and_enforced() {
    suite("classes", &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn apps_do_what_the_specification_says() {
    suite("apps", &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_do_what_the_specification_says() {
    suite("files", &["G00"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_login_of_demo_pages_does_what_the_specification_says() {
    suite_with("demo", &["G00", "G00b"], &["--demo-enabled", "true", "--demo-app", "tests"]).await;
}
