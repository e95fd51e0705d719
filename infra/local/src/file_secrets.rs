//! Secrets in a directory that only its owner can read: one directory a secret, one file a version.

use async_trait::async_trait;
use okta_connector::secrets::{Error, Secrets};
use secrecy::{ExposeSecret, SecretString};
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Versions of one secret that are kept.
const KEPT: usize = 3;

/// A directory of secrets.
pub struct FileSecrets {
    directory: PathBuf,
}

impl FileSecrets {
    /// Makes the directory where it is missing.
    pub fn open(directory: impl Into<PathBuf>) -> io::Result<Self> {
        let directory = directory.into();
        make(&directory)?;
        Ok(Self { directory })
    }

    fn place(&self, name: &str) -> Result<PathBuf, Error> {
        let plain = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
        if plain { Ok(self.directory.join(name)) } else { Err(Error("a name that is no file name".to_owned())) }
    }
}

fn make(directory: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)
}

#[async_trait]
impl Secrets for FileSecrets {
    #[expect(clippy::disallowed_methods, reason = "a secret is shown to the secret store")]
    async fn put(&self, name: &str, value: &SecretString) -> Result<String, Error> {
        let place = self.place(name)?;
        // Names sort by time.
        let version = uuid::Uuid::now_v7().simple().to_string();
        write(&place, &version, value.expose_secret()).map_err(|error| failed("write", &error))?;
        Ok(version)
    }

    async fn get(&self, name: &str, version: &str) -> Result<Option<SecretString>, Error> {
        let file = self.place(name)?.join(self.place(version)?.file_name().unwrap_or_default());
        match fs::read_to_string(file) {
            Ok(text) => Ok(Some(text.into())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed("read", &error)),
        }
    }

    async fn delete(&self, name: &str) -> Result<(), Error> {
        match fs::remove_dir_all(self.place(name)?) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("delete", &error)),
            _ => Ok(()),
        }
    }

    async fn stack_key(&self) -> Result<SecretString, Error> {
        let place = self.directory.join("stack-key");
        first_of_all(&place).map(SecretString::from).map_err(|error| failed("stack key", &error))
    }
}

/// Reads the key, or makes it. Of two processes that make one at once, the first to name its own wins; a name is given
/// to a whole file or not at all, so that a killed process leaves no half a key.
fn first_of_all(place: &Path) -> io::Result<String> {
    let key = place.join("key");
    match fs::read_to_string(&key) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        other => return other,
    }
    make(place)?;
    let unfinished = place.join(format!(".{}", uuid::Uuid::new_v4().simple()));
    // Two random identifiers hold 244 random bits.
    let random = || uuid::Uuid::new_v4().simple().to_string();
    write_new(&unfinished, &format!("{}{}", random(), random()))?;
    match fs::hard_link(&unfinished, &key) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => fs::remove_file(&unfinished)?,
    }
    fs::File::open(place)?.sync_all()?;
    fs::read_to_string(&key)
}

/// A version is there whole or not at all, whenever the process is killed.
fn write(place: &Path, version: &str, value: &str) -> io::Result<()> {
    make(place)?;
    let unfinished = place.join(format!(".{version}"));
    write_new(&unfinished, value)?;
    fs::rename(&unfinished, place.join(version))?;
    fs::File::open(place)?.sync_all()?;
    let mut names: Vec<_> = fs::read_dir(place)?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    names.sort();
    let old = names.len().saturating_sub(KEPT);
    names[..old].iter().try_for_each(fs::remove_file)
}

fn write_new(file: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn failed(what: &str, error: &io::Error) -> Error {
    Error(format!("{what}: {}", error.kind()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[tokio::test]
    async fn a_secret_is_for_its_owners_eyes_and_old_versions_go() {
        let directory = tempfile::tempdir().expect("a directory");
        let secrets = FileSecrets::open(directory.path().join("secrets")).expect("a secret store");
        let mut versions = Vec::new();
        for n in 0..5 {
            versions.push(secrets.put("conn_1", &format!("value {n}").into()).await.expect("a version"));
        }
        assert!(secrets.get("conn_1", &versions[4]).await.expect("read").is_some());
        assert!(secrets.get("conn_1", &versions[3]).await.expect("read").is_some());
        assert!(secrets.get("conn_1", &versions[0]).await.expect("read").is_none());
        let file = directory.path().join("secrets/conn_1").join(&versions[4]);
        assert_eq!(fs::metadata(file).expect("a file").permissions().mode() & 0o777, 0o600);
        secrets.delete("conn_1").await.expect("deleted");
        secrets.delete("conn_1").await.expect("deleted again");
        assert!(secrets.get("conn_1", &versions[4]).await.expect("read").is_none());
        assert!(secrets.put("../x", &"value".to_owned().into()).await.is_err());
    }
    #[tokio::test(flavor = "multi_thread")]
    #[expect(clippy::disallowed_methods, reason = "a test compares secrets")]
    async fn all_processes_of_a_deployment_agree_on_its_key() {
        let directory = tempfile::tempdir().expect("a directory");
        let open = || FileSecrets::open(directory.path().join("secrets")).expect("a secret store");
        let processes: Vec<_> =
            (0..8).map(|_| open()).map(|it| tokio::spawn(async move { it.stack_key().await })).collect();
        let mut keys = std::collections::BTreeSet::new();
        for process in processes {
            let key = process.await.expect("no panic").expect("a key");
            keys.insert(key.expose_secret().to_owned());
        }
        keys.insert(open().stack_key().await.expect("a key").expose_secret().to_owned());
        assert_eq!((keys.len(), keys.first().map(String::len)), (1, Some(64)));
        let place = directory.path().join("secrets/stack-key");
        let files: Vec<_> = fs::read_dir(&place).expect("a directory").map(|it| it.expect("a file").path()).collect();
        assert_eq!(files, [place.join("key")]);
        assert_eq!(fs::metadata(&files[0]).expect("a file").permissions().mode() & 0o777, 0o600);
    }
}
