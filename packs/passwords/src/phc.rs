//! The PHC string format: `$id$v=19$name=number,...$salt$hash`, base64 without padding.

use data_encoding::BASE64_NOPAD;

/// What stands in one, in the order in which it stands there.
pub(crate) struct Phc<'a> {
    pub(crate) version: Option<u32>,
    pub(crate) params: Vec<(&'a str, &'a str)>,
    pub(crate) salt: Vec<u8>,
    pub(crate) digest: Vec<u8>,
}

/// More parameters than any function has.
const MOST_PARAMS: usize = 8;

impl<'a> Phc<'a> {
    /// Reads what follows `$id`. None if it is not of this form.
    pub(crate) fn read(text: &'a str) -> Option<Self> {
        let mut fields = text.strip_prefix('$')?.split('$').peekable();
        let version = fields.next_if(|field| field.starts_with("v="));
        let version = version.map(|field| decimal(&field[2..])).map_or(Some(None), |version| version.map(Some))?;
        let params = fields.next()?.split(',').map(|param| param.split_once('='));
        let params = params.take(MOST_PARAMS + 1).collect::<Option<Vec<_>>>()?;
        let [salt, digest] = [fields.next()?, fields.next()?].map(decode);
        let is_whole = fields.next().is_none() && params.len() <= MOST_PARAMS;
        is_whole.then_some(Self { version, params, salt: salt?, digest: digest? })
    }

    /// A parameter that has to be there.
    pub(crate) fn number(&self, name: &str) -> Option<u32> {
        decimal(self.text(name)?)
    }

    /// A parameter, if it is there.
    pub(crate) fn text(&self, name: &str) -> Option<&'a str> {
        self.params.iter().find(|param| param.0 == name).map(|param| param.1)
    }

    /// Whether there are no others, and none twice.
    pub(crate) fn has_only(&self, names: &[&str]) -> bool {
        let is_known = |(index, param): (usize, &(&str, &str))| {
            names.contains(&param.0) && self.params[..index].iter().all(|before| before.0 != param.0)
        };
        self.params.iter().enumerate().all(is_known)
    }
}

/// A number as the format has it: no sign, no zeros in front.
fn decimal(text: &str) -> Option<u32> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    is_plain.then(|| text.parse().ok())?
}

/// Bytes of a text in the format's base64.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    BASE64_NOPAD.decode(text.as_bytes()).ok()
}

/// Bytes in the format's base64.
pub(crate) fn encode(bytes: &[u8]) -> String {
    BASE64_NOPAD.encode(bytes)
}
