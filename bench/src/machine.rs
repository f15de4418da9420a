//! What the machine is, and how busy it was: without that no figure means anything.

use serde::Serialize;

/// Facts about the machine when the run began.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Machine {
    /// The processor's name.
    pub processor: String,
    /// Cores that this process may use.
    pub cores: usize,
    /// Memory, in MiB.
    pub memory_mib: u64,
    /// The kernel's version.
    pub kernel: String,
    /// The load average of the last minute, before anything of ours ran.
    pub load_before: f64,
}

impl Machine {
    /// Reads the facts from Linux' `/proc`; what is not there is empty.
    pub fn read() -> Self {
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        Self {
            processor: processor(&read("/proc/cpuinfo")),
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            memory_mib: memory_mib(&read("/proc/meminfo")),
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            load_before: first_number(&read("/proc/loadavg")),
        }
    }

    /// Whether others were using it: more than a fifth of its cores were busy.
    pub fn was_busy(&self) -> bool {
        self.load_before > self.cores as f64 / 5.0
    }
}

fn processor(cpuinfo: &str) -> String {
    let line = cpuinfo.lines().find(|line| line.starts_with("model name"));
    line.and_then(|line| line.split_once(':')).map(|(_, name)| name.trim().to_owned()).unwrap_or_default()
}

fn memory_mib(meminfo: &str) -> u64 {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) / 1024
}

fn first_number(text: &str) -> f64 {
    text.split_whitespace().next().and_then(|word| word.parse().ok()).unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_read_from_the_kernels_texts() {
        assert_eq!(processor("processor : 0\nmodel name\t: A CPU @ 1GHz\n"), "A CPU @ 1GHz");
        assert_eq!(memory_mib("MemTotal:       2048 kB\n"), 2);
        assert_eq!(first_number("0.52 0.58 0.59 1/2 3"), 0.52);
        assert_eq!((processor(""), memory_mib(""), first_number("")), (String::new(), 0, 0.0));
    }

    #[test]
    fn a_machine_that_others_use_is_said_to_be_busy() {
        let machine = |load_before| Machine { cores: 2, load_before, ..Machine::default() };
        assert!(!machine(0.1).was_busy());
        assert!(machine(1.5).was_busy());
    }
}
