//! `tracestate`: what other vendors keep with a trace. Passed on as it came, if it is one.

/// The most members that a list may have.
const MEMBERS: usize = 32;
/// What has to be passed on at least, and is at most: a row is no place for more.
const LONGEST: usize = 512;

/// Reads a list, without its empty members and spaces; none if it is wrong, empty or too long.
pub(super) fn read(text: &str) -> Option<Box<str>> {
    let members: Vec<&str> = text
        .split(',')
        .map(|member| member.trim_matches([' ', '\t']))
        .filter(|member| !member.is_empty())
        .collect();
    let mut keys = Vec::with_capacity(members.len().min(MEMBERS));
    for member in &members {
        let (key, value) = member.split_once('=')?;
        if !is_key(key) || !is_value(value) || keys.contains(&key) || keys.len() == MEMBERS {
            return None;
        }
        keys.push(key);
    }
    let list = members.join(",");
    (!list.is_empty() && list.len() <= LONGEST).then(|| list.into())
}

/// `simple-key` or `tenant@system`.
fn is_key(key: &str) -> bool {
    let is_part = |part: &str, longest: usize, begins: fn(u8) -> bool| {
        let rest = |letter: u8| {
            letter.is_ascii_lowercase()
                || letter.is_ascii_digit()
                || matches!(letter, b'_' | b'-' | b'*' | b'/')
        };
        part.len() <= longest && part.bytes().next().is_some_and(begins) && part.bytes().all(rest)
    };
    let letter = |letter: u8| letter.is_ascii_lowercase();
    match key.split_once('@') {
        Some((tenant, system)) => {
            is_part(tenant, 241, |first| first.is_ascii_lowercase() || first.is_ascii_digit())
                && is_part(system, 14, letter)
        }
        None => is_part(key, 256, letter),
    }
}

/// Printable, without `,` and `=`, and not ending with a space.
fn is_value(value: &str) -> bool {
    let printable = |letter: u8| matches!(letter, 0x20..=0x7e) && letter != b',' && letter != b'=';
    (1..=256).contains(&value.len()) && value.bytes().all(printable) && !value.ends_with(' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_passed_on_without_what_is_empty_in_it() {
        assert_eq!(read("a=1 ,, b/c=x y ,\td@e=2").as_deref(), Some("a=1,b/c=x y,d@e=2"));
    }

    #[test]
    fn what_is_no_list_is_left_out_altogether() {
        let many: Vec<String> = (0..33).map(|at| format!("k{at}=v")).collect();
        let long = format!("a={},b={}", "x".repeat(256), "y".repeat(256));
        for bad in [
            "",
            " , ",
            "a",
            "a=",
            "=1",
            "A=1",
            "1a=1",
            "a=1,a=2",
            "a=b=c",
            "a=é",
            "a@1=x",
            &many.join(","),
            &long,
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
        assert!(read(&many[..32].join(",")).is_some());
    }
}
