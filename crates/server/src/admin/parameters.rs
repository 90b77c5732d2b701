//! Where a backend may put its parameters (`backend-api.md` 1.2), all merged into one place.

use axum::body::Bytes;
use axum::extract::{FromRequest, Multipart};
use axum::http::{HeaderMap, Request, header};
use data_encoding::BASE64;
use serde_json::{Map, Value};

/// All parameters of a request: later places override earlier ones.
#[derive(Debug, Default)]
pub struct Parameters(pub Map<String, Value>);

/// The body is not what it says it is.
#[derive(Debug, PartialEq, Eq)]
pub struct BadJson;

/// Objects of the JSON form, which a flat form may carry as text.
pub const OBJECTS: [&str; 7] = ["user", "group", "message", "otp", "app", "uac", "push"];

impl Parameters {
    /// Reads query, form, multipart and JSON body, in this order.
    pub async fn read(
        query: Option<&str>,
        headers: &HeaderMap,
        body: Bytes,
    ) -> Result<Parameters, BadJson> {
        let mut parameters = Parameters::default();
        parameters.put_pairs(query.unwrap_or_default().as_bytes());
        let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let content_type = content_type.unwrap_or_default().to_ascii_lowercase();
        let says_json = content_type.starts_with("application/json");
        let looks_json = body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');

        if content_type.starts_with("multipart/form-data") {
            parameters.put_multipart(headers, body).await?;
        } else if says_json || looks_json {
            parameters.put_json(&body)?;
        } else {
            parameters.put_pairs(&body);
        }
        for name in OBJECTS {
            if let Some(Value::String(text)) = parameters.0.get(name)
                && text.trim_start().starts_with('{')
            {
                let object = serde_json::from_str::<Map<_, _>>(text).map_err(|_| BadJson)?;
                parameters.0.insert(name.into(), object.into());
            }
        }
        Ok(parameters)
    }

    /// A value that is there and not `null`.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    fn put_pairs(&mut self, pairs: &[u8]) {
        let mut members = Vec::new();
        for (name, value) in form_urlencoded::parse(pairs) {
            match is_members(&name) {
                true => members.push(Value::String(value.into_owned())),
                false => self.put_text(&name, value.into_owned()),
            }
        }
        self.put_members(members);
    }

    fn put_members(&mut self, members: Vec<Value>) {
        if !members.is_empty() {
            self.0.insert("m".into(), Value::Array(members));
        }
    }

    fn put_text(&mut self, name: &str, value: String) {
        self.0.insert(name.into(), Value::String(value));
    }

    fn put_json(&mut self, body: &[u8]) -> Result<(), BadJson> {
        if body.iter().all(u8::is_ascii_whitespace) {
            return Ok(());
        }
        let object: Map<String, Value> = serde_json::from_slice(body).map_err(|_| BadJson)?;
        // What is null is as if it were not there, and so is in the way of nothing.
        self.0.extend(object.into_iter().filter(|(_, value)| !value.is_null()));
        Ok(())
    }

    async fn put_multipart(&mut self, headers: &HeaderMap, body: Bytes) -> Result<(), BadJson> {
        let mut request = Request::new(axum::body::Body::from(body));
        *request.headers_mut() = headers.clone();
        let mut parts = Multipart::from_request(request, &()).await.map_err(|_| BadJson)?;
        let mut members = Vec::new();
        while let Some(part) = parts.next_field().await.map_err(|_| BadJson)? {
            let Some(name) = part.name().map(str::to_owned) else { continue };
            match part.file_name().map(str::to_owned) {
                None => {
                    let text = part.text().await.map_err(|_| BadJson)?;
                    match is_members(&name) {
                        true => members.push(Value::String(text)),
                        false => self.put_text(&name, text),
                    }
                }
                // As the JSON form has it.
                Some(file_name) if name == "file" => {
                    let bytes = part.bytes().await.map_err(|_| BadJson)?;
                    self.put_text("file", BASE64.encode(&bytes));
                    self.put_text("filename", file_name);
                }
                Some(_) => {}
            }
        }
        self.put_members(members);
        Ok(())
    }
}

/// Whether a parameter of a form is one of a list: `m=a&m=b`, `m[]=a&m[]=b`, or `m[0]=a&m[1]=b`, as PHP
/// writes an array.
fn is_members(name: &str) -> bool {
    let index = name.strip_prefix("m[").and_then(|rest| rest.strip_suffix(']'));
    name == "m" || index.is_some_and(|index| index.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(query: &str, content_type: &str, body: &'static str) -> Parameters {
        let mut headers = HeaderMap::new();
        if !content_type.is_empty() {
            headers.insert(header::CONTENT_TYPE, content_type.parse().unwrap());
        }
        Parameters::read(Some(query), &headers, Bytes::from_static(body.as_bytes())).await.unwrap()
    }

    #[tokio::test]
    async fn json_overrides_the_query() {
        let read = read("op=a&token=t", "application/json; charset=utf-8", r#"{"op":"b"}"#).await;
        assert_eq!(read.get("op").unwrap(), "b");
        assert_eq!(read.get("token").unwrap(), "t");
    }

    #[tokio::test]
    async fn json_without_a_content_type_is_seen_by_its_brace() {
        let read = read("", "", "  {\"op\":\"b\"}").await;
        assert_eq!(read.get("op").unwrap(), "b");
    }

    #[tokio::test]
    async fn an_object_in_a_form_field_is_parsed() {
        let form = "op=useradd&user=%7B%22address%22%3A%22t11%22%7D";
        let read = read("", "application/x-www-form-urlencoded", form).await;
        assert_eq!(read.get("user").unwrap()["address"], "t11");
    }

    #[tokio::test]
    async fn a_multipart_form_is_read() {
        let body = "--x\r\nContent-Disposition: form-data; name=\"op\"\r\n\r\nuserdel\r\n--x--\r\n";
        let read = read("", "multipart/form-data; boundary=x", body).await;
        assert_eq!(read.get("op").unwrap(), "userdel");
    }

    #[tokio::test]
    async fn repeated_members_become_a_list() {
        let read = read("m[]=a&m[]=b", "", "").await;
        assert_eq!(read.get("m").unwrap(), &serde_json::json!(["a", "b"]));
        let numbered = self::read("m%5B0%5D=a&m%5B1%5D=b&mm=c", "", "").await;
        assert_eq!(numbered.get("m"), read.get("m"));
        let part = "--x\r\nContent-Disposition: form-data; name=";
        let body = format!("{part}\"m\"\r\n\r\na\r\n{part}\"m\"\r\n\r\nb\r\n--x--\r\n");
        let parts = self::read("", "multipart/form-data; boundary=x", body.leak()).await;
        assert_eq!(parts.get("m"), read.get("m"));
    }

    #[tokio::test]
    async fn what_is_null_overrides_nothing() {
        let read = read("op=a&user=b", "", r#"{"op": null, "user": null, "name": "n"}"#).await;
        assert_eq!(
            (read.get("op").unwrap(), read.get("user").unwrap()),
            (&"a".into(), &"b".into())
        );
        assert_eq!(read.get("name").unwrap(), "n");
    }

    #[tokio::test]
    async fn broken_json_is_refused() {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, "application/json".parse().unwrap());
        let body = Bytes::from_static(b"{\"op\":");
        assert_eq!(Parameters::read(None, &headers, body).await.unwrap_err(), BadJson);
    }
}
