//! Reading an HTTP/1.1 answer out of the bytes that have come so far (RFC 9112, sections 4, 6 and 7).

use anyhow::{Context, Result, ensure};

use super::Answer;

/// The answer, if all of it is there; `None` if more has to come.
///
/// # Errors
/// If it is not HTTP, or neither its length nor chunks are given.
pub fn answer(bytes: &[u8]) -> Result<Option<Answer>> {
    let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { return Ok(None) };
    let head = std::str::from_utf8(&bytes[..end]).context("the answer's head is not text")?;
    let mut lines = head.split("\r\n");
    let first = lines.next().unwrap_or_default();
    let status = first.split(' ').nth(1).and_then(|word| word.parse().ok());
    let status: u16 = status.with_context(|| format!("`{first}` is no status line"))?;
    let header = |name: &str| {
        head.split("\r\n").skip(1).find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    };
    let rest = &bytes[end + 4..];
    if let Some(length) = header("content-length") {
        let length: usize = length.parse().context("the answer's length is no number")?;
        return Ok(rest.get(..length).map(|body| Answer { status, body: body.to_vec() }));
    }
    if header("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked")) {
        return Ok(chunks(rest)?.map(|body| Answer { status, body }));
    }
    ensure!(status == 204 || status == 304, "an answer of neither a length nor chunks: {head}");
    Ok(Some(Answer { status, body: Vec::new() }))
}

fn chunks(mut rest: &[u8]) -> Result<Option<Vec<u8>>> {
    let mut body = Vec::new();
    loop {
        let Some(end) = rest.windows(2).position(|window| window == b"\r\n") else { return Ok(None) };
        let line = std::str::from_utf8(&rest[..end]).context("a chunk's length is not text")?;
        let digits = line.split(';').next().unwrap_or_default().trim();
        let length = usize::from_str_radix(digits, 16).context("a chunk's length is no number")?;
        let Some(chunk) = rest.get(end + 2..end + 4 + length) else { return Ok(None) };
        if length == 0 {
            return Ok(Some(body));
        }
        body.extend_from_slice(&chunk[..length]);
        rest = &rest[end + 4 + length..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_whole_only_with_its_last_byte() {
        let text = b"HTTP/1.1 201 Created\r\nContent-Length: 5\r\n\r\nhello";
        for cut in 0..text.len() {
            assert_eq!(answer(&text[..cut]).unwrap(), None, "cut at {cut}");
        }
        assert_eq!(answer(text).unwrap(), Some(Answer { status: 201, body: b"hello".to_vec() }));
    }

    #[test]
    fn chunks_are_put_together() {
        let text =
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=1\r\nde\r\n0\r\n\r\n";
        for cut in 0..text.len() {
            assert_eq!(answer(&text[..cut]).unwrap(), None, "cut at {cut}");
        }
        assert_eq!(answer(text).unwrap().unwrap().body, b"abcde");
    }

    #[test]
    fn what_is_no_http_is_an_error() {
        assert!(answer(b"SSH-2.0\r\n\r\n").is_err());
        assert!(answer(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
        assert_eq!(answer(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap().unwrap().status, 204);
    }
}
