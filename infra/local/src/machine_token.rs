//! The token of this machine: a user who can read the data folder may use the service.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, header};
use okta_connector_cli::TOKEN_FILE;
use secrecy::{ExposeSecret, SecretString};
use std::fs::OpenOptions;
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use subtle::ConstantTimeEq;

/// A token that is made once and kept in the data folder.
#[derive(Clone)]
pub struct MachineToken(SecretString);

impl MachineToken {
    /// Reads it, or makes it where there is none yet.
    pub fn open(data: &Path) -> io::Result<Self> {
        let file = data.join(TOKEN_FILE);
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&file) {
            Ok(mut new) => {
                let halves = [uuid::Uuid::new_v4(), uuid::Uuid::new_v4()];
                let token = URL_SAFE_NO_PAD.encode(halves.map(uuid::Uuid::into_bytes).concat());
                new.write_all(token.as_bytes())?;
                Ok(Self(token.into()))
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                let token = std::fs::read_to_string(&file)?.trim().to_owned();
                if token.len() < 32 {
                    let text = format!("{} holds no token; delete it, and the next start makes one", file.display());
                    return Err(io::Error::new(ErrorKind::InvalidData, text));
                }
                Ok(Self(token.into()))
            }
            Err(error) => Err(error),
        }
    }

    /// For the console, which acts in the operator's name.
    pub fn secret(&self) -> SecretString {
        self.0.clone()
    }

    /// True where a request bears it.
    #[expect(clippy::disallowed_methods, reason = "it is compared with what a caller shows")]
    pub fn is_borne_by(&self, headers: &HeaderMap) -> bool {
        let shown = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let shown = shown.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
        self.0.expose_secret().as_bytes().ct_eq(shown.as_bytes()).into()
    }
}
