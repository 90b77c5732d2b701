//! Any bytes are read or refused; what is read comes out the same when it is written again.
//!
//! `cd crates/wire && RUSTC_BOOTSTRAP=1 cargo fuzz run frame -- -max_total_time=60`
#![no_main]

use libfuzzer_sys::fuzz_target;
use wire::frame;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(body) = frame::decode_client(bytes) {
        let again = frame::decode_client(&frame::encode_client(body)).expect("ours can be read");
        // Compared as bytes: a NaN in a location is not equal to itself.
        assert_eq!(
            frame::encode_client(again.clone()),
            frame::encode_client(again)
        );
    }
    if let Ok(body) = frame::decode_server(bytes) {
        frame::decode_server(&frame::encode_server(body)).expect("ours can be read");
    }
});
