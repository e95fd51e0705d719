//! What a short text looks like that is no secret at all, or another one.

use super::surroundings::bare;

/// True for the path of a file, or its bare name. Takes the text as it was pasted: `C:\new` holds no line end.
pub(super) fn is_path(text: &str) -> bool {
    const STARTS: [&str; 8] = ["~", "/", "./", "../", "@", "$HOME", "%USERPROFILE%", "file:"];
    const EXTENSIONS: [&str; 18] = [
        "pem", "key", "p8", "pk8", "pkcs8", "der", "crt", "cer", "csr", "p12", "pfx", "jks", "ppk", "pub", "json",
        "jwk", "jwks", "txt",
    ];
    let text = bare(text);
    let is_drive = matches!(text.as_bytes(), [letter, b':', b'\\' | b'/', ..] if letter.is_ascii_alphabetic());
    let extension = text.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    let is_known = extension.is_some_and(|extension| EXTENSIONS.contains(&extension.as_str()));
    // A path is one short line; neither PEM nor JSON is one.
    let is_line = text.len() <= 1_024 && !text.contains(['\n', '\r', '{']) && !text.contains("-----");
    is_line && (is_drive || is_known || STARTS.iter().any(|start| text.starts_with(start)))
}

/// True for the address of something on the web.
pub(super) fn is_url(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    text.starts_with("https://") || text.starts_with("http://")
}

/// True for a signed or encrypted token (JWS or JWE in compact form), also behind `Bearer `.
pub(super) fn is_jwt(text: &str) -> bool {
    let token = text.split_whitespace().next_back().unwrap_or_default();
    let parts: Vec<_> = token.split('.').collect();
    token.starts_with("eyJ") && matches!(parts.len(), 3 | 5) && parts.iter().all(|part| is_base64url(part))
}

/// True for characters of base64url only.
pub(super) fn is_base64url(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// True for a Client ID: Okta's begin with `0oa` and have 20 characters.
pub(super) fn is_client_id(text: &str) -> bool {
    text.starts_with("0oa") && text.len() == 20 && is_base64url(text)
}
