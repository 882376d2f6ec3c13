//! The certificate of the web server that a node looks like: the operator's, or one generated once a year.

use super::config::Settings;
use crate::exit::{Code, Failure, OrRefuse as _, Outcome};
use core::time::Duration;
use sotto_link::web::{Certificate, CertificateError};
use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

/// How long a generated certificate is used; it is valid for somewhat longer.
const KEPT: Duration = Duration::from_secs(300 * 86_400);

/// Refuses settings that would have no effect.
pub(crate) fn check(s: &Settings) -> Outcome {
    let (chain, key) = (s.certificate.is_some(), s.certificate_key.is_some());
    if chain != key {
        let (there, missing) =
            if chain { ("certificate", "certificate_key") } else { ("certificate_key", "certificate") };
        return Err(Failure::new(Code::Usage, format!("`{there}` is set, but `{missing}` is not"))
            .help("set both, or neither to have a certificate generated"));
    }
    if chain && s.listen.is_none() {
        return Err(Failure::new(
            Code::Usage,
            "the certificate has no effect: this node takes no connections",
        )
        .help("pass --listen, set `listen` in config.toml, or remove the certificate"));
    }
    Ok(())
}

/// The operator's certificate, or the generated one in the node's folder.
pub(crate) fn certificate(s: &Settings, folder: &Path) -> Outcome<Certificate> {
    let read = |path: &Path| fs::read(path).or_refuse(format!("cannot read {}", path.display()));
    let made = match (&s.certificate, &s.certificate_key) {
        (Some(chain), Some(key)) => Certificate::from_pem(&read(chain)?, &read(key)?),
        _ => load_or_generate(&folder.join("web.crt"), &folder.join("web.key")),
    };
    made.or_refuse("cannot use the certificate of the web server")
}

fn load_or_generate(certificate: &Path, key: &Path) -> Result<Certificate, CertificateError> {
    let fresh = |path: &Path| {
        let age = fs::metadata(path)?.modified()?.elapsed().map_err(io::Error::other)?;
        if age < KEPT { fs::read(path) } else { Err(io::ErrorKind::TimedOut.into()) }
    };
    if let (Ok(certificate), Ok(key)) = (fresh(certificate), fresh(key))
        && let Ok(kept) = Certificate::from_der(&certificate, &key)
    {
        return Ok(kept);
    }
    let new = Certificate::generate(&["localhost"])?;
    let (bytes, secret) = new.to_der();
    if let Err(why) = write(key, &secret).and_then(|()| write(certificate, &bytes)) {
        tracing::warn!(%why, "cannot store the certificate; after a restart, the web server will show another one");
    }
    Ok(new)
}

/// An incomplete file is not a valid certificate; the next start then generates a new one.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(path)?.write_all(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_made_and_kept_until_it_is_old() {
        let folder = tempfile::tempdir().unwrap();
        let (certificate, key) = (folder.path().join("web.crt"), folder.path().join("web.key"));
        let shown = || load_or_generate(&certificate, &key).unwrap().to_der().0;
        let first = shown();
        assert_eq!(first, shown());
        fs::write(&key, b"half").unwrap();
        let second = shown();
        assert_ne!(first, second, "a damaged one is made anew");
        let old = std::time::SystemTime::now() - KEPT - Duration::from_secs(9);
        OpenOptions::new().write(true).open(&certificate).unwrap().set_modified(old).unwrap();
        assert_ne!(second, shown());
    }

    #[test]
    fn what_would_come_to_nothing_is_refused() {
        let settings = |listen: bool, chain: bool, key: bool| Settings {
            listen: listen.then(|| "127.0.0.1:0".to_owned()),
            certificate: chain.then(|| "a".into()),
            certificate_key: key.then(|| "b".into()),
            ..Settings::default()
        };
        for (listen, chain, key, fits) in [
            (false, false, false, true),
            (true, true, true, true),
            (true, true, false, false),
            (true, false, true, false),
            (false, true, true, false),
            (false, true, false, false),
        ] {
            assert_eq!(check(&settings(listen, chain, key)).is_ok(), fits, "{listen} {chain} {key}");
        }
    }
}
