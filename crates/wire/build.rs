//! Writes the schema as Rust, so that no `protoc` has to be installed: a struct for each message,
//! an enum for each choice, and what [`codec`](src/codec.rs) asks of them.

use std::fmt::Write as _;

use protox::prost_reflect::{
    DescriptorPool, EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor, OneofDescriptor,
};

/// Fields whose bytes are shared instead of copied.
const SHARED: [&str; 2] = ["mesibo.v1.Content.body", "mesibo.v1.File.thumbnail"];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=proto/mesibo.proto");
    let files = protox::compile(["mesibo.proto"], ["proto"])?;
    let schema = DescriptorPool::from_file_descriptor_set(files)?;
    let mut code = String::new();
    for message in schema.all_messages() {
        write_message(&mut code, &message)?;
    }
    for choices in schema.all_enums() {
        if choices.parent_message().is_none() {
            write_enum(&mut code, &choices)?;
        }
    }
    let folder = std::env::var("OUT_DIR")?;
    Ok(std::fs::write(std::path::Path::new(&folder).join("mesibo.v1.rs"), code)?)
}

fn write_message(code: &mut String, message: &MessageDescriptor) -> std::fmt::Result {
    let name = message.name();
    let mut fields: Vec<FieldDescriptor> = message.fields().collect();
    fields.sort_by_key(FieldDescriptor::number);
    let single: Vec<&FieldDescriptor> =
        fields.iter().filter(|field| oneof(field).is_none()).collect();
    let oneofs: Vec<OneofDescriptor> = message.oneofs().filter(|of| !of.is_synthetic()).collect();

    let traits = traits(&mut fields.iter());
    writeln!(code, "#[derive(Clone, Debug, Default, PartialEq{traits})]\npub struct {name} {{")?;
    for field in &single {
        writeln!(code, "    pub {}: {},", word(field.name()), type_of(field, ""))?;
    }
    for of in &oneofs {
        let (module, choice) = (snake(name), camel(of.name()));
        writeln!(code, "    pub {}: Option<{module}::{choice}>,", word(of.name()))?;
    }
    writeln!(code, "}}\n")?;

    writeln!(code, "impl Decode for {name} {{")?;
    writeln!(code, "    fn field(&mut self, number: u32, from: &mut Reader<'_>) {{")?;
    writeln!(code, "        match number {{")?;
    for field in &fields {
        writeln!(code, "            {} => {},", field.number(), read(field))?;
    }
    writeln!(code, "            _ => from.skip(),\n        }}\n    }}\n}}\n")?;

    writeln!(code, "impl Encode for {name} {{")?;
    writeln!(code, "    fn encode(&self, to: &mut Writer) {{")?;
    let mut written: Vec<String> = Vec::new();
    for field in &fields {
        match oneof(field) {
            None => writeln!(code, "        {};", written_single(field))?,
            Some(of) if written.iter().any(|name| name == of.name()) => {}
            Some(of) => {
                write_choice(code, name, &of)?;
                written.push(of.name().into());
            }
        }
    }
    writeln!(code, "    }}\n}}\n")?;

    for choices in message.child_enums() {
        for field in fields.iter().filter(|field| field.kind() == Kind::Enum(choices.clone())) {
            let (field, path) =
                (word(field.name()), format!("{}::{}", snake(name), choices.name()));
            writeln!(code, "impl {name} {{\n    pub fn {field}(&self) -> {path} {{")?;
            writeln!(
                code,
                "        {path}::try_from(self.{field}).unwrap_or_default()\n    }}\n}}\n"
            )?;
        }
    }
    if message.child_enums().len() + oneofs.len() > 0 {
        writeln!(code, "pub mod {} {{", snake(name))?;
        for of in &oneofs {
            let traits = self::traits(&mut of.fields().collect::<Vec<_>>().iter());
            writeln!(code, "#[derive(Clone, Debug, PartialEq{traits})]")?;
            writeln!(code, "pub enum {} {{", camel(of.name()))?;
            for field in of.fields() {
                writeln!(code, "    {}({}),", camel(field.name()), plain_type(&field, "super::"))?;
            }
            writeln!(code, "}}\n")?;
        }
        for choices in message.child_enums() {
            write_enum(code, &choices)?;
        }
        writeln!(code, "}}\n")?;
    }
    Ok(())
}

/// Writes whichever of a choice is there.
fn write_choice(code: &mut String, message: &str, of: &OneofDescriptor) -> std::fmt::Result {
    let path = format!("{}::{}", snake(message), camel(of.name()));
    writeln!(code, "        match &self.{} {{", word(of.name()))?;
    for field in of.fields() {
        let number = field.number();
        let how = match field.kind() {
            Kind::Message(_) => format!("to.message({number}, value)"),
            Kind::String => format!("to.some_bytes({number}, Some(value.as_bytes()))"),
            Kind::Bool | Kind::Uint32 => format!("to.some_u64({number}, Some((*value).into()))"),
            other => panic!("a choice of {other:?} is not written yet"),
        };
        writeln!(code, "            Some({path}::{}(value)) => {how},", camel(field.name()))?;
    }
    writeln!(code, "            None => {{}}\n        }}")
}

fn write_enum(code: &mut String, choices: &EnumDescriptor) -> std::fmt::Result {
    let name = choices.name();
    let prefix = format!("{}_", name.to_uppercase());
    let values: Vec<(String, i32)> = choices
        .values()
        .map(|value| {
            let short = value.name().strip_prefix(&prefix).unwrap_or(value.name());
            (camel(&short.to_lowercase()), value.number())
        })
        .collect();
    writeln!(code, "#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]")?;
    writeln!(code, "pub enum {name} {{\n    #[default]")?;
    values.iter().try_for_each(|(value, number)| writeln!(code, "    {value} = {number},"))?;
    writeln!(code, "}}\n\nimpl TryFrom<i32> for {name} {{\n    type Error = i32;\n")?;
    writeln!(
        code,
        "    fn try_from(number: i32) -> Result<{name}, i32> {{\n        match number {{"
    )?;
    for (value, number) in &values {
        writeln!(code, "            {number} => Ok({name}::{value}),")?;
    }
    writeln!(code, "            _ => Err(number),\n        }}\n    }}\n}}\n")?;
    writeln!(code, "impl From<{name}> for i32 {{\n    fn from(value: {name}) -> i32 {{")?;
    writeln!(code, "        value as i32\n    }}\n}}\n")
}

/// How a field is read.
fn read(field: &FieldDescriptor) -> String {
    let name = word(field.name());
    let kind = field.kind();
    if let Some(of) = oneof(field) {
        let choice = format!("{}::{}", snake(of.parent_message().name()), camel(of.name()));
        let into =
            format!("self.{} = Some({choice}::{}(value))", word(of.name()), camel(field.name()));
        return format!(
            "{{ let mut value = <{}>::default(); from.{}(&mut value); {into} }}",
            plain_type(field, ""),
            method(field)
        );
    }
    match (&kind, field.is_list(), field.supports_presence()) {
        (Kind::Message(_), true, _) => format!("from.push(&mut self.{name})"),
        (Kind::String, true, _) => format!("from.push_text(&mut self.{name})"),
        (_, true, _) => format!("from.numbers(|number| self.{name}.push(number as _))"),
        (_, _, true) => {
            format!("from.{}(self.{name}.get_or_insert_default())", method(field))
        }
        _ => format!("from.{}(&mut self.{name})", method(field)),
    }
}

/// How a field that is no part of a choice is written.
fn written_single(field: &FieldDescriptor) -> String {
    let (name, number) = (word(field.name()), field.number());
    let some = if field.supports_presence() { "some_" } else { "" };
    match (field.kind(), field.is_list()) {
        (Kind::Message(_), true) => {
            format!("self.{name}.iter().for_each(|item| to.message({number}, item))")
        }
        (Kind::String, true) => format!(
            "self.{name}.iter().for_each(|item| to.some_bytes({number}, Some(item.as_bytes())))"
        ),
        (_, true) => {
            format!("to.numbers({number}, self.{name}.iter().map(|item| u64::from(*item)))")
        }
        (Kind::Message(_), _) => {
            format!("if let Some(value) = &self.{name} {{ to.message({number}, value) }}")
        }
        (Kind::String, _) if field.supports_presence() => {
            format!("to.some_bytes({number}, self.{name}.as_deref().map(str::as_bytes))")
        }
        (Kind::String, _) => format!("to.bytes({number}, self.{name}.as_bytes())"),
        (Kind::Bytes, _) => format!("to.bytes({number}, &self.{name})"),
        (Kind::Enum(_), _) => format!("to.u64({number}, self.{name} as u64)"),
        _ => format!("to.{some}{}({number}, self.{name})", method(field)),
    }
}

/// The method of the codec for one value of this field.
fn method(field: &FieldDescriptor) -> &'static str {
    match field.kind() {
        Kind::Uint32 => "u32",
        Kind::Uint64 => "u64",
        Kind::Bool => "bool",
        Kind::Double => "f64",
        Kind::String => "text",
        Kind::Bytes if SHARED.contains(&field.full_name()) => "shared",
        Kind::Bytes => "bytes",
        Kind::Enum(_) => "i32",
        Kind::Message(_) => "message",
        other => panic!("{}: fields of {other:?} are not read yet", field.full_name()),
    }
}

fn type_of(field: &FieldDescriptor, path: &str) -> String {
    let plain = plain_type(field, path);
    match (field.is_list(), field.supports_presence()) {
        (true, _) => format!("Vec<{plain}>"),
        (_, true) => format!("Option<{plain}>"),
        _ => plain,
    }
}

/// The type of one value.
fn plain_type(field: &FieldDescriptor, path: &str) -> String {
    match field.kind() {
        Kind::Message(message) => format!("{path}{}", message.name()),
        kind => match (kind, method(field)) {
            (Kind::String, _) => format!("{path}String"),
            (Kind::Bytes, "shared") => format!("{path}Bytes"),
            (Kind::Bytes, _) => format!("{path}Vec<u8>"),
            (_, number) => number.into(),
        },
    }
}

/// What can be derived beside the usual: a number with a point is not equal to itself, a text is
/// not copied in passing.
fn traits(fields: &mut dyn Iterator<Item = &FieldDescriptor>) -> &'static str {
    let (mut copy, mut eq) = (true, true);
    for field in fields {
        let inner = match field.kind() {
            Kind::Message(message) => traits(&mut message.fields().collect::<Vec<_>>().iter()),
            Kind::String | Kind::Bytes => ", Eq, Hash",
            Kind::Double => "",
            _ => ", Eq, Hash, Copy",
        };
        copy &= inner.ends_with("Copy") && !field.is_list();
        eq &= !inner.is_empty();
    }
    match (eq, copy) {
        (true, true) => ", Eq, Hash, Copy",
        (true, false) => ", Eq, Hash",
        _ => "",
    }
}

fn oneof(field: &FieldDescriptor) -> Option<OneofDescriptor> {
    field.containing_oneof().filter(|of| !of.is_synthetic())
}

/// A field's name, which may be a word of the language.
fn word(name: &str) -> String {
    if name == "type" { "r#type".into() } else { name.into() }
}

fn camel(name: &str) -> String {
    let upper = |part: &str| part[..1].to_uppercase() + &part[1..];
    name.split('_').map(upper).collect()
}

fn snake(name: &str) -> String {
    let mut snake = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}
