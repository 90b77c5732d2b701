//! Random numbers of the system, for what nobody may guess.

use data_encoding::HEXLOWER;

/// So many random bytes as hexadecimal digits. Fails when the system gives none.
pub fn hex<const BYTES: usize>() -> Result<String, getrandom::Error> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes)?;
    Ok(HEXLOWER.encode(&bytes))
}
