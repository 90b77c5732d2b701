//! Bytes on the wire: golden frames stay as they are, and nothing from outside can break us.

use proptest::prelude::*;
use wire::frame::{
    FrameError, decode_client, decode_server, encode_client, encode_deliver, encode_server,
};
use wire::id::Seq;
use wire::limits::FRAME_BYTES_MAX;
use wire::proto::{
    Accepted, Ack, Content, Deliver, Entry, Hello, LogEntry, Message, Send, Target, client_frame,
    entry, server_frame, target,
};

/// Bytes that clients in the field already speak. A change here breaks them.
#[test]
fn golden_frames_keep_their_bytes() {
    let golden = [
        (encode_client(hello()), "0a150a05746f6b656e120464656d6f1a04010203042007"),
        (encode_client(client_frame::Body::Ack(Ack { seq: 300, ..Ack::default() })), "1a0308ac02"),
        (
            encode_client(send()),
            "222308878080801012050a03626f62200330d20f3a0f0a0d68656c6c6f2c2077c3b6726c64",
        ),
        (
            encode_server(server_frame::Body::Accepted(Accepted {
                id: 7,
                ts: 1000,
                recipients: 1,
            })),
            "2a07080710e8071801",
        ),
    ];
    for (bytes, expected) in golden {
        assert_eq!(hex(&bytes), expected.replace(' ', ""));
    }
}

#[test]
fn a_frame_survives_the_way_there_and_back() {
    assert_eq!(decode_client(&encode_client(send())).unwrap(), send());
}

/// The hub splices stored entries into `Deliver` frames instead of encoding them again.
#[test]
fn a_log_entry_can_be_put_together_from_an_encoded_entry() {
    use wire::codec::Encode as _;
    let entry = Entry { body: Some(entry::Body::Message(Message { id: 9, ..Default::default() })) };
    let encoded = entry.encode_to_vec();
    let deliver = encode_deliver([(Seq(300), Some(&encoded[..])), (Seq(301), None)].into_iter());
    assert_eq!(
        decode_server(&deliver).unwrap(),
        server_frame::Body::Deliver(Deliver {
            entries: vec![
                LogEntry { seq: 300, entry: Some(entry) },
                LogEntry { seq: 301, entry: None }
            ]
        })
    );
}

#[test]
fn a_frame_of_an_unknown_kind_is_named_by_its_number() {
    // Field 99, empty message.
    assert_eq!(decode_client(&[0x9a, 0x06, 0x00]), Err(FrameError::Unknown { field: 99 }));
    assert_eq!(decode_client(&[]), Err(FrameError::Unknown { field: 0 }));
}

#[test]
fn an_unknown_field_in_a_known_frame_is_ignored() {
    // Ack{seq: 1} with a field 50 behind it.
    let body = decode_client(&[0x1a, 0x05, 0x08, 0x01, 0x92, 0x03, 0x00]).unwrap();
    assert_eq!(body, client_frame::Body::Ack(Ack { seq: 1, ..Ack::default() }));
}

#[test]
fn a_frame_over_the_limit_is_not_even_read() {
    let bytes = vec![0; FRAME_BYTES_MAX + 1];
    assert_eq!(decode_client(&bytes), Err(FrameError::TooLarge { bytes: bytes.len() }));
}

#[test]
fn every_truncation_of_a_frame_is_refused_or_read_without_panic() {
    let whole = encode_client(send());
    for end in 1..whole.len() {
        assert!(matches!(decode_client(&whole[..end]), Err(FrameError::Malformed(_))));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn any_bytes_are_read_or_refused_by_both_ends(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = decode_client(&bytes);
        let _ = decode_server(&bytes);
    }

    #[test]
    fn a_damaged_frame_is_read_or_refused(place in 0usize..60, value in any::<u8>()) {
        let mut bytes = encode_client(send());
        let place = place % bytes.len();
        bytes[place] = value;
        if let Ok(body) = decode_client(&bytes) {
            prop_assert_eq!(decode_client(&encode_client(body.clone())).unwrap(), body);
        }
    }

    #[test]
    fn text_of_any_kind_arrives_as_it_was_sent(text in "\\PC*|[\u{0}-\u{10ffff}]{0,40}") {
        let body = client_frame::Body::Send(Send {
            id: 1,
            content: Some(Content { body: text.clone().into_bytes().into(), ..Default::default() }),
            ..Default::default()
        });
        let client_frame::Body::Send(read) = decode_client(&encode_client(body)).unwrap() else {
            panic!("another frame came out");
        };
        prop_assert_eq!(&read.content.unwrap().body[..], text.as_bytes());
    }
}

fn hello() -> client_frame::Body {
    client_frame::Body::Hello(Hello {
        token: "token".into(),
        app: "demo".into(),
        device: vec![1, 2, 3, 4],
        resume: Some(7),
        ..Hello::default()
    })
}

fn send() -> client_frame::Body {
    client_frame::Body::Send(Send {
        id: (1 << 32) | 7,
        to: Some(Target { to: Some(target::To::Address("bob".into())) }),
        flags: 3,
        sent: 2002,
        content: Some(Content {
            body: "hello, wörld".as_bytes().to_vec().into(),
            ..Default::default()
        }),
        ..Default::default()
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
