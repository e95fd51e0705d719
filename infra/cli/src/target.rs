//! Which deployment is meant, and how the caller is known there: options, environment, a name in the configuration, or this machine.

use crate::Failure;
use clap::Args;
use okta_connector_client::{Client, Credentials, is_loopback};
use secrecy::SecretString;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use url::Url;

/// The file in the data folder that holds the token of the machine.
pub const TOKEN_FILE: &str = "token";
/// Where `serve` listens.
const THIS_MACHINE: &str = "http://127.0.0.1:7070";

/// Which deployment, and who asks.
#[derive(Args)]
pub struct Target {
    /// The deployment; `serve` on this machine if absent.
    #[arg(long, global = true, env = "OKTA_CONNECTOR_URL", hide_env_values = true, value_name = "URL")]
    url: Option<String>,
    /// A deployment by its name in the configuration file.
    #[arg(long, global = true, env = "OKTA_CONNECTOR_DEPLOYMENT", hide_env_values = true, value_name = "NAME")]
    deployment: Option<String>,
}

/// `config.toml`. It holds no secret.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    #[serde(default)]
    deployments: BTreeMap<String, Deployment>,
}

/// A deployment by name.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Deployment {
    url: String,
    /// A file that holds a token.
    token_file: Option<PathBuf>,
    /// A profile of the AWS configuration.
    #[serde(rename = "aws_profile")]
    aws: Option<String>,
    /// The region of an API that is not at an address of API Gateway's own.
    region: Option<String>,
}

/// A deployment and how the caller is known there.
pub struct Reached {
    /// What calls it.
    pub client: Client,
    /// By what the caller is known, in words.
    pub known_by: String,
}

impl Target {
    /// Where the deployment is that is meant.
    pub fn url(&self) -> Result<String, Failure> {
        Ok(self.deployment()?.url)
    }

    fn deployment(&self) -> Result<Deployment, Failure> {
        match (&self.url, &self.deployment) {
            // A name has an address and credentials of its own, whatever else the environment says.
            (_, Some(name)) => named(name),
            (Some(url), None) => Ok(Deployment { url: url.clone(), ..Deployment::default() }),
            (None, None) => Ok(Deployment { url: THIS_MACHINE.to_owned(), ..Deployment::default() }),
        }
    }

    /// A client of the deployment that is meant.
    pub async fn reach(&self) -> Result<Reached, Failure> {
        let deployment = self.deployment()?;
        let (credentials, known_by) = credentials(&deployment.url, &deployment).await?;
        Ok(Reached { client: Client::new(&deployment.url, credentials)?, known_by })
    }
}

/// A token where there is one; a signature where the address is API Gateway's, or the configuration says so.
async fn credentials(url: &str, deployment: &Deployment) -> Result<(Credentials, String), Failure> {
    if let Some((token, source)) = token(deployment)? {
        return Ok((Credentials::Bearer(token), source));
    }
    if let Some(region) = deployment.region.clone().or_else(|| region_of(url)) {
        let credentials = Credentials::iam(deployment.aws.as_deref(), &region).await?;
        return Ok((credentials, format!("AWS credentials, region {region}")));
    }
    let file = folder_of(url).map(|folder| folder.join(TOKEN_FILE));
    let token = file.as_ref().and_then(|file| std::fs::read_to_string(file).ok());
    Ok(match (token, file) {
        (Some(token), Some(file)) => {
            (Credentials::Bearer(token.trim().to_owned().into()), format!("the token in {}", file.display()))
        }
        _ => (Credentials::None, "no credentials".to_owned()),
    })
}

/// The data folder of `serve` on this machine, where that is what an address leads to.
#[expect(clippy::disallowed_methods, reason = "the edge reads the world once")]
pub fn folder_of(url: &str) -> Option<PathBuf> {
    if !Url::parse(url).is_ok_and(|url| is_loopback(&url)) {
        return None;
    }
    std::env::var_os("OKTA_CONNECTOR_DATA").map(PathBuf::from).or_else(data_folder)
}

/// Where `serve` keeps its data by default: `$XDG_DATA_HOME/okta-connector`, usually `~/.local/share/okta-connector`.
#[expect(clippy::disallowed_methods, reason = "the edge reads the world once")]
pub fn data_folder() -> Option<PathBuf> {
    let data = std::env::var_os("XDG_DATA_HOME").map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/share"));
    Some(data.or_else(home)?.join("okta-connector"))
}

/// The region of `https://<id>.execute-api.<region>.amazonaws.com`, or of AWS in China. No other host gets a signature.
fn region_of(url: &str) -> Option<String> {
    let url = Url::parse(url).ok().filter(|url| url.scheme() == "https")?;
    let (_, rest) = url.host_str()?.split_once(".execute-api.")?;
    let (region, domain) = rest.split_once('.')?;
    matches!(domain, "amazonaws.com" | "amazonaws.com.cn").then(|| region.to_owned())
}

/// A token, and where it was found.
#[expect(clippy::disallowed_methods, reason = "the edge reads the world once")]
fn token(deployment: &Deployment) -> Result<Option<(SecretString, String)>, Failure> {
    if let Ok(token) = std::env::var("OKTA_CONNECTOR_TOKEN") {
        return Ok(Some((token.into(), "the token in OKTA_CONNECTOR_TOKEN".to_owned())));
    }
    let Some(file) = &deployment.token_file else { return Ok(None) };
    let read = std::fs::read_to_string(file);
    let token = read.map_err(|error| Failure::Usage(format!("{}: {error}", file.display())))?;
    Ok(Some((token.trim().to_owned().into(), format!("the token in {}", file.display()))))
}

fn named(name: &str) -> Result<Deployment, Failure> {
    let file = file()?;
    let text = match std::fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) => return Err(Failure::Usage(format!("{}: {error}", file.display()))),
    };
    let wrong = |error: toml::de::Error| Failure::Usage(format!("{}: {}", file.display(), error.message()));
    let config: Config = toml::from_str(&text).map_err(wrong)?;
    let known: Vec<_> = config.deployments.keys().map(String::as_str).collect();
    let unknown =
        || Failure::Usage(format!("There is no deployment {name:?} in {}, but: {}", file.display(), known.join(", ")));
    config.deployments.get(name).cloned().ok_or_else(unknown)
}

/// `$XDG_CONFIG_HOME/okta-connector/config.toml`, usually `~/.config/okta-connector/config.toml`.
#[expect(clippy::disallowed_methods, reason = "the edge reads the world once")]
fn file() -> Result<PathBuf, Failure> {
    let config = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".config"));
    let folder = config.or_else(home).ok_or_else(|| Failure::Usage("There is no home folder.".to_owned()))?;
    Ok(folder.join("okta-connector/config.toml"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_region_is_read_off_an_address_of_api_gateway() {
        assert_eq!(region_of("https://a1.execute-api.eu-west-1.amazonaws.com").as_deref(), Some("eu-west-1"));
        assert_eq!(region_of("https://a1.execute-api.cn-north-1.amazonaws.com.cn").as_deref(), Some("cn-north-1"));
        for other in [
            "https://connector.example.com",
            "https://a1.execute-api.eu-west-1.evil.example",
            "https://a1.execute-api.eu-west-1.amazonaws.com.evil.example",
            "https://evil.example/x.execute-api.eu-west-1.amazonaws.com",
            "http://a1.execute-api.eu-west-1.amazonaws.com",
        ] {
            assert_eq!(region_of(other), None, "{other}");
        }
    }

    #[test]
    fn a_configuration_holds_deployments_and_no_tokens() {
        let good = "[deployments.prod]\nurl = \"https://a.example.com\"\ntoken_file = \"/run/token\"\n";
        let config: Config = toml::from_str(good).expect("a configuration");
        assert_eq!(config.deployments["prod"].url, "https://a.example.com");
        assert!(toml::from_str::<Config>("[deployments.prod]\nurl = \"x\"\ntoken = \"secret\"\n").is_err());
    }
}
