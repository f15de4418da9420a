//! A process with all its children: started, measured, and gone with this one.

use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use anyhow::{Context, Result, ensure};
use berth_test_servers::eventually;
use berth_test_servers::process::{Reaper, folder, kill_group, run, signal_group, spawn_group, tail};

/// The leader of a process group. Dropped, the whole group is killed and its folder removed.
#[derive(Debug)]
pub struct Group {
    child: Child,
    folder: PathBuf,
    _reaper: Reaper,
}

impl Group {
    /// Starts the command that `make` returns for its temporary folder, output to `log` there.
    pub fn start(name: &str, make: impl FnOnce(&Path) -> Command) -> Self {
        let folder = folder(name);
        let mut reaper = Reaper::start(&folder);
        let child = spawn_group(&mut make(&folder), &folder.join("log"));
        reaper.watch(&[child.id()]);
        Self { child, folder, _reaper: reaper }
    }

    /// The leader's process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Fails, with the end of its log, if it has ended.
    ///
    /// # Errors
    /// If it has ended.
    pub fn alive(&mut self) -> Result<()> {
        let ended = self.child.try_wait().context("a child process can't be looked at")?;
        ensure!(ended.is_none(), "it ended ({}):\n{}", ended.unwrap_or_default(), self.log());
        Ok(())
    }

    /// The last lines that it wrote.
    pub fn log(&self) -> String {
        tail(&self.folder.join("log"))
    }

    /// Resident memory of all processes of the group, in MiB. Pages that they share count once per process,
    /// as in `ps`.
    pub fn resident_mib(&self) -> f64 {
        let group = self.child.id().to_string();
        let table = run(Command::new("ps").args(["-e", "-o", "pgid=,rss="]));
        resident_kib(&table, &group) / 1024.0
    }

    /// Proportional memory of all processes of the group, in MiB: what they share counts once.
    pub fn proportional_mib(&self) -> f64 {
        let group = self.child.id().to_string();
        let table = run(Command::new("ps").args(["-e", "-o", "pgid=,pid="]));
        let members = table.lines().filter_map(|line| {
            let mut words = line.split_whitespace();
            (words.next() == Some(&group)).then(|| words.next().unwrap_or_default().to_owned())
        });
        // A process that ended meanwhile holds nothing.
        let texts = members
            .map(|pid| std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default());
        texts.map(|text| proportional_kib(&text)).sum::<f64>() / 1024.0
    }

    /// Asks the group to end, and kills what has not within ten seconds.
    pub fn stop(mut self) {
        signal_group(&self.child, "TERM");
        eventually(std::time::Duration::from_secs(10), || matches!(self.child.try_wait(), Ok(Some(_))));
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        kill_group(&mut self.child);
    }
}

fn resident_kib(table: &str, group: &str) -> f64 {
    let of_group = table.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        (words.next() == Some(group)).then(|| words.next()?.parse::<f64>().ok()).flatten()
    });
    of_group.sum()
}

fn proportional_kib(rollup: &str) -> f64 {
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_of_a_group_is_the_sum_of_its_processes() {
        assert_eq!(resident_kib("  7 100\n 17 900\n  7  50\n", "7"), 150.0);
        assert_eq!(resident_kib("", "7"), 0.0);
    }

    #[test]
    fn shared_pages_are_read_as_the_kernel_divides_them() {
        let text = "55d0-7ffe ---p 00000000 00:00 0 [rollup]\nRss: 900 kB\nPss:   300 kB\nPss_Dirty: 1 kB\n";
        assert_eq!(proportional_kib(text), 300.0);
        assert_eq!(proportional_kib(""), 0.0);
    }
}
