//! Lists as files: CSV and JSON by line, page by page.

use crate::people::Company;
use crate::world::{Reply, text};
use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// A page of a file.
struct File {
    headers: HeaderMap,
    text: String,
}

impl File {
    async fn get(company: &Company, path: &str) -> Self {
        let request = reqwest::Client::new().get(format!("{}{path}", company.world.url()));
        let response = request.bearer_auth(company.world.token()).send().await.expect("an answer");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.expect("a text");
        let body = Value::String(text.clone());
        let reply = Reply { status, headers: headers.clone(), body };
        reply.is_as_promised("GET", path);
        assert_eq!(status, 200, "{text}");
        Self { headers, text }
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The path of the next page.
    fn next(&self) -> Option<&str> {
        self.header("link")?.strip_prefix('<')?.strip_suffix(">; rel=\"next\"")
    }
}

/// All pages of a list as a file.
async fn pages(company: &Company, query: &str) -> Vec<File> {
    let mut pages = vec![File::get(company, &format!("{}/{query}", company.path)).await];
    while let Some(next) = pages.last().and_then(File::next) {
        let next = File::get(company, next).await;
        pages.push(next);
    }
    pages
}

/// The rows of CSV, as RFC 4180 has them.
fn rows(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut cells, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => cell.extend(letters.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => cells.push(std::mem::take(&mut cell)),
            '\r' if !quoted && letters.peek() == Some(&'\n') => {
                letters.next();
                cells.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut cells));
            }
            other => cell.push(other),
        }
    }
    assert!(cell.is_empty() && cells.is_empty() && !quoted, "the last row ends too");
    rows
}

/// What a cell tells of an item.
fn told(item: &Value, column: &str) -> String {
    match column.split('.').fold(item, |value, name| &value[name]) {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

async fn company() -> Company {
    let mut company = Company::open().await;
    company.synced().await;
    company
}

#[tokio::test]
async fn the_pages_of_a_file_pass_everything_once_and_tell_what_json_tells() {
    let company = company().await;
    for list in ["users", "people", "groups", "memberships"] {
        let whole = company.all(list).await;
        let lines = pages(&company, &format!("{list}?format=ndjson&limit=7")).await;
        assert_eq!(lines.len(), whole.len().div_ceil(7), "{list}");
        assert!(lines.iter().all(|page| page.header("content-type") == Some("application/x-ndjson")));
        let items =
            lines.iter().flat_map(|page| page.text.lines()).map(|line| serde_json::from_str(line).expect("JSON"));
        assert_eq!(items.collect::<Vec<Value>>(), whole, "{list}");
        let mut items = whole.iter();
        for page in pages(&company, &format!("{list}?limit=7&format=csv")).await {
            assert_eq!(page.header("content-type"), Some("text/csv; charset=utf-8; header=present"));
            let rows = rows(&page.text);
            for row in &rows[1..] {
                let item = items.next().expect("no row too many");
                let cells: Vec<_> = rows[0].iter().map(|column| told(item, column)).collect();
                assert_eq!(row, &cells, "{list}");
            }
        }
        assert_eq!(items.next(), None, "{list}");
    }
}

/// Optional members of the JSON; a table has the columns that each row has.
const NOT_OF_EACH: [&str; 3] = ["realm_id", "provider", "custom"];

#[tokio::test]
async fn the_header_row_names_the_fields_of_the_contract() {
    let company = company().await;
    for (list, columns) in [
        (
            "users?q=zzzz",
            "id,status,type.id,type.name,profile,created,activated,status_changed,last_login,last_updated,\
             password_changed,removed_at,synced_at",
        ),
        (
            "groups?q=zzzz",
            "id,type,name,description,created,last_updated,last_membership_updated,members_count,removed_at,synced_at",
        ),
        (
            "people?q=zzzz",
            "id,name,login,email,title,department,division,cost_center,employee_number,user_type,status,location.id,\
             location.name,manager.id,manager.name,reports_count,custom",
        ),
    ] {
        let page = File::get(&company, &format!("{}/{list}&format=csv", company.path)).await;
        assert_eq!((page.text, page.headers.get("link")), (format!("{columns}\r\n"), None), "even of an empty list");
        let lines = File::get(&company, &format!("{}/{list}&format=ndjson", company.path)).await;
        assert_eq!((lines.text.as_str(), lines.headers.get("link")), ("", None));
        // The table has every member that each item has.
        let all = company.all(list.split('?').next().expect("a list")).await;
        let mut fields: BTreeSet<_> = all.iter().flat_map(|item| item.as_object().expect("an object").keys()).collect();
        let told: BTreeSet<_> = columns.split(',').map(|name| name.split('.').next().unwrap_or(name)).collect();
        fields.retain(|name| told.contains(name.as_str()) || !NOT_OF_EACH.contains(&name.as_str()));
        assert_eq!(fields.into_iter().map(String::as_str).collect::<BTreeSet<_>>(), told, "{list}");
    }
}

#[tokio::test]
async fn a_cell_is_never_a_formula_and_holds_any_text() {
    let mut company = Company::open().await;
    let user = company.staff[0].clone();
    let (title, department) = ("=HYPERLINK(\"http://x.example\",\"a\")", "say \"no\",\r\nthen go — 東京");
    let profile = json!({"title": title, "department": department, "division": "@x", "costCenter": "-1+1",
                         "employeeNumber": "+4", "userType": "\t=1", "officeLocation": "a \"b\""});
    company.dress(&user, profile).await;
    company.synced().await;
    let page = File::get(&company, &format!("{}/people?format=csv&limit=5000", company.path)).await;
    let rows = rows(&page.text);
    let row = rows.iter().find(|row| row[0] == user).expect("a row");
    let formula = format!("'{title}");
    assert_eq!(row[4..10], [formula.as_str(), department, "'@x", "'-1+1", "'+4", "'\t=1"]);
    let custom: Value = serde_json::from_str(&row[16]).expect("JSON in one cell");
    assert_eq!(custom["officeLocation"], "a \"b\"");
    assert!(page.text.contains(&format!(",\"'{}\",", title.replace('"', "\"\""))), "a quote is doubled");
}

#[tokio::test]
async fn a_page_of_large_records_stays_under_four_megabytes() {
    let mut company = Company::open().await;
    let large = "\"".repeat(10_000);
    let names =
        ["honorificPrefix", "honorificSuffix", "nickName", "preferredLanguage", "locale", "timezone", "division"];
    let custom = ["middleName", "costCenter", "organization", "profileUrl", "manager", "userType", "officeLocation"];
    let profile: Value = names.iter().chain(&custom).map(|name| ((*name).to_owned(), json!(large))).collect();
    for user in &company.staff[..14] {
        company.dress(user, profile.clone()).await;
    }
    company.synced().await;
    let ids = company.ids("users").await;
    for list in ["users", "people"] {
        let pages = pages(&company, &format!("{list}?format=csv&limit=5000")).await;
        assert!(pages.iter().all(|page| page.text.len() <= 4_000_000), "{list}");
        // AWS Lambda's limit for an answer, of which the page is a string.
        assert!(pages.iter().all(|page| json!(page.text).to_string().len() < 6_000_000), "{list}");
        assert_eq!(pages.len() > 1, list == "users", "people have no profile in a list");
        let rows = pages.iter().flat_map(|page| rows(&page.text).split_off(1));
        let told: Vec<_> = rows.map(|row| row[0].clone()).collect();
        let unique: BTreeSet<_> = told.iter().cloned().collect();
        assert_eq!(told.len(), unique.len(), "{list}");
        assert!(unique.is_subset(&ids) && unique.is_superset(&BTreeSet::from_iter(company.staff[..14].to_vec())));
    }
}

#[tokio::test]
async fn a_filter_holds_on_every_page_and_other_queries_cursors_do_not_fit() {
    let company = company().await;
    let wanted = company.ids("users?status=ACTIVE").await;
    let found = pages(&company, "users?status=ACTIVE&format=csv&limit=9").await;
    assert!(found.len() > 2);
    let ids: BTreeSet<_> =
        found.iter().flat_map(|page| rows(&page.text).split_off(1)).map(|row| row[0].clone()).collect();
    assert_eq!(ids, wanted);
    let cursor = company.get("users?limit=3").await.expect(200);
    let mixed = company.get(&format!("users?format=csv&cursor={}", text(&cursor, "next_cursor"))).await;
    assert_eq!((mixed.status, mixed.problem()), (400, "bad-request"));
}

#[tokio::test]
async fn what_is_not_known_of_files_is_refused_by_name() {
    let company = company().await;
    for (query, named) in [
        ("users?format=xml", "format"),
        ("users?format=CSV", "format"),
        ("users?format=", "format"),
        ("people?format=csv&limit=5001", "limit"),
        ("groups?format=ndjson&limit=0", "limit"),
        ("memberships?limit=201", "limit"),
        ("findings?format=csv", "format"),
        ("locations?format=csv", "format"),
    ] {
        let refused = company.get(query).await;
        assert_eq!((refused.status, refused.problem()), (400, "bad-request"), "{query}");
        assert!(text(&refused.body, "detail").contains(&format!("'{named}'")), "{query}: {:#}", refused.body);
    }
}
