//! The RPC token: 32 random bytes in hexadecimal, in a file that only its owner can read.
//!
//! A program that can read the file may use the node. Both files are written at each start and removed at the
//! end.

use rand_core::CryptoRngCore;
use std::{
    fmt, fs,
    io::{self, Read, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// The name of the token's file in the node's folder.
pub const TOKEN_FILE: &str = "rpc.token";
/// The name of the file with the server's address, in the same folder.
pub const URL_FILE: &str = "rpc.url";
/// Letters of a token.
const LETTERS: usize = 64;

/// Why a token or the address beside it cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// No node runs there.
    #[error("no node runs in {}: start one with `sotto node run`, or name the folder of one that runs", .dir.display())]
    Absent {
        /// The folder.
        dir: PathBuf,
    },
    /// Other users can read it.
    #[error("other users can read the token in {} (mode {mode:03o}): restart the node, which makes a new one", .path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file does not hold a token.
    #[error("invalid token in {}: restart the node, which makes a new one", .path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
    },
    /// The operating system reported an error.
    #[error("cannot use {}: {source}; check the folder and its permissions", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
}

/// Permission to query the node, and to stop it.
pub struct Token(Zeroizing<String>);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

impl Token {
    pub(crate) fn generate(rng: &mut dyn CryptoRngCore) -> Self {
        let mut bytes = Zeroizing::new([0u8; LETTERS / 2]);
        rng.fill_bytes(&mut *bytes);
        let mut text = Zeroizing::new(String::with_capacity(LETTERS));
        bytes.iter().for_each(|b| text.push_str(&Zeroizing::new(format!("{b:02x}"))));
        Self(text)
    }

    /// Reads a token's file.
    ///
    /// # Errors
    /// [`TokenError`]; [`TokenError::Exposed`] if group or others have any permission.
    pub fn read(path: &Path) -> Result<Self, TokenError> {
        let failed = |source| TokenError::Io { path: path.to_owned(), source };
        let file = fs::File::open(path).map_err(failed)?;
        let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(TokenError::Exposed { path: path.to_owned(), mode });
        }
        let mut text = Zeroizing::new(String::with_capacity(2 * LETTERS));
        file.take(2 * LETTERS as u64).read_to_string(&mut text).map_err(failed)?;
        let token = Zeroizing::new(text.trim_end().to_owned());
        let fits = token.len() == LETTERS && token.bytes().all(|b| b.is_ascii_hexdigit());
        if fits { Ok(Self(token)) } else { Err(TokenError::Malformed { path: path.to_owned() }) }
    }

    /// The value of the HTTP header `Authorization` with this token.
    pub(crate) fn authorization(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("Bearer {}", *self.0))
    }

    /// Whether a header's value has this token, in a time that depends only on its length.
    pub(crate) fn matches(&self, authorization: &[u8]) -> bool {
        authorization.ct_eq(self.authorization().as_bytes()).into()
    }
}

/// The address and the token of the node in this folder.
///
/// # Errors
/// [`TokenError`].
pub(crate) fn read_files(dir: &Path) -> Result<(String, Token), TokenError> {
    let path = dir.join(URL_FILE);
    let url = match fs::File::open(&path) {
        Ok(file) => {
            let mut url = String::new();
            let read = file.take(256).read_to_string(&mut url);
            read.map_err(|source| TokenError::Io { path, source })?;
            url.trim_end().to_owned()
        }
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            return Err(TokenError::Absent { dir: dir.to_owned() });
        }
        Err(source) => return Err(TokenError::Io { path, source }),
    };
    Ok((url, Token::read(&dir.join(TOKEN_FILE))?))
}

/// Both files of a server.
#[derive(Debug)]
pub(crate) struct Files {
    dir: PathBuf,
}

impl Files {
    /// Writes both files atomically, and replaces those of an earlier start.
    pub(crate) fn write(dir: &Path, url: &str, token: &Token) -> Result<Self, TokenError> {
        let text = Zeroizing::new(format!("{}\n", *token.0));
        replace(&dir.join(TOKEN_FILE), &text)?;
        replace(&dir.join(URL_FILE), &format!("{url}\n"))?;
        Ok(Self { dir: dir.to_owned() })
    }

    pub(crate) fn token(&self) -> PathBuf {
        self.dir.join(TOKEN_FILE)
    }

    /// Removes both files. Errors are ignored: the next start replaces a file that remains.
    pub(crate) fn remove(&self) {
        let _ = fs::remove_file(self.dir.join(URL_FILE));
        let _ = fs::remove_file(self.token());
    }
}

fn replace(path: &Path, text: &str) -> Result<(), TokenError> {
    let new = path.with_extension("new");
    let written = || {
        // A file of an earlier start may have another mode.
        match fs::remove_file(&new) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
        file.write_all(text.as_bytes())?;
        fs::rename(&new, path)
    };
    written().map_err(|source| TokenError::Io { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

    #[test]
    fn a_token_is_private_and_no_other_is_accepted() {
        let dir = tempfile::tempdir().unwrap();
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let (token, other) = (Token::generate(&mut rng), Token::generate(&mut rng));
        assert!(matches!(read_files(dir.path()), Err(TokenError::Absent { .. })));
        let files = Files::write(dir.path(), "http://127.0.0.1:1", &token).unwrap();
        let (url, read) = read_files(dir.path()).unwrap();
        let header = read.authorization();
        assert_eq!(url, "http://127.0.0.1:1");
        assert!(token.matches(header.as_bytes()) && !other.matches(header.as_bytes()));
        for wrong in
            ["", "Bearer ", &header[..header.len() - 1], &format!("{}0", *header), &header.to_lowercase()]
        {
            assert!(!token.matches(wrong.as_bytes()), "{wrong}");
        }
        assert_eq!(format!("{token:?}"), "Token(…)");
        let set_mode = |mode| fs::set_permissions(files.token(), fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!(fs::metadata(files.token()).unwrap().permissions().mode() & 0o777, 0o600);
        set_mode(0o640);
        assert!(matches!(read_files(dir.path()), Err(TokenError::Exposed { mode: 0o640, .. })));
        set_mode(0o600);
        fs::write(files.token(), "0123").unwrap();
        assert!(matches!(read_files(dir.path()), Err(TokenError::Malformed { .. })));
        // A new start replaces existing files.
        let files = Files::write(dir.path(), "http://127.0.0.1:2", &other).unwrap();
        assert!(other.matches(read_files(dir.path()).unwrap().1.authorization().as_bytes()));
        files.remove();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
