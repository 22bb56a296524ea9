//! Which settings apply to which file.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::load::{self, ConfigSource};
use super::{ConfigError, ConfigFile, Overrides};
use crate::settings::Settings;
use crate::source::SourceFile;

/// The settings of a run: the same for all files, or for each file those of the nearest
/// configuration file, in its folder or above it.
#[derive(Debug)]
pub struct Configuration {
    /// The settings for files without a configuration file, or for all files.
    base: Arc<Settings>,
    overrides: Overrides,
    cwd: PathBuf,
    /// The settings of the folders seen so far; `None` if `base` applies everywhere.
    folders: Option<Mutex<HashMap<PathBuf, Found>>>,
    /// The first error that could not be returned at once.
    wrong: Mutex<Option<ConfigError>>,
}

type Found = Result<Arc<Settings>, ConfigError>;

impl Configuration {
    /// The configuration of a run in the folder `cwd`. The configuration files of other folders are
    /// read when they are first needed.
    ///
    /// # Errors
    /// When the command line, or the file that it names, is invalid.
    pub fn new(
        source: &ConfigSource,
        overrides: &Overrides,
        cwd: &Path,
    ) -> Result<Self, ConfigError> {
        let file = match source {
            ConfigSource::File(path) => Some(load::named(&cwd.join(path))?),
            ConfigSource::Nearest | ConfigSource::Isolated => None,
        };
        let nearest = *source == ConfigSource::Nearest;
        Ok(Self {
            base: Arc::new(Settings::new(file.as_ref(), overrides)?),
            overrides: overrides.clone(),
            cwd: cwd.to_path_buf(),
            folders: nearest.then(Mutex::default),
            wrong: Mutex::default(),
        })
    }

    /// The same settings for every file.
    #[must_use]
    pub fn fixed(settings: Settings, overrides: Overrides) -> Self {
        Self {
            base: Arc::new(settings),
            overrides,
            cwd: PathBuf::new(),
            folders: None,
            wrong: Mutex::default(),
        }
    }

    /// The configuration of a run in the folder `cwd` as it is once there is a certain file in a folder, given by its real
    /// path.
    ///
    /// # Errors
    /// When the file is invalid.
    pub fn with_file(
        file: &ConfigFile,
        folder: &Path,
        overrides: &Overrides,
        cwd: &Path,
    ) -> Result<Self, ConfigError> {
        let settings = Arc::new(Settings::new(Some(file), overrides)?);
        let known = HashMap::from([(folder.to_path_buf(), Ok(settings))]);
        Ok(Self {
            folders: Some(Mutex::new(known)),
            ..Self::new(&ConfigSource::Nearest, overrides, cwd)?
        })
    }

    /// The configuration of the same run in another folder, where other configuration files may be.
    #[must_use]
    pub fn elsewhere(&self, cwd: &Path) -> Self {
        Self {
            base: Arc::clone(&self.base),
            overrides: self.overrides.clone(),
            cwd: cwd.to_path_buf(),
            folders: self.folders.is_some().then(Mutex::default),
            wrong: Mutex::default(),
        }
    }

    /// The settings from the command line.
    #[must_use]
    pub fn overrides(&self) -> &Overrides {
        &self.overrides
    }

    /// The settings for the content of a folder, given by its real path.
    ///
    /// # Errors
    /// When the configuration file that applies there is invalid.
    pub fn of_folder(&self, folder: &Path) -> Found {
        let Some(folders) = &self.folders else {
            return Ok(Arc::clone(&self.base));
        };
        let mut known = folders.lock().unwrap_or_else(PoisonError::into_inner);
        let mut asked: Vec<&Path> = Vec::new();
        let mut found = None;
        for folder in folder.ancestors() {
            if let Some(settings) = known.get(folder) {
                found = Some(settings.clone());
                break;
            }
            asked.push(folder);
            found = load::in_folder(folder)
                .and_then(|file| {
                    let settings = file.map(|file| Settings::new(Some(&file), &self.overrides));
                    settings.transpose()
                })
                .map(|settings| settings.map(Arc::new))
                .transpose();
            if found.is_some() {
                break;
            }
        }
        let found = found.unwrap_or_else(|| Ok(Arc::clone(&self.base)));
        for folder in asked {
            known.insert(folder.to_path_buf(), found.clone());
        }
        found
    }

    /// The settings for a file. If they are invalid, the run must [fail](Self::wrong).
    #[must_use]
    pub fn of_file(&self, file: &SourceFile) -> Arc<Settings> {
        // The path of a text that is not a file was never resolved.
        let path = self.cwd.join(&file.real_path);
        self.of_folder(path.parent().unwrap_or(&path))
            .unwrap_or_else(|error| {
                let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
                wrong.get_or_insert(error);
                Arc::clone(&self.base)
            })
    }

    /// The first error in the settings of a file that was asked for.
    #[must_use]
    pub fn wrong(&self) -> Option<ConfigError> {
        let wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        wrong.clone()
    }
}

/// The configuration file that applies to a folder, given by its real path.
///
/// # Errors
/// When it is invalid.
pub fn file_of_folder(
    source: &ConfigSource,
    cwd: &Path,
    folder: &Path,
) -> Result<Option<ConfigFile>, ConfigError> {
    match source {
        ConfigSource::Isolated => Ok(None),
        ConfigSource::File(path) => load::named(&cwd.join(path)).map(Some),
        ConfigSource::Nearest => {
            for folder in folder.ancestors() {
                if let Some(file) = load::in_folder(folder)? {
                    return Ok(Some(file));
                }
            }
            Ok(None)
        }
    }
}
