//! What a visitor downloads and an operator installs.

use super::Built;
use super::figure::{Budget, Figure};
use crate::site;

/// 1 KB here is 1,000 bytes, as browsers count.
pub fn measure(built: &Built) -> anyhow::Result<Vec<Figure>> {
    let kilobytes = |bytes: u64| bytes as f64 / 1000.0;
    let classic = site::size(&built.site.join("mesibo.js"))?;
    let entry = site::size(&built.site.join("sdk/index.js"))?;
    let wasm = site::size(&built.site.join("sdk/mesibo_bg.wasm"))?;
    let program = std::fs::metadata(&built.server)?.len();
    let figure = |name: &str, bytes, budget| Figure::new(name, kilobytes(bytes), "KB", budget);
    Ok(vec![
        figure("mesibo.js raw", classic.raw, Budget::None),
        figure("mesibo.js gzip", classic.gzip, Budget::AtMost(180.0)),
        figure("mesibo.js brotli", classic.brotli, Budget::None),
        figure("ES entry raw", entry.raw + wasm.raw, Budget::None),
        figure("ES entry gzip", entry.gzip + wasm.gzip, Budget::AtMost(140.0)),
        figure("ES entry brotli", entry.brotli + wasm.brotli, Budget::None),
        Figure::new("server binary", program as f64 / 1e6, "MB", Budget::AtMost(30.0)),
    ])
}
