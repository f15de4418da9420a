//! An attempt's log on disk: written by its supervisor, read by any agent replica, also while it grows.
//!
//! A folder of segments, each named by the offset of its first byte in the whole log, so that the oldest can be
//! dropped when there is too much without moving any offset. A line is `<micros> <o|e> <text>\n`; the moments grow
//! from line to line, so that a reader can go on by offset and by time alike.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use berth_domain::protocol::logs::{LogFrom, LogStream, MAX_LINE_BYTES};
use berth_domain::time::Time;

use crate::executor::{Line, Page};

/// Into how many segments a full log is cut.
const SEGMENTS: u64 = 8;

/// Writes a log.
pub(crate) struct Writer {
    dir: PathBuf,
    file: File,
    /// Lines not yet written.
    pending: Vec<u8>,
    segment_bytes: u64,
    /// How much is in the current segment.
    in_segment: u64,
    /// The offset of its first byte.
    start: u64,
    last: Time,
}

impl Writer {
    pub(crate) fn create(dir: &Path, limit_bytes: u64) -> io::Result<Self> {
        let file = open_segment(dir, 0)?;
        Ok(Self {
            dir: dir.to_owned(),
            file,
            pending: Vec::new(),
            segment_bytes: (limit_bytes / SEGMENTS).max(64 * 1024),
            in_segment: 0,
            start: 0,
            last: Time::from_micros(0),
        })
    }

    /// Takes a line, without its end.
    pub(crate) fn line(&mut self, stream: LogStream, text: &[u8], now: Time) {
        let now = now.max(Time::from_micros(self.last.micros() + 1));
        self.last = now;
        let mark = if stream == LogStream::Stdout { 'o' } else { 'e' };
        self.pending.extend_from_slice(format!("{} {mark} ", now.micros()).as_bytes());
        self.pending.extend_from_slice(text);
        self.pending.push(b'\n');
    }

    /// Writes what was taken.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        if self.in_segment >= self.segment_bytes {
            self.start += self.in_segment;
            self.file = open_segment(&self.dir, self.start)?;
            self.in_segment = 0;
            self.drop_oldest()?;
        }
        self.file.write_all(&self.pending)?;
        self.in_segment += self.pending.len() as u64;
        self.pending.clear();
        Ok(())
    }

    fn drop_oldest(&self) -> io::Result<()> {
        let segments = segments(&self.dir)?;
        let keep = usize::try_from(SEGMENTS).unwrap_or(usize::MAX);
        for (_, path) in &segments[..segments.len().saturating_sub(keep)] {
            fs::remove_file(path)?;
        }
        Ok(())
    }
}

fn open_segment(dir: &Path, start: u64) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).mode(0o600).open(dir.join(format!("{start:020}")))
}

/// The segments there are, oldest first.
fn segments(dir: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if let Some(start) = entry.file_name().to_str().and_then(|name| name.parse().ok()) {
            found.push((start, entry.path()));
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// Cuts what a process writes into lines of a bounded length.
#[derive(Default)]
pub(crate) struct Lines {
    rest: Vec<u8>,
}

impl Lines {
    /// Takes what was read, and gives each line that is complete to `line`.
    pub(crate) fn feed(&mut self, mut bytes: &[u8], mut line: impl FnMut(&[u8])) {
        while !bytes.is_empty() {
            let room = MAX_LINE_BYTES - self.rest.len();
            match bytes.iter().take(room + 1).position(|byte| *byte == b'\n') {
                Some(end) => {
                    self.rest.extend_from_slice(&bytes[..end]);
                    bytes = &bytes[end + 1..];
                }
                None if bytes.len() <= room => {
                    self.rest.extend_from_slice(bytes);
                    return;
                }
                None => {
                    self.rest.extend_from_slice(&bytes[..room]);
                    bytes = &bytes[room..];
                }
            }
            line(&self.rest);
            self.rest.clear();
        }
    }

    /// Gives what is left of a line that never ended.
    pub(crate) fn finish(&mut self, mut line: impl FnMut(&[u8])) {
        if !self.rest.is_empty() {
            line(&self.rest);
            self.rest.clear();
        }
    }
}

/// Reads about `max_bytes` of the log in `dir`.
pub(crate) fn read(dir: &Path, from: LogFrom, max_bytes: u64) -> io::Result<Page> {
    let segments = segments(dir)?;
    let oldest = segments.first().map_or(0, |(start, _)| *start);
    let (begin, after) = match from {
        LogFrom::Start => (0, None),
        LogFrom::Offset(offset) => (offset, None),
        LogFrom::After(time) => (0, Some(time)),
    };
    let mut page = Page {
        lines: Vec::new(),
        next: begin.max(oldest),
        dropped_bytes: if after.is_some() { 0 } else { oldest.saturating_sub(begin) },
    };
    let mut taken = 0;
    for (at, (start, path)) in segments.iter().enumerate() {
        let end = segments.get(at + 1).map_or(u64::MAX, |(next, _)| *next);
        if end <= page.next || taken >= max_bytes {
            continue;
        }
        let mut file = match File::open(path) {
            Ok(file) => file,
            // Dropped since it was listed.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        page.next = page.next.max(*start);
        file.seek(SeekFrom::Start(page.next - start))?;
        let mut file = BufReader::with_capacity(64 * 1024, file);
        let mut raw = Vec::new();
        while taken < max_bytes {
            raw.clear();
            // Bounded, since an offset that no answer gave may point anywhere.
            let length = (&mut file).take(2 * MAX_LINE_BYTES as u64).read_until(b'\n', &mut raw)?;
            if length == 0 || raw.last() != Some(&b'\n') && length < 2 * MAX_LINE_BYTES {
                break;
            }
            page.next += length as u64;
            let Some(line) = parse(&raw, page.next) else { continue };
            if after.is_some_and(|time| line.at <= time) {
                continue;
            }
            taken += length as u64;
            page.lines.push(line);
        }
    }
    Ok(page)
}

fn parse(raw: &[u8], next: u64) -> Option<Line> {
    let raw = raw.strip_suffix(b"\n").unwrap_or(raw);
    let space = raw.iter().position(|byte| *byte == b' ')?;
    let at = Time::from_micros(std::str::from_utf8(&raw[..space]).ok()?.parse().ok()?);
    let stream = match raw.get(space + 1..space + 3)? {
        b"o " => LogStream::Stdout,
        b"e " => LogStream::Stderr,
        _ => return None,
    };
    Some(Line { at, stream, text: String::from_utf8_lossy(&raw[space + 3..]).into_owned(), next })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(page: &Page) -> Vec<&str> {
        page.lines.iter().map(|line| line.text.as_str()).collect()
    }

    #[test]
    fn a_log_is_resumed_by_offset_and_by_time() {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = Writer::create(dir.path(), 1 << 20).unwrap();
        // The clock stands, and even goes back: moments grow all the same.
        for (text, at) in [("a", 5), ("b", 5), ("c", 3)] {
            writer.line(LogStream::Stdout, text.as_bytes(), Time::from_micros(at));
        }
        writer.flush().unwrap();
        let all = read(dir.path(), LogFrom::Start, u64::MAX).unwrap();
        assert_eq!(texts(&all), ["a", "b", "c"]);
        for (at, line) in all.lines.iter().enumerate() {
            let expected = &["a", "b", "c"][at + 1..];
            assert_eq!(texts(&read(dir.path(), LogFrom::Offset(line.next), 99).unwrap()), expected);
            assert_eq!(texts(&read(dir.path(), LogFrom::After(line.at), 99).unwrap()), expected);
        }
        writer.line(LogStream::Stderr, b"\xff", Time::from_micros(9));
        writer.flush().unwrap();
        let more = read(dir.path(), LogFrom::Offset(all.next), 99).unwrap();
        assert_eq!((texts(&more), more.lines[0].stream), (vec!["\u{fffd}"], LogStream::Stderr));
    }

    #[test]
    fn a_log_that_grows_too_long_loses_its_oldest_part_and_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = Writer::create(dir.path(), 0).unwrap();
        for number in 0..2_000 {
            writer.line(LogStream::Stdout, format!("{number:01000}").as_bytes(), Time::from_micros(1));
            writer.flush().unwrap();
        }
        let mut page = read(dir.path(), LogFrom::Start, 100_000).unwrap();
        assert!(page.dropped_bytes > 1_000_000, "{}", page.dropped_bytes);
        let mut last = None;
        while !page.lines.is_empty() {
            for line in &page.lines {
                let number: u32 = line.text.parse().unwrap();
                assert!(last.is_none_or(|last| number == last + 1), "{last:?} {number}");
                last = Some(number);
            }
            page = read(dir.path(), LogFrom::Offset(page.next), 100_000).unwrap();
            assert_eq!(page.dropped_bytes, 0);
        }
        assert_eq!(last, Some(1_999));
    }

    #[test]
    fn lines_are_cut_where_they_end_or_get_too_long() {
        let mut lines = Lines::default();
        let mut out = Vec::new();
        let mut feed = |bytes: &[u8]| lines.feed(bytes, |line| out.push(line.len()));
        feed(b"ab");
        feed(b"c\n\n");
        feed(&[b'x'; MAX_LINE_BYTES]);
        feed(b"\n");
        feed(&[b'y'; MAX_LINE_BYTES + 5]);
        lines.finish(|line| out.push(line.len()));
        assert_eq!(out, [3, 0, MAX_LINE_BYTES, MAX_LINE_BYTES, 5]);
    }
}
