//! Our Protobuf and another one (`prost-reflect`, by the schema) say the same bytes.

use proptest::prelude::*;
use protox::prost_reflect::prost::Message as _;
use protox::prost_reflect::{
    DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, Value,
};
use wire::codec::{Decode, Encode, Malformed};
use wire::proto::{Ack, ClientFrame, Deliver, RoomUpdate, ServerFrame};

thread_local! {
    static SCHEMA: DescriptorPool = DescriptorPool::from_file_descriptor_set(
        protox::compile(["mesibo.proto"], ["proto"]).unwrap(),
    )
    .unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn every_frame_that_another_implementation_writes_is_read_and_written_the_same(seed: u64) {
        let mut chance = Chance(seed);
        let bytes = any_message("mesibo.v1.ClientFrame", &mut chance).encode_to_vec();
        prop_assert_eq!(ClientFrame::decode(&bytes).unwrap().encode_to_vec(), bytes);
        let bytes = any_message("mesibo.v1.ServerFrame", &mut chance).encode_to_vec();
        prop_assert_eq!(ServerFrame::decode(&bytes).unwrap().encode_to_vec(), bytes);
    }
}

#[test]
fn numbers_of_a_list_are_read_packed_and_one_by_one() {
    let packed = RoomUpdate::decode(&[0x1a, 0x03, 0x01, 0xac, 0x02]).unwrap();
    let single = RoomUpdate::decode(&[0x18, 0x01, 0x18, 0xac, 0x02]).unwrap();
    assert_eq!(packed.gone, [1, 300]);
    assert_eq!(single, packed);
}

#[test]
fn fields_of_every_wire_type_that_are_not_known_are_skipped() {
    // Fields 50 to 53: varint, eight bytes, a chunk, four bytes; then Ack.seq.
    let unknown = "900301 9903 0102030405060708 a2030161 ad0301020304 0807".replace(' ', "");
    let bytes: Vec<u8> = (0..unknown.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&unknown[at..at + 2], 16).unwrap())
        .collect();
    assert_eq!(Ack::decode(&bytes), Ok(Ack { seq: 7, ..Ack::default() }));
}

#[test]
fn what_is_no_protobuf_is_malformed() {
    let wrong: [&[u8]; 7] = [
        // Ack.seq as a chunk, as four bytes; a group; field 0.
        &[0x0a, 0x01, 0x01],
        &[0x0d, 0x01, 0x01, 0x01, 0x01],
        &[0x0b],
        &[0x00, 0x00],
        // A number that does not end, one of more than 64 bits, a chunk that is too short.
        &[0x08, 0xff],
        &[0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02],
        &[0x12, 0x02, 0x00],
    ];
    for bytes in wrong {
        assert_eq!(Ack::decode(bytes), Err(Malformed), "{bytes:02x?}");
    }
    // A good field behind a broken message does not mend it.
    assert_eq!(Deliver::decode(&[0x0a, 0x01, 0x08, 0x0a, 0x02, 0x08, 0x01]), Err(Malformed));
}

struct Chance(u64);

impl Chance {
    /// A number below this.
    fn below(&mut self, end: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    fn number(&mut self) -> u64 {
        let bits = self.below(64);
        (self.below(1 << 31) << 32 | self.below(1 << 31)) >> bits
    }

    fn text(&mut self) -> String {
        let len = [0, 1, 5, 130, 20_000][self.below(5) as usize];
        "añ€𐍈".chars().cycle().take(len).collect()
    }
}

/// A message with some of its fields, of each choice at most one.
fn any_message(name: &str, chance: &mut Chance) -> DynamicMessage {
    let descriptor = SCHEMA.with(|schema| schema.get_message_by_name(name)).unwrap();
    fill(&descriptor, chance)
}

fn fill(descriptor: &MessageDescriptor, chance: &mut Chance) -> DynamicMessage {
    let mut message = DynamicMessage::new(descriptor.clone());
    let choices = descriptor.oneofs().filter(|of| !of.is_synthetic());
    for choice in choices {
        let place = chance.below(choice.fields().len() as u64) as usize;
        let Some(field) = choice.fields().nth(place) else { continue };
        message.set_field(&field, any_value(&field, chance));
    }
    for field in descriptor.fields() {
        if field.containing_oneof().is_some_and(|of| !of.is_synthetic()) || chance.below(3) == 0 {
            continue;
        }
        let value = match field.is_list() {
            true => Value::List((0..chance.below(4)).map(|_| any_value(&field, chance)).collect()),
            false => any_value(&field, chance),
        };
        message.set_field(&field, value);
    }
    message
}

fn any_value(field: &FieldDescriptor, chance: &mut Chance) -> Value {
    match field.kind() {
        Kind::Uint32 => Value::U32(chance.number() as u32),
        Kind::Uint64 => Value::U64(chance.number()),
        Kind::Bool => Value::Bool(chance.below(2) == 0),
        Kind::Double => Value::F64(chance.number() as f64 / 7.0),
        Kind::String => Value::String(chance.text()),
        Kind::Bytes => Value::Bytes(chance.text().into_bytes().into()),
        Kind::Enum(_) => Value::EnumNumber(chance.below(9) as i32),
        Kind::Message(inner) => Value::Message(fill(&inner, chance)),
        other => panic!("the schema has no {other:?}"),
    }
}
