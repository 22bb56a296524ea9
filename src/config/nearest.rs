//! Which settings hold for which file.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::load::{self, ConfigSource};
use super::{ConfigError, ConfigFile, Overrides};
use crate::settings::Settings;
use crate::source::SourceFile;

/// The settings of a run: one for all files, or for each file those of the nearest configuration
/// file in its folder or above it.
#[derive(Debug)]
pub struct Configuration {
    /// What holds where no file says otherwise, or everywhere.
    base: Arc<Settings>,
    overrides: Overrides,
    cwd: PathBuf,
    /// `None` when `base` holds everywhere.
    folders: Option<Mutex<HashMap<PathBuf, Found>>>,
    /// What was wrong where nobody could be told at once.
    wrong: Mutex<Option<ConfigError>>,
}

type Found = Result<Arc<Settings>, ConfigError>;

impl Configuration {
    /// The configuration for a run in the folder `cwd`. Files of folders are read when they are
    /// asked for.
    ///
    /// # Errors
    /// When the command line or the file that it names is not valid.
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

    /// These settings for every file.
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

    /// What the command line says.
    #[must_use]
    pub fn overrides(&self) -> &Overrides {
        &self.overrides
    }

    /// The settings for what is in a folder, given by its real path.
    ///
    /// # Errors
    /// When the file that holds there is not valid.
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

    /// The settings for a file. When they are not valid, the run is to [fail](Self::wrong).
    #[must_use]
    pub fn of_file(&self, file: &SourceFile) -> Arc<Settings> {
        // Text that is no file has a path that nobody resolved.
        let path = self.cwd.join(&file.real_path);
        self.of_folder(path.parent().unwrap_or(&path))
            .unwrap_or_else(|error| {
                let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
                wrong.get_or_insert(error);
                Arc::clone(&self.base)
            })
    }

    /// What was wrong with the settings of a file that was asked for.
    #[must_use]
    pub fn wrong(&self) -> Option<ConfigError> {
        let wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        wrong.clone()
    }
}

/// The configuration file that holds in a folder, given by its real path.
///
/// # Errors
/// When it is not valid.
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
