//! Certificates for a server that speaks TLS.

use std::fs;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::{fs::OpenOptions, io::Write};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};

use crate::Error;
use crate::installation::Installation;

/// What was issued for one server: its files lie beside its socket.
#[derive(Debug)]
pub(crate) struct Issued {
    /// The certificate of the authority that clients must trust, as PEM.
    pub(crate) ca: String,
    /// Lines for `postgresql.conf`.
    pub(crate) conf: Vec<String>,
}

/// The certificate of the authority, in the server's `home`.
pub(crate) const CA_FILE: &str = "ca.crt";

/// Makes an authority of its own and a certificate for `localhost` and 127.0.0.1, and puts them into `home`.
pub(crate) fn issue(home: &Path, installation: &Installation) -> Result<Issued, Error> {
    let (ca, certificate, key) = certificates().map_err(|error| Error::Unfit {
        what: format!("no certificate could be made for the server: {error}"),
    })?;
    fs::write(home.join(CA_FILE), &ca).map_err(Error::system(format!("writing {CA_FILE}")))?;
    let mut conf = vec!["ssl = on".to_owned()];
    for (setting, name, text) in
        [("ssl_cert_file", "server.crt", certificate), ("ssl_key_file", "server.key", key)]
    {
        let path = home.join(name);
        // The server refuses a key that others may read.
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        options
            .open(&path)
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .map_err(Error::system(format!("writing {}", path.display())))?;
        installation.hand_over(&path)?;
        conf.push(format!("{setting} = '{}'", path.display()));
    }
    Ok(Issued { ca, conf })
}

/// The authority's certificate, the server's, and the server's key, all as PEM.
fn certificates() -> Result<(String, String, String), rcgen::Error> {
    // Of its own and not self-signed: rustls refuses an authority that presents itself as a server.
    let mut authority = CertificateParams::default();
    authority.distinguished_name.push(DnType::CommonName, "throwaway authority");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let authority_key = KeyPair::generate()?;
    let ca = authority.self_signed(&authority_key)?.pem();

    let mut server = CertificateParams::new(["localhost".to_owned(), "127.0.0.1".to_owned()])?;
    server.distinguished_name.push(DnType::CommonName, "localhost");
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate()?;
    let certificate = server.signed_by(&key, &Issuer::new(authority, authority_key))?;
    Ok((ca, certificate.pem(), key.serialize_pem()))
}
