//! A shard: one of several parts into which the files of a run are divided, so that each can be checked by another
//! machine.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::source::{SourceFile, digest};

/// One of several parts of the files of a run. Which part a file belongs to depends only on its displayed path, so
/// other files can come and go.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Shard {
    /// Which part, from 1 to `count`.
    pub index: u32,
    /// How many parts there are.
    pub count: u32,
}

impl Shard {
    /// Whether a file belongs to this part.
    #[must_use]
    pub fn has(self, file: &SourceFile) -> bool {
        self.has_path(&file.display)
    }

    fn has_path(self, display: &str) -> bool {
        // All platforms have to agree.
        let digest = digest(&display.replace('\\', "/"));
        let number = u32::from_str_radix(&digest[..8], 16).expect("a digest is hexadecimal");
        number % self.count == self.index - 1
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "shard {} of {}", self.index, self.count)
    }
}

impl FromStr for Shard {
    type Err = String;

    /// Reads `2/3`.
    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('/');
        let numbers =
            parts.and_then(|(index, count)| Some((index.parse().ok()?, count.parse().ok()?)));
        match numbers {
            Some((index, count)) if 1 <= index && index <= count => Ok(Self { index, count }),
            Some((index, count)) if count > 0 => Err(format!(
                "there is no shard {index} of {count}: they are 1 to {count}"
            )),
            _ => Err("a shard is given like 2/3: the second of three".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_path_is_in_one_shard() {
        for count in 1..=7 {
            let mut sizes = vec![0; count as usize];
            for number in 0..700 {
                let path = format!("jobs/job_{number}.py");
                let has = |index: &u32| {
                    Shard {
                        index: *index,
                        count,
                    }
                    .has_path(&path)
                };
                let of: Vec<u32> = (1..=count).filter(has).collect();
                assert_eq!(of.len(), 1, "{path} of {count}");
                sizes[of[0] as usize - 1] += 1;
            }
            let fair = 700 / count as usize;
            assert!(
                sizes
                    .iter()
                    .all(|size| (fair / 2..=fair * 2).contains(size)),
                "{sizes:?}"
            );
        }
        let windows = Shard { index: 1, count: 5 };
        assert_eq!(windows.has_path("a\\b.py"), windows.has_path("a/b.py"));
    }

    #[test]
    fn what_is_no_shard_is_refused() {
        assert_eq!("2/3".parse(), Ok(Shard { index: 2, count: 3 }));
        assert_eq!("1/1".parse(), Ok(Shard { index: 1, count: 1 }));
        for wrong in ["0/3", "4/3"] {
            let why = wrong.parse::<Shard>().unwrap_err();
            assert!(why.contains("they are 1 to 3"), "{why}");
        }
        for wrong in [
            "",
            "2",
            "2/",
            "/3",
            "1/0",
            "0/0",
            "-1/3",
            "a/b",
            "1/2/3",
            "1/99999999999",
        ] {
            let why = wrong.parse::<Shard>().unwrap_err();
            assert!(why.contains("like 2/3"), "{why}");
        }
    }
}
