//! The files of an export, and the texts that they hold: which of them a mapping names, and which nobody reads.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::archive::{self, Member};
use super::error::ImportError;
use super::input::ZIP;
use super::mapping::{Mapping, fits};

/// The files of an export: one, a folder or an archive of some that belong together, or several of these.
#[derive(Debug, Clone)]
pub struct Export(Vec<PathBuf>);

impl Export {
    /// What a sentence calls it.
    #[must_use]
    pub fn label(&self) -> PathBuf {
        label(&self.0)
    }

    /// Whether all of it is empty files.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|path| std::fs::metadata(path).is_ok_and(|file| file.is_file() && file.len() == 0))
    }
}

fn label(paths: &[PathBuf]) -> PathBuf {
    match paths {
        [one] => one.clone(),
        _ => {
            let names: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
            archive::listed(names.iter().map(String::as_str)).into()
        }
    }
}

impl From<&Path> for Export {
    fn from(path: &Path) -> Self {
        Self(vec![path.to_owned()])
    }
}

impl From<&PathBuf> for Export {
    fn from(path: &PathBuf) -> Self {
        Self::from(path.as_path())
    }
}

impl From<&[PathBuf]> for Export {
    fn from(paths: &[PathBuf]) -> Self {
        Self(paths.to_vec())
    }
}

/// Every text that an export holds, read or not.
#[derive(Debug)]
pub(super) struct Pieces {
    pub(super) paths: Vec<PathBuf>,
    pub(super) all: Vec<Piece>,
    /// Folders within folders, which are not looked at.
    folders: Vec<String>,
}

/// A text of an export.
#[derive(Debug)]
pub(super) struct Piece {
    /// Which of the paths holds it.
    pub(super) of: usize,
    /// What a pattern of the mapping is held against.
    name: String,
    /// What a person calls it; a lone file has no need of a name.
    pub(super) shown: Option<String>,
    /// What an error calls it.
    pub(super) path: PathBuf,
    pub(super) bytes: u64,
    /// Of an archive; `None`: a file of its own.
    pub(super) member: Option<Member>,
}

impl Pieces {
    pub(super) fn open(export: Export) -> Result<Arc<Self>, ImportError> {
        let Export(paths) = export;
        refuse_twice(&paths)?;
        let mut pieces = Self { paths, all: Vec::new(), folders: Vec::new() };
        for of in 0..pieces.paths.len() {
            pieces.look_into(of)?;
        }
        Ok(Arc::new(pieces))
    }

    fn look_into(&mut self, of: usize) -> Result<(), ImportError> {
        let path = self.paths[of].clone();
        let failed = |source| ImportError::Read { path: path.clone(), source };
        let is_lone = self.paths.len() == 1;
        let within =
            |name: &str| if is_lone { name.to_owned() } else { path.join(name).display().to_string() };
        let piece = |name: String, bytes, member| Piece {
            of,
            shown: Some(within(&name)),
            path: path.join(&name),
            name,
            bytes,
            member,
        };
        let file = std::fs::metadata(&path).map_err(failed)?;
        if file.is_dir() {
            let folder = archive::files(&path)?;
            self.folders.extend(folder.folders.iter().map(|name| within(name)));
            self.all.extend(folder.files.into_iter().map(|(name, bytes)| piece(name, bytes, None)));
        } else if file.is_file() && is_zip(&path).map_err(failed)? {
            let members = archive::members(&path)?.into_iter();
            self.all.extend(members.map(|m| piece(m.name.clone(), m.packed_bytes, Some(m))));
        } else {
            let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
            let shown = (!is_lone).then(|| path.display().to_string());
            self.all.push(Piece { of, name, shown, path, bytes: file.len(), member: None });
        }
        Ok(())
    }

    /// The texts that a pattern names; without one, the only text of each path.
    pub(super) fn chosen(&self, pattern: Option<&str>) -> Result<Vec<usize>, ImportError> {
        let chosen = match pattern {
            Some(pattern) => self.fitting(pattern)?,
            None => self.only()?,
        };
        for piece in &chosen {
            let Piece { of, member, .. } = &self.all[*piece];
            if let Some(problem) = member.as_ref().and_then(Member::problem) {
                return Err(ImportError::Archive { path: self.paths[*of].clone(), problem });
            }
        }
        Ok(chosen)
    }

    fn fitting(&self, pattern: &str) -> Result<Vec<usize>, ImportError> {
        let refused = |problem| Err(ImportError::Archive { path: self.label(), problem });
        if let [Piece { shown: None, .. }] = self.all.as_slice() {
            let problem = format!(
                "is no archive and no folder, and the mapping looks for the member {pattern:?} in it"
            );
            return refused(problem);
        }
        let all = self.all.iter().enumerate();
        let chosen: Vec<usize> = all.filter(|(_, p)| fits(pattern, &p.name)).map(|(n, _)| n).collect();
        if chosen.is_empty() {
            return refused(format!(
                "has no member or file that source.member ({pattern:?}) names; it has: {}",
                archive::listed(self.all.iter().map(|piece| piece.name.as_str()))
            ));
        }
        Ok(chosen)
    }

    fn only(&self) -> Result<Vec<usize>, ImportError> {
        let mut chosen = Vec::new();
        for (of, path) in self.paths.iter().enumerate() {
            let of_path: Vec<usize> =
                self.all.iter().enumerate().filter(|(_, piece)| piece.of == of).map(|(n, _)| n).collect();
            let names = || archive::listed(of_path.iter().map(|n| self.all[*n].name.as_str()));
            let problem = match of_path.as_slice() {
                [one] => {
                    chosen.push(*one);
                    continue;
                }
                [] => "has no member or file".to_owned(),
                [_, ..] => format!(
                    "has several members or files; name one, or a pattern such as \"*.csv\", in source.member: {}",
                    names()
                ),
            };
            return Err(ImportError::Archive { path: path.clone(), problem });
        }
        Ok(chosen)
    }

    /// Whether all of it stands still, as the bytes of a pipe do not.
    pub(super) fn can_be_read_again(&self) -> bool {
        self.paths
            .iter()
            .all(|path| std::fs::metadata(path).is_ok_and(|file| file.is_file() || file.is_dir()))
    }

    /// The text that somebody calls by its name, where the export has several; `None` where two have that name.
    pub(super) fn called(&self, name: &str) -> Option<u32> {
        let all = || (0..).zip(&self.all);
        let whole = all().find(|(_, piece)| piece.shown.as_deref() == Some(name));
        let mut short = all().filter(|(_, piece)| piece.name == name);
        let (only, another) = (short.next(), short.next());
        whole.or(only.filter(|_| another.is_none())).map(|(number, _)| number)
    }

    /// What of the export no pattern of the mapping names.
    pub(super) fn left_out(&self, mapping: &Mapping) -> Vec<String> {
        let own = mapping.source.member.as_deref();
        let patterns: Vec<&str> = mapping
            .files
            .iter()
            .filter_map(|file| file.mapping.source.member.as_deref())
            .chain(own)
            .collect();
        let is_read = |piece: &&Piece| patterns.is_empty() || patterns.iter().any(|p| fits(p, &piece.name));
        let left = self.all.iter().filter(|piece| !is_read(piece));
        let left = left.map(|piece| piece.shown.as_ref().unwrap_or(&piece.name).clone());
        left.chain(self.folders.iter().map(|folder| format!("{folder}/"))).collect()
    }

    /// What a person calls a text of several.
    pub(super) fn shown(&self, number: u32) -> Option<&str> {
        self.all.get(number as usize)?.shown.as_deref()
    }

    pub(super) fn are_several(&self) -> bool {
        self.all.len() > 1
    }

    /// The names of its texts, for a sentence.
    pub(super) fn names(&self) -> String {
        archive::listed(self.all.iter().map(|piece| piece.shown.as_ref().unwrap_or(&piece.name).as_str()))
    }

    /// The export as one.
    pub(super) fn label(&self) -> PathBuf {
        label(&self.paths)
    }
}

/// A file that is read twice would tell everything twice.
fn refuse_twice(paths: &[PathBuf]) -> Result<(), ImportError> {
    let mut met = BTreeSet::new();
    for path in paths {
        let failed = |source| ImportError::Read { path: path.clone(), source };
        let file = std::fs::metadata(path).map_err(failed)?;
        if !met.insert((file.dev(), file.ino())) {
            return Err(ImportError::Archive { path: path.clone(), problem: "is named twice".to_owned() });
        }
    }
    Ok(())
}

fn is_zip(path: &Path) -> io::Result<bool> {
    let mut head = Vec::new();
    File::open(path)?.take(4).read_to_end(&mut head)?;
    Ok(ZIP.iter().any(|magic| head.starts_with(magic)))
}
