//! What each endpoint allows: which attributes, with which operators, and how it refuses the rest.

use super::{Expression, Operator, parse, time_of};
use crate::answer::Refusal;
use crate::tenant::schema;

use Operator::{Co, Eq, Ew, Ge, Gt, Le, Lt, Ne, Pr, Sw};

const EQUAL: &[Operator] = &[Eq];
const TIMES: &[Operator] = &[Eq, Gt, Ge, Lt, Le];
const SEARCH_TIMES: &[Operator] = &[Eq, Gt, Ge, Lt, Le, Pr];
const SEARCH: &[Operator] = &[Eq, Sw, Gt, Ge, Lt, Le, Pr];
const CONTAINS: &[Operator] = &[Eq, Sw, Co, Gt, Ge, Lt, Le, Pr];
const LOG: &[Operator] = &[Eq, Ne, Co, Sw, Ew, Pr, Gt, Ge, Lt, Le];
const LOG_URLS: &[Operator] = &[Eq, Ne, Sw, Ew, Pr, Gt, Ge, Lt, Le];

/// The operators an attribute takes, and whether it is a time; none if the attribute is unknown here.
type Rule = fn(&str) -> Option<(&'static [Operator], bool)>;

/// An endpoint's part of the grammar.
#[derive(Debug)]
pub struct Dialect {
    rule: Rule,
    not: bool,
    /// Whether text is compared without regard to case.
    pub fold: bool,
    /// The code of a refusal.
    refusal: &'static str,
}

/// `GET /users?filter=`.
pub const USERS_FILTER: Dialect = Dialect { rule: users_filter, not: false, fold: false, refusal: "E0000031" };
/// `GET /users?search=`.
pub const USERS_SEARCH: Dialect = Dialect { rule: users_search, not: false, fold: true, refusal: "E0000031" };
/// `GET /groups?filter=`.
pub const GROUPS_FILTER: Dialect = Dialect { rule: groups_filter, not: false, fold: false, refusal: "E0000031" };
/// `GET /groups?search=`.
pub const GROUPS_SEARCH: Dialect = Dialect { rule: groups_search, not: false, fold: true, refusal: "E0000031" };
/// `GET /apps?filter=`.
pub const APPS_FILTER: Dialect = Dialect { rule: apps_filter, not: false, fold: false, refusal: "E0000031" };
/// `GET /logs?filter=`.
pub const LOGS_FILTER: Dialect = Dialect { rule: logs_filter, not: true, fold: true, refusal: "E0000053" };

fn users_filter(attribute: &str) -> Option<(&'static [Operator], bool)> {
    match attribute {
        "lastUpdated" => Some((TIMES, true)),
        "status" | "id" | "profile.login" | "profile.email" | "profile.firstName" | "profile.lastName" => {
            Some((EQUAL, false))
        }
        _ => None,
    }
}

fn users_search(attribute: &str) -> Option<(&'static [Operator], bool)> {
    match attribute {
        "created" | "activated" | "statusChanged" | "lastUpdated" => Some((SEARCH_TIMES, true)),
        "id" | "status" | "type.id" => Some((SEARCH, false)),
        "profile.firstName" | "profile.lastName" | "profile.email" | "profile.login" => Some((CONTAINS, false)),
        _ => schema::attribute(attribute.strip_prefix("profile.")?).map(|_| (SEARCH, false)),
    }
}

fn groups_filter(attribute: &str) -> Option<(&'static [Operator], bool)> {
    match attribute {
        "id" | "type" => Some((EQUAL, false)),
        "lastUpdated" | "lastMembershipUpdated" => Some((TIMES, true)),
        _ => None,
    }
}

fn groups_search(attribute: &str) -> Option<(&'static [Operator], bool)> {
    match attribute {
        "profile.name" | "profile.description" => Some((CONTAINS, false)),
        "id" | "type" => Some((EQUAL, false)),
        "created" | "lastUpdated" | "lastMembershipUpdated" => Some((TIMES, true)),
        _ => None,
    }
}

fn apps_filter(attribute: &str) -> Option<(&'static [Operator], bool)> {
    matches!(attribute, "id" | "status" | "name" | "user.id" | "group.id" | "credentials.signing.kid")
        .then_some((EQUAL, false))
}

/// What Okta's description has of an event of the log; `*` stands for members of any name.
const LOGGED: &str = "uuid eventType severity displayMessage version legacyEventType device.* \
    actor.id actor.type actor.alternateId actor.displayName actor.detailEntry.* \
    target.id target.type target.alternateId target.displayName target.detailEntry.* target.changeDetails.* \
    outcome.result outcome.reason transaction.id transaction.type transaction.detail.* debugContext.debugData.* \
    client.id client.device client.zone client.ipAddress \
    client.userAgent.rawUserAgent client.userAgent.os client.userAgent.browser \
    client.geographicalContext.city client.geographicalContext.state client.geographicalContext.country \
    client.geographicalContext.postalCode \
    client.geographicalContext.geolocation.lat client.geographicalContext.geolocation.lon \
    authenticationContext.authenticationProvider authenticationContext.authenticationStep \
    authenticationContext.credentialProvider authenticationContext.credentialType \
    authenticationContext.externalSessionId authenticationContext.interface \
    authenticationContext.issuer.id authenticationContext.issuer.type \
    securityContext.asNumber securityContext.asOrg securityContext.isp securityContext.domain \
    securityContext.isProxy securityContext.botProtection.level \
    securityContext.ipDetails.asNumber securityContext.ipDetails.asOrg securityContext.ipDetails.isp \
    securityContext.ipDetails.domain securityContext.ipDetails.ipServiceCategories.isAnonymous \
    securityContext.ipDetails.ipServiceCategories.operator securityContext.ipDetails.ipServiceCategories.type \
    securityContext.risk.detectionName securityContext.risk.issuer securityContext.risk.level \
    securityContext.risk.previousLevel securityContext.risk.reasons \
    securityContext.userBehaviors.id securityContext.userBehaviors.name securityContext.userBehaviors.result \
    request.ipChain.ip request.ipChain.version request.ipChain.source \
    request.ipChain.geographicalContext.city request.ipChain.geographicalContext.state \
    request.ipChain.geographicalContext.country request.ipChain.geographicalContext.postalCode \
    request.ipChain.geographicalContext.geolocation.lat request.ipChain.geographicalContext.geolocation.lon \
    request.ipChain.ipDetails.asNumber request.ipChain.ipDetails.asOrg request.ipChain.ipDetails.isp \
    request.ipChain.ipDetails.domain request.ipChain.ipDetails.ipServiceCategories.isAnonymous \
    request.ipChain.ipDetails.ipServiceCategories.operator request.ipChain.ipDetails.ipServiceCategories.type";

fn logs_filter(attribute: &str) -> Option<(&'static [Operator], bool)> {
    if matches!(attribute, "debugContext.debugData.url" | "debugContext.debugData.requestUri") {
        return Some((LOG_URLS, false));
    }
    // An object that holds an attribute is one itself, for `pr`.
    let within = |inner: &str, outer: &str| inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('.'));
    let known = LOGGED.split_whitespace().any(|logged| match logged.strip_suffix(".*") {
        Some(open) => attribute == open || within(attribute, open) || within(open, attribute),
        None => attribute == logged || within(logged, attribute),
    });
    (known && !attribute.split('.').any(str::is_empty)).then_some((LOG, false))
}

impl Dialect {
    /// Parses an expression and checks it against the dialect.
    pub fn parse(&self, text: &str) -> Result<Expression, Refusal> {
        let expression = parse::parse(text).ok_or_else(|| self.refused(text))?;
        self.check(&expression)?;
        Ok(expression)
    }

    fn check(&self, expression: &Expression) -> Result<(), Refusal> {
        match expression {
            Expression::And(parts) | Expression::Or(parts) => parts.iter().try_for_each(|part| self.check(part)),
            Expression::Not(part) if self.not => self.check(part),
            Expression::Not(_) => Err(self.refused("not")),
            Expression::Compare { attribute, operator, literal } => {
                let (operators, time) = (self.rule)(attribute).ok_or_else(|| self.refused(attribute))?;
                // The log's own rule: `co` on a URL is a search that cannot be made, not an unknown operator.
                if !operators.contains(operator) && self.not && *operator == Co {
                    return Err(Refusal::code("E0000031"));
                }
                let dated = !time || *operator == Pr || time_of(literal).is_some();
                if operators.contains(operator) && dated { Ok(()) } else { Err(self.refused(attribute)) }
            }
        }
    }

    fn refused(&self, about: &str) -> Refusal {
        match self.refusal {
            "E0000053" => Refusal::okta("E0000053", format!("The filter is not valid: {about}"), Vec::new()),
            code => Refusal::code(code),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_endpoint_takes_its_own_attributes_and_operators() {
        let cases: [(&Dialect, &str, bool); 27] = [
            (&USERS_FILTER, r#"status eq "ACTIVE" and lastUpdated gt "2026-01-01T00:00:00.000Z""#, true),
            (&USERS_FILTER, r#"profile.city eq "Oslo""#, false),
            (&USERS_FILTER, r#"status sw "A""#, false),
            (&USERS_FILTER, r#"not (status eq "ACTIVE")"#, false),
            (&USERS_FILTER, r#"lastUpdated gt "yesterday""#, false),
            (&USERS_SEARCH, r#"profile.city sw "Os" and profile.badgeColor eq "red""#, true),
            (&USERS_SEARCH, r#"(status lt "STAGED" or status ge "STAGED")"#, true),
            (&USERS_SEARCH, r#"profile.login co "doe""#, true),
            (&USERS_SEARCH, r#"profile.city co "os""#, false),
            (&USERS_SEARCH, r#"profile.undefined eq "x""#, false),
            (&USERS_SEARCH, r#"Status eq "ACTIVE""#, false),
            (&USERS_SEARCH, r#"status ne "ACTIVE""#, false),
            (&GROUPS_SEARCH, r#"profile.name co "eng""#, true),
            (&GROUPS_FILTER, r#"lastMembershipUpdated ge "2026-01-01T00:00:00.000Z""#, true),
            (&GROUPS_FILTER, r#"profile.name eq "x""#, false),
            (&APPS_FILTER, r#"user.id eq "00u""#, true),
            (&APPS_FILTER, r#"label eq "x""#, false),
            (&LOGS_FILTER, r#"not (actor.id ne "x") and target.type eq "User""#, true),
            (&LOGS_FILTER, r#"published gt "2026-01-01T00:00:00.000Z""#, false),
            (&LOGS_FILTER, r#"actor.shoe eq "x""#, false),
            (&LOGS_FILTER, r#"actor.id.shoe eq "x""#, false),
            (&LOGS_FILTER, r#"client.userAgent.shoe eq "x""#, false),
            (&LOGS_FILTER, "debugContext.debugData..x pr", false),
            (&LOGS_FILTER, "target pr and client.userAgent pr", true),
            (&LOGS_FILTER, "securityContext.ipDetails.asOrg pr and target.detailEntry.methodTypeUsed pr", true),
            (&LOGS_FILTER, r#"debugContext.debugData.url sw "/api""#, true),
            (&LOGS_FILTER, r#"debugContext.debugData.url co "/api""#, false),
        ];
        for (dialect, text, taken) in cases {
            assert_eq!(dialect.parse(text).is_ok(), taken, "{text}");
        }
    }

    #[test]
    fn a_bad_log_filter_has_another_code_than_a_bad_search() {
        let code = |refusal| match refusal {
            Err(Refusal::Okta { code, .. }) => code,
            other => panic!("not refused: {other:?}"),
        };
        assert_eq!(code(LOGS_FILTER.parse("nonsense")), "E0000053");
        assert_eq!(code(LOGS_FILTER.parse(r#"debugContext.debugData.url co "x""#)), "E0000031");
        assert_eq!(code(USERS_SEARCH.parse("nonsense")), "E0000031");
    }
}
