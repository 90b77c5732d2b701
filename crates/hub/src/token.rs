//! Tokens: what they look like, and their hashes, which is all that is kept.

use alloc::string::String;
use sha2::{Digest, Sha256};
use wire::id::{AppId, Uid};

use crate::port::store::TokenHash;

const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";

/// SHA-256 of a token. 256 random bits need no slow hash.
pub fn hash_token(token: &str) -> TokenHash {
    Sha256::digest(token.as_bytes()).into()
}

/// A user token: `<aid base36>x<uid base36>x` and 256 random bits in hex (`backend-api.md` 3.1).
pub(crate) fn user_token(aid: AppId, uid: Uid, entropy: &[u8; 64]) -> String {
    let mut token = String::with_capacity(80);
    push_base36(&mut token, aid.0);
    token.push('x');
    push_base36(&mut token, uid.0);
    token.push('x');
    for byte in &entropy[..32] {
        token.push(DIGITS[usize::from(byte >> 4)] as char);
        token.push(DIGITS[usize::from(byte & 15)] as char);
    }
    token
}

/// An app token: 64 characters of `[0-9a-z]`, which is what backends and secret scanners expect.
///
/// A byte taken modulo 36 is slightly uneven: 64 of them hold more than 320 bits all the same.
pub(crate) fn app_token(entropy: &[u8; 64]) -> String {
    entropy.iter().map(|byte| DIGITS[usize::from(byte % 36)] as char).collect()
}

fn push_base36(text: &mut String, mut number: u32) {
    let mut digits = [0; 7];
    let mut count = 0;
    loop {
        digits[count] = DIGITS[(number % 36) as usize];
        count += 1;
        number /= 36;
        if number == 0 {
            break;
        }
    }
    text.extend(digits[..count].iter().rev().map(|digit| *digit as char));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_token_is_url_safe_and_has_the_promised_length() {
        let token = user_token(AppId(u32::MAX), Uid(35), &[0xaf; 64]);
        assert!(token.starts_with("1z141z3xzxafaf"));
        assert!((48..=128).contains(&token.len()));
        assert!(token.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    }

    #[test]
    fn an_app_token_has_64_characters_of_digits_and_small_letters() {
        let token = app_token(&[0xff; 64]);
        assert_eq!(token.len(), 64);
        assert!(token.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase()));
    }
}
