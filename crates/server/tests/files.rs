//! Files: uploaded in a form or in pieces, downloaded whole or in part, by the program itself
//! (`backend-api.md` 6 and F01 to F05 of its section 11).

mod support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;

use serde_json::{Value, json};
use wire::proto::server_frame;

use support::{PATIENCE, Program, hello};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

fn start() -> Program {
    Program::start(Path::new(env!("CARGO_BIN_EXE_mesibo-server")))
}

// ---- F01 to F05 ------------------------------------------------------------------------------

#[test]
fn f01_and_f02_a_file_sent_with_a_user_token_is_downloaded_in_parts() {
    let server = start();
    let token = server.user("ga");
    let path = format!("/upload?op=upload&token={token}");
    let answer = post(&server, &path, &[], ("a.png", PNG)).json();
    assert_eq!(answer["result"], "OK", "{answer}");
    assert_eq!(answer["op"], "upload");
    assert_eq!(answer["file"], answer["url"]);
    assert_eq!((&answer["size"], &answer["name"]), (&8.into(), &"a.png".into()));
    assert!(answer["ts"].as_u64().is_some_and(|ts| ts > 1_700_000_000), "{answer}");

    let url = answer["file"].as_str().unwrap();
    let path = path_of(url);
    let part = get(&server, &path, "Range: bytes=0-3\r\n");
    assert_eq!(part.status, 206);
    assert_eq!(part.body, PNG[..4]);
    assert_eq!(part.header("content-range"), Some("bytes 0-3/8"));
    assert_eq!(get(&server, &path, "Range: bytes=-2\r\n").body, PNG[6..]);
    let beyond = get(&server, &path, "Range: bytes=8-\r\n");
    assert_eq!((beyond.status, beyond.header("content-range")), (416, Some("bytes */8")));
}

#[test]
fn f03_a_bad_token_uploads_nothing() {
    let server = start();
    let answer = post(&server, "/upload?op=upload&token=bad", &[], ("a.png", PNG)).json();
    assert_eq!((&answer["error"], &answer["result"]), (&"AUTHFAIL".into(), &"FAIL".into()));
    let answer = post(&server, "/upload", &[("auth", "up.1.1.9999999999.00")], ("a", PNG)).json();
    assert_eq!((&answer["error"], &answer["result"]), (&"AUTHFAIL".into(), &false.into()));
    assert_eq!(files_in(&server, "uploads") + files_in(&server, "files"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn f04_the_upload_token_of_the_sign_in_uploads() {
    let server = start();
    let auth = upload_token(&server, &server.user("ga")).await;
    let fields = [("op", "upload"), ("auth", &*auth), ("uid", "1"), ("mid", "12"), ("source", "0")];
    for path in ["/upload", "/files/api.php", "/api.php?op=upload"] {
        let answer = post(&server, path, &fields, ("b.txt", b"hi")).json();
        assert_eq!(answer["result"], true, "{path}: {answer}");
        let path = path_of(answer["url"].as_str().unwrap());
        assert_eq!(get(&server, &path, "").body, b"hi");
    }
}

#[test]
fn f05_a_form_without_a_file_is_told_so() {
    let server = start();
    let path = format!("/upload?op=upload&token={}", server.user("ga"));
    let answer = ask(&server, &form(&path, &[("note", "no file")], None)).json();
    assert_eq!((&answer["result"], &answer["error"]), (&"FAIL".into(), &"MISSINGFILE".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_has_its_own_limit_and_its_own_places() {
    let server = start();
    let token = server.user("ga");
    let set = |settings: Value| {
        let answer = server.call(json!({"op": "appset", "app": settings}));
        assert_eq!(answer["result"], true, "{answer}");
    };
    set(json!({"upload_maxmb": 1, "downloadurl": "https://media.example.test/f/"}));
    let path = format!("/upload?op=upload&token={token}");
    let answer = post(&server, &path, &[], ("a.png", PNG)).json();
    let url = answer["url"].as_str().expect("a place");
    let name = url.strip_prefix("https://media.example.test/f/").expect("at the app's place");
    assert_eq!(get(&server, &format!("/files/{name}"), "").body, PNG);
    let large = vec![7; 1024 * 1024 + 1];
    let answer = post(&server, &path, &[], ("b.bin", &large));
    assert_eq!((answer.status, &answer.json()["error"]), (413, &"TOOLARGE".into()));
    set(json!({"uploadurl": "https://media.example.test/upload"}));
    let mut session = server.connect().await;
    session.say(hello(&token)).await;
    let told = session.hear(|frame| match frame {
        server_frame::Body::Welcome(welcome) => Some(welcome.upload_url),
        _ => None,
    });
    assert_eq!(told.await, "https://media.example.test/upload");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_a_class_with_signed_files_takes_a_link_or_a_token_of_its_app() {
    let server = start();
    let class = json!({"id": 3, "file": {"signed": 1}});
    assert_eq!(server.call(json!({"op": "uacset", "uac": class}))["result"], true);
    let token = server.user("ga");
    server.call(json!({"op": "userset", "user": {"address": "ga", "uac": 3}}));
    let path = format!("/upload?op=upload&token={token}");
    let answer = post(&server, &path, &[], ("a.png", PNG)).json();
    let link = path_of(answer["url"].as_str().expect("a link"));
    let (bare, query) = link.split_once('?').expect("it is signed");
    let found = get(&server, &link, "");
    assert_eq!((found.status, &found.body[..]), (200, PNG));
    assert!(found.header("cache-control").is_some_and(|it| it.starts_with("private")));
    let status = |path: &str, headers: &str| get(&server, path, headers).status;
    assert_eq!(status(bare, ""), 403);
    let later = query.replacen("e=1", "e=2", 1);
    assert_eq!(status(&format!("{bare}?{later}"), ""), 403);
    let other = server.user("other");
    assert_eq!(status(&format!("{bare}?token={other}"), ""), 200);
    assert_eq!(status(bare, &format!("Authorization: Bearer {other}\r\n")), 200);
    assert_eq!(status(&format!("{bare}?auth=nobody"), ""), 401);
    // Of another app, who has the URL has nothing.
    let app = server.admin(json!({"op": "appadd", "key": support::ADMIN_KEY, "name": "others"}));
    let user = json!({"address": "ga", "token": {"appid": "tests"}});
    let app = app["token"].clone();
    let stranger = server.admin(json!({"op": "useradd", "token": app, "user": user}));
    let stranger = stranger["user"]["token"].as_str().unwrap();
    assert_eq!(status(&format!("{bare}?token={stranger}"), ""), 403);
    // Whoever is of no such class uploads as before.
    let answer = post(&server, &format!("/upload?op=upload&token={other}"), &[], ("a.png", PNG));
    let answer = answer.json();
    assert!(!answer["url"].as_str().unwrap().contains('?'), "{answer}");
}

#[test]
fn a_file_goes_with_its_message_also_when_the_server_is_killed_in_between() {
    let mut server = start();
    let token = server.user("ga");
    server.user("bo");
    let path = format!("/upload?op=upload&token={token}");
    let [gone, kept] = ["a.png", "b.png"].map(|name| {
        let answer = post(&server, &path, &[], (name, PNG)).json();
        let url = answer["url"].as_str().expect("a place").to_owned();
        let letter = json!({"from": "ga", "to": "bo", "url": url, "message": "look"});
        let sent = server.call(json!({"op": "message", "message": letter}));
        (path_of(&url), sent["mid"].clone())
    });
    let recall = json!({"address": "ga", "mid": [gone.1]});
    assert_eq!(server.call(json!({"op": "messagedel", "message": recall}))["deleted"], 1);
    server.kill_and_start_again();
    while get(&server, &gone.0, "").status != 404 {
        std::thread::yield_now();
    }
    assert_eq!(get(&server, &kept.0, "").body, PNG);
    assert_eq!(files_in(&server, "files"), 1);
}

// ---- uploads ---------------------------------------------------------------------------------

#[test]
fn a_file_that_is_too_large_is_refused_and_leaves_nothing() {
    let server = Program::start_with(
        Path::new(env!("CARGO_BIN_EXE_mesibo-server")),
        &["--upload-max-mb", "1"],
    );
    let token = server.user("ga");
    let path = format!("/upload?op=upload&token={token}");
    // A little over the limit, so that only counting finds it.
    let answer = post(&server, &path, &[], ("a.bin", &vec![7; 1024 * 1024 + 1]));
    assert_eq!((answer.status, &answer.json()["error"]), (413, &"TOOLARGE".into()));
    // Far over it: refused by what it says of itself, before it is sent.
    let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: 90000000\r\n\r\n");
    assert_eq!(ask(&server, head.as_bytes()).status, 413);
    assert_eq!(tus(&server, &token, "POST", "/files/tus", "Upload-Length: 1048577").status, 413);
    let fits = post(&server, &path, &[], ("a.bin", &vec![7; 1024 * 1024])).json();
    assert_eq!(fits["size"], 1024 * 1024);
    assert_eq!((files_in(&server, "uploads"), files_in(&server, "files")), (0, 1));
}

#[test]
fn an_upload_cut_in_the_middle_goes_on_where_it_was_also_after_a_power_cut() {
    let mut server = start();
    let token = server.user("ga");
    let content: Vec<u8> = (0..300_000_u32).flat_map(|n| n.to_le_bytes()).collect();
    let length = content.len();
    // "a.png"
    let said = format!("Upload-Length: {length}\r\nUpload-Metadata: filename YS5wbmc=");
    let begun = tus(&server, &token, "POST", "/files/tus", &said);
    assert_eq!(begun.status, 201);
    assert!(begun.header("upload-expires").is_some_and(|at| at.ends_with("GMT")));
    let path = path_of(begun.header("location").unwrap());
    assert_eq!(look(&server, &token, &path), (200, 0));

    // Half of it is said to come whole, then the line is cut.
    let mut line = TcpStream::connect(server.address).unwrap();
    let half = length / 2;
    line.write_all(&patch(&token, &path, 0, length)).unwrap();
    line.write_all(&content[..half]).unwrap();
    // Asking for it would end the piece that is on its way.
    until(|| on_disk(&server, &path) > 0);
    drop(line);
    let (_, received) = look(&server, &token, &path);
    assert!(received <= half, "{received} of {half}");

    server.kill_and_start_again();
    let (status, received) = look(&server, &token, &path);
    assert_eq!(status, 200);
    // Another place than where it is: nothing is written.
    let mut wrong = patch(&token, &path, received + 1, 1);
    wrong.push(0);
    assert_eq!(ask(&server, &wrong).status, 409);
    let mut rest = patch(&token, &path, received, length - received);
    rest.extend_from_slice(&content[received..]);
    let done = ask(&server, &rest);
    assert_eq!((done.status, done.header("upload-offset")), (204, Some(&*length.to_string())));
    let url = done.header("mesibo-file-url").unwrap();
    assert!(get(&server, &path_of(url), "").body == content, "the content is another");

    // The answer may have been lost: the question for it is answered all the same.
    let again = tus(&server, &token, "HEAD", &path, "");
    assert_eq!((again.status, again.header("mesibo-file-url")), (200, Some(url)));
    assert_eq!(files_in(&server, "uploads"), 0);
}

#[test]
fn a_new_piece_takes_over_from_one_that_hangs() {
    let server = start();
    let token = server.user("ga");
    let begun = tus(&server, &token, "POST", "/files/tus", "Upload-Length: 4");
    let path = path_of(begun.header("location").unwrap());
    let mut hanging = TcpStream::connect(server.address).unwrap();
    hanging.write_all(&patch(&token, &path, 0, 4)).unwrap();
    hanging.write_all(b"ab").unwrap();
    until(|| on_disk(&server, &path) == 2);
    let mut rest = patch(&token, &path, 2, 2);
    rest.extend_from_slice(b"cd");
    assert_eq!(ask(&server, &rest).status, 204);
}

#[test]
fn an_upload_belongs_to_who_began_it_and_can_be_withdrawn() {
    let server = start();
    let (owner, other) = (server.user("ga"), server.user("gb"));
    let begun = tus(&server, &owner, "POST", "/files/tus", "Upload-Length: 9");
    let path = path_of(begun.header("location").unwrap());
    assert_eq!(tus(&server, &other, "HEAD", &path, "").status, 403);
    assert_eq!(tus(&server, &other, "DELETE", &path, "").status, 403);
    assert_eq!(tus(&server, "nobody's token of some length", "HEAD", &path, "").status, 401);
    assert_eq!(tus(&server, &owner, "DELETE", &path, "").status, 204);
    assert_eq!(tus(&server, &owner, "HEAD", &path, "").status, 404);
    assert_eq!(files_in(&server, "uploads"), 0);
}

#[test]
fn what_is_not_tus_is_told_so() {
    let server = start();
    let token = server.user("ga");
    let options = ask(&server, b"OPTIONS /files/tus HTTP/1.1\r\nhost: x\r\n\r\n");
    assert_eq!(options.status, 204);
    assert_eq!(options.header("tus-version"), Some("1.0.0"));
    assert_eq!(options.header("tus-extension"), Some("creation,termination,expiration"));
    assert_eq!(options.header("access-control-allow-origin"), Some("*"));
    let old = "POST /files/tus HTTP/1.1\r\nhost: x\r\ntus-resumable: 0.9.0\r\n\r\n";
    assert_eq!(ask(&server, old.as_bytes()).status, 412);
    assert_eq!(tus(&server, &token, "POST", "/files/tus", "").status, 400);
    let begun = tus(&server, &token, "POST", "/files/tus", "Upload-Length: 1");
    let path = path_of(begun.header("location").unwrap());
    let typeless = tus(&server, &token, "PATCH", &path, "Upload-Offset: 0");
    assert_eq!(typeless.status, 415);
    let mut large = patch(&token, &path, 0, 2);
    large.extend_from_slice(b"ab");
    assert_eq!(ask(&server, &large).status, 413);
}

#[test]
fn somebody_who_is_switched_off_uploads_nothing_with_a_token_from_before() {
    let server = start();
    let token = server.user("ga");
    server.call(serde_json::json!({"op": "useradd", "user": {"address": "ga", "active": 0}}));
    assert_eq!(tus(&server, &token, "POST", "/files/tus", "Upload-Length: 1").status, 401);
}

// ---- downloads -------------------------------------------------------------------------------

#[test]
fn a_download_is_kept_for_ever_and_runs_nothing() {
    let server = start();
    let path = format!("/upload?op=upload&token={}", server.user("ga"));
    let upload = |name: &str| {
        let answer = post(&server, &path, &[], (name, b"<svg onload='alert(1)'/>")).json();
        path_of(answer["url"].as_str().unwrap())
    };
    for (name, media_type, disposition) in [
        ("a.png", "image/png", "inline"),
        ("a.PDF", "application/pdf", "inline"),
        ("a.svg", "image/svg+xml", "attachment"),
        ("a.html", "text/html; charset=utf-8", "attachment"),
        ("a.exe", "application/octet-stream", "attachment"),
        ("none", "application/octet-stream", "attachment"),
    ] {
        let file = upload(name);
        let answer = get(&server, &file, "");
        assert_eq!(answer.header("content-type"), Some(media_type), "{name}");
        let said = answer.header("content-disposition").unwrap();
        assert!(said.starts_with(disposition), "{name}: {said}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert!(answer.header("content-security-policy").unwrap().contains("sandbox"));
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
        let cache = answer.header("cache-control").unwrap();
        assert_eq!(cache, "public, max-age=31536000, immutable");
        let tag = answer.header("etag").unwrap();
        let known = get(&server, &file, &format!("If-None-Match: {tag}\r\n"));
        assert_eq!((known.status, known.body.len()), (304, 0));
        let head = format!("HEAD {file} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        let head = ask(&server, head.as_bytes());
        assert_eq!((head.status, head.header("content-length")), (200, Some("24")));
        assert!(head.body.is_empty());
    }
}

#[test]
fn no_path_leads_out_of_the_folder_of_files() {
    let server = start();
    for path in [
        "/files/..%2fmesibo.db",
        "/files/%2e%2e/mesibo.db",
        "/files/../mesibo.db",
        "/files/..%2f..%2fetc%2fpasswd",
        "/files/upload.key",
        "/files/",
        "/files/1-0123456789abcdef0123456789abcdef.png",
        "/files/1-0123456789abcdef0123456789abcdef.png%00",
        "/files/tus/..%2f..%2fmesibo.db",
    ] {
        let answer = get(&server, path, "");
        assert!([404, 412].contains(&answer.status), "{path}: {}", answer.status);
    }
    let path = format!("/upload?op=upload&token={}", server.user("ga"));
    let answer = post(&server, &path, &[], ("../../evil.sh", b"x")).json();
    let url = answer["url"].as_str().unwrap();
    assert!(url.ends_with(".sh") && !url.contains(".."), "{url}");
    assert_eq!(files_in(&server, "files"), 1);
}

// ---- below: what the tests are made of -------------------------------------------------------

struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// Says something on a line of its own; what is answered.
fn ask(server: &Program, request: &[u8]) -> Answer {
    let mut socket = TcpStream::connect(server.address).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    // A server that refuses early may not read to the end.
    let _ = socket.write_all(request);
    let (mut all, mut chunk) = (Vec::new(), [0; 65536]);
    loop {
        let end = all.windows(4).position(|four| four == b"\r\n\r\n");
        if let Some(end) = end {
            let head = String::from_utf8(all[..end].to_vec()).unwrap();
            let status = head[9..12].parse().unwrap();
            let answer = Answer { status, head, body: all[end + 4..].to_vec() };
            let length = answer.header("content-length").map_or(0, |n| n.parse().unwrap());
            let bodyless = request.starts_with(b"HEAD") || status == 304;
            if bodyless || answer.body.len() >= length {
                return answer;
            }
        }
        match socket.read(&mut chunk) {
            Ok(count) if count > 0 => all.extend_from_slice(&chunk[..count]),
            end => panic!("{end:?} behind {:?}", String::from_utf8_lossy(&all)),
        }
    }
}

fn get(server: &Program, path: &str, headers: &str) -> Answer {
    ask(server, format!("GET {path} HTTP/1.1\r\nhost: x\r\n{headers}\r\n").as_bytes())
}

fn form(path: &str, fields: &[(&str, &str)], file: Option<(&str, &[u8])>) -> Vec<u8> {
    let body = support::form(fields, file);
    // The host is what the URL of the file is made from.
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: files.example:99\r\ncontent-length: {}\r\n\
         content-type: {}\r\n\r\n",
        body.len(),
        support::FORM
    );
    [head.into_bytes(), body].concat()
}

fn post(server: &Program, path: &str, fields: &[(&str, &str)], file: (&str, &[u8])) -> Answer {
    ask(server, &form(path, fields, Some(file)))
}

/// A request of tus; headers without the last line break.
fn tus(server: &Program, token: &str, method: &str, path: &str, headers: &str) -> Answer {
    let more = if headers.is_empty() { "" } else { "\r\n" };
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: files.example:99\r\ntus-resumable: 1.0.0\r\n\
         content-length: 0\r\nauthorization: Bearer {token}\r\n{headers}{more}\r\n"
    );
    ask(server, request.as_bytes())
}

/// Status and offset of an upload.
fn look(server: &Program, token: &str, path: &str) -> (u16, usize) {
    let answer = tus(server, token, "HEAD", path, "");
    (answer.status, answer.header("upload-offset").map_or(0, |offset| offset.parse().unwrap()))
}

fn patch(token: &str, path: &str, offset: usize, length: usize) -> Vec<u8> {
    let request = format!(
        "PATCH {path} HTTP/1.1\r\nhost: files.example:99\r\ntus-resumable: 1.0.0\r\n\
         authorization: Bearer {token}\r\nupload-offset: {offset}\r\ncontent-length: {length}\r\n\
         content-type: application/offset+octet-stream\r\n\r\n"
    );
    request.into_bytes()
}

/// Asks again until it is so, each time a request of its own.
fn until(so: impl Fn() -> bool) {
    let since = std::time::Instant::now();
    while !so() {
        assert!(since.elapsed() < PATIENCE, "it has not come in time");
    }
}

/// The path of a URL that this server has made.
fn path_of(url: &str) -> String {
    url.strip_prefix("http://files.example:99").unwrap_or_else(|| panic!("{url}")).to_owned()
}

fn files_in(server: &Program, folder: &str) -> usize {
    std::fs::read_dir(server.data().join(folder)).unwrap().count()
}

/// Bytes of an upload that have come.
fn on_disk(server: &Program, path: &str) -> u64 {
    let name = path.strip_prefix("/files/tus/").unwrap();
    std::fs::metadata(server.data().join("uploads").join(name)).unwrap().len()
}

async fn upload_token(server: &Program, token: &str) -> String {
    let mut session = server.connect().await;
    session.say(hello(token)).await;
    session
        .hear(|frame| match frame {
            server_frame::Body::Welcome(welcome) => Some(welcome.upload_token),
            _ => None,
        })
        .await
}

#[test]
fn a_page_of_the_first_generation_sets_and_removes_a_picture() {
    let server = start();
    let token = server.user("ga");
    let path = format!("/upload?op=upload&token={token}");
    let answer = post(&server, &path, &[("profile", "1")], ("me.png", PNG)).json();
    assert_eq!((&answer["result"], &answer["profile"]), (&"OK".into(), &1.into()), "{answer}");
    assert_eq!(answer["address"], "ga");
    let url = answer["url"].as_str().unwrap();
    assert!(url.ends_with(answer["photo"].as_str().unwrap()), "{answer}");
    assert_eq!(picture(&server), url);
    let answer = post(&server, &path, &[("profile", "1")], ("me.txt", b"hi")).json();
    assert_eq!(answer["error"], "BADIMAGE");
    assert_eq!(picture(&server), url, "it is as it was");

    let group = server.call(json!({"op": "groupadd", "group": {"name": "Crew"}}));
    let gid = group["group"]["gid"].to_string();
    let fields = [("profile", "1"), ("gid", &*gid)];
    let answer = post(&server, &path, &fields, ("crew.png", PNG)).json();
    assert_eq!(answer["error"], "BADGROUP", "no member");
    let members = json!({"m": "ga"});
    let edit = json!({"op": "groupeditmembers", "group": {"gid": group["group"]["gid"], "members": members}});
    server.call(edit);
    let answer = post(&server, &path, &fields, ("crew.png", PNG)).json();
    assert_eq!(answer["error"], "NOTALLOWED", "{answer}");
    let members = json!({"m": "ga", "admin": {"modify": true}});
    let edit = json!({"op": "groupeditmembers", "group": {"gid": group["group"]["gid"], "members": members}});
    server.call(edit);
    let answer = post(&server, &path, &fields, ("crew.png", PNG)).json();
    assert_eq!((&answer["result"], &answer["name"]), (&"OK".into(), &"Crew".into()), "{answer}");

    let form = form(&path, &[("profile", "1"), ("delete", "1")], None);
    let answer = ask(&server, &form).json();
    assert_eq!(answer["result"], "OK", "{answer}");
    assert_eq!(picture(&server), "");
}

#[test]
fn of_a_picture_there_is_a_small_one_that_goes_with_it_and_of_a_bomb_there_is_none() {
    let mut server = start();
    let token = server.user("ga");
    let path = format!("/upload?op=upload&token={token}");
    let answer = post(&server, &path, &[("profile", "1")], ("me.png", &support::picture())).json();
    let small = support::decoded(&answer["tn"]);
    assert_eq!((small.width(), small.height()), (100, 100));
    assert_eq!(files_in(&server, "thumbnails"), 1);
    let name = answer["photo"].as_str().unwrap().to_owned();

    // 50,000 x 50,000 pixels in half a hundred bytes.
    let head =
        b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\xc3\x50\0\0\xc3\x50\x01\0\0\0\0\x63\xd4\x00\x67";
    let answer = post(&server, &path, &[("profile", "1")], ("me.png", head)).json();
    assert_eq!((&answer["result"], &answer["tn"]), (&"OK".into(), &"".into()), "{answer}");
    let url = answer["url"].as_str().unwrap();
    assert_eq!(get(&server, &path_of(url), "").body, head, "the upload itself stays");
    assert_eq!(picture(&server), url);

    // The first picture is nobody's any more, so both of it go.
    server.kill_and_start_again();
    let small = server.data().join("thumbnails").join(&name);
    while get(&server, &format!("/files/{name}"), "").status != 404 || small.exists() {
        std::thread::yield_now();
    }
}

/// Of the user ga, as its backend sees it.
fn picture(server: &Program) -> String {
    let answer = server.call(json!({"op": "usersget", "user": {"address": "ga"}}));
    answer["users"][0]["profile"]["image"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn the_files_of_an_app_have_a_quota_that_what_is_on_its_way_counts_against() {
    let server = Program::start_with(
        Path::new(env!("CARGO_BIN_EXE_mesibo-server")),
        &["--files-quota-mb", "1"],
    );
    let (token, other) = (server.user("ga"), server.user("gb"));
    let send = |token: &str, kilobytes: usize| {
        let path = format!("/upload?op=upload&token={token}");
        let answer = post(&server, &path, &[], ("a.bin", &vec![7; kilobytes * 1024])).json();
        answer["error"].as_str().unwrap_or("").to_owned()
    };
    let begin = |kilobytes: usize| {
        let length = format!("Upload-Length: {}", kilobytes * 1024);
        tus(&server, &token, "POST", "/files/tus", &length)
    };
    assert_eq!(send(&token, 500), "");
    assert_eq!(send(&other, 600), "QUOTA", "it is the app's, not the user's");
    assert_eq!(begin(600).status, 403);
    let begun = begin(300);
    assert_eq!(begun.status, 201);
    assert_eq!(send(&other, 300), "QUOTA", "what was begun has its place");
    let path = path_of(begun.header("location").unwrap());
    assert_eq!(tus(&server, &token, "DELETE", &path, "").status, 204);
    assert_eq!(send(&other, 300), "");
    assert_eq!(files_in(&server, "uploads"), 0);
}
