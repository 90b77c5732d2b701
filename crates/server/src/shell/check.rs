//! The doctor: whether the server can run here, and what would help where it cannot.

use std::fs::File;
use std::io::Write;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant, SystemTime};

use wire::limits::{
    CHECK_CLOCK_S_MIN, CHECK_DISK_FREE_MB_MIN, CHECK_FILES_MIN, CHECK_SYNC_MAX, CHECK_UDP_WITHIN,
};

use super::ask;
use crate::clock::unix_seconds;
use crate::config::Config;
use crate::front::{Certificate, Tls};
use crate::open_files as files;

/// What was found of one thing.
enum Finding {
    Good(String),
    /// It runs, and perhaps not as wished.
    Doubtful(String),
    Bad(String),
}

use Finding::{Bad, Doubtful, Good};

/// Looks at everything; prints a line for each; fails when something is bad.
pub fn check(config: &Config) -> ExitCode {
    let running = ask(&config.data, &serde_json::json!({"op": "appsget"})).is_ok();
    let mut findings = vec![
        ("data folder", data_folder(&config.data)),
        ("disk", disk_sync(&config.data)),
        ("space", space(&config.data)),
        ("clock", clock()),
        ("open files", open_files()),
        ("certificate", certificate(config)),
    ];
    if let Some(site) = &config.site {
        findings.push(("pages", pages(site)));
    }
    if running {
        findings
            .push(("server", Good("it runs on this data folder; its ports are its own".into())));
    } else {
        findings.push(("port", port(config.listen, "--listen")));
        if let Some(listen) = config.metrics_listen {
            findings.push(("metrics port", port(listen, "--metrics-listen")));
        }
        findings.push(("media port", media_port(config)));
    }
    let mut code = ExitCode::SUCCESS;
    for (what, finding) in findings {
        let (sign, text) = match finding {
            Good(text) => ("ok  ", text),
            Doubtful(text) => ("look", text),
            Bad(text) => {
                code = ExitCode::FAILURE;
                ("BAD ", text)
            }
        };
        println!("{sign} {what}: {text}");
    }
    code
}

fn data_folder(data: &Path) -> Finding {
    let probe = data.join("check.tmp");
    let written = std::fs::create_dir_all(data).and_then(|()| std::fs::write(&probe, b"probe"));
    let _ = std::fs::remove_file(&probe);
    match written {
        Ok(()) => Good(format!("{} can be written", data.display())),
        Err(error) => Bad(format!("{} cannot be written ({error}): --data", data.display())),
    }
}

/// Whether what is written is on the disk in time: each accepted message waits for it.
fn disk_sync(data: &Path) -> Finding {
    const TRIES: usize = 16;
    let probe = data.join("check.tmp");
    let measured = || -> std::io::Result<Vec<Duration>> {
        let mut file = File::create(&probe)?;
        (0..TRIES)
            .map(|_| {
                let start = Instant::now();
                file.write_all(&[0; 4096])?;
                file.sync_data()?;
                Ok(start.elapsed())
            })
            .collect()
    };
    let times = measured();
    let _ = std::fs::remove_file(&probe);
    match times {
        Err(error) => Bad(format!("a write cannot be brought to the disk ({error})")),
        Ok(mut times) => {
            times.sort_unstable();
            let middle = times[TRIES / 2];
            let text = format!("a write is on it after {:.2} ms", middle.as_secs_f64() * 1000.0);
            match middle > CHECK_SYNC_MAX {
                true => Doubtful(format!("{text}: messages wait for it, a faster disk helps")),
                false => Good(text),
            }
        }
    }
}

/// What is left on the disk of a folder, MiB; `None` when the system does not say.
pub fn free_mib(folder: &Path) -> Option<u64> {
    let output = Command::new("df").arg("-Pm").arg(folder).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().nth(1)?.split_whitespace().nth(3)?.parse().ok()
}

fn space(data: &Path) -> Finding {
    match free_mib(data) {
        None => Doubtful("df does not say how much there is".into()),
        Some(free) if free < CHECK_DISK_FREE_MB_MIN => {
            Bad(format!("{free} MiB are left: a full disk takes no messages"))
        }
        Some(free) => Good(format!("{free} MiB are left")),
    }
}

/// Tokens, expiry and certificates rely on it.
fn clock() -> Finding {
    let now = unix_seconds();
    if now < CHECK_CLOCK_S_MIN {
        return Bad(format!("it says {now} s after 1970: set it, tokens and expiry rely on it"));
    }
    let words = ["show", "-p", "NTPSynchronized", "--value"];
    let answer = Command::new("timedatectl").args(words).output();
    let answer = answer.map(|output| output.stdout).unwrap_or_default();
    match answer.trim_ascii() {
        b"yes" => Good("it is kept right by the network".into()),
        b"no" => Doubtful("nothing keeps it right: switch time synchronisation on".into()),
        _ => Doubtful("the system does not say whether something keeps it right".into()),
    }
}

/// Each session is one.
fn open_files() -> Finding {
    // As the server does when it starts.
    files::allow_all();
    match files::allowed() {
        None => Good("any number, each session needs one".into()),
        Some(limit) if limit < CHECK_FILES_MIN => Doubtful(format!(
            "{limit} at most, each session needs one: raise it (ulimit -n, LimitNOFILE)"
        )),
        Some(limit) => Good(format!("{limit} at most, each session needs one")),
    }
}

fn certificate(config: &Config) -> Finding {
    if let Some(Tls::Acme(acme)) = &config.tls {
        let days = acme.due_in(SystemTime::now()).as_secs() / 86_400;
        return match days {
            0 => Doubtful(
                "ACME orders one as soon as the server runs; its server has to reach port 443 of each \
                 domain"
                    .into(),
            ),
            days => Good(format!("had by ACME, renewed in {days} days")),
        };
    }
    match config.tls.clone().map(Certificate::open) {
        None => Doubtful(
            "none: browsers give camera and microphone to https only, put TLS before the port or \
             give --tls-dir or --acme-domains"
                .into(),
        ),
        Some(Ok(_)) => Good("it can be read and belongs to its key".into()),
        Some(Err(error)) => Bad(format!("{error:#}")),
    }
}

fn pages(site: &Path) -> Finding {
    let script = site.join("mesibo.js");
    match (site.is_dir(), script.is_file()) {
        (false, _) => Bad(format!("{} is no folder: --site", site.display())),
        (_, false) => Doubtful(format!("{} is not there: pages have no SDK", script.display())),
        _ => Good(format!("{} has the SDK", site.display())),
    }
}

fn port(listen: SocketAddr, flag: &str) -> Finding {
    match TcpListener::bind(listen) {
        Ok(_) => Good(format!("{listen} is free")),
        Err(error) => Bad(format!("{listen} cannot be listened at ({error}): {flag}")),
    }
}

/// Whether a packet that is sent to where clients are told to send arrives.
fn media_port(config: &Config) -> Finding {
    let socket = match UdpSocket::bind(config.media) {
        Ok(socket) => socket,
        Err(error) => return Bad(format!("{} cannot be used ({error}): --media", config.media)),
    };
    let Ok(port) = socket.local_addr().map(|address| address.port()) else {
        return Bad("it has no number".into());
    };
    let here = |announced: &SocketAddr| match announced.port() {
        0 => SocketAddr::new(announced.ip(), port),
        _ => *announced,
    };
    let mut announced: Vec<_> = config.announce.iter().map(here).collect();
    if announced.is_empty() {
        announced.push(SocketAddr::from(([127, 0, 0, 1], port)));
    }
    let _ = socket.set_read_timeout(Some(CHECK_UDP_WITHIN));
    let arrives = |address: &SocketAddr| {
        let from = if address.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
        let sent = UdpSocket::bind(from).and_then(|other| other.send_to(b"probe", *address));
        sent.is_ok() && socket.recv(&mut [0; 16]).is_ok()
    };
    let lost: Vec<_> = announced.iter().filter(|address| !arrives(address)).collect();
    match lost.is_empty() {
        true => Good(format!("UDP {port} is free, packets arrive at {announced:?}")),
        false => Doubtful(format!(
            "no packet from here arrives at {lost:?} by UDP: open it in the firewall. A router \
             that sends nothing back inside looks the same; then try from outside"
        )),
    }
}
