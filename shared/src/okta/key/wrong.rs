//! What people paste instead of a private key or an API token, each with the sentence that says how to go on.
//!
//! No sentence holds anything of what was pasted but a size or a count.

const NEW_KEY: &str =
    "in Okta open the app, choose Add key > Generate new key, and paste the private key that it shows";
const ITS_PRIVATE_KEY: &str = "paste the private key that belongs to it, from the file whose first line says \
                               BEGIN PRIVATE KEY or BEGIN RSA PRIVATE KEY";
const NEW_TOKEN: &str = "create a token in Okta under Security > API > Tokens, and paste that";

/// Why a pasted text is no usable private key.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum WrongKey {
    /// Nothing but what may surround a key.
    #[error("the text is empty: paste the whole private key, as PEM or as a JWK")]
    Empty,
    /// A path instead of the file's content.
    #[error("this is the path of a file: open the file, copy its whole content, and paste that")]
    FilePath,
    /// A URL, such as that of a key set.
    #[error("this is a URL: paste the private key itself, as PEM or as a JWK")]
    Url,
    /// A JWS or JWE in compact form.
    #[error("this is a JWT (a token), not a private key: paste the private key itself, as PEM or as a JWK")]
    Jwt,
    /// An API token of Okta.
    #[error("this is an API token, not a private key: set auth.type to api_token and paste it as auth.token")]
    ApiToken,
    /// A Client ID of Okta.
    #[error("this is a Client ID, not a private key: paste it as auth.client_id, and here the app's private key")]
    ClientId,
    /// PEM or JSON that was encoded once more.
    #[error("this is base64 around a PEM or a JWK: decode it with `base64 -d`, and paste the result")]
    Base64,
    /// `ENCRYPTED PRIVATE KEY`.
    #[error(
        "this private key is encrypted with a password (PKCS#8): decrypt it with \
         `openssl pkcs8 -topk8 -nocrypt -in key.pem -out plain.pem`, and paste the content of plain.pem"
    )]
    EncryptedPkcs8,
    /// `RSA PRIVATE KEY` with `Proc-Type: 4,ENCRYPTED`.
    #[error(
        "this private key is encrypted with a password (PKCS#1): decrypt it with \
         `openssl rsa -in key.pem -out plain.pem`, and paste the content of plain.pem"
    )]
    EncryptedPkcs1,
    /// An elliptic curve key.
    #[error("this is an EC key, and an RSA key is needed: {next}", next = NEW_KEY)]
    Ec,
    /// Ed25519 or Ed448.
    #[error("this is an Ed25519 or Ed448 key, and an RSA key is needed: {next}", next = NEW_KEY)]
    EdDsa,
    /// An RSA key that may sign with PSS only.
    #[error("this is an RSA-PSS key, which cannot sign with RS256, and a plain RSA key is needed: {next}", next = NEW_KEY)]
    RsaPss,
    /// DSA, X25519, PGP and others.
    #[error("this private key is of a kind that cannot be used here, and an RSA key is needed: {next}", next = NEW_KEY)]
    OtherAlgorithm,
    /// The size in bits.
    #[error("this RSA key has {0} bits, and at least 2048 are needed: {next}", next = NEW_KEY)]
    TooSmall(usize),
    /// The size in bits.
    #[error("this RSA key has {0} bits, and at most 8192 are possible: {next}", next = NEW_KEY)]
    TooLarge(usize),
    /// PEM, OpenSSH or base64 of a public key.
    #[error("this is a public key: {next}", next = ITS_PRIVATE_KEY)]
    PublicKey,
    /// Certificates only.
    #[error("this is a certificate, which holds a public key only: {next}", next = ITS_PRIVATE_KEY)]
    Certificate,
    /// A PKCS#10 request.
    #[error("this is a certificate request, which holds a public key only: {next}", next = ITS_PRIVATE_KEY)]
    CertificateRequest,
    /// OpenSSH's own format.
    #[error(
        "this is an OpenSSH private key: convert an RSA key with `ssh-keygen -p -m PEM -N \"\" -f key` (it changes \
         the file, so work on a copy), and paste the content of the file"
    )]
    OpenSsh,
    /// `PuTTY`'s own format.
    #[error(
        "this is a PuTTY private key: convert an RSA key with `puttygen key.ppk -O private-openssh -o key.pem`, and \
         paste the content of key.pem"
    )]
    Putty,
    /// How many.
    #[error("these are {0} private keys: choose the one whose public half the app has, and paste that one only")]
    Several(usize),
    /// An RSA JWK without `d`.
    #[error("this JWK is a public key (it has no member d): paste the JWK with the private members, or the PEM")]
    JwkPublic,
    /// An RSA JWK without some of the private members.
    #[error("this JWK lacks members: paste it with all of n, e, d, p, q, dp, dq and qi, or paste the key as PEM")]
    JwkIncomplete,
    /// `kty` is `oct`.
    #[error("this JWK is a symmetric key (kty oct), and an RSA key is needed: {next}", next = NEW_KEY)]
    JwkSymmetric,
    /// The `kty`, if it is a known one.
    #[error("this JWK has another key type (kty {0}), and an RSA key is needed: {next}", next = NEW_KEY)]
    JwkOther(&'static str),
    /// A set without a private key.
    #[error("this JWK set has no private RSA key: paste the JWK with the private members (d, p, q, …), or the PEM")]
    JwkSetPublic,
    /// JSON that is cut off, or numbers that do not belong together.
    #[error("this JWK is damaged or cut off: copy it again, from the first {{ to the last }}")]
    JwkDamaged,
    /// JSON without `kty`.
    #[error("this JSON is not a JWK (it has no member kty): paste an RSA private key, as PEM or as a JWK")]
    NotAJwk,
    /// PEM that is cut off or altered.
    #[error("this PEM is damaged or cut off: copy the whole file again, with its BEGIN and END lines")]
    Damaged,
    /// Base64 of a PKCS#12 file.
    #[error(
        "this is a PKCS#12 file: take the key out with `openssl pkcs12 -in key.p12 -nocerts -nodes -out key.pem`, and \
         paste the content of key.pem"
    )]
    Pkcs12,
    /// Control characters, or what could not be read as text.
    #[error(
        "this is a binary file: convert PKCS#12 with `openssl pkcs12 -in key.p12 -nocerts -nodes -out key.pem` or DER \
         with `openssl pkey -inform DER -in key.der -out key.pem`, and paste the content of key.pem"
    )]
    Binary,
    /// Anything else.
    #[error("this is no private key: paste an RSA private key, as PEM (PKCS#8 or PKCS#1) or as a JWK")]
    Unknown,
}

/// Why a pasted text is no usable API token.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum WrongToken {
    /// Nothing but what may surround a token.
    #[error("the text is empty: {next}", next = NEW_TOKEN)]
    Empty,
    /// A path instead of the file's content.
    #[error("this is the path of a file: open the file, copy the token in it, and paste that")]
    FilePath,
    /// A URL, such as that of the tenant.
    #[error("this is a URL, not an API token: {next}", next = NEW_TOKEN)]
    Url,
    /// PEM or a JWK.
    #[error(
        "this is a key or a certificate, not an API token: set auth.type to private_key_jwt and paste the private key \
         as auth.private_key"
    )]
    Key,
    /// An OAuth access token or another JWT.
    #[error("this is a JWT (an OAuth access token or an ID token), not an API token: {next}", next = NEW_TOKEN)]
    Jwt,
    /// A Client ID of Okta.
    #[error("this is a Client ID, not an API token: set auth.type to private_key_jwt and paste it as auth.client_id")]
    ClientId,
    /// A blank, a line end or another control character in the middle.
    #[error("the token has a blank, a line end or another control character inside: copy it again in one piece")]
    Blank,
    /// Letters that no token has.
    #[error(
        "the token has a character inside that is not ASCII: copy it again as plain text from where Okta showed it"
    )]
    NotAscii,
    /// Punctuation that no token has, as in `$TOKEN` or `<token>`.
    #[error("this is no API token, which has letters, digits, - and _ only: {next}", next = NEW_TOKEN)]
    Unknown,
    /// More than 1,024 characters.
    #[error("this is too long for an API token, which has 42 characters: {next}", next = NEW_TOKEN)]
    TooLong,
}
