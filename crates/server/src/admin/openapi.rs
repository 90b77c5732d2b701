//! The description of the backend API in the words of OpenAPI 3.1, made from the tables the parser
//! reads by.

use axum::Json;
use hub::port::admin::Param;
use serde_json::{Map, Value, json};

use super::operation::{ENTRIES, Entry};
use super::table::{Kind, Row, row_of};

/// `GET /openapi.json`
pub async fn serve() -> Json<Value> {
    Json(description())
}

fn description() -> Value {
    let operations: Vec<_> = ENTRIES.iter().map(operation).collect();
    let answers = json!({"200": {
        "description": "done (result is true), or why not (result is false)",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Answer"}}},
    }, "413": {"description": "the body is larger than 1 MiB"}});
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "mesibo-server backend API",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "One URL; op selects the operation. Parameters may also be given in the \
                            query or as a form, in their flat spelling (x-flat).",
        },
        "paths": {"/backend": {"post": {
            "summary": "one operation",
            "requestBody": {"required": true, "content": {"application/json": {
                "schema": {"oneOf": operations},
            }}},
            "responses": answers,
        }}},
        "components": {"schemas": {"Answer": answer()}},
    })
}

fn answer() -> Value {
    json!({
        "type": "object",
        "required": ["op", "result"],
        "properties": {
            "op": {"type": "string"},
            "result": {"type": "boolean"},
            "error": {"type": "string"},
            "code": {"type": "integer"},
            "cause": {"type": "string"},
            "properties": {"type": "array", "items": {"type": "string"}},
        },
    })
}

fn operation(entry: &Entry) -> Value {
    let mut schema = json!({
        "type": "object",
        "description": entry.about,
        "required": ["op"],
        "properties": {
            "op": {"enum": entry.names},
            "id": {"description": "given back as it is", "type": ["integer", "string"]},
        },
    });
    let credential = if entry.params.contains(&Param::Key) { &[][..] } else { &[Param::Token] };
    for param in credential.iter().chain(entry.params) {
        let row = row_of(*param);
        let path: Vec<_> = row.json[0].split('.').collect();
        put(&mut schema, &path, property(row));
    }
    schema
}

/// Puts a property where its path leads, with the objects on the way.
fn put(schema: &mut Value, path: &[&str], property: Value) {
    let fields = schema.as_object_mut().expect("a schema is an object");
    let fields = fields.entry("properties").or_insert_with(|| Map::new().into());
    match path {
        [] => {}
        [name] => fields[*name] = property,
        [name, rest @ ..] => {
            if fields.get(*name).is_none() {
                fields[*name] = json!({"type": "object"});
            }
            put(&mut fields[*name], rest, property);
        }
    }
}

fn property(row: &Row) -> Value {
    let mut schema = match row.kind {
        Kind::Text(bytes) => json!({"type": ["string", "integer"], "maxLength": bytes}),
        Kind::Body => json!({"type": "string"}),
        Kind::Integer => json!({"type": ["integer", "string"], "minimum": 0, "maximum": u32::MAX}),
        Kind::Number => json!({"type": ["number", "string"]}),
        Kind::Boolean => json!({"type": ["boolean", "integer", "string"]}),
        Kind::List => json!({"type": ["string", "array"], "items": {"type": "string"}}),
        Kind::Object => json!({"type": "object"}),
    };
    schema["description"] = row.about.into();
    if let [_, ..] = row.flat {
        schema["x-flat"] = json!(row.flat);
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_and_parameter_is_described() {
        let description = description();
        let schema = &description["paths"]["/backend"]["post"]["requestBody"]["content"]["application/json"]
            ["schema"]["oneOf"];
        assert_eq!(schema.as_array().unwrap().len(), ENTRIES.len());
        for (entry, schema) in ENTRIES.iter().zip(schema.as_array().unwrap()) {
            assert_eq!(schema["properties"]["op"]["enum"][0], entry.names[0]);
            for param in entry.params {
                let pointer = row_of(*param).json[0].replace('.', "/properties/");
                let found = schema.pointer(&format!("/properties/{pointer}"));
                assert_eq!(found.unwrap()["description"], row_of(*param).about, "{param:?}");
            }
        }
    }
}
