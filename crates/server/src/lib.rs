//! The process: sockets, database, HTTP, UDP. Wiring, no decisions; those are the hub's.

mod admin;
mod clock;
pub mod config;
mod console;
mod control;
mod demo;
mod durable;
mod files;
mod front;
mod gateway;
mod hub_task;
mod library;
pub mod media;
mod metrics;
pub mod open_files;
mod orders;
mod outside;
mod push;
mod random;
mod recording;
pub mod shell;
mod site;
mod store;
mod turn;
mod webhook;
pub mod websocket;
mod whip;

use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use wire::limits::{MEDIA_EVENTS_MAX, METRICS_CONNECTIONS_MAX, PUSH_WAITING_MAX, STOP_WITHIN};

use crate::config::Config;
use crate::front::{Certificate, Door, Proxies};
use crate::hub_task::{HubHandle, ToHub};
use crate::library::Library;
use crate::media::{MediaConfig, MediaHandle, Watch};
use crate::metrics::{Exposition, Metrics};
use crate::push::{PushKey, PushService};
use crate::recording::{RecorderThread, Told};
use crate::site::Site;
use crate::store::Sqlite;
use crate::webhook::Webhooks;

/// What every request handler may use.
#[derive(Clone)]
struct Shared {
    hub: HubHandle,
    admin_key: Arc<str>,
    gate: Arc<admin::Gate>,
    manners: Arc<admin::Manners>,
    /// Who asks is the operator, who needs no key.
    by_operator: bool,
    audit: Arc<admin::Audit>,
    files: files::Files,
    exposition: Arc<Exposition>,
    console: Arc<console::Console>,
    push: PushService,
    library: Library,
    webhooks: Webhooks,
    whip: whip::Whip,
}

/// A server that is ready.
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    /// Where its figures are, when not there.
    pub metrics: Option<SocketAddr>,
    /// The same as the base of URLs.
    pub url: String,
    /// Where its media server listens, by UDP.
    pub media: SocketAddr,
    /// Where its relay listens, by UDP and TCP; `None`: it has none of its own.
    pub relay: Option<SocketAddr>,
    hub: HubHandle,
    hub_task: tokio::task::JoinHandle<()>,
    recorder_thread: RecorderThread,
    webhooks: Webhooks,
    media_watch: tokio::task::JoinHandle<()>,
    http_task: tokio::task::JoinHandle<()>,
    control_task: Option<tokio::task::JoinHandle<()>>,
    metrics_task: Option<tokio::task::JoinHandle<()>>,
    /// Held as long as the folder is used.
    _lock: File,
}

impl Server {
    /// Opens the data folder, binds the ports and starts to serve.
    pub async fn start(config: Config) -> anyhow::Result<Server> {
        if let Some(site) = &config.site {
            anyhow::ensure!(site.is_dir(), "{} (--site) is no folder", site.display());
        }
        std::fs::create_dir_all(&config.data).with_context(|| {
            format!("the data folder {} cannot be made (--data)", config.data.display())
        })?;
        let lock = locked(&config.data)?;
        let database = Sqlite::open(&config.data.join("mesibo.db"))?;
        let database = if config.history { database } else { database.without_history() };
        let admin_key = match config.admin_key {
            Some(key) => key,
            None => kept_key(&config.data.join("admin.key"))?,
        };
        let listener = TcpListener::bind(config.listen).await.map_err(|error| {
            not_there(&error, "cannot be listened at", config.listen, "--listen")
        })?;
        let address = listener.local_addr()?;
        let metrics_listener = match config.metrics_listen {
            None => None,
            Some(at) => Some(TcpListener::bind(at).await.map_err(|error| {
                not_there(&error, "cannot be listened at", at, "--metrics-listen")
            })?),
        };
        let metrics_address = metrics_listener.as_ref().map(TcpListener::local_addr).transpose()?;
        let (events, media_events) = mpsc::channel(MEDIA_EVENTS_MAX);
        let (listen, announce) = (config.media, config.announce);
        let (loops, load_max) = (config.media_loops, config.media_load_max);
        let media = MediaConfig { listen, announce, loops, load_max };
        let (recorder, recorded, mut recordings, recorder_thread) =
            recording::start(&config.data).context("the folder of recordings cannot be made")?;
        let media = media::start(media, events, recorded).map_err(|error| {
            not_there(&error, "cannot be used for media", config.media, "--media")
        })?;
        let media_address = media.local_addr();
        let metrics = Metrics::default();
        let certificate = config.tls.map(Certificate::open).transpose();
        let certificate = certificate
            .context("the certificate of TLS (tls.dir, tls.cert, tls.key) cannot be used")?;
        let (relay_address, relay) =
            relay(&config.turn, &config.data, &media, certificate.clone(), &metrics).await?;
        let upload_key = files::upload_key(&kept_key(&config.data.join("upload.key"))?)
            .context("remove upload.key of the data folder, and another one is drawn")?;
        let (url, max_mb) = (config.files_url, config.upload_max_mb);
        let files = files::Files::open(&config.data, url, max_mb, upload_key.clone())
            .with_context(|| "the folders for files cannot be made".to_owned())?;
        let library =
            Library::open(&config.data, files.clone(), upload_key.clone(), &config.ffmpeg)
                .context("the folder of the library cannot be made")?;
        let exposition = Arc::new(Exposition::new(&metrics, media.figures()));
        let media_watch = tokio::spawn(Watch::new(media.figures()).run());
        let webhooks = Webhooks::open(&config.data, config.webhooks, metrics.clone())?;
        let push_key = PushKey::parse(&kept_key(&config.data.join("push.key"))?).context(
            "remove push.key of the data folder, and another one is drawn, to which browsers subscribe again",
        )?;
        let (gone, mut subscriptions_gone) = mpsc::channel(PUSH_WAITING_MAX);
        let push = PushService::new(push_key, config.push, metrics.clone(), gone)?;
        let settings = hub_task::Settings {
            token_sessions: config.token_sessions,
            logs_sign_ins: config.log_sign_ins,
            operation_rate: (config.admin_rate, config.admin_burst),
            webhooks: webhooks.clone(),
            push: push.clone(),
            library: library.clone(),
            recorder: recorder.clone(),
            orphans: config.files_orphans,
            files_days: config.files_days,
            guards: config.guards,
            upload_key,
            relay,
        };
        let (hub, hub_task) = hub_task::start(database, media, media_events, metrics, settings);
        let told = hub.clone();
        tokio::spawn(async move {
            while let Some((device, token)) = subscriptions_gone.recv().await {
                told.tell(ToHub::PushGone(device, token)).await;
            }
        });
        let shared = Shared {
            hub: hub.clone(),
            admin_key: admin_key.into(),
            gate: Arc::new(admin::Gate::new(config.admin_allow, config.admin_sources)),
            manners: Arc::new(admin::Manners {
                cors_origins: config.admin_cors_origins,
                http_status: config.admin_http_status,
                list_max: config.admin_list_max,
            }),
            by_operator: false,
            audit: Arc::new(admin::Audit::open(&config.data)?),
            files,
            exposition,
            push,
            library: library.clone(),
            console: Arc::new(console::Console::new(&config.data)),
            webhooks: webhooks.clone(),
            whip: whip::Whip::default(),
        };
        library::sweep_every_hour(shared.clone());
        let takes = shared.clone();
        tokio::spawn(async move {
            while let Some(told) = recordings.recv().await {
                match told {
                    Told::Done(name, note) => {
                        library::keep(&takes, &recorder, &name, &note).await;
                    }
                    Told::Failed(room, begun) => {
                        takes.hub.tell(ToHub::RecordingFailed(room, begun)).await;
                    }
                }
            }
        });
        let mut router = Router::new()
            .merge(gateway::routes())
            .merge(admin::routes())
            .merge(console::routes(&shared))
            .merge(files::routes())
            .merge(whip::routes())
            .merge(match config.metrics_listen {
                None => metrics::routes(),
                Some(_) => metrics::health_routes(),
            })
            .merge(push::routes())
            .merge(library::routes());
        let site = config.site.map(Site::Folder).or_else(Site::of_the_program);
        if let Some(settings) = config.demo {
            router = router.merge(demo::routes(settings, site.clone()));
        }
        if let Some(site) = site {
            router = router.merge(site::routes(site));
        }
        let scheme = if certificate.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://{address}");
        let proxies = Proxies(config.proxies);
        let metrics_task = metrics_listener.map(|listener| {
            let router = metrics::routes().with_state(shared.clone());
            let (certificate, proxies, seats) = (None, Proxies::default(), METRICS_CONNECTIONS_MAX);
            tokio::spawn(Door { listener, certificate, proxies, router, seats }.open())
        });
        let operator = Shared { by_operator: true, ..shared.clone() };
        let control = control::open(&config.data, &url, admin::routes().with_state(operator));
        let control_task = control
            .inspect_err(|error| tracing::warn!("commands of the shell do not work: {error:#}"))
            .ok();
        let router = router.with_state(shared.clone());
        let router = match config.admin_aliases.is_empty() {
            true => router,
            false => admin::with_aliases(router, shared, config.admin_aliases),
        };
        let seats = open_files::for_connections();
        let door = Door { listener, certificate, proxies, router, seats };
        let http_task = tokio::spawn(door.open());
        Ok(Server {
            address,
            metrics: metrics_address,
            url,
            media: media_address,
            relay: relay_address,
            hub,
            hub_task,
            recorder_thread,
            webhooks,
            media_watch,
            http_task,
            control_task,
            metrics_task,
            _lock: lock,
        })
    }

    /// Tells all sessions, stores what is under way, and ends.
    pub async fn stop(self) {
        self.hub.stop().await;
        self.media_watch.abort();
        if tokio::time::timeout(STOP_WITHIN, self.hub_task).await.is_err() {
            tracing::warn!("some sessions did not close in time");
        } else if tokio::task::spawn_blocking(|| self.recorder_thread.join()).await.is_err() {
            tracing::error!("the recorder cannot be waited for");
        }
        self.webhooks.flush().await;
        self.http_task.abort();
        for task in self.control_task.into_iter().chain(self.metrics_task) {
            task.abort();
        }
    }
}

/// Starts our relay, unless there are others or none is wanted. Answers where it listens and what
/// clients are told.
async fn relay(
    settings: &turn::Settings,
    data: &Path,
    media: &MediaHandle,
    certificate: Option<Arc<Certificate>>,
    metrics: &Metrics,
) -> anyhow::Result<(Option<SocketAddr>, Option<hub::Relay>)> {
    if !settings.is_ours() {
        return Ok((None, settings.of_others()));
    }
    let secret = kept_key(&data.join("turn.key"))?;
    let tls = certificate.map(|certificate| TlsAcceptor::from(certificate.config()));
    let has_tls = tls.is_some();
    let peers = turn::Peers::new(media.local_addr(), media.candidates().to_vec());
    let address =
        turn::start(settings.listen, secret.clone(), peers, tls, metrics.relay.clone()).await;
    let address = address.map_err(|error| {
        not_there(&error, "cannot be used for the relay", settings.listen, "--turn-listen")
    })?;
    let announced = media.candidates().first().copied().unwrap_or(address);
    let told = settings.of_ours(address.port(), announced, secret, has_tls);
    Ok((Some(address), Some(told)))
}

/// Takes the data folder for this process: the store relies on being the only one that writes. The
/// lock goes with the process, however it ends.
fn locked(folder: &Path) -> anyhow::Result<File> {
    let path = folder.join("lock");
    let file = File::create(&path).with_context(|| format!("{} cannot be made", path.display()))?;
    let taken = file.try_lock();
    taken.with_context(|| {
        let folder = folder.display();
        format!(
            "another server uses the data folder {folder}: stop it, or name another folder (--data)"
        )
    })?;
    Ok(file)
}

/// Why an address is not ours, and what helps.
fn not_there(error: &io::Error, what: &str, address: SocketAddr, flag: &str) -> anyhow::Error {
    let help = match error.kind() {
        io::ErrorKind::AddrInUse => "something else has it: stop that, or name another one with",
        io::ErrorKind::AddrNotAvailable => {
            "this machine has no such address: name one of its own with"
        }
        io::ErrorKind::PermissionDenied => {
            "ports below 1024 need a right (CAP_NET_BIND_SERVICE); or name another one with"
        }
        _ => "name another one with",
    };
    anyhow::anyhow!("{address} {what}: {help} {flag} ({error})")
}

/// A key of this installation, drawn at the first start: 64 hexadecimal digits. It is on the disk before
/// anything is signed with it; a file that a power cut has left empty is none.
fn kept_key(path: &Path) -> anyhow::Result<String> {
    let known = std::fs::read_to_string(path).unwrap_or_default();
    if !known.trim().is_empty() {
        return Ok(known.trim().to_owned());
    }
    let key = random::hex::<32>().map_err(|error| anyhow::anyhow!("no random numbers: {error}"))?;
    durable::write(path, format!("{key}\n").as_bytes())
        .with_context(|| format!("{} cannot be written", path.display()))?;
    tracing::info!(file = %path.display(), "key drawn");
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_drawn_once_and_again_when_a_power_cut_has_left_nothing_of_it() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("upload.key");
        std::fs::write(&path, "").unwrap();
        let key = kept_key(&path).unwrap();
        assert_eq!((key.len(), kept_key(&path).unwrap()), (64, key.clone()));
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
