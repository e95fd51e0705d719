//! The folder that holds the state of a service: for its owner's eyes, for one process at a time, and watched for room.

use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use http::{StatusCode, header};
use serde_json::json;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// So much must find room.
const ROOM: usize = 256 * 1024;
/// The pause between two tries, since the health route answers unauthenticated clients too.
const AGAIN: Duration = Duration::from_secs(5);

/// A folder that this process alone uses.
pub struct DataFolder {
    disk: Disk,
    /// Locked as long as it is open.
    _lock: File,
}

impl DataFolder {
    /// Makes it where it is missing, and takes it for this process.
    pub fn open(folder: PathBuf) -> io::Result<Self> {
        let locked = own(&folder).and_then(|()| lock(&folder));
        let lock = locked.map_err(|error| {
            let text = format!("{}: {error}; fix that, or name another folder with --data", folder.display());
            io::Error::new(error.kind(), text)
        })?;
        Ok(Self { disk: Disk { folder: folder.into(), tried: Arc::default() }, _lock: lock })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.disk.folder
    }

    /// Whether it has room.
    pub fn disk(&self) -> Disk {
        self.disk.clone()
    }

    /// The table's file, which only its owner can read: the whole directory is in it. `SQLite` gives the files that it makes
    /// beside it the same rights.
    pub fn table(&self) -> io::Result<PathBuf> {
        let table = self.path().join("dynamodb.sqlite");
        for file in [table.clone(), self.path().join("dynamodb.sqlite-wal"), self.path().join("dynamodb.sqlite-shm")] {
            if file == table || file.exists() {
                OpenOptions::new().append(true).create(file == table).mode(0o600).open(&file)?;
                fs::set_permissions(&file, Permissions::from_mode(0o600))?;
            }
        }
        Ok(table)
    }
}

fn own(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    fs::set_permissions(folder, Permissions::from_mode(0o700))
}

/// Takes the folder; a process that ends, however it does, gives it back.
fn lock(folder: &Path) -> io::Result<File> {
    let mut lock =
        OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(folder.join("lock"))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut process = String::new();
            lock.read_to_string(&mut process)?;
            let text = format!("the service with process id {} uses it", process.trim());
            return Err(io::Error::new(io::ErrorKind::ResourceBusy, text));
        }
        Err(TryLockError::Error(error)) => return Err(error),
    }
    lock.set_len(0)?;
    writeln!(lock, "{}", std::process::id())?;
    Ok(lock)
}

/// The disk below a folder.
#[derive(Clone)]
pub struct Disk {
    folder: Arc<Path>,
    tried: Arc<Mutex<Option<Tried>>>,
}

/// What came of writing to it.
struct Tried {
    at: Instant,
    trouble: Option<String>,
}

impl Disk {
    /// Why nothing can be stored, for example on a full disk.
    pub async fn trouble(&self) -> Option<String> {
        let disk = self.clone();
        // A task that did not end proves nothing about the disk.
        tokio::task::spawn_blocking(move || disk.try_to_write()).await.unwrap_or_default()
    }

    fn try_to_write(&self) -> Option<String> {
        let mut tried = self.tried.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = tried.as_ref().filter(|before| before.at.elapsed() < AGAIN) {
            return before.trouble.clone();
        }
        let file = self.folder.join(".room");
        let written = write(&file);
        let removed = fs::remove_file(&file);
        let trouble = written.and(removed).err().map(|error| {
            tracing::error!("nothing can be stored in {}: {error}", self.folder.display());
            format!("nothing can be stored: {error}")
        });
        *tried = Some(Tried { at: Instant::now(), trouble: trouble.clone() });
        trouble
    }

    /// Has the health route report it.
    pub fn reported_by(self, router: Router) -> Router {
        router.layer(from_fn(move |request: Request, next: Next| {
            let disk = self.clone();
            async move {
                let asked = request.uri().path() == "/v1/health";
                let trouble = if asked { disk.trouble().await } else { None };
                match trouble {
                    Some(trouble) => unwell(&trouble),
                    None => next.run(request).await,
                }
            }
        }))
    }
}

fn write(file: &Path) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(file)?;
    file.write_all(&vec![0; ROOM])?;
    file.sync_all()
}

/// The problem of RFC 9457 that has no type of its own.
fn unwell(why: &str) -> Response {
    let status = StatusCode::SERVICE_UNAVAILABLE;
    let detail = format!(
        "The service can read, but not write: {why}. Free space on the disk of the data folder; it goes on by itself."
    );
    let problem =
        json!({"type": "about:blank", "title": "Service Unavailable", "status": status.as_u16(), "detail": detail});
    (status, [(header::CONTENT_TYPE, "application/problem+json")], Json(problem)).into_response()
}
