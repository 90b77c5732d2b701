//! Everything of one user: exported as one, and erased from every file of the data folder.

mod support;

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use support::{Program, Session, message};
use wire::proto::{
    Ack, Contact, Contacts, ProfileSave, PushToken, Send, Target, client_frame::Body, server_frame,
    target,
};

/// In the address, and in everything that the user has ever given.
const MARK: &str = "mark-0a1b2c";

fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_mesibo-server"))
}

/// Two people with everything between them that a server keeps.
struct World {
    server: Program,
    ada: Session,
    gid: u64,
}

async fn world() -> World {
    // Nobody takes the events: they wait.
    let hooks = ["--webhook-allow-http", "true", "--webhook-allow-private", "true"];
    let server = Program::start_with(program(), &hooks);
    let app = json!({"url": "http://127.0.0.1:9/", "notify": 0x3ffff});
    assert_eq!(server.call(json!({"op": "appset", "app": app}))["result"], true);
    let bob_is = format!("bob-{MARK}");
    let (ada, bob) = (server.user("ada"), server.user(&bob_is));
    let profile = json!({"name": MARK, "status": MARK});
    let user = json!({"address": bob_is, "profile": profile});
    server.call(json!({"op": "userset", "user": user}));
    let group = json!({"name": "crew", "members": {"m": format!("ada,{bob_is}")}});
    let gid = server.call(json!({"op": "groupadd", "group": group}))["group"]["gid"].as_u64();
    let gid = gid.unwrap();

    let mut of_ada = server.sign_in(&ada).await;
    let mut of_bob = server.sign_in(&bob).await;
    of_bob.say(message(1, "ada", MARK)).await;
    let to = Some(Target { to: Some(target::To::Group(gid as u32)) });
    let Body::Send(to_ada) = message(2, "ada", MARK) else { unreachable!() };
    of_bob.say(Body::Send(Send { to, ..to_ada })).await;
    of_ada.say(message(3, &bob_is, "for bob alone, mark-of-ada")).await;
    let entries = of_bob.entries(1).await;
    // Delivered to Bob: Ada's log says so, and she has not fetched it.
    of_bob.say(Body::Ack(Ack { seq: entries.last().unwrap().seq, ..Ack::default() })).await;
    of_bob
        .say(Body::ProfileSave(ProfileSave {
            ticket: 1,
            values: Some(format!("{{\"note\":\"{MARK}\"}}")),
            ..ProfileSave::default()
        }))
        .await;
    let contact = Contact { address: "ada".into(), flags: 1 };
    of_bob.say(Body::Contacts(Contacts { ticket: 1, contacts: vec![contact] })).await;
    of_bob.say(Body::PushToken(PushToken { ticket: 7, token: MARK.into(), voip: false })).await;
    accepted(&mut of_bob, 7).await;
    of_ada.entries(3).await;

    let later = json!({"from": bob_is, "to": "ada", "message": MARK, "when": 9000});
    server.call(json!({"op": "message", "message": later}));
    upload(&server, &bob);
    begin_upload(&server, &bob);
    World { server, ada: of_ada, gid }
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_of_a_user_is_exported_as_one() {
    let World { server, gid, .. } = world().await;
    let bob = format!("bob-{MARK}");
    let all = done(server.data(), &["user", "export", &bob]);
    assert_eq!((&all["user"]["address"], &all["user"]["name"]), (&json!(bob), &json!(MARK)));
    assert!(all["user"]["values"].as_str().unwrap().contains(MARK));
    let texts = all["messages"].as_array().unwrap().iter().map(|it| it["message"].as_str());
    let mut texts: Vec<_> = texts.flatten().collect();
    texts.sort_unstable();
    assert_eq!(texts, ["for bob alone, mark-of-ada", MARK, MARK]);
    assert_eq!(all["groups"][0]["gid"], gid);
    assert_eq!(all["contacts"][0]["address"], "ada");
    assert_eq!((&all["devices"][0]["push"], all["tokens"][0].is_object()), (&json!(MARK), true));
    assert_eq!(all["scheduled"][0]["message"]["message"], MARK);
    assert!(all["events"].as_array().unwrap().len() > 3, "{all}");
    let url = all["files"][0]["url"].as_str().unwrap();
    let path = url.split_once("/files/").unwrap().1;
    assert!(server.get(&format!("/files/{path}")).1.contains(MARK));
    assert!(!all.to_string().contains("hash"), "{all}");

    // In parts, as a backend gets it.
    let part = server.call(json!({"op": "userexport", "user": {"address": bob}, "count": 2}));
    assert_eq!(part["messages"].as_array().unwrap().len(), 2);
    let rest = json!({"op": "userexport", "user": {"address": bob}, "after": part["next"]});
    let rest = server.call(rest);
    assert_eq!((rest["messages"].as_array().unwrap().len(), &rest["user"]), (1, &Value::Null));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_user_is_in_no_file_of_the_data_folder() {
    let World { mut server, mut ada, gid } = world().await;
    let bob = format!("bob-{MARK}");
    let there = files_with(server.data(), MARK);
    for store in ["mesibo.db", "hooks.db", "files/", "uploads/"] {
        assert!(there.iter().any(|name| name.contains(store)), "{store} is not in {there:?}");
    }
    // What others have recorded of it goes, what it has recorded of others stays.
    let uid = |address: &str| {
        let row = server.call(json!({"op": "usersget", "user": {"address": address}}));
        row["users"][0]["uid"].clone()
    };
    let (bob_uid, ada_uid) = (uid(&bob), uid("ada"));
    let of_bob = recorded(&server, gid, ("1", &bob_uid, &ada_uid), MARK);
    let of_ada = recorded(&server, gid, ("2", &ada_uid, &bob_uid), "Ada");
    // Another one's address that only begins like it, and a text that names it, stay.
    let almost = format!("{bob}-2");
    server.user(&almost);
    done(server.data(), &["user", "erase", &bob]);
    server.call(json!({"op": "userdel", "user": {"address": almost}}));

    assert_eq!(files_with(server.data(), MARK), [] as [&str; 0]);
    assert_eq!(files_with(server.data(), "mark-of-ada"), [] as [&str; 0]);
    let media = server.call(json!({"op": "groupgetmedia", "gid": gid}))["media"].clone();
    assert_eq!((media.as_array().unwrap().len(), &media[0]["uid"]), (1, &json!(0)), "{media}");
    assert!(!of_bob.exists() && of_ada.exists());
    let members = server.call(json!({"op": "groupgetmembers", "gid": gid}));
    assert_eq!(members["members"].as_array().unwrap().len(), 1);
    let again = server.call(json!({"op": "usererase", "user": {"address": bob}}));
    assert_eq!(again["error"], "NOUSER");
    // The others go on, also after a power cut.
    ada.say(message(9, "ada", "still here")).await;
    accepted(&mut ada, 9).await;
    server.kill_and_start_again();
    assert_eq!(files_with(server.data(), MARK), [] as [&str; 0]);
    let kept = server.call(json!({"op": "messagesget", "message": {"address": "ada"}}));
    assert_eq!(kept["messages"].as_array().unwrap().len(), 1, "{kept}");
}

/// A recording of somebody by somebody, as the server keeps it; its file.
fn recorded(
    server: &Program,
    gid: u64,
    (digit, of, by): (&str, &Value, &Value),
    title: &str,
) -> std::path::PathBuf {
    let id = digit.repeat(32);
    let name = format!("1795312345-{id}.webm");
    let medium = json!({
        "id": id, "aid": 1, "gid": gid, "uid": by, "mid": 0, "title": title, "kind": "video/webm",
        "size": title.len(), "ts": 1, "name": name, "of": of, "recording": [1, 2],
    });
    let folder = server.data().join("library").join(gid.to_string());
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(format!("{id}.json")), medium.to_string()).unwrap();
    let file = server.data().join("files").join(name);
    std::fs::write(&file, title).unwrap();
    file
}

async fn accepted(session: &mut Session, id: u64) {
    let is_it = |frame| match frame {
        server_frame::Body::Accepted(accepted) => (accepted.id == id).then_some(()),
        _ => None,
    };
    session.hear(is_it).await;
}

/// The answer of a command that has to succeed.
fn done(data: &Path, words: &[&str]) -> Value {
    let output = Command::new(program()).args(words).arg("--data").arg(data).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{words:?}: {text} {output:?}");
    serde_json::from_str(&text).unwrap()
}

/// Names of all files below a folder that hold a text.
fn files_with(folder: &Path, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            // The socket is no file.
            let Ok(bytes) = std::fs::read(&path) else { continue };
            let name = path.display().to_string();
            let holds = bytes.windows(text.len()).any(|part| part == text.as_bytes());
            if holds || name.contains(text) {
                found.push(name);
            }
        }
    }
    found
}

fn upload(server: &Program, token: &str) {
    let body = format!(
        "--x\r\ncontent-disposition: form-data; name=\"token\"\r\n\r\n{token}\r\n\
         --x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\n{MARK}\r\n--x--\r\n"
    );
    let kind = "content-type: multipart/form-data; boundary=x\r\n";
    let answer = send(server, "POST /upload", kind, &body);
    assert!(answer.contains("\"result\":\"OK\"") || answer.contains("\"result\":true"), "{answer}");
}

fn begin_upload(server: &Program, token: &str) {
    let tus = format!("tus-resumable: 1.0.0\r\nauthorization: Bearer {token}\r\n");
    let begun = send(server, "POST /files/tus", &format!("{tus}upload-length: 99\r\n"), "");
    let (_, place) = begun.split_once("/files/tus/").unwrap_or_else(|| panic!("{begun}"));
    let name = place.split_once("\r\n").unwrap().0;
    let head =
        format!("{tus}upload-offset: 0\r\ncontent-type: application/offset+octet-stream\r\n");
    send(server, &format!("PATCH /files/tus/{name}"), &head, MARK);
}

fn send(server: &Program, what: &str, headers: &str, body: &str) -> String {
    use std::io::{Read, Write};
    let mut socket = std::net::TcpStream::connect(server.address).unwrap();
    let length = body.len();
    write!(
        socket,
        "{what} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}content-length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    answer
}
