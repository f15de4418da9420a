//! Shows on a terminal's standard error that something is waited for. Writes nothing where nobody looks.

use std::io::Write as _;
use std::time::Duration;

const FRAMES: [char; 10] = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

/// Waits for `work`, and says so after a moment if somebody looks.
pub async fn while_waiting<T>(shown: bool, what: &str, work: impl Future<Output = T>) -> T {
    if !shown {
        return work.await;
    }
    let mut work = std::pin::pin!(work);
    let mut tick = tokio::time::interval(Duration::from_millis(100));
    let mut frames = FRAMES.iter().cycle();
    let mut drawn = 0_u32;
    loop {
        tokio::select! {
            biased;
            result = &mut work => {
                if drawn > 2 {
                    draw("\r\u{1b}[2K");
                }
                return result;
            }
            _ = tick.tick() => {
                drawn += 1;
                if drawn > 2 && let Some(frame) = frames.next() {
                    draw(&format!("\r\u{1b}[2K{frame} {what}"));
                }
            }
        }
    }
}

/// A terminal that is gone is no reason to stop waiting.
fn draw(text: &str) {
    let mut stderr = std::io::stderr().lock();
    if stderr.write_all(text.as_bytes()).is_ok() {
        stderr.flush().ok();
    }
}
