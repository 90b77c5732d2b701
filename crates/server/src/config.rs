//! How the server is set up: flags, then environment, then defaults.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use clap::Parser;
use wire::limits::FILE_BYTES_MAX;

/// Messages, groups, calls and conferences for the web, in one program.
///
/// Everything it keeps is in the data folder. Pages load the SDK from it, backends call /backend.
#[derive(Clone, Debug, Parser)]
#[command(version)]
pub struct Config {
    /// Address and port for pages, backends and sockets; port 0 takes a free one
    #[arg(long, env = "MESIBO_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,

    /// Folder for the database and keys; made when missing
    #[arg(long, env = "MESIBO_DATA", default_value = "data")]
    pub data: PathBuf,

    /// Folder with the SDK and the pages to serve
    #[arg(long, env = "MESIBO_SITE")]
    pub site: Option<PathBuf>,

    /// URL under which files are downloaded, such as https://files.example.com/files; without it
    /// the address that was used for the upload
    #[arg(long, env = "MESIBO_FILES_URL")]
    pub files_url: Option<String>,

    /// Largest file that may be uploaded, in MiB
    #[arg(long, env = "MESIBO_UPLOAD_MAX_MB", default_value_t = FILE_BYTES_MAX / 1024 / 1024)]
    pub upload_max_mb: u64,

    /// UDP address and port for audio and video; port 0 takes a free one
    #[arg(long, env = "MESIBO_MEDIA", default_value = "0.0.0.0:0")]
    pub media: SocketAddr,

    /// IP address at which clients reach the media port; may be repeated
    #[arg(long, env = "MESIBO_ANNOUNCE", value_delimiter = ',')]
    pub announce: Vec<IpAddr>,

    /// Key that makes apps; without it one is drawn and kept in admin.key of the data folder
    #[arg(long, env = "MESIBO_ADMIN_KEY", hide_env_values = true)]
    pub admin_key: Option<String>,
}
