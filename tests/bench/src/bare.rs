//! The bare loop: reads the pages that a sync reads and parses them, and does nothing with them.

use crate::Error;
use crate::syncing::cpu_seconds;
use okta_connector::clock::{Clock, SystemClock};
use okta_connector::okta::{App, Group, User};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::time::Instant;
use tokio::io::AsyncBufReadExt;
use tokio::task::JoinSet;

/// Members of so many groups are read at the same time.
const IN_FLIGHT: usize = 8;

/// A tenant and how it is asked.
#[derive(Clone)]
struct Tenant {
    http: reqwest::Client,
    url: String,
    authorization: String,
}

/// Reads once for each line of input: users alone, or everything.
pub async fn run(tenant: &str, token: &str) -> Result<(), Error> {
    let (url, authorization) = (tenant.to_owned(), format!("SSWS {token}"));
    let tenant = Tenant { http: reqwest::Client::new(), url, authorization };
    println!("ready");
    let mut log = format!("{}/api/v1/logs?since={}&limit=1000", tenant.url, SystemClock.now());
    let mut orders = tokio::io::BufReader::new(tokio::io::stdin()).lines();
    while let Some(order) = orders.next_line().await? {
        let (began, spent) = (Instant::now(), cpu_seconds()?);
        if order == "log" {
            let records = tenant.drain(&mut log).await?;
            println!("{}", json!({"records": records, "cpu_seconds": cpu_seconds()? - spent}));
            continue;
        }
        let mut records = tenant.all::<User>("/api/v1/users?limit=200").await?.len();
        records += tenant.all::<User>("/api/v1/users?search=status%20eq%20%22DEPROVISIONED%22&limit=200").await?.len();
        if order == "everything" {
            let (groups, apps) =
                ("/api/v1/groups?limit=200&expand=stats", "/api/v1/apps?limit=200&includeNonDeleted=true");
            records += tenant.holders::<Group>("groups", groups, &["users?limit=200"]).await?;
            records += tenant.holders::<App>("apps", apps, &["groups?limit=200", "users?limit=500"]).await?;
        }
        let told: Value = json!({
            "records": records, "seconds": began.elapsed().as_secs_f64(), "cpu_seconds": cpu_seconds()? - spent,
        });
        println!("{told}");
    }
    Ok(())
}

impl Tenant {
    /// A page as it came, and where the next one is.
    async fn page(&self, url: &str) -> Result<(Vec<u8>, Option<String>), Error> {
        let request = self.http.get(url).header("authorization", &self.authorization);
        let response = request.header("accept", "application/json").send().await?.error_for_status()?;
        let links = response.headers().get_all("link").iter().filter_map(|link| link.to_str().ok());
        let mut next = links.filter(|link| link.ends_with("rel=\"next\""));
        let next = next.find_map(|link| Some(link.strip_prefix('<')?.split('>').next()?.to_owned()));
        Ok((response.bytes().await?.into(), next))
    }

    /// A whole list, parsed, of which nothing is kept but the ids of groups and apps.
    async fn all<T: DeserializeOwned>(&self, path: &str) -> Result<Vec<String>, Error> {
        let lists_holders = path.contains("expand=stats") || path.contains("includeNonDeleted");
        let (mut ids, mut next) = (Vec::new(), Some(format!("{}{path}", self.url)));
        while let Some(url) = next {
            let (body, behind) = self.page(&url).await?;
            let page: Vec<T> = serde_json::from_slice(&body)?;
            // Only groups and apps are asked for by their ids.
            let named: Vec<Named> = if lists_holders {
                serde_json::from_slice(&body)?
            } else {
                page.iter().map(|_| Named::default()).collect()
            };
            ids.extend(named.into_iter().map(|named| named.id));
            next = behind;
        }
        Ok(ids)
    }

    /// What is new in the log, parsed, from a page on; the page then is the one to go on with.
    async fn drain(&self, log: &mut String) -> Result<usize, Error> {
        let mut records = 0;
        loop {
            let (body, next) = self.page(log).await?;
            let page: Vec<Value> = serde_json::from_slice(&body)?;
            *log = next.ok_or("the log has no next page")?;
            if page.is_empty() {
                return Ok(records);
            }
            records += page.len();
        }
    }

    /// All groups or apps and what they hold, several of them at a time.
    async fn holders<T: DeserializeOwned>(&self, kind: &str, list: &str, lists: &[&str]) -> Result<usize, Error> {
        let holders = self.all::<T>(list).await?;
        let (mut records, mut reading) = (holders.len(), JoinSet::new());
        for holder in holders {
            if reading.len() >= IN_FLIGHT {
                records += reading.join_next().await.ok_or("nothing is read")???;
            }
            let paths: Vec<_> = lists.iter().map(|list| format!("/api/v1/{kind}/{holder}/{list}")).collect();
            let tenant = self.clone();
            reading.spawn(async move {
                let mut records = 0;
                for path in paths {
                    records += tenant.all::<Named>(&path).await?.len();
                }
                Ok::<_, Error>(records)
            });
        }
        while let Some(read) = reading.join_next().await {
            records += read??;
        }
        Ok(records)
    }
}

#[derive(Default, serde::Deserialize)]
struct Named {
    id: String,
}
