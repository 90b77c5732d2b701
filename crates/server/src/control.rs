//! The operator's own way in: a socket in the data folder, for whoever may open it.
//!
//! The commands of the shell use it, with TLS or without, whatever port the server has. Who can
//! read the data folder can do everything anyway, so no key is asked for.

use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::Context;
use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::UnixListener;
use tokio::task::JoinHandle;
use tower_service::Service;
use wire::limits::REQUEST_HEAD_WITHIN;

use crate::front::Origin;

/// Name of the socket.
pub const SOCKET: &str = "control.sock";

/// Opens it; the data folder is ours.
pub fn open(data: &Path, url: &str, router: Router) -> anyhow::Result<JoinHandle<()>> {
    let path = data.join(SOCKET);
    // Left behind by one that was killed.
    let _ = std::fs::remove_file(&path);
    let listener = UnixListener::bind(&path)
        .with_context(|| format!("{} cannot be opened", path.display()))?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
    let origin = Origin { address: IpAddr::V4(Ipv4Addr::LOCALHOST), url: url.to_owned() };
    Ok(tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let (router, origin) = (router.clone(), origin.clone());
            let answer = service_fn(move |request: Request<Incoming>| {
                let mut request = request.map(axum::body::Body::new);
                request.extensions_mut().insert(origin.clone());
                router.clone().call(request)
            });
            tokio::spawn(async move {
                let mut http = http1::Builder::new();
                http.timer(TokioTimer::new()).header_read_timeout(REQUEST_HEAD_WITHIN);
                // A command that is broken off is nobody's mistake.
                let _ = http.serve_connection(TokioIo::new(socket), answer).await;
            });
        }
    }))
}
