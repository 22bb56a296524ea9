//! The store of source files: every file of a run is read, decoded and numbered once.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};
use std::time::{Duration, SystemTime};
use std::{fmt, io, thread};

use crate::source::observe::{Looked, Notes, digest};
use crate::source::text::{decode, plain};
use crate::source::{DecodeError, Derived, Language, LineColumn, LineIndex, Span};

/// The default size limit: nobody writes larger files by hand.
pub const DEFAULT_FILE_BYTES: u64 = 64 * 1024 * 1024;

/// The upper limit for sizes: offsets have 32 bits, and decoded text can be longer than its bytes.
pub const MAX_FILE_BYTES: u64 = 1024 * 1024 * 1024;

/// Identifies a file in the [`SourceMap`] of a run. The numbers depend on the order of loading, so
/// no output may depend on them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct FileId(pub u32);

/// A decoded file.
#[derive(Debug)]
pub struct SourceFile {
    /// Its number.
    pub id: FileId,
    /// The path by which it was found.
    pub path: PathBuf,
    /// The path with all links resolved; equal to `path` if there is no such file.
    pub real_path: PathBuf,
    /// The path as users see it: relative to the working directory if possible, with `/`.
    pub display: String,
    /// The decoded text, without its byte order mark.
    pub text: Arc<str>,
    /// What it is written in.
    pub language: Language,
    line_index: OnceLock<LineIndex>,
    digest: OnceLock<String>,
    /// What else follows from its text.
    pub derived: Derived,
}

impl SourceFile {
    /// The digest of its text, made on first use.
    pub fn digest(&self) -> &str {
        self.digest.get_or_init(|| digest(&self.text))
    }

    /// The index of its lines, built on first use.
    pub fn line_index(&self) -> &LineIndex {
        self.line_index.get_or_init(|| LineIndex::new(&self.text))
    }

    /// Line and column of an offset, columns in Unicode scalar values.
    #[must_use]
    pub fn position(&self, at: u32) -> LineColumn {
        self.line_index().position(&self.text, at)
    }

    /// The text that a span covers.
    #[must_use]
    pub fn slice(&self, span: Span) -> &str {
        span.slice(&self.text)
    }
}

/// Why a file could not be read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ReadError {
    /// The operating system reported an error.
    Io(String),
    /// It is a folder, a pipe or a device.
    NotAFile,
    /// It is larger than the limit of the run.
    TooLarge {
        /// Its size in bytes; more if it grew while it was read.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// It is not valid in its encoding.
    Decode(DecodeError),
}

impl ReadError {
    /// Where in the file, if known.
    #[must_use]
    pub fn position(&self) -> Option<LineColumn> {
        match self {
            ReadError::Decode(error) => Some(error.position),
            _ => None,
        }
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReadError::Io(reason) => f.write_str(reason),
            ReadError::NotAFile => f.write_str("not a regular file"),
            ReadError::TooLarge { size, limit } => write!(
                f,
                "too large: {size} bytes, the limit is {limit} bytes (see --max-file-size)"
            ),
            ReadError::Decode(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ReadError {}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        ReadError::Io(describe_io(&error))
    }
}

/// An I/O error as text, without the number that the standard library appends.
#[must_use]
pub(crate) fn describe_io(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_lowercase().chain(chars).collect(),
        None => "unknown error".to_owned(),
    }
}

#[derive(Default)]
struct Store {
    files: Vec<Arc<SourceFile>>,
    by_real_path: HashMap<PathBuf, Result<FileId, ReadError>>,
    /// The numbers that files had in earlier runs, by real paths.
    numbers: HashMap<PathBuf, FileId>,
    /// The real paths of paths.
    real_paths: HashMap<PathBuf, PathBuf>,
    /// What is known of the files whose texts come from the disk.
    stamps: HashMap<FileId, Option<Stamp>>,
}

/// The file at a path, before it gets its number.
enum Content {
    Known(Result<Arc<SourceFile>, ReadError>),
    Fresh(PathBuf, Result<Text, ReadError>),
}

/// A text, and where it comes from.
enum Text {
    /// From the disk.
    Read(Arc<str>, Option<Stamp>),
    /// From whoever asks for the run.
    Given(Arc<str>),
}

/// What is told of a file without reading it. If it is the same, so is the content.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Stamp {
    length: u64,
    modified: SystemTime,
    /// The device, the inode, and when that was changed.
    #[cfg(unix)]
    inode: (u64, u64, i64, i64),
}

/// A file that was changed this recently may change again without a trace: clocks of file systems are coarse ("racily clean"
/// entries of git's index).
const RECENT: Duration = Duration::from_secs(2);

impl Stamp {
    /// `None` if the file may change without a trace.
    fn of(metadata: &fs::Metadata) -> Option<Self> {
        #[cfg(unix)]
        use std::os::unix::fs::MetadataExt;
        let modified = metadata.modified().ok()?;
        #[cfg(unix)]
        let changed = {
            let seconds = Duration::from_secs(u64::try_from(metadata.ctime()).ok()?);
            modified.max(SystemTime::UNIX_EPOCH.checked_add(seconds)?)
        };
        #[cfg(not(unix))]
        let changed = modified;
        let is_old = SystemTime::now().duration_since(changed).ok()? > RECENT;
        is_old.then_some(Self {
            length: metadata.len(),
            modified,
            #[cfg(unix)]
            inode: (
                metadata.dev(),
                metadata.ino(),
                metadata.ctime(),
                metadata.ctime_nsec(),
            ),
        })
    }
}

/// What may have happened on the disk since an earlier run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Disk {
    /// Anything.
    Changed,
    /// Nothing.
    Same,
}

/// Every file of a run, shared by all threads.
pub struct SourceMap {
    cwd: PathBuf,
    limit: u64,
    store: RwLock<Store>,
    reads: AtomicUsize,
    pub(super) looked: RwLock<Looked>,
    /// What is there because texts were given.
    pub(super) given: RwLock<Looked>,
    /// `Some` while answers are recorded.
    notes: Mutex<Option<Notes>>,
}

impl SourceMap {
    /// An empty map. Displayed paths are relative to `cwd`.
    #[must_use]
    pub fn new(cwd: PathBuf) -> Self {
        Self {
            cwd,
            limit: DEFAULT_FILE_BYTES,
            store: RwLock::default(),
            reads: AtomicUsize::new(0),
            looked: RwLock::default(),
            given: RwLock::default(),
            notes: Mutex::default(),
        }
    }

    /// Sets the size limit, in bytes.
    #[must_use]
    pub fn with_limit(self, bytes: u64) -> Self {
        let limit = bytes.min(MAX_FILE_BYTES);
        Self { limit, ..self }
    }

    /// The size limit, in bytes.
    #[must_use]
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// The working directory that displayed paths are relative to.
    #[must_use]
    pub fn cwd(&self) -> &Path {
        &self.cwd
    }

    /// A map for the next run of the same kind. Files keep their numbers; those with the same texts are the same.
    #[must_use]
    pub fn next(&self, disk: Disk) -> Self {
        let store = self.store.read().unwrap_or_else(PoisonError::into_inner);
        let mut next = Store {
            files: store.files.clone(),
            numbers: store.numbers.clone(),
            stamps: store.stamps.clone(),
            ..Store::default()
        };
        let loaded = store.by_real_path.iter();
        let loaded = loaded.filter_map(|(path, id)| Some((path.clone(), *id.as_ref().ok()?)));
        next.numbers.extend(loaded);
        let mut looked = Looked::default();
        if disk == Disk::Same {
            // Texts that are given in place of files are given anew for each run.
            let is_given = |id: &FileId| !store.stamps.contains_key(id);
            let known = store.by_real_path.iter();
            let known = known.filter(|(_, id)| !id.as_ref().is_ok_and(is_given));
            let known = known.map(|(path, id)| (path.clone(), id.clone()));
            next.by_real_path = known.collect();
            next.real_paths.clone_from(&store.real_paths);
            let at = self.looked.read().unwrap_or_else(PoisonError::into_inner);
            looked.clone_from(&at);
        }
        Self {
            cwd: self.cwd.clone(),
            limit: self.limit,
            store: RwLock::new(next),
            reads: AtomicUsize::new(0),
            looked: RwLock::new(looked),
            given: RwLock::default(),
            notes: Mutex::default(),
        }
    }

    /// The file at `path`, as [`SourceMap::load`] gives it. If this is the real path of a file that is loaded, the file
    /// system is not asked.
    ///
    /// # Errors
    /// Those of [`SourceMap::load`].
    pub fn load_known(&self, path: &Path) -> Result<Arc<SourceFile>, ReadError> {
        match self.known(path) {
            Some(known) => {
                self.note_loaded(path);
                known
            }
            None => self.load(path),
        }
    }

    /// The file at `path`, read on the first call. Failures are remembered, too.
    ///
    /// # Errors
    /// When the file cannot be read or decoded.
    pub fn load(&self, path: &Path) -> Result<Arc<SourceFile>, ReadError> {
        self.note_loaded(path);
        match self.fetch(path) {
            Content::Known(known) => known,
            Content::Fresh(real_path, content) => {
                self.insert(path.to_path_buf(), real_path, content)
            }
        }
    }

    /// Loads many files, and reads them in parallel. Numbers follow the order of `paths`.
    pub fn load_all(&self, paths: &[PathBuf]) -> Vec<Result<Arc<SourceFile>, ReadError>> {
        /// With fewer files, starting threads costs more than it gains.
        const PARALLEL_FROM: usize = 64;
        /// More readers would only wait for the same disk.
        const MAX_READERS: usize = 16;
        if paths.len() < PARALLEL_FROM {
            return paths.iter().map(|path| self.load(path)).collect();
        }
        let workers = thread::available_parallelism().map_or(1, usize::from);
        let next = AtomicUsize::new(0);
        let contents: Vec<OnceLock<Content>> = paths.iter().map(|_| OnceLock::new()).collect();
        thread::scope(|scope| {
            for _ in 0..workers.min(MAX_READERS) {
                scope.spawn(|| {
                    loop {
                        let at = next.fetch_add(1, Ordering::Relaxed);
                        let (Some(path), Some(slot)) = (paths.get(at), contents.get(at)) else {
                            return;
                        };
                        slot.get_or_init(|| self.fetch(path));
                    }
                });
            }
        });
        paths
            .iter()
            .zip(contents)
            .map(
                |(path, slot)| match slot.into_inner().unwrap_or_else(|| self.fetch(path)) {
                    Content::Known(known) => known,
                    Content::Fresh(real_path, content) => {
                        self.insert(path.clone(), real_path, content)
                    }
                },
            )
            .collect()
    }

    fn fetch(&self, path: &Path) -> Content {
        match self.real_path(path) {
            // A text may be given for a file that is not there.
            Err(error) => Content::Known(self.known(path).unwrap_or(Err(error.into()))),
            Ok(real_path) => match self.known(&real_path) {
                Some(known) => Content::Known(known),
                None => {
                    let content = self.read(&real_path, Language::of_named(path));
                    Content::Fresh(real_path, content)
                }
            },
        }
    }

    fn real_path(&self, path: &Path) -> io::Result<PathBuf> {
        let known = {
            let store = self.store.read().unwrap_or_else(PoisonError::into_inner);
            store.real_paths.get(path).cloned()
        };
        known.map_or_else(|| fs::canonicalize(self.cwd.join(path)), Ok)
    }

    /// Adds a text that is not read from `path` (standard input). If there is a file of that name,
    /// the text replaces it: loading the file returns the text.
    pub fn add_virtual(&self, path: &Path, text: String) -> Arc<SourceFile> {
        let real_path =
            fs::canonicalize(self.cwd.join(path)).unwrap_or_else(|_| path.to_path_buf());
        self.give(&self.cwd.join(&real_path));
        let mut store = self.store.write().unwrap_or_else(PoisonError::into_inner);
        self.push(
            &mut store,
            path.to_path_buf(),
            real_path,
            Text::Given(text.into()),
        )
    }

    /// The file with this number.
    ///
    /// # Panics
    /// When the number comes from another map.
    #[must_use]
    pub fn get(&self, id: FileId) -> Arc<SourceFile> {
        let store = self.store.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&store.files[id.0 as usize])
    }

    /// How many files were read from disk, with or without success.
    #[must_use]
    pub fn reads(&self) -> usize {
        self.reads.load(Ordering::Relaxed)
    }

    /// How many files the map holds.
    #[must_use]
    pub fn len(&self) -> usize {
        let store = self.store.read().unwrap_or_else(PoisonError::into_inner);
        store.files.len()
    }

    /// Whether no file has been loaded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How `path` is displayed: relative to the working directory if it is below it, with `/`
    /// between the parts and no leading `./`.
    #[must_use]
    pub fn display(&self, path: &Path) -> String {
        let path = path.strip_prefix(&self.cwd).unwrap_or(path);
        let clean: PathBuf = path
            .components()
            .filter(|part| !matches!(part, std::path::Component::CurDir))
            .collect();
        let text = clean.to_string_lossy();
        let text = if std::path::MAIN_SEPARATOR == '/' {
            text.into_owned()
        } else {
            text.replace(std::path::MAIN_SEPARATOR, "/")
        };
        if text.is_empty() {
            ".".to_owned()
        } else {
            text
        }
    }

    /// How a file with a known real path is displayed: an absolute path, or one that leads up and
    /// down again, is shortened if it ends below the working directory.
    #[must_use]
    pub fn display_file(&self, path: &Path, real_path: &Path) -> String {
        let roundabout = path.is_absolute()
            || path
                .components()
                .any(|part| part == std::path::Component::ParentDir);
        match real_path.strip_prefix(&self.cwd) {
            Ok(inside) if roundabout => self.display(inside),
            _ => self.display(path),
        }
    }

    pub(super) fn notes(&self) -> MutexGuard<'_, Option<Notes>> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known(&self, real_path: &Path) -> Option<Result<Arc<SourceFile>, ReadError>> {
        let store = self.store.read().unwrap_or_else(PoisonError::into_inner);
        Some(match store.by_real_path.get(real_path)? {
            Ok(id) => Ok(Arc::clone(&store.files[id.0 as usize])),
            Err(error) => Err(error.clone()),
        })
    }

    /// The text of a file. If the file has not changed since an earlier run, it is not read again.
    fn read(&self, real_path: &Path, language: Language) -> Result<Text, ReadError> {
        thread_local! {
            /// The read buffer of this thread. It is larger than most files and reused.
            static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
        }
        self.reads.fetch_add(1, Ordering::Relaxed);
        // This comes before opening: opening a pipe would wait for its writer.
        let metadata = fs::metadata(real_path)?;
        if !metadata.is_file() {
            return Err(ReadError::NotAFile);
        }
        let limit = self.limit;
        if metadata.len() > limit {
            let size = metadata.len();
            return Err(ReadError::TooLarge { size, limit });
        }
        let stamp = Stamp::of(&metadata);
        let read = |text| Text::Read(text, stamp);
        if let Some(text) = stamp.and_then(|stamp| self.earlier(real_path, stamp)) {
            return Ok(read(text));
        }
        BUFFER.with_borrow_mut(|buffer| {
            buffer.clear();
            buffer.reserve(usize::try_from(metadata.len()).unwrap_or(0));
            // The limit also applies while reading: a file can grow, and some files have no size.
            fs::File::open(real_path)?
                .take(limit + 1)
                .read_to_end(buffer)?;
            let size = buffer.len() as u64;
            if size > limit {
                return Err(ReadError::TooLarge { size, limit });
            }
            if let Some(text) = plain(buffer, language) {
                return Ok(read(text.into()));
            }
            let text = decode(std::mem::take(buffer), language).map_err(ReadError::Decode)?;
            Ok(read(text.into()))
        })
    }

    /// The text that an earlier run has read from a file which has not changed since.
    fn earlier(&self, real_path: &Path, stamp: Stamp) -> Option<Arc<str>> {
        let store = self.store.read().unwrap_or_else(PoisonError::into_inner);
        let id = store.numbers.get(real_path)?;
        (store.stamps.get(id) == Some(&Some(stamp)))
            .then(|| Arc::clone(&store.files[id.0 as usize].text))
    }

    fn insert(
        &self,
        path: PathBuf,
        real_path: PathBuf,
        content: Result<Text, ReadError>,
    ) -> Result<Arc<SourceFile>, ReadError> {
        let mut store = self.store.write().unwrap_or_else(PoisonError::into_inner);
        store.real_paths.insert(path.clone(), real_path.clone());
        // Another thread may have been faster.
        match store.by_real_path.get(&real_path) {
            Some(Ok(id)) => return Ok(Arc::clone(&store.files[id.0 as usize])),
            Some(Err(error)) => return Err(error.clone()),
            None => {}
        }
        match content {
            Ok(text) => Ok(self.push(&mut store, path, real_path, text)),
            Err(error) => {
                store.by_real_path.insert(real_path, Err(error.clone()));
                Err(error)
            }
        }
    }

    fn push(
        &self,
        store: &mut Store,
        path: PathBuf,
        real_path: PathBuf,
        text: Text,
    ) -> Arc<SourceFile> {
        // A second text of this run is another file.
        let is_first = !store.by_real_path.contains_key(&real_path);
        let known = store.numbers.get(&real_path).filter(|_| is_first);
        let next = FileId(u32::try_from(store.files.len()).unwrap_or(u32::MAX));
        let id = known.copied().unwrap_or(next);
        let (text, stamp) = match text {
            Text::Read(text, stamp) => (text, Some(stamp)),
            Text::Given(text) => (text, None),
        };
        match stamp {
            Some(stamp) => store.stamps.insert(id, stamp),
            None => store.stamps.remove(&id),
        };
        let earlier = store.files.get(id.0 as usize);
        let same = earlier.filter(|earlier| earlier.path == path && earlier.text == text);
        let file = same.cloned().unwrap_or_else(|| {
            Arc::new(SourceFile {
                id,
                display: self.display_file(&path, &real_path),
                language: Language::of_named(&path),
                path,
                real_path: real_path.clone(),
                text,
                line_index: OnceLock::new(),
                digest: OnceLock::new(),
                derived: Derived::default(),
            })
        });
        match store.files.get_mut(id.0 as usize) {
            Some(outdated) => outdated.clone_from(&file),
            None => store.files.push(Arc::clone(&file)),
        }
        store.by_real_path.insert(real_path, Ok(id));
        file
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_by_two_names_is_loaded_once() {
        let dir = tempfile::tempdir().unwrap();
        let cwd = fs::canonicalize(dir.path()).unwrap();
        fs::write(cwd.join("a.py"), "x = 1\n").unwrap();
        let map = SourceMap::new(cwd.clone());
        let one = map.load(Path::new("a.py")).unwrap();
        let two = map.load(&cwd.join(".").join("a.py")).unwrap();
        assert_eq!(one.id, two.id);
        assert_eq!((map.reads(), map.len()), (1, 1));
        assert_eq!(one.display, "a.py");
        assert_eq!(one.position(4), LineColumn { line: 1, column: 5 });
    }

    #[test]
    fn paths_are_shown_relative_to_the_working_directory() {
        let map = SourceMap::new(PathBuf::from("/w"));
        let show = |path: &str, real: &str| map.display_file(Path::new(path), Path::new(real));
        assert_eq!(show("./a/b.py", "/w/a/b.py"), "a/b.py");
        assert_eq!(show("../w/a.py", "/w/a.py"), "a.py");
        assert_eq!(show("/w/a.py", "/w/a.py"), "a.py");
        assert_eq!(show("../v/a.py", "/v/a.py"), "../v/a.py");
        assert_eq!(show("/v/a.py", "/v/a.py"), "/v/a.py");
        assert_eq!(show("link.py", "/w/a.py"), "link.py");
        assert_eq!(map.display(Path::new("/w")), ".");
    }

    #[test]
    fn text_from_standard_input_stands_for_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let cwd = fs::canonicalize(dir.path()).unwrap();
        fs::write(cwd.join("a.py"), "old").unwrap();
        let map = SourceMap::new(cwd);
        map.add_virtual(Path::new("a.py"), "new".to_owned());
        assert_eq!(&*map.load(Path::new("a.py")).unwrap().text, "new");
    }

    #[test]
    fn many_files_keep_their_order() {
        let dir = tempfile::tempdir().unwrap();
        let cwd = fs::canonicalize(dir.path()).unwrap();
        let paths: Vec<PathBuf> = (0..200)
            .map(|n| PathBuf::from(format!("f{n}.py")))
            .collect();
        for path in &paths {
            fs::write(cwd.join(path), path.to_str().unwrap()).unwrap();
        }
        fs::write(cwd.join("f7.py"), b"\xff").unwrap();
        let map = SourceMap::new(cwd);
        let loaded = map.load_all(&paths);
        assert_eq!(loaded.len(), 200);
        for (path, file) in paths.iter().zip(&loaded) {
            match file {
                Ok(file) => assert_eq!(&*file.text, path.to_str().unwrap()),
                Err(error) => {
                    assert_eq!(path.to_str(), Some("f7.py"));
                    assert!(error.position().is_some());
                }
            }
        }
        let ids: Vec<u32> = loaded.iter().flatten().map(|file| file.id.0).collect();
        assert!(ids.is_sorted());
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        let dir = tempfile::tempdir().unwrap();
        let map = SourceMap::new(dir.path().to_path_buf());
        let missing = map.load(Path::new("nope.py")).unwrap_err();
        assert_eq!(missing.to_string(), "no such file or directory");
        assert_eq!(missing.position(), None);
        let folder = map.load(Path::new(".")).unwrap_err();
        assert_eq!(folder, ReadError::NotAFile);
    }
}
