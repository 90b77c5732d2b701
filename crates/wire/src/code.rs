//! Why a connection was refused or ended.

use core::time::Duration;

/// Travels in `Refused` and `Goodbye`; the numbers never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Code {
    /// No such token, or it was deleted.
    BadToken = 1,
    /// The token belongs to another app id than the page presents.
    WrongApp = 2,
    /// The token's time is over.
    TokenExpired = 3,
    /// The user or the app was switched off.
    Suspended = 4,
    /// The same token signed in from another browser, or the token was replaced or deleted.
    SignedOut = 5,
    /// A frame came that must not come now, or could not be read.
    Protocol = 10,
    /// A frame was larger than `limits::FRAME_BYTES_MAX`.
    FrameTooLarge = 11,
    /// More frames than `limits::FRAMES_PER_SECOND_MAX` allow.
    RateLimit = 12,
    /// The client reads more slowly than the server has to send.
    TooSlow = 13,
    /// Nothing came from the client for `limits::SILENCE_MAX`, or no `Hello` in time.
    Silence = 14,
    /// The server is stopping; come back after a while.
    ShuttingDown = 20,
    /// The server cannot take more just now; come back after a while.
    Overloaded = 21,
    /// The server's storage failed; come back after a while.
    Storage = 22,
}

impl Code {
    /// The code with this number, `None` for one of a newer server.
    pub fn from_number(number: u32) -> Option<Code> {
        use Code::*;
        [
            BadToken,
            WrongApp,
            TokenExpired,
            Suspended,
            SignedOut,
            Protocol,
            FrameTooLarge,
            RateLimit,
            TooSlow,
            Silence,
            ShuttingDown,
            Overloaded,
            Storage,
        ]
        .into_iter()
        .find(|code| *code as u32 == number)
    }

    /// The number on the wire.
    pub fn number(self) -> u32 {
        self as u32
    }

    /// Whether the client may try again with the same token.
    pub fn may_retry(self) -> bool {
        self.number() >= Code::Protocol.number()
    }

    /// Least wait before trying again; zero where the usual back-off is enough.
    ///
    /// A client that is told to slow down must not be back at once.
    pub fn retry_after(self) -> Duration {
        match self {
            Code::RateLimit | Code::Overloaded => Duration::from_secs(5),
            _ => Duration::ZERO,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_found_by_its_number() {
        assert_eq!(Code::from_number(Code::TooSlow.number()), Some(Code::TooSlow));
        assert_eq!(Code::from_number(9999), None);
    }

    #[test]
    fn only_the_transient_codes_may_retry() {
        assert!(!Code::SignedOut.may_retry());
        assert!(Code::ShuttingDown.may_retry());
    }
}
