//! The parameters of a request by name and type, as [`table`](super::table) has them. The JSON form
//! counts more than the flat one, field by field.

use data_encoding::BASE64;
use hub::port::admin::{AdminError, ErrorCode, Param};
use serde_json::Value;

use super::parameters::Parameters;
use super::table::{Kind, row_of};

pub type Outcome<T> = Result<T, AdminError>;

/// See the module.
pub struct Fields<'a> {
    pub given: &'a Parameters,
    /// Rows an answer has at most.
    pub list_max: u32,
}

impl<'a> Fields<'a> {
    /// What was given. A flat -1 means "leave it", where it is no value itself.
    pub fn value(&self, param: Param) -> Option<&'a Value> {
        self.object(param).or_else(|| self.flat(param))
    }

    /// What was given in the JSON form.
    pub fn object(&self, param: Param) -> Option<&'a Value> {
        row_of(param).json.iter().find_map(|path| {
            let mut names = path.split('.');
            let mut value = self.given.get(names.next()?)?;
            for name in names {
                value = value.as_object()?.get(name).filter(|value| !value.is_null())?;
            }
            Some(value)
        })
    }

    /// What was given in the flat form.
    pub fn flat(&self, param: Param) -> Option<&'a Value> {
        let found = row_of(param).flat.iter().find_map(|name| self.given.get(name));
        let is_value = param == Param::AppRetention;
        found.filter(|value| is_value || **value != "-1" && **value != -1)
    }

    /// Whether the request has the JSON form of this object.
    pub fn has_object(&self, name: &str) -> bool {
        self.given.get(name).is_some_and(Value::is_object)
    }

    pub fn text(&self, param: Param) -> Outcome<Option<String>> {
        self.value(param).map(|value| text(value, param)).transpose()
    }

    /// As [`Fields::text`]; nothing is the same as not given.
    pub fn full_text(&self, param: Param) -> Outcome<Option<String>> {
        Ok(self.text(param)?.filter(|text| !text.is_empty()))
    }

    pub fn integer(&self, param: Param) -> Outcome<Option<u32>> {
        self.value(param).map_or(Ok(None), |value| integer(value, param))
    }

    /// A number that may be negative, broken or large.
    pub fn number(&self, param: Param) -> Outcome<Option<f64>> {
        let number = match self.value(param) {
            None => return Ok(None),
            Some(Value::Number(number)) => number.as_f64(),
            Some(Value::String(text)) => text.trim().parse().ok(),
            Some(_) => None,
        };
        match number.filter(|number| number.is_finite()) {
            Some(number) => Ok(Some(number)),
            None => Err(refuse(ErrorCode::BadParam, "the value is no number", param)),
        }
    }

    pub fn boolean(&self, param: Param) -> Outcome<Option<bool>> {
        self.value(param).map(|value| boolean(value, param)).transpose()
    }

    /// Items of a list; blanks around them and empty ones do not count.
    pub fn list(&self, param: Param) -> Outcome<Vec<String>> {
        let values = match self.value(param) {
            None => return Ok(Vec::new()),
            Some(Value::Array(values)) => values.iter().collect(),
            Some(value) => vec![value],
        };
        let mut found = Vec::new();
        for value in values {
            let text = match value {
                Value::String(text) => text.clone(),
                Value::Number(number) => number.to_string(),
                _ => {
                    return Err(refuse(
                        ErrorCode::BadParam,
                        "an item of the list is no text",
                        param,
                    ));
                }
            };
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            found.extend(items.map(str::to_owned));
        }
        Ok(found)
    }

    /// Bytes written as base64.
    pub fn bytes(&self, param: Param, max: usize) -> Outcome<Option<Vec<u8>>> {
        let Some(text) = self.text(param)? else { return Ok(None) };
        let Ok(bytes) = BASE64.decode(text.trim().as_bytes()) else {
            return Err(refuse(ErrorCode::BadParam, "the value is not base64", param));
        };
        if bytes.len() > max {
            let cause = format!("the value has {} bytes, the limit is {max}", bytes.len());
            return Err(AdminError { code: ErrorCode::TooLarge, cause, params: vec![param] });
        }
        Ok(Some(bytes))
    }
}

fn text(value: &Value, param: Param) -> Outcome<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return Err(refuse(ErrorCode::BadParam, "the value is no text", param)),
    };
    let Kind::Text(bytes_max) = row_of(param).kind else { return Ok(text) };
    let text = text.trim().to_owned();
    if text.len() > bytes_max {
        let cause = format!("the value has {} bytes, the limit is {bytes_max}", text.len());
        return Err(AdminError { code: ErrorCode::BadParam, cause, params: vec![param] });
    }
    if text.chars().any(|char| char.is_control() && !matches!(char, '\t' | '\n' | '\r')) {
        return Err(refuse(ErrorCode::BadParam, "the value has control characters", param));
    }
    Ok(text)
}

/// A number of 32 bits; nothing is the same as not given.
pub fn integer(value: &Value, param: Param) -> Outcome<Option<u32>> {
    match value {
        Value::String(text) if text.trim().is_empty() => Ok(None),
        value => match as_integer(value) {
            Some(number) => Ok(Some(number)),
            None => Err(refuse(ErrorCode::BadParam, "the value is no number of 32 bits", param)),
        },
    }
}

/// A JSON number, a decimal or a `0x` string of 32 bits.
pub fn as_integer(value: &Value) -> Option<u32> {
    match value {
        Value::Number(number) => match number.as_u64() {
            Some(number) => u32::try_from(number).ok(),
            // 3.0 is 3, as languages without integers write it.
            None => number.as_f64().and_then(whole),
        },
        Value::String(text) => match text.trim().strip_prefix("0x") {
            Some(hex) => u32::from_str_radix(hex, 16).ok(),
            None => text.trim().parse().ok(),
        },
        Value::Bool(value) => Some(u32::from(*value)),
        _ => None,
    }
}

/// A number without a fraction, within 32 bits.
fn whole(number: f64) -> Option<u32> {
    let fits = (0.0..=f64::from(u32::MAX)).contains(&number) && number.fract() == 0.0;
    fits.then_some(number as u32)
}

/// `true`, `false` and what stands for them.
pub fn boolean(value: &Value, param: Param) -> Outcome<bool> {
    let known = match value {
        Value::Bool(value) => Some(*value),
        Value::Number(number) => match number.as_u64() {
            Some(0) => Some(false),
            Some(1) => Some(true),
            _ => None,
        },
        Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
            "1" | "true" => Some(true),
            "0" | "false" | "" => Some(false),
            _ => None,
        },
        _ => None,
    };
    known.ok_or_else(|| refuse(ErrorCode::BadParam, "the value is neither true nor false", param))
}

/// Whether browsers and servers fetch what is at this URL.
pub fn is_web(url: &str) -> bool {
    ["https://", "http://"].iter().any(|scheme| url.starts_with(scheme))
}

/// An error about one parameter.
pub fn refuse(code: ErrorCode, cause: &str, param: Param) -> AdminError {
    AdminError { code, cause: cause.into(), params: vec![param] }
}

/// Required parameters are not there.
pub fn missing(params: &[Param]) -> AdminError {
    AdminError {
        code: ErrorCode::MissingParam,
        cause: "a required parameter is missing or empty".into(),
        params: params.to_vec(),
    }
}
