//! The folder of a job file: the files that a job names, and no others.
//!
//! A job is a text of a stranger. The names in it are relative, without `..`, and what they lead to, through
//! whatever symbolic links, is a regular file in that folder or below it. So a job cannot have a file of this
//! machine opened, and its contents quoted by a parser, which does not belong to the job.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::{Component, Path, PathBuf};

/// Longest file that a job names, in bytes: a circuit of about three million gates.
const MAX_FILE: u64 = 1 << 26;

/// The folder that a job file is in.
#[derive(Clone, Debug)]
pub struct JobFolder {
    path: PathBuf,
}

impl JobFolder {
    /// The folder of this job file.
    #[must_use]
    pub fn of(job: &Path) -> Self {
        let parent = job.parent().filter(|parent| !parent.as_os_str().is_empty());
        Self { path: parent.unwrap_or(Path::new(".")).to_owned() }
    }

    /// The text of a file that the job names.
    ///
    /// # Errors
    /// If it is not in the folder, not a regular file, too long or not UTF-8.
    pub fn read(&self, name: &str) -> io::Result<String> {
        let refused = |why| io::Error::new(ErrorKind::InvalidInput, why);
        let inside = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
        if !Path::new(name).components().all(inside) {
            return Err(refused("a job names only files in its own folder: no absolute path, no `..`"));
        }
        let (folder, path) = (fs::canonicalize(&self.path)?, fs::canonicalize(self.path.join(name))?);
        if !path.starts_with(&folder) {
            return Err(refused("a symbolic link leads out of the job's folder"));
        }
        // Opening a pipe or a terminal in its place would block.
        if !fs::symlink_metadata(&path)?.is_file() {
            return Err(refused("not a regular file"));
        }
        let mut text = String::new();
        let read = File::open(path)?.take(MAX_FILE + 1).read_to_string(&mut text)?;
        if read as u64 > MAX_FILE { Err(ErrorKind::FileTooLarge.into()) } else { Ok(text) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_job_reads_files_of_its_folder_alone() {
        let root = std::env::temp_dir().join(format!("sotto-job-folder-{}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        fs::create_dir_all(root.join("job/sub")).unwrap();
        for (name, text) in [("job/a", "a"), ("job/sub/b", "b"), ("secret", "s"), ("job2", "2")] {
            fs::write(root.join(name), text).unwrap();
        }
        for (link, to) in
            [("job/in", "sub/b"), ("job/out", "../secret"), ("job/up", ".."), ("job/abs", "/etc/passwd")]
        {
            symlink(to, root.join(link)).unwrap();
        }
        let folder = JobFolder::of(&root.join("job/job.toml"));
        for (name, text) in [("a", "a"), ("./a", "a"), ("sub/b", "b"), ("in", "b")] {
            assert_eq!(folder.read(name).unwrap(), text);
        }
        let absolute = root.join("job/a").display().to_string();
        for (name, why) in [
            ("../secret", "own folder"),
            ("sub/../../secret", "own folder"),
            ("../../../../etc/passwd", "own folder"),
            ("/etc/passwd", "own folder"),
            (&absolute, "own folder"),
            ("out", "leads out"),
            ("up/secret", "leads out"),
            ("up/job2", "leads out"),
            ("abs", "leads out"),
            ("sub", "not a regular file"),
        ] {
            let said = folder.read(name).unwrap_err().to_string();
            assert!(said.contains(why), "{name}: {said}");
        }
        assert_eq!(folder.read("none").unwrap_err().kind(), ErrorKind::NotFound);
        fs::remove_dir_all(&root).unwrap();
    }
}
